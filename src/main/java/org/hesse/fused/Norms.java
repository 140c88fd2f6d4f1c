package org.hesse.fused;

import static org.hesse.ops.Elementwise.add;
import static org.hesse.ops.Elementwise.mul;
import static org.hesse.ops.Elementwise.neg;
import static org.hesse.ops.Elementwise.sub;
import static org.hesse.ops.Elementwise.unary;

import java.util.List;
import org.hesse.ir.CompositeKind;
import org.hesse.ir.CompositeKind.Scaling;
import org.hesse.ir.Node;
import org.hesse.ir.UnaryKind;
import org.hesse.ops.Elementwise;
import org.hesse.ops.Shapes;
import org.hesse.ops.Sources;
import org.jspecify.annotations.Nullable;

/**
 * Rows with mean 0 and variance 1. Scale and shift belong to the composite, so that a kernel goes
 * over a row once; in the derivative with respect to x so does the scale.
 */
public final class Norms {
  private Norms() {}

  /** (x − mean)/√(variance + ε) along the last axis. */
  public static Node layerNorm(Node x, double epsilon) {
    return Composites.emit(new CompositeKind.Normalize(true, epsilon), List.of(x));
  }

  /**
   * (x − mean)/√(variance + ε) · scale + shift along the last axis, of which scale and shift are.
   */
  public static Node layerNorm(Node x, Node scale, Node shift, double epsilon) {
    Node s = Shapes.broadcastTo(scale, x.shape());
    Node b = Shapes.broadcastTo(shift, x.shape());
    return Composites.emit(new CompositeKind.Normalize(true, epsilon), List.of(x, s, b));
  }

  /** x/√(mean x² + ε) along the last axis. */
  public static Node rmsNorm(Node x, double epsilon) {
    return Composites.emit(new CompositeKind.Normalize(false, epsilon), List.of(x));
  }

  /** x/√(mean x² + ε) · scale along the last axis, of which scale is. */
  public static Node rmsNorm(Node x, Node scale, double epsilon) {
    Node s = Shapes.broadcastTo(scale, x.shape());
    return Composites.emit(new CompositeKind.Normalize(false, epsilon), List.of(x, s));
  }

  private static Node moments(boolean centred, double epsilon, Node x) {
    return Composites.emit(new CompositeKind.Moments(centred, epsilon), List.of(x));
  }

  /** x − μ. A mean is rounded, which shows where it is far larger than deviations from it. */
  private static Node deviations(Node x) {
    Node c = sub(x, Rows.spread(Rows.mean(x), x));
    return sub(c, Rows.spread(Rows.mean(c), c));
  }

  private static Node centre(boolean centred, Node x, Node moments) {
    return centred ? sub(x, Rows.spread(Rows.element(moments, 0), x)) : x;
  }

  /** (x − μ) r. */
  private static Node standard(boolean centred, Node x, Node moments) {
    return mul(centre(centred, x, moments), Rows.spread(Rows.element(moments, 1), x));
  }

  static final CompositeRule<CompositeKind.Moments> MOMENTS =
      new CompositeRule<>() {
        @Override
        public Node body(CompositeKind.Moments kind, List<Node> in) {
          Node x = in.get(0);
          Node mean = Rows.mean(x);
          Node c = kind.centred() ? deviations(x) : x;
          Node variance = Rows.mean(mul(c, c));
          Node sum = add(variance, Sources.fullLike(kind.epsilon(), variance));
          Node first = kind.centred() ? mean : Sources.fullLike(0, mean);
          return Rows.pair(first, unary(UnaryKind.RSQRT, sum));
        }

        @Override
        public @Nullable Node jvp(CompositeKind.Moments kind, Node y, @Nullable Node[] tangents) {
          Node x = y.input(0);
          Node t = tangents[0];
          if (t == null) {
            return null;
          }
          Node r = Rows.element(y, 1);
          Node slope = Rows.mean(mul(standard(kind.centred(), x, y), t));
          Node first = kind.centred() ? Rows.mean(t) : Sources.fullLike(0, r);
          return Rows.pair(first, neg(mul(mul(r, r), slope)));
        }
      };

  static final CompositeRule<CompositeKind.Normalize> NORMALIZE =
      new CompositeRule<>() {
        @Override
        public Node body(CompositeKind.Normalize kind, List<Node> in) {
          Node x = in.get(0);
          Node c = kind.centred() ? deviations(x) : x;
          Node m = moments(kind.centred(), kind.epsilon(), x);
          Node y = mul(c, Rows.spread(Rows.element(m, 1), x));
          Node scaled = in.size() > 1 ? mul(y, in.get(1)) : y;
          return in.size() > 2 ? add(scaled, in.get(2)) : scaled;
        }

        @Override
        public @Nullable Node jvp(CompositeKind.Normalize kind, Node y, @Nullable Node[] tangents) {
          Node x = y.input(0);
          Node m = moments(kind.centred(), kind.epsilon(), x);
          Node sum = null;
          if (tangents[0] != null) {
            Scaling scaling = tangents.length > 1 ? Scaling.AFTER : Scaling.NONE;
            Node scale = tangents.length > 1 ? y.input(1) : null;
            sum = tangent(kind.centred(), scaling, x, m, scale, tangents[0]);
          }
          if (tangents.length > 1 && tangents[1] != null) {
            sum = plus(sum, mul(standard(kind.centred(), x, m), tangents[1]));
          }
          return tangents.length > 2 && tangents[2] != null ? plus(sum, tangents[2]) : sum;
        }
      };

  private static Node plus(@Nullable Node a, Node b) {
    return a == null ? b : add(a, b);
  }

  private static Node tangent(
      boolean centred, Scaling scaling, Node x, Node moments, @Nullable Node scale, Node t) {
    CompositeKind kind = new CompositeKind.NormalizeTangent(centred, scaling);
    return Composites.emit(
        kind, scale == null ? List.of(x, moments, t) : List.of(x, moments, scale, t));
  }

  static final CompositeRule<CompositeKind.NormalizeTangent> NORMALIZE_TANGENT =
      new CompositeRule<>() {
        @Override
        public Node body(CompositeKind.NormalizeTangent kind, List<Node> in) {
          Node last = in.getLast();
          Node t = kind.scaling() == Scaling.BEFORE ? mul(last, in.get(2)) : last;
          Node x = standard(kind.centred(), in.get(0), in.get(1));
          Node along = mul(x, Rows.spread(Rows.mean(mul(x, t)), x));
          Node rest = sub(t, along);
          if (kind.centred()) {
            rest = sub(rest, Rows.spread(Rows.mean(t), t));
          }
          Node y = mul(rest, Rows.spread(Rows.element(in.get(1), 1), t));
          return kind.scaling() == Scaling.AFTER ? mul(y, in.get(2)) : y;
        }

        @Override
        public @Nullable Node[] transpose(CompositeKind.NormalizeTangent kind, Node y, Node ct) {
          Scaling scaling = kind.scaling().transposed();
          Node scale = scaling == Scaling.NONE ? null : y.input(2);
          @Nullable Node[] back = new Node[y.inputs().size()];
          back[back.length - 1] =
              tangent(kind.centred(), scaling, y.input(0), y.input(1), scale, ct);
          return back;
        }
      };

  /** x Φ(x), with the distribution function of the normal distribution. */
  public static Node gelu(Node x) {
    return unary(UnaryKind.GELU, x);
  }

  /** ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))). */
  public static Node geluTanh(Node x) {
    Node cubic = Elementwise.scale(0.044715, mul(mul(x, x), x));
    Node inner = Elementwise.scale(2 * Math.sqrt(2 / Math.PI), add(x, cubic));
    // ½ (1 + tanh u) is the sigmoid of 2u, which keeps its digits where that is far below 0.
    return mul(x, unary(UnaryKind.SIGMOID, inner));
  }
}
