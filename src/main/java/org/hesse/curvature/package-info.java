/** Second derivatives of a model's loss over a data set as operators. */
@NullMarked
package org.hesse.curvature;

import org.jspecify.annotations.NullMarked;
