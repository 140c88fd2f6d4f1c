/**
 * Plans on the host processor: fused clusters as register programs over blocks of 1,024 elements,
 * matrix products with packed panels, all on heap arrays and on the Vector API where it is present.
 */
@NullMarked
package org.hesse.backend.cpu;

import org.jspecify.annotations.NullMarked;
