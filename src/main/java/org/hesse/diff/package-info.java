/** Transforms of graphs: forward mode, transposition, batching. */
@NullMarked
package org.hesse.diff;

import org.jspecify.annotations.NullMarked;
