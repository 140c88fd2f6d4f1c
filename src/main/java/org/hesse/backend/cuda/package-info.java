/**
 * Runs plans on NVIDIA GPUs through JCuda, JCublas and JCusolver. Nothing outside of this package
 * sees these.
 */
@NullMarked
package org.hesse.backend.cuda;

import org.jspecify.annotations.NullMarked;
