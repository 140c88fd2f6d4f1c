package org.hesse.ops;

import java.util.Arrays;
import java.util.List;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.jspecify.annotations.Nullable;

/** Counter-based random words. */
public final class RandomWords {
  private RandomWords() {}

  /**
   * Random words, see {@link Op.RandomBits}.
   *
   * @param key I32[2], or a batch of keys, I32[batch…, 2]
   * @param shape [batch…, dims…]
   */
  public static Node bits(Node key, Shape shape) {
    int batch = key.shape().rank() - 1;
    boolean ok = key.dtype() == DType.I32 && batch >= 0 && key.shape().dim(batch) == 2;
    ok = ok && shape.rank() >= batch;
    int[] lead = Arrays.copyOf(key.shape().dims(), Math.max(batch, 0));
    if (!ok || !Arrays.equals(lead, Arrays.copyOf(shape.dims(), batch))) {
      throw new IllegalArgumentException(
          "random_bits: key is "
              + Elementwise.type(key)
              + " for a result of "
              + shape
              + "; expected I32[batch…, 2] with the result's leading axes");
    }
    return new Node(new Op.RandomBits(), List.of(key), shape, DType.I32);
  }

  static final Rule<Op.RandomBits> BITS =
      new Rule<>() {
        @Override
        public Node emit(Op.RandomBits op, List<Node> in, Shape shape, DType dtype) {
          return bits(in.get(0), shape);
        }

        @Override
        public @Nullable Node jvp(Op.RandomBits op, Node y, @Nullable Node[] tangents) {
          return null;
        }

        @Override
        public Node batch(Op.RandomBits op, Node y, List<Node> in, boolean[] batched, int size) {
          return bits(in.get(0), y.shape().insert(0, size));
        }
      };
}
