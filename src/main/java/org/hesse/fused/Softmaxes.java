package org.hesse.fused;

import static org.hesse.ops.Elementwise.add;
import static org.hesse.ops.Elementwise.div;
import static org.hesse.ops.Elementwise.mul;
import static org.hesse.ops.Elementwise.sub;
import static org.hesse.ops.Elementwise.unary;

import java.util.List;
import org.hesse.ir.CompareKind;
import org.hesse.ir.CompositeKind;
import org.hesse.ir.Node;
import org.hesse.ir.UnaryKind;
import org.hesse.ops.Elementwise;
import org.hesse.ops.Sources;
import org.jspecify.annotations.Nullable;

/** Softmax and its relatives along the last axis. */
public final class Softmaxes {
  private Softmaxes() {}

  /** eˣ / Σ eˣ. */
  public static Node softmax(Node x) {
    return Composites.emit(new CompositeKind.Softmax(), List.of(x));
  }

  /** x − log Σ eˣ. */
  public static Node logSoftmax(Node x) {
    return Composites.emit(new CompositeKind.LogSoftmax(), List.of(x));
  }

  /** log Σ eˣ; −∞ where every element is −∞ or there is none. */
  public static Node logSumExp(Node x) {
    Node parts = parts(x);
    return add(shift(parts), log(parts));
  }

  /** The two parts of log Σ eˣ, see {@link CompositeKind.LogSumExp}. */
  static Node parts(Node x) {
    return Composites.emit(new CompositeKind.LogSumExp(), List.of(x));
  }

  static Node shift(Node parts) {
    return Elementwise.stopGradient(Rows.element(parts, 0));
  }

  static Node log(Node parts) {
    return Rows.element(parts, 1);
  }

  private static Node exp(Node x) {
    return unary(UnaryKind.EXP, x);
  }

  static final CompositeRule<CompositeKind.Softmax> SOFTMAX =
      new CompositeRule<>() {
        @Override
        public Node body(CompositeKind.Softmax kind, List<Node> in) {
          Node x = in.get(0);
          Node e = exp(sub(x, Rows.spread(Rows.max(x), x)));
          return div(e, Rows.spread(Rows.sum(e), x));
        }

        @Override
        public @Nullable Node jvp(CompositeKind.Softmax kind, Node y, @Nullable Node[] tangents) {
          return tangents[0] == null ? null : tangent(y, tangents[0]);
        }
      };

  private static Node tangent(Node y, Node t) {
    return Composites.emit(new CompositeKind.SoftmaxTangent(), List.of(y, t));
  }

  static final CompositeRule<CompositeKind.SoftmaxTangent> SOFTMAX_TANGENT =
      new CompositeRule<>() {
        @Override
        public Node body(CompositeKind.SoftmaxTangent kind, List<Node> in) {
          Node p = in.get(0);
          Node t = in.get(1);
          return mul(p, sub(t, Rows.spread(Rows.sum(mul(p, t)), t)));
        }

        @Override
        public @Nullable Node[] transpose(CompositeKind.SoftmaxTangent kind, Node y, Node ct) {
          return new @Nullable Node[] {null, tangent(y.input(0), ct)};
        }
      };

  static final CompositeRule<CompositeKind.LogSoftmax> LOG_SOFTMAX =
      new CompositeRule<>() {
        @Override
        public Node body(CompositeKind.LogSoftmax kind, List<Node> in) {
          Node x = in.get(0);
          Node shifted = sub(x, Rows.spread(Rows.max(x), x));
          return sub(shifted, Rows.spread(unary(UnaryKind.LOG, Rows.sum(exp(shifted))), x));
        }

        @Override
        public @Nullable Node jvp(
            CompositeKind.LogSoftmax kind, Node y, @Nullable Node[] tangents) {
          Node t = tangents[0];
          return t == null
              ? null
              : Composites.emit(new CompositeKind.LogSoftmaxTangent(), List.of(y, t));
        }
      };

  static final CompositeRule<CompositeKind.LogSoftmaxTangent> LOG_SOFTMAX_TANGENT =
      new CompositeRule<>() {
        @Override
        public Node body(CompositeKind.LogSoftmaxTangent kind, List<Node> in) {
          Node t = in.get(1);
          return sub(t, Rows.spread(Rows.sum(mul(exp(in.get(0)), t)), t));
        }

        @Override
        public @Nullable Node[] transpose(CompositeKind.LogSoftmaxTangent kind, Node y, Node ct) {
          List<Node> in = List.of(y.input(0), ct);
          Node back = Composites.emit(new CompositeKind.LogSoftmaxCotangent(), in);
          return new @Nullable Node[] {null, back};
        }
      };

  static final CompositeRule<CompositeKind.LogSoftmaxCotangent> LOG_SOFTMAX_COTANGENT =
      new CompositeRule<>() {
        @Override
        public Node body(CompositeKind.LogSoftmaxCotangent kind, List<Node> in) {
          Node c = in.get(1);
          return sub(c, mul(exp(in.get(0)), Rows.spread(Rows.sum(c), c)));
        }

        @Override
        public @Nullable Node[] transpose(CompositeKind.LogSoftmaxCotangent kind, Node y, Node ct) {
          List<Node> in = List.of(y.input(0), ct);
          Node back = Composites.emit(new CompositeKind.LogSoftmaxTangent(), in);
          return new @Nullable Node[] {null, back};
        }
      };

  /** The largest of each row, or 0 where that is infinite. */
  static Node largest(Node x) {
    Node max = Rows.max(x);
    Node size = unary(UnaryKind.ABS, max);
    Node infinity = Sources.fullLike(Double.POSITIVE_INFINITY, max);
    Node finite = Elementwise.compare(CompareKind.NE, size, infinity);
    return Elementwise.select(finite, max, Sources.fullLike(0, max));
  }

  /** log Σ eˣ⁻ᵐ. */
  static Node logSum(Node x, Node m) {
    return unary(UnaryKind.LOG, Rows.sum(exp(sub(x, Rows.spread(m, x)))));
  }

  static final CompositeRule<CompositeKind.LogSumExp> LOG_SUM_EXP =
      new CompositeRule<>() {
        @Override
        public Node body(CompositeKind.LogSumExp kind, List<Node> in) {
          Node m = largest(in.get(0));
          return Rows.pair(m, logSum(in.get(0), m));
        }

        // The shift counts as a constant: with any other the two parts mean the same.
        @Override
        public @Nullable Node jvp(CompositeKind.LogSumExp kind, Node y, @Nullable Node[] tangents) {
          Node x = y.input(0);
          Node t = tangents[0];
          if (t == null) {
            return null;
          }
          Node shifted = sub(x, Rows.spread(shift(y), x));
          Node p = exp(sub(shifted, Rows.spread(log(y), x)));
          Node sum = Rows.sum(mul(p, t));
          return Rows.pair(Sources.fullLike(0, sum), sum);
        }
      };
}
