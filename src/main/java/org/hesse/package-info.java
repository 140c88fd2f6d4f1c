/** Tensors, automatic differentiation and curvature on the JVM. */
@NullMarked
package org.hesse;

import org.jspecify.annotations.NullMarked;
