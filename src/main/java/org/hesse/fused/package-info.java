/** Composites: functions with a body of primitives, for which backends may have kernels. */
@NullMarked
package org.hesse.fused;

import org.jspecify.annotations.NullMarked;
