/** The primitives' rules: shape, forward mode, transpose, batching. */
@NullMarked
package org.hesse.ops;

import org.jspecify.annotations.NullMarked;
