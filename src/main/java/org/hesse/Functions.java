package org.hesse;

import static org.hesse.ElementwiseTensor.given;

import java.util.stream.IntStream;
import org.hesse.fused.Attentions;
import org.hesse.fused.CrossEntropies;
import org.hesse.fused.Norms;
import org.hesse.ir.Node;
import org.hesse.ops.Elementwise;
import org.hesse.ops.Shapes;
import org.hesse.ops.Sources;

/**
 * Functions that networks are made of. Each has derivatives of any order, and where the device has
 * a kernel for it, runs as one step.
 *
 * <pre>{@code
 * Tensor loss = crossEntropy(logits, labels);
 * }</pre>
 */
public final class Functions {
  private Functions() {}

  /**
   * Softmax cross-entropy, the mean over all examples: of −log softmax(logits)[label] where targets
   * are labels, of −Σ target · log softmax(logits) where they are probabilities. Finite, with its
   * derivatives, for logits of ±10⁴, and accurate also where it is small beside them. A logit of −∞
   * whose probability is 0 takes no part.
   *
   * @param logits real, [batch…, C], one or more classes
   * @param targets I32 labels [batch…] in 0 … C−1, where any other makes the loss and its
   *     derivatives NaN, or probabilities of the logits' shape and dtype
   * @return a scalar
   * @throws IllegalArgumentException if the targets are neither
   */
  public static Tensor crossEntropy(Tensor logits, Tensor targets) {
    int last = given("crossEntropy", "logits", logits).rank() - 1;
    given("crossEntropy", "targets", targets);
    boolean real = logits.dtype().isReal() && last >= 0 && logits.dim(last) > 0;
    boolean labels =
        real && targets.dtype() == DType.I32 && targets.shape().equals(logits.shape().remove(last));
    boolean probabilities =
        real && targets.dtype() == logits.dtype() && targets.shape().equals(logits.shape());
    if (!labels && !probabilities) {
      throw new IllegalArgumentException(
          "crossEntropy: logits are "
              + describe(logits)
              + ", targets "
              + describe(targets)
              + "; expected real logits [batch…, C] and either I32 labels [batch…] or probabilities"
              + " of the logits' shape and dtype");
    }
    Node x = logits.node();
    Node losses =
        labels
            ? CrossEntropies.ofLabels(x, targets.node())
            : CrossEntropies.ofWeights(x, targets.node());
    return Tensor.finish(losses).mean();
  }

  /**
   * Each row, the last axis, moved and scaled to mean 0 and variance 1, then (x̂ · scale + shift)
   * (Ba, Kiros and Hinton, 2016). The variance is the mean square deviation.
   *
   * @param x real, [batch…, d]
   * @param scale [d]
   * @param shift [d]
   * @param epsilon added to the variance, 0 or more; 1e-5 is customary
   * @throws IllegalArgumentException if the shapes do not fit
   */
  public static Tensor layerNorm(Tensor x, Tensor scale, Tensor shift, double epsilon) {
    requireEpsilon("layerNorm", epsilon);
    requireColumns("layerNorm", x, scale, "scale");
    requireColumns("layerNorm", x, shift, "shift");
    return Tensor.finish(Norms.layerNorm(x.node(), scale.node(), shift.node(), epsilon));
  }

  /**
   * Each row, the last axis, divided by its root mean square, times {@code scale} (Zhang and
   * Sennrich, 2019).
   *
   * @param x real, [batch…, d]
   * @param scale [d]
   * @param epsilon added to the mean square, 0 or more
   * @throws IllegalArgumentException if the shapes do not fit
   */
  public static Tensor rmsNorm(Tensor x, Tensor scale, double epsilon) {
    requireEpsilon("rmsNorm", epsilon);
    requireColumns("rmsNorm", x, scale, "scale");
    return Tensor.finish(Norms.rmsNorm(x.node(), scale.node(), epsilon));
  }

  /**
   * What batch normalisation finds.
   *
   * @param output [batch…, c]
   * @param mean of each column over the batch, [c]
   * @param variance of each column, the mean square deviation, [c]; averages over steps, and any
   *     correction for the size of the batch, are the caller's
   */
  public record BatchNormalized(Tensor output, Tensor mean, Tensor variance) {}

  /**
   * Each column moved and scaled to mean 0 and variance 1 over the batch, then (x̂ · scale + shift)
   * (Ioffe and Szegedy, 2015); derivatives go through mean and variance.
   *
   * @param x real, [batch…, c], at least one example
   * @param scale [c]
   * @param shift [c]
   * @param epsilon added to the variance, 0 or more; 1e-5 is customary
   * @throws IllegalArgumentException if the shapes do not fit
   */
  public static BatchNormalized batchNorm(Tensor x, Tensor scale, Tensor shift, double epsilon) {
    requireEpsilon("batchNorm", epsilon);
    requireColumns("batchNorm", x, scale, "scale");
    requireColumns("batchNorm", x, shift, "shift");
    if (x.rank() < 2) {
      throw new IllegalArgumentException(
          "batchNorm: x is "
              + describe(x)
              + "; expected [batch…, c] with one axis of batch or more");
    }
    int[] batch = IntStream.range(0, x.rank() - 1).toArray();
    Tensor mean = x.mean(batch);
    Tensor centred = x.sub(mean);
    Tensor variance = centred.square().mean(batch);
    Tensor factor = variance.add(epsilon).rsqrt().mul(scale);
    return new BatchNormalized(centred.mul(factor).add(shift), mean, variance);
  }

  /** x Φ(x) with the exact normal distribution function (Hendrycks and Gimpel, 2016). */
  public static Tensor gelu(Tensor x) {
    requireReal("gelu", x);
    return Tensor.finish(Norms.gelu(x.node()));
  }

  /** The approximation ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))) of {@link #gelu}. */
  public static Tensor geluTanh(Tensor x) {
    requireReal("geluTanh", x);
    return Tensor.finish(Norms.geluTanh(x.node()));
  }

  /** {@link #attention(Tensor, Tensor, Tensor, Tensor)} without a mask. */
  public static Tensor attention(Tensor queries, Tensor keys, Tensor values) {
    requireAttention(queries, keys, values);
    return Tensor.finish(Attentions.attention(queries.node(), keys.node(), values.node(), null));
  }

  /**
   * Scaled dot-product attention, softmax(q kᵀ/√d + mask) v (Vaswani et al., 2017), without ever
   * holding the weights of all queries.
   *
   * <p>A query that may attend to nothing, whose scores are all −∞, gets 0, and has no part in any
   * derivative.
   *
   * @param queries real, [batch…, n, d]; heads are an axis of the batch
   * @param keys [batch…, m, d]
   * @param values [batch…, m, e]
   * @param mask broadcasts to [batch…, n, m]: BOOL, true where a query may attend to a key; or of
   *     the queries' dtype and added to the scores, −∞ where it may not
   * @return [batch…, n, e]
   * @throws IllegalArgumentException if shapes or dtypes do not fit
   */
  public static Tensor attention(Tensor queries, Tensor keys, Tensor values, Tensor mask) {
    requireAttention(queries, keys, values);
    int rank = queries.rank();
    given("attention", "mask", mask);
    Shape scores = queries.shape().with(rank - 1, keys.dim(rank - 2));
    boolean fits = mask.rank() <= rank;
    for (int a = 1; fits && a <= mask.rank(); a++) {
      fits = mask.dim(-a) == 1 || mask.dim(-a) == scores.dim(rank - a);
    }
    if (!fits || mask.dtype() != DType.BOOL && mask.dtype() != queries.dtype()) {
      throw new IllegalArgumentException(
          "attention: mask is "
              + describe(mask)
              + "; expected BOOL or "
              + queries.dtype()
              + " of a shape that broadcasts to "
              + scores);
    }
    Node bias = mask.node();
    if (mask.dtype() == DType.BOOL) {
      Node zero = Sources.full(0, mask.shape(), queries.dtype());
      Node never = Sources.full(Double.NEGATIVE_INFINITY, mask.shape(), queries.dtype());
      bias = Elementwise.select(bias, zero, never);
    }
    return Tensor.finish(
        Attentions.attention(
            queries.node(), keys.node(), values.node(), Shapes.broadcastTo(bias, scores)));
  }

  private static void requireAttention(Tensor q, Tensor k, Tensor v) {
    int rank = given("attention", "queries", q).rank();
    given("attention", "keys", k);
    given("attention", "values", v);
    boolean ok = rank >= 2 && k.rank() == rank && v.rank() == rank && q.dtype().isReal();
    ok = ok && k.dtype() == q.dtype() && v.dtype() == q.dtype();
    for (int a = 0; ok && a < rank - 2; a++) {
      ok = k.dim(a) == q.dim(a) && v.dim(a) == q.dim(a);
    }
    ok = ok && k.dim(rank - 1) == q.dim(rank - 1) && v.dim(rank - 2) == k.dim(rank - 2);
    if (!ok) {
      throw new IllegalArgumentException(
          "attention: queries are "
              + describe(q)
              + ", keys "
              + describe(k)
              + ", values "
              + describe(v)
              + "; expected [batch…, n, d], [batch…, m, d] and [batch…, m, e] of one real dtype");
    }
  }

  private static void requireColumns(String function, Tensor x, Tensor parameter, String name) {
    requireReal(function, x);
    given(function, name, parameter);
    boolean ok =
        x.rank() >= 1
            && parameter.dtype() == x.dtype()
            && parameter.rank() == 1
            && parameter.dim(0) == x.dim(-1);
    if (!ok) {
      throw new IllegalArgumentException(
          function
              + ": "
              + name
              + " is "
              + describe(parameter)
              + ", x is "
              + describe(x)
              + "; expected one number for each element of x's last axis, of the same dtype");
    }
  }

  static void requireReal(String function, Tensor x) {
    if (!given(function, "x", x).dtype().isReal()) {
      throw new IllegalArgumentException(
          function + ": x is " + describe(x) + "; expected F32 or F64 (convert with cast)");
    }
  }

  private static void requireEpsilon(String function, double epsilon) {
    if (!(epsilon >= 0) || Double.isInfinite(epsilon)) {
      throw new IllegalArgumentException(
          function + ": epsilon is " + epsilon + "; expected 0 or a small positive number");
    }
  }

  private static String describe(Tensor t) {
    return t.dtype().toString() + t.shape();
  }
}
