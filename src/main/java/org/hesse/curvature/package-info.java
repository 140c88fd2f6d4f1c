/**
 * Second derivatives of a model's loss over a data set as operators: begin with {@link
 * org.hesse.curvature.Objective}.
 */
@NullMarked
package org.hesse.curvature;

import org.jspecify.annotations.NullMarked;
