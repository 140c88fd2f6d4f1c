/** Optimisers and training. */
@NullMarked
package org.hesse.optim;

import org.jspecify.annotations.NullMarked;
