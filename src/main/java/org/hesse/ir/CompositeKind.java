package org.hesse.ir;

/**
 * What an {@link Op.Composite} computes, so that a backend can tell which kernel does it. What it
 * computes to the letter is said by the composite's body.
 *
 * <p>Every input and the result consist of items in a batch: the last axes, {@link #itemAxes} of
 * them, are an item, and all axes in front are the batch, which is the same for all. An item of one
 * axis is called a row. Real operands have one dtype.
 */
public sealed interface CompositeKind {
  /** The name used by {@link Printer}. */
  default String mnemonic() {
    return getClass()
        .getSimpleName()
        .replaceAll("(?<=.)([A-Z])", "_$1")
        .toLowerCase(java.util.Locale.ROOT);
  }

  /** How many axes an item of an input has. */
  default int itemAxes(int input) {
    return 1;
  }

  /** How many axes an item of the result has. */
  default int resultAxes() {
    return 1;
  }

  /** The inputs from this one on are those in which it is linear, all of them together. */
  default int linearFrom() {
    return Integer.MAX_VALUE;
  }

  /**
   * Whether a kernel computes from the other inputs what is costly beside the linear part, such as
   * exponentials, and so does it again for every item of a batch that differs only in the linear
   * inputs. The body, mapped over such a batch, does it once.
   */
  default boolean computesPrimal() {
    return false;
  }

  /** (x) → eˣ / Σ eˣ. */
  record Softmax() implements CompositeKind {}

  /**
   * (p, t) → p (t − Σ p t), for p = softmax(x) and a tangent t of x the tangent of p. The matrix
   * diag(p) − ppᵀ is symmetric, so this is its own transpose.
   */
  record SoftmaxTangent() implements CompositeKind {
    @Override
    public int linearFrom() {
      return 1;
    }
  }

  /** (x) → x − log Σ eˣ. */
  record LogSoftmax() implements CompositeKind {}

  /** (y, t) → t − Σ eʸ t, for y = log softmax(x) and a tangent t of x the tangent of y. */
  record LogSoftmaxTangent() implements CompositeKind {
    @Override
    public boolean computesPrimal() {
      return true;
    }

    @Override
    public int linearFrom() {
      return 1;
    }
  }

  /** (y, c) → c − eʸ Σ c, the transpose of {@link LogSoftmaxTangent}. */
  record LogSoftmaxCotangent() implements CompositeKind {
    @Override
    public boolean computesPrimal() {
      return true;
    }

    @Override
    public int linearFrom() {
      return 1;
    }
  }

  /**
   * (x) → (m, s), m = max x, or 0 where that is infinite, and s = log Σ eˣ⁻ᵐ: their sum is log Σ
   * eˣ, which in one number of the dtype would lose what is small beside m.
   */
  record LogSumExp() implements CompositeKind {}

  /**
   * (x, i) → (ℓ, m, s), m and s those of {@link LogSumExp} and ℓ = s − (x[i] − m), which is −log
   * softmax(x)[i]; ℓ and s are NaN where the I32 index i, an item without axes, is outside of the
   * row.
   */
  record CrossEntropy() implements CompositeKind {
    @Override
    public int itemAxes(int input) {
      return input == 1 ? 0 : 1;
    }
  }

  /**
   * The tangent of {@link CrossEntropy}, m taken for a constant: (x, i, a, t) → (Σ p t − t[i], 0, Σ
   * p t), a being its result and p = softmax(x).
   */
  record CrossEntropyTangent() implements CompositeKind {
    @Override
    public int itemAxes(int input) {
      return input == 1 ? 0 : 1;
    }

    @Override
    public boolean computesPrimal() {
      return true;
    }

    @Override
    public int linearFrom() {
      return 3;
    }
  }

  /**
   * The transpose of {@link CrossEntropyTangent}: (x, i, a, w) → (w[0] + w[2]) p − w[0] e, where e
   * is 1 at i and else 0.
   */
  record CrossEntropyCotangent() implements CompositeKind {
    @Override
    public int itemAxes(int input) {
      return input == 1 ? 0 : 1;
    }

    @Override
    public boolean computesPrimal() {
      return true;
    }

    @Override
    public int linearFrom() {
      return 3;
    }
  }

  /**
   * (x) → (μ, 1/√(σ² + ε)), mean and variance of the row; or (0, 1/√(mean x² + ε)) where it is not
   * centred.
   */
  record Moments(boolean centred, double epsilon) implements CompositeKind {}

  /**
   * (x), (x, s) or (x, s, b) → (x − μ)/√(σ² + ε) · s + b, with the two numbers of {@link Moments}.
   */
  record Normalize(boolean centred, double epsilon) implements CompositeKind {}

  /** Where a scale of the row's shape is multiplied with. */
  enum Scaling {
    /** There is none. */
    NONE,
    /** The operand. */
    BEFORE,
    /** The result. */
    AFTER;

    /** The one of the transpose. */
    public Scaling transposed() {
      return this == NONE ? NONE : this == BEFORE ? AFTER : BEFORE;
    }
  }

  /**
   * (x, (μ, r), t) → r (t − mean t − x̂ mean(x̂ t)), x̂ = (x − μ) r: for a tangent t of x that of
   * x̂; without the mean of t where it is not centred. With a scale s it is (x, (μ, r), s, t), and
   * t or the result is multiplied by s. The matrix is symmetric but for the scale, so this is its
   * own transpose, with s in the other place.
   */
  record NormalizeTangent(boolean centred, Scaling scaling) implements CompositeKind {
    @Override
    public int linearFrom() {
      return scaling == Scaling.NONE ? 2 : 3;
    }
  }

  /**
   * (q, k, v), or (q, k, v, b): [n, d], [m, d], [m, e] and [n, m] → [n, e+2]. For each row q[i] the
   * weights p = softmax of the scores q[i] · k[j] / √d + b[i, j], then (Σⱼ p[j] v[j], c, s), where
   * c is the largest score, or 0 where that is infinite, and c + s = log Σⱼ e^score. A row all of
   * whose scores are −∞ has the weights 0, and s = 0.
   */
  record Attention() implements CompositeKind {
    @Override
    public int itemAxes(int input) {
      return 2;
    }

    @Override
    public int resultAxes() {
      return 2;
    }
  }

  /**
   * The tangent of {@link Attention}, c taken for a constant: (a, q, k, v, dq, dk, dv) or (a, q, k,
   * v, b, dq, dk, dv), a being its result.
   *
   * @param biased whether there is a b
   */
  record AttentionTangent(boolean biased) implements CompositeKind {
    @Override
    public int itemAxes(int input) {
      return 2;
    }

    @Override
    public int resultAxes() {
      return 2;
    }

    @Override
    public int linearFrom() {
      return biased ? 5 : 4;
    }
  }

  /**
   * The transpose of {@link AttentionTangent}: (a, q, k, v, w) or (a, q, k, v, b, w), w a cotangent
   * of a → those of q, k and v, flat and one after the other.
   *
   * @param biased whether there is a b
   */
  record AttentionCotangent(boolean biased) implements CompositeKind {
    @Override
    public int itemAxes(int input) {
      return 2;
    }

    @Override
    public int linearFrom() {
      return biased ? 5 : 4;
    }
  }
}
