package org.hesse.ops;

import java.util.List;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.jspecify.annotations.Nullable;

/**
 * All that the transforms know of a primitive. Every rule emits nodes of the same graph that it
 * reads, so transforms nest to any order.
 *
 * @param <O> the primitive
 */
public interface Rule<O extends Op> {
  /**
   * The shape rule: a checked node for this primitive over these inputs. Where the result's shape
   * or dtype is an attribute (reshape, broadcast, cast …) it is taken from the arguments and
   * checked, elsewhere it is inferred and the arguments are ignored.
   *
   * @throws IllegalArgumentException if the inputs do not fit
   */
  Node emit(O op, List<Node> inputs, Shape shape, DType dtype);

  /**
   * Forward mode.
   *
   * @param y the node itself, whose inputs are the primal values
   * @param tangents of the inputs; null is zero, and at least one is not null
   * @return the tangent of the result, or null for zero
   */
  @Nullable Node jvp(O op, Node y, @Nullable Node[] tangents);

  /**
   * Reverse mode of a primitive that is linear in some inputs.
   *
   * @param y the node, linear in the inputs marked and constant in the others
   * @param cotangent of the result
   * @param linear which inputs
   * @return cotangents of the marked inputs; null is zero
   * @throws IllegalStateException if the primitive is not linear in the marked inputs
   */
  default @Nullable Node[] transpose(O op, Node y, Node cotangent, boolean[] linear) {
    throw new IllegalStateException(y + " is not linear and has no transpose");
  }

  /**
   * The same primitive for a whole batch. Batched inputs have one more axis, in front.
   *
   * @param y the node for one example
   * @param inputs one for each input of {@code y}; at least one is batched
   * @param batched which
   * @param size extent of the batch axis
   * @return the result with the batch axis in front
   */
  Node batch(O op, Node y, List<Node> inputs, boolean[] batched, int size);
}
