package org.hesse.fused;

import java.util.List;
import org.hesse.ir.CompositeKind;
import org.hesse.ir.Node;
import org.jspecify.annotations.Nullable;

/**
 * All that is known of a kind of composite. Only the body is mandatory: what a rule does not say is
 * done by transforming the body.
 *
 * @param <K> the kind
 */
interface CompositeRule<K extends CompositeKind> {
  /** The result as primitives, or as other composites, of inputs of any batch. */
  Node body(K kind, List<Node> in);

  /**
   * Forward mode with respect to the inputs in which the kind is not linear.
   *
   * @param y the node itself
   * @param tangents of the inputs; null is zero, and those of linear inputs are null
   * @return null where the body is to be differentiated
   */
  default @Nullable Node jvp(K kind, Node y, @Nullable Node[] tangents) {
    return null;
  }

  /**
   * Reverse mode with respect to the inputs in which the kind is linear.
   *
   * @return cotangents of all inputs, those of the others being null; or null where the body is to
   *     be transposed
   */
  default @Nullable Node @Nullable [] transpose(K kind, Node y, Node cotangent) {
    return null;
  }
}
