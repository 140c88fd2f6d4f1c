package org.hesse.ops;

import java.util.List;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.jspecify.annotations.Nullable;

/** Values that must have a property when they are computed. */
public final class Checks {
  private Checks() {}

  /**
   * The value of {@code x}, or an {@link ArithmeticException} when it runs.
   *
   * @param flags BOOL, of any shape; all must hold
   */
  public static Node check(Node x, Node flags, String message) {
    if (flags.dtype() != DType.BOOL) {
      throw new IllegalArgumentException(
          "flags: " + Elementwise.type(flags) + "; expected BOOL (compare something)");
    }
    return new Node(new Op.Check(message), List.of(x, flags), x.shape(), x.dtype());
  }

  static final Rule<Op.Check> CHECK =
      new Rule<>() {
        @Override
        public Node emit(Op.Check op, List<Node> in, Shape shape, DType dtype) {
          return check(in.get(0), in.get(1), op.message());
        }

        // Whoever needs a tangent needs the value too, or at least has its check fail.
        @Override
        public @Nullable Node jvp(Op.Check op, Node y, @Nullable Node[] tangents) {
          return tangents[0];
        }

        @Override
        public Node batch(Op.Check op, Node y, List<Node> in, boolean[] batched, int size) {
          Node x = batched[0] ? in.get(0) : Shapes.repeat(in.get(0), size);
          return check(x, in.get(1), op.message());
        }
      };
}
