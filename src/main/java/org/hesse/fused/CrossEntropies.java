package org.hesse.fused;

import static org.hesse.ops.Elementwise.add;
import static org.hesse.ops.Elementwise.mul;
import static org.hesse.ops.Elementwise.sub;
import static org.hesse.ops.Elementwise.unary;

import java.util.List;
import org.hesse.DType;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.CompareKind;
import org.hesse.ir.CompositeKind;
import org.hesse.ir.Node;
import org.hesse.ir.UnaryKind;
import org.hesse.ops.Elementwise;
import org.hesse.ops.Sources;
import org.jspecify.annotations.Nullable;

/** Softmax cross-entropy along the last axis, from the logits. */
public final class CrossEntropies {
  private CrossEntropies() {}

  /**
   * −log softmax(x)[label], accurate also where it is small beside the logits; NaN, with its
   * derivatives, for a label that there is not.
   *
   * @param labels I32, of the shape of {@code x} without its last axis
   */
  public static Node ofLabels(Node x, Node labels) {
    return Rows.element(Composites.emit(new CompositeKind.CrossEntropy(), List.of(x, labels)), 0);
  }

  /**
   * −Σ q log softmax(x) for weights q of the shape of {@code x}, as a rule probabilities. Where q
   * is 0, so is its term, a logit of −∞ included.
   */
  public static Node ofWeights(Node x, Node weights) {
    Node parts = Softmaxes.parts(x);
    Node shifted = sub(x, Rows.spread(Softmaxes.shift(parts), x));
    // 0 · ∞ is NaN. Clamped, not left out: the derivative in a weight of 0 is the logarithm still.
    double lowest = x.dtype() == DType.F32 ? -Float.MAX_VALUE / 2 : -Double.MAX_VALUE / 2;
    Node clamped = Elementwise.binary(BinaryKind.MAX, shifted, Sources.fullLike(lowest, x));
    Node zero = Elementwise.compare(CompareKind.EQ, weights, Sources.fullLike(0, weights));
    Node finite = Elementwise.select(zero, clamped, shifted);
    return Rows.sum(mul(weights, sub(Rows.spread(Softmaxes.log(parts), x), finite)));
  }

  private static Node weights(List<Node> in) {
    Node x = in.get(0);
    Node m = Elementwise.stopGradient(Rows.element(in.get(2), 1));
    Node shifted = sub(x, Rows.spread(m, x));
    return unary(UnaryKind.EXP, sub(shifted, Rows.spread(Rows.element(in.get(2), 2), x)));
  }

  /** NaN where there is no such label, which then spreads to the loss and to all derivatives. */
  private static Node orNaN(Node s, Node label, int classes) {
    Node nan = Sources.fullLike(Double.NaN, s);
    Node low = Elementwise.compare(CompareKind.LT, label, Sources.fullLike(0, label));
    Node end = Sources.fullLike(classes, label);
    Node high = Elementwise.compare(CompareKind.GE, label, end);
    return Elementwise.select(low, nan, Elementwise.select(high, nan, s));
  }

  static final CompositeRule<CompositeKind.CrossEntropy> VALUE =
      new CompositeRule<>() {
        @Override
        public Node body(CompositeKind.CrossEntropy kind, List<Node> in) {
          Node x = in.get(0);
          Node label = in.get(1);
          Node m = Softmaxes.largest(x);
          Node s = orNaN(Softmaxes.logSum(x, m), label, Rows.length(x));
          Node loss = sub(s, Rows.pick(sub(x, Rows.spread(m, x)), label));
          return Rows.of(List.of(loss, m, s));
        }

        @Override
        public @Nullable Node jvp(
            CompositeKind.CrossEntropy kind, Node y, @Nullable Node[] tangents) {
          Node t = tangents[0];
          return t == null
              ? null
              : Composites.emit(
                  new CompositeKind.CrossEntropyTangent(), List.of(y.input(0), y.input(1), y, t));
        }
      };

  static final CompositeRule<CompositeKind.CrossEntropyTangent> TANGENT =
      new CompositeRule<>() {
        @Override
        public Node body(CompositeKind.CrossEntropyTangent kind, List<Node> in) {
          Node t = in.get(3);
          Node mean = Rows.sum(mul(weights(in), t));
          Node loss = sub(mean, Rows.pick(t, in.get(1)));
          return Rows.of(List.of(loss, Sources.fullLike(0, mean), mean));
        }

        @Override
        public @Nullable Node[] transpose(CompositeKind.CrossEntropyTangent kind, Node y, Node ct) {
          List<Node> in = List.of(y.input(0), y.input(1), y.input(2), ct);
          Node back = Composites.emit(new CompositeKind.CrossEntropyCotangent(), in);
          return new @Nullable Node[] {null, null, null, back};
        }
      };

  static final CompositeRule<CompositeKind.CrossEntropyCotangent> COTANGENT =
      new CompositeRule<>() {
        @Override
        public Node body(CompositeKind.CrossEntropyCotangent kind, List<Node> in) {
          Node x = in.get(0);
          Node w = in.get(3);
          Node loss = Rows.element(w, 0);
          Node factor = Rows.spread(add(loss, Rows.element(w, 2)), x);
          Node zero = Sources.fullLike(0, x);
          Node hit = Elementwise.select(Rows.hit(in.get(1), x), Rows.spread(loss, x), zero);
          return sub(mul(weights(in), factor), hit);
        }

        @Override
        public @Nullable Node[] transpose(
            CompositeKind.CrossEntropyCotangent kind, Node y, Node ct) {
          List<Node> in = List.of(y.input(0), y.input(1), y.input(2), ct);
          Node back = Composites.emit(new CompositeKind.CrossEntropyTangent(), in);
          return new @Nullable Node[] {null, null, null, back};
        }
      };
}
