/** Layers, losses and the models built of them. */
@NullMarked
package org.hesse.nn;

import org.jspecify.annotations.NullMarked;
