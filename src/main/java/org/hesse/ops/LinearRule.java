package org.hesse.ops;

import java.util.List;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.jspecify.annotations.Nullable;

/**
 * The rule of a primitive of one operand that is linear in it: its tangent is the primitive itself
 * applied to the tangent.
 *
 * @param <O> the primitive
 */
interface LinearRule<O extends Op> extends Rule<O> {
  /** The cotangent of the operand. */
  Node transpose(O op, Node y, Node cotangent);

  @Override
  default @Nullable Node jvp(O op, Node y, @Nullable Node[] tangents) {
    Node t = tangents[0];
    return t == null ? null : emit(op, List.of(t), y.shape(), y.dtype());
  }

  @Override
  default @Nullable Node[] transpose(O op, Node y, Node cotangent, boolean[] linear) {
    return new Node[] {transpose(op, y, cotangent)};
  }
}
