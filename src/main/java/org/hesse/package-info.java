/** Tensors and automatic differentiation of any order. */
@NullMarked
package org.hesse;

import org.jspecify.annotations.NullMarked;
