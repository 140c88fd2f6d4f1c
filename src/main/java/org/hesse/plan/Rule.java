package org.hesse.plan;

import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.jspecify.annotations.Nullable;

/**
 * One way to replace a node by a simpler one with the same value.
 *
 * @param name what tests and people call it
 * @param on the primitive that it looks at, or {@code Op} for all of them
 * @param body the rewriting itself
 */
record Rule(String name, Class<? extends Op> on, Body body) {
  /** Looks at one node, whose inputs are already simplified. */
  @FunctionalInterface
  interface Body {
    /** A replacement with the same shape and dtype, or null where the rule does not apply. */
    @Nullable Node apply(Node n, Rewriter to);
  }
}
