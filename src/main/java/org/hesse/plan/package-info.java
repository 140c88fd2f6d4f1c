/** Simplification, fusion, memory layout and caching of programs. */
@NullMarked
package org.hesse.plan;

import org.jspecify.annotations.NullMarked;
