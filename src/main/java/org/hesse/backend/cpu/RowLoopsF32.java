// twin: F64
package org.hesse.backend.cpu;

import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.MAX;

import java.util.EnumMap;
import java.util.Objects;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.hesse.ir.CompositeKind.Scaling;

/**
 * Loops over one row, on vectors of its dtype; what sums and single numbers are is double. Each
 * goes by the {@link RowTerm} of its name.
 */
final class RowLoopsF32 {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int STEP = SPECIES.length();
  private static final VectorSpecies<Float> STREAM = LanesF32.STREAM;
  private static final int LANES = STREAM.length();

  private static final RowLoopF32 SUM = loop(RowTerm.SUM);
  private static final RowLoopF32 SQUARES = loop(RowTerm.SQUARES);
  private static final RowLoopF32 DOT = loop(RowTerm.DOT);
  private static final RowLoopF32 EXP_SUM = exponential(RowTerm.EXP_SUM);
  private static final RowLoopF32 EXP_DOT = exponential(RowTerm.EXP_DOT);
  private static final RowLoopF32 EXP = exponential(RowTerm.EXP);
  private static final RowLoopF32 EXP_AHEAD =
      Specialized.copy(ExpPassF32.class, RowLoopF32.class, RowTerm.EXP_AHEAD);
  private static final RowLoopF32 MINUS_EXP = exponential(RowTerm.MINUS_EXP);
  private static final RowLoopF32 SCALE = loop(RowTerm.SCALE);
  private static final RowLoopF32 SHIFT = loop(RowTerm.SHIFT);
  private static final RowLoopF32 WEIGHTED = loop(RowTerm.WEIGHTED);
  private static final RowLoopF32 PRODUCT = loop(RowTerm.PRODUCT);
  private static final EnumMap<Scaling, NormLoopF32> NORM = new EnumMap<>(Scaling.class);

  static {
    for (Scaling scaling : Scaling.values()) {
      NORM.put(scaling, Specialized.copy(NormPassF32.class, NormLoopF32.class, scaling));
    }
  }

  private RowLoopsF32() {}

  private static RowLoopF32 loop(RowTerm term) {
    return Specialized.copy(RowPassF32.class, RowLoopF32.class, term);
  }

  private static RowLoopF32 exponential(RowTerm term) {
    RowLoopF32 whole = Specialized.copy(ExpPassF32.class, RowLoopF32.class, term);
    return (x, xo, z, zo, a, b, c, y, yo, n) -> {
      int full = SPECIES.loopBound(n);
      double sum = whole.run(x, xo, z, zo, a, b, c, y, yo, full);
      int count = n - full;
      if (count > 0) {
        // What is left, in a vector of its own, where e to the rest of it is 0.
        float[] rest = Frame.current().restF32;
        System.arraycopy(x, xo + full, rest, 0, count);
        java.util.Arrays.fill(rest, count, STEP, Float.NEGATIVE_INFINITY);
        if (term.hasOther()) {
          System.arraycopy(z, zo + full, rest, STEP, count);
          java.util.Arrays.fill(rest, STEP + count, 2 * STEP, 0);
        }
        sum += whole.run(rest, 0, rest, STEP, a, b, c, rest, 2 * STEP, STEP);
        if (term.stores) {
          System.arraycopy(rest, 2 * STEP, y, yo + full, count);
        }
      }
      return sum;
    };
  }

  /**
   * The largest of those that are not NaN. By comparison, since the maximum that has the right zero
   * and NaN takes several times as long; whoever adds up exponentials meets the NaN there.
   */
  static double max(float[] x, int at, int n) {
    FloatVector m0 = FloatVector.broadcast(STREAM, Float.NEGATIVE_INFINITY);
    FloatVector m1 = m0;
    FloatVector m2 = m0;
    FloatVector m3 = m0;
    int groups = n - n % (4 * LANES);
    // Written out: a method for it might not be inlined here, and would get objects for vectors.
    for (int i = at; i < at + groups; i += 4 * LANES) {
      FloatVector v0 = FloatVector.fromArray(STREAM, x, i);
      FloatVector v1 = FloatVector.fromArray(STREAM, x, i + LANES);
      FloatVector v2 = FloatVector.fromArray(STREAM, x, i + 2 * LANES);
      FloatVector v3 = FloatVector.fromArray(STREAM, x, i + 3 * LANES);
      m0 = m0.blend(v0, v0.compare(GT, m0));
      m1 = m1.blend(v1, v1.compare(GT, m1));
      m2 = m2.blend(v2, v2.compare(GT, m2));
      m3 = m3.blend(v3, v3.compare(GT, m3));
    }
    float most = m0.max(m1).max(m2.max(m3)).reduceLanes(MAX);
    for (int i = at + groups; i < at + n; i++) {
      most = x[i] > most ? x[i] : most;
    }
    return most;
  }

  /** Σ eˣ⁻ᵐ. */
  static double expSum(float[] x, int at, int n, double m) {
    return EXP_SUM.run(x, at, x, at, (float) m, 0, 0, x, at, n);
  }

  /** Stores c eˣ⁻ᵐ⁻ˢ, and returns their sum. */
  static double exp(float[] x, int at, int n, double m, double s, double c, float[] y, int to) {
    return EXP.run(x, at, x, at, (float) m, (float) s, (float) c, y, to, n);
  }

  /** Whether rows are as long, and the array too, as {@link #expAhead} wants them. */
  static boolean canLookAhead(int n, float[] y) {
    return n % STEP == 0 && STEP <= 2 * LANES && n + LANES <= y.length;
  }

  /**
   * Stores eˣ⁻ᵐ at the beginning of y, and returns their sum. Behind them comes what {@link #most}
   * finds the largest element of the next row in, which is read meanwhile.
   */
  static double expAhead(float[] x, int at, int n, double m, int next, float[] y) {
    return EXP_AHEAD.run(x, at, x, next, (float) m, 0, 1, y, 0, n);
  }

  /** The largest element of the row that {@link #expAhead} has read, as {@link #max} has it. */
  static double most(float[] y, int n) {
    float most = Float.NEGATIVE_INFINITY;
    for (int i = n; i < n + LANES; i++) {
      most = y[i] > most ? y[i] : most;
    }
    return most;
  }

  /** Multiplies in place. */
  static void scale(float[] y, int to, int n, double factor) {
    scale(y, to, n, factor, y, to);
  }

  /** a x. */
  static void scale(float[] x, int at, int n, double a, float[] y, int to) {
    SCALE.run(x, at, x, at, (float) a, 0, 0, y, to, n);
  }

  /** x − m − s. */
  static void shift(float[] x, int at, int n, double m, double s, float[] y, int to) {
    SHIFT.run(x, at, x, at, (float) m, (float) s, 0, y, to, n);
  }

  /** Σ x. */
  static double sum(float[] x, int at, int n) {
    return SUM.run(x, at, x, at, 0, 0, 0, x, at, n);
  }

  /** Σ x z. */
  static double dot(float[] x, int at, float[] z, int zAt, int n) {
    return DOT.run(x, at, z, zAt, 0, 0, 0, x, at, n);
  }

  /** Σ eˣ⁻ᵐ⁻ˢ z. */
  static double expDot(float[] x, int at, double m, double s, float[] z, int zAt, int n) {
    return EXP_DOT.run(x, at, z, zAt, (float) m, (float) s, 0, x, at, n);
  }

  /** x (z − c). */
  static void weighted(float[] x, int at, float[] z, int zAt, int n, double c, float[] y, int to) {
    WEIGHTED.run(x, at, z, zAt, (float) c, 0, 0, y, to, n);
  }

  /** z − c eˣ. */
  static void minusExp(float[] x, int at, float[] z, int zAt, int n, double c, float[] y, int to) {
    MINUS_EXP.run(x, at, z, zAt, 0, 0, (float) c, y, to, n);
  }

  /** Σ (x − c)². */
  static double squares(float[] x, int at, int n, double c) {
    return SQUARES.run(x, at, x, at, (float) c, 0, 0, x, at, n);
  }

  /** (x − c) a z. */
  static void product(
      float[] x, int at, double c, double a, float[] z, int zAt, int n, float[] y, int to) {
    PRODUCT.run(x, at, z, zAt, (float) c, (float) a, 0, y, to, n);
  }

  /** (x − c) a z + w. */
  static void affine(
      float[] x,
      int at,
      double c,
      double a,
      float[] z,
      int zAt,
      float[] w,
      int wAt,
      int n,
      float[] y,
      int to) {
    FloatVector shift = FloatVector.broadcast(STREAM, (float) c);
    FloatVector factor = FloatVector.broadcast(STREAM, (float) a);
    int full = STREAM.loopBound(n);
    for (int i = 0; i < full; i += LANES) {
      FloatVector v = FloatVector.fromArray(STREAM, x, at + i).sub(shift).mul(factor);
      FloatVector u = FloatVector.fromArray(STREAM, z, zAt + i);
      v.fma(u, FloatVector.fromArray(STREAM, w, wAt + i)).intoArray(y, to + i);
    }
    for (int i = full; i < n; i++) {
      y[to + i] = Math.fma((x[at + i] - (float) c) * (float) a, z[zAt + i], w[wAt + i]);
    }
  }

  /** a x + z. */
  static void add(float[] x, int at, double a, float[] z, int zAt, int n, float[] y, int to) {
    norm(Scaling.NONE).combine(x, at, 0, (float) a, z, zAt, 0, 1, z, zAt, n, y, to);
  }

  /** The loops for the derivative of a norm. */
  static NormLoopF32 norm(Scaling scaling) {
    return Objects.requireNonNull(NORM.get(scaling));
  }
}
