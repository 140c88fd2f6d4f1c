package org.hesse.fused;

import static org.hesse.ops.Elementwise.add;
import static org.hesse.ops.Elementwise.mul;
import static org.hesse.ops.Elementwise.sub;
import static org.hesse.ops.Elementwise.unary;

import java.util.ArrayList;
import java.util.List;
import org.hesse.Shape;
import org.hesse.ir.Axes;
import org.hesse.ir.CompareKind;
import org.hesse.ir.CompositeKind;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.UnaryKind;
import org.hesse.ops.Elementwise;
import org.hesse.ops.Products;
import org.hesse.ops.Shapes;
import org.hesse.ops.Slices;
import org.hesse.ops.Sources;
import org.jspecify.annotations.Nullable;

/**
 * Attention, softmax(q kᵀ/√d + b) v (Vaswani et al., 2017). Beside the result it keeps the
 * logarithm of the sum of each row's exponentials, from which derivatives find the weights again
 * (Dao et al., 2022).
 */
public final class Attentions {
  private Attentions() {}

  /**
   * Attention over items in a batch.
   *
   * @param q queries [batch…, n, d]
   * @param k keys [batch…, m, d]
   * @param v values [batch…, m, e]
   * @param bias added to the scores, [batch…, n, m]; null is 0
   * @return [batch…, n, e]; 0 in rows all of whose scores are −∞
   */
  public static Node attention(Node q, Node k, Node v, @Nullable Node bias) {
    List<Node> in = bias == null ? List.of(q, k, v) : List.of(q, k, v, bias);
    Node packed = Composites.emit(new CompositeKind.Attention(), in);
    return values(packed);
  }

  private static Node values(Node packed) {
    return Slices.slice(packed, packed.shape().rank() - 1, 0, Rows.length(packed) - 2);
  }

  /** A product over items, contracting axis {@code i} of one with axis {@code j} of the other. */
  private static Node dot(Node a, int i, Node b, int j) {
    int batch = a.shape().rank() - 2;
    Axes all = Axes.range(0, batch);
    Op.Dot op = new Op.Dot(Axes.of(batch + i), Axes.of(batch + j), all, all);
    return Products.dot(op, a, b, a.dtype());
  }

  /** 1/√d; of empty rows, whose scores are 0 whatever the factor, 1. */
  private static double scale(Node q) {
    return 1 / Math.sqrt(Math.max(1, Rows.length(q)));
  }

  private static Node scores(Node q, Node k, @Nullable Node bias) {
    Node s = Elementwise.scale(scale(q), dot(q, 1, k, 1));
    return bias == null ? s : add(s, bias);
  }

  static final CompositeRule<CompositeKind.Attention> ATTENTION =
      new CompositeRule<>() {
        @Override
        public Node body(CompositeKind.Attention kind, List<Node> in) {
          Node s = scores(in.get(0), in.get(1), in.size() > 3 ? in.get(3) : null);
          Node max = Rows.max(s);
          Node size = unary(UnaryKind.ABS, max);
          Node infinity = Sources.fullLike(Double.POSITIVE_INFINITY, max);
          Node finite = Elementwise.compare(CompareKind.NE, size, infinity);
          Node c = Elementwise.select(finite, max, Sources.fullLike(0, max));
          Node shifted = sub(s, Rows.spread(c, s));
          Node sum = Rows.sum(unary(UnaryKind.EXP, shifted));
          Node none = Elementwise.compare(CompareKind.EQ, sum, Sources.fullLike(0, sum));
          Node some = Elementwise.select(none, Sources.fullLike(1, sum), sum);
          Node log = unary(UnaryKind.LOG, some);
          Node p = unary(UnaryKind.EXP, sub(shifted, Rows.spread(log, s)));
          return packed(dot(p, 1, in.get(2), 0), c, log);
        }

        @Override
        public @Nullable Node jvp(CompositeKind.Attention kind, Node y, @Nullable Node[] tangents) {
          boolean biased = tangents.length > 3;
          if (biased && tangents[3] != null) {
            return null;
          }
          List<Node> in = new ArrayList<>(List.of(y));
          in.addAll(y.inputs());
          for (int i = 0; i < 3; i++) {
            Node t = tangents[i];
            in.add(t == null ? Sources.fullLike(0, y.input(i)) : t);
          }
          return Composites.emit(new CompositeKind.AttentionTangent(biased), in);
        }
      };

  private static Node packed(Node values, Node c, Node log) {
    Node rest = Rows.pair(c, log);
    return Slices.concat(List.of(values, rest), values.shape().rank() - 1);
  }

  /** The weights, from what attention has kept. */
  private static Node weights(List<Node> in, boolean biased) {
    Node a = in.get(0);
    int end = Rows.length(a);
    Node s = scores(in.get(1), in.get(2), biased ? in.get(4) : null);
    Node c = Elementwise.stopGradient(Rows.element(a, end - 2));
    Node shifted = sub(s, Rows.spread(c, s));
    return unary(UnaryKind.EXP, sub(shifted, Rows.spread(Rows.element(a, end - 1), s)));
  }

  static final CompositeRule<CompositeKind.AttentionTangent> TANGENT =
      new CompositeRule<>() {
        @Override
        public Node body(CompositeKind.AttentionTangent kind, List<Node> in) {
          int first = kind.linearFrom();
          Node q = in.get(1);
          Node k = in.get(2);
          Node p = weights(in, kind.biased());
          Node sum = add(dot(in.get(first), 1, k, 1), dot(q, 1, in.get(first + 1), 1));
          Node ds = Elementwise.scale(scale(q), sum);
          Node log = Rows.sum(mul(p, ds));
          Node dp = mul(p, sub(ds, Rows.spread(log, ds)));
          Node values = add(dot(dp, 1, in.get(3), 0), dot(p, 1, in.get(first + 2), 0));
          return packed(values, Sources.fullLike(0, log), log);
        }

        @Override
        public @Nullable Node[] transpose(CompositeKind.AttentionTangent kind, Node y, Node ct) {
          int first = kind.linearFrom();
          List<Node> in = new ArrayList<>(y.inputs().subList(0, first));
          in.add(ct);
          Node flat = Composites.emit(new CompositeKind.AttentionCotangent(kind.biased()), in);
          @Nullable Node[] back = new @Nullable Node[y.inputs().size()];
          int at = 0;
          for (int i = 0; i < 3; i++) {
            Shape shape = y.input(1 + i).shape();
            int size = shape.dim(shape.rank() - 2) * shape.dim(shape.rank() - 1);
            Node part = Slices.slice(flat, flat.shape().rank() - 1, at, at + size);
            back[first + i] = Shapes.reshape(part, shape);
            at += size;
          }
          return back;
        }
      };

  static final CompositeRule<CompositeKind.AttentionCotangent> COTANGENT =
      new CompositeRule<>() {
        @Override
        public Node body(CompositeKind.AttentionCotangent kind, List<Node> in) {
          Node a = in.get(0);
          Node q = in.get(1);
          Node w = in.get(kind.linearFrom());
          Node p = weights(in, kind.biased());
          Node o = values(a);
          Node dO = values(w);
          Node log = Rows.element(w, Rows.length(w) - 1);
          Node dp = dot(dO, 1, in.get(3), 1);
          Node along = sub(Rows.sum(mul(o, dO)), log);
          Node ds = Elementwise.scale(scale(q), mul(p, sub(dp, Rows.spread(along, dp))));
          Node dq = dot(ds, 1, in.get(2), 0);
          Node dk = dot(ds, 0, q, 0);
          Node dv = dot(p, 0, dO, 0);
          int axis = q.shape().rank() - 2;
          return Slices.concat(List.of(flat(dq), flat(dk), flat(dv)), axis);
        }

        // Cotangents of three inputs at once, each of which comes from one of the tangents.
        @Override
        public @Nullable Node[] transpose(CompositeKind.AttentionCotangent kind, Node y, Node ct) {
          int first = kind.linearFrom();
          List<Node> in = new ArrayList<>(y.inputs().subList(0, first));
          int at = 0;
          for (int i = 0; i < 3; i++) {
            Shape shape = y.input(1 + i).shape();
            int size = shape.dim(shape.rank() - 2) * shape.dim(shape.rank() - 1);
            Node part = Slices.slice(ct, ct.shape().rank() - 1, at, at + size);
            in.add(Shapes.reshape(part, shape));
            at += size;
          }
          @Nullable Node[] back = new @Nullable Node[first + 1];
          back[first] = Composites.emit(new CompositeKind.AttentionTangent(kind.biased()), in);
          return back;
        }
      };

  private static Node flat(Node x) {
    int rank = x.shape().rank();
    int size = x.shape().dim(rank - 2) * x.shape().dim(rank - 1);
    return Shapes.reshape(x, x.shape().remove(rank - 1).with(rank - 2, size));
  }
}
