/** The one intermediate representation: pure graphs of primitives. */
@NullMarked
package org.hesse.ir;

import org.jspecify.annotations.NullMarked;
