package org.hesse.diff;

import java.util.List;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.jspecify.annotations.Nullable;

/**
 * What the transforms know of a primitive that runs programs: they transform the programs. The
 * counterpart of {@link org.hesse.ops.Rule} for several results.
 *
 * @param <O> the primitive
 */
interface NestedRule<O extends Op.Nested> {
  /**
   * Forward mode.
   *
   * @param y the nested node, whose inputs are the primal values
   * @param tangents of the inputs; null is zero, and at least one is not null
   * @return for each result its tangent; null is zero
   */
  @Nullable Node[] jvp(O op, Node y, @Nullable Node[] tangents);

  /**
   * Reverse mode.
   *
   * @param y the nested node, linear in the inputs marked and constant in the others
   * @param cotangents of the results; null is zero, and at least one is not null
   * @param linear which inputs
   * @return cotangents of the marked inputs; null is zero
   */
  @Nullable Node[] transpose(O op, Node y, @Nullable Node[] cotangents, boolean[] linear);

  /**
   * The same for a whole batch.
   *
   * @param inputs one for each input of {@code y}; at least one is batched, its batch axis in front
   * @param batched which
   * @param size extent of the batch axis
   * @return all results, batch axis in front
   */
  List<Node> batch(O op, Node y, List<Node> inputs, boolean[] batched, int size);

  /** The rule of a nested node's primitive. */
  @SuppressWarnings("unchecked") // the switch pairs every primitive with its own rule
  static NestedRule<Op.Nested> of(Op.Nested op) {
    NestedRule<?> rule =
        switch (op) {
          case Op.Scan s -> new ScanRule();
          case Op.While w -> new WhileRule();
          case Op.Call c -> new CallRule();
          case Op.Solve s -> new SolveRule();
        };
    return (NestedRule<Op.Nested>) rule;
  }
}
