// twin: F64
package org.hesse.backend.cpu;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Loops over one row, on vectors of doubles: exponentials are computed in double whatever the
 * dtype, and sums that are kept so need no second thought about their order.
 */
final class RowLoopsF32 {
  private static final VectorSpecies<Double> WIDE = VectorMath.SPECIES;
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final boolean SINGLE = Float.BYTES == 4;
  private static final int STEP = WIDE.length();

  private RowLoopsF32() {}

  /** The largest; NaN if there is one. */
  static double max(float[] x, int at, int n) {
    FloatVector most = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
    int full = SPECIES.loopBound(n);
    for (int i = 0; i < full; i += SPECIES.length()) {
      most = most.max(FloatVector.fromArray(SPECIES, x, at + i));
    }
    if (full < n) {
      VectorMask<Float> rest = SPECIES.indexInRange(full, n);
      FloatVector tail = FloatVector.fromArray(SPECIES, x, at + full, rest);
      most = most.max(tail.blend(Float.NEGATIVE_INFINITY, rest.not()));
    }
    return most.reduceLanes(VectorOperators.MAX);
  }

  /** Σ eˣ⁻ᵐ. */
  static double expSum(float[] x, int at, int n, double m) {
    DoubleVector shift = DoubleVector.broadcast(WIDE, m);
    DoubleVector sum = DoubleVector.zero(WIDE);
    int full = WIDE.loopBound(n);
    for (int i = 0; i < full; i += STEP) {
      sum = sum.add(VectorMath.exp(LanesF32.load(x, at + i).sub(shift), SINGLE));
    }
    if (full < n) {
      DoubleVector e = VectorMath.exp(LanesF32.load(x, at + full, n - full).sub(shift), SINGLE);
      sum = sum.add(e, WIDE.indexInRange(full, n));
    }
    return sum.reduceLanes(VectorOperators.ADD);
  }

  /** Stores eˣ⁻ᵐ⁻ˢ, and returns their sum. */
  static double exp(float[] x, int at, int n, double m, double s, float[] y, int to) {
    DoubleVector shift = DoubleVector.broadcast(WIDE, m);
    DoubleVector log = DoubleVector.broadcast(WIDE, s);
    DoubleVector sum = DoubleVector.zero(WIDE);
    int full = WIDE.loopBound(n);
    for (int i = 0; i < full; i += STEP) {
      DoubleVector v = LanesF32.load(x, at + i).sub(shift).sub(log);
      DoubleVector e = VectorMath.exp(v, SINGLE);
      LanesF32.store(e, y, to + i);
      sum = sum.add(e);
    }
    if (full < n) {
      DoubleVector v = LanesF32.load(x, at + full, n - full).sub(shift).sub(log);
      DoubleVector e = VectorMath.exp(v, SINGLE);
      LanesF32.store(e, y, to + full, n - full);
      sum = sum.add(e, WIDE.indexInRange(full, n));
    }
    return sum.reduceLanes(VectorOperators.ADD);
  }

  /** Multiplies in place. */
  static void scale(float[] y, int to, int n, double factor) {
    int full = WIDE.loopBound(n);
    for (int i = 0; i < full; i += STEP) {
      LanesF32.store(LanesF32.load(y, to + i).mul(factor), y, to + i);
    }
    if (full < n) {
      LanesF32.store(LanesF32.load(y, to + full, n - full).mul(factor), y, to + full, n - full);
    }
  }

  /** x − m − s. */
  static void shift(float[] x, int at, int n, double m, double s, float[] y, int to) {
    int full = WIDE.loopBound(n);
    for (int i = 0; i < full; i += STEP) {
      LanesF32.store(LanesF32.load(x, at + i).sub(m).sub(s), y, to + i);
    }
    if (full < n) {
      DoubleVector v = LanesF32.load(x, at + full, n - full).sub(m).sub(s);
      LanesF32.store(v, y, to + full, n - full);
    }
  }

  /** Σ x. */
  static double sum(float[] x, int at, int n) {
    DoubleVector sum = DoubleVector.zero(WIDE);
    int full = WIDE.loopBound(n);
    for (int i = 0; i < full; i += STEP) {
      sum = sum.add(LanesF32.load(x, at + i));
    }
    if (full < n) {
      sum = sum.add(LanesF32.load(x, at + full, n - full));
    }
    return sum.reduceLanes(VectorOperators.ADD);
  }

  /** Σ x z. */
  static double dot(float[] x, int at, float[] z, int zAt, int n) {
    DoubleVector sum = DoubleVector.zero(WIDE);
    int full = WIDE.loopBound(n);
    for (int i = 0; i < full; i += STEP) {
      sum = LanesF32.load(x, at + i).fma(LanesF32.load(z, zAt + i), sum);
    }
    if (full < n) {
      DoubleVector tail = LanesF32.load(z, zAt + full, n - full);
      sum = LanesF32.load(x, at + full, n - full).fma(tail, sum);
    }
    return sum.reduceLanes(VectorOperators.ADD);
  }

  /** Σ eˣ⁻ᵐ⁻ˢ z. */
  static double expDot(float[] x, int at, double m, double s, float[] z, int zAt, int n) {
    DoubleVector shift = DoubleVector.broadcast(WIDE, m);
    DoubleVector log = DoubleVector.broadcast(WIDE, s);
    DoubleVector sum = DoubleVector.zero(WIDE);
    int full = WIDE.loopBound(n);
    for (int i = 0; i < full; i += STEP) {
      DoubleVector v = LanesF32.load(x, at + i).sub(shift).sub(log);
      DoubleVector e = VectorMath.exp(v, SINGLE);
      sum = e.fma(LanesF32.load(z, zAt + i), sum);
    }
    if (full < n) {
      DoubleVector v = LanesF32.load(x, at + full, n - full).sub(shift).sub(log);
      DoubleVector e = VectorMath.exp(v, SINGLE).mul(LanesF32.load(z, zAt + full, n - full));
      sum = sum.add(e, WIDE.indexInRange(full, n));
    }
    return sum.reduceLanes(VectorOperators.ADD);
  }

  /** c eˣ⁻ᵐ⁻ˢ. */
  static void expScaled(float[] x, int at, double m, double s, double c, int n, float[] y, int to) {
    DoubleVector shift = DoubleVector.broadcast(WIDE, m);
    DoubleVector log = DoubleVector.broadcast(WIDE, s);
    int full = WIDE.loopBound(n);
    for (int i = 0; i < full; i += STEP) {
      DoubleVector v = LanesF32.load(x, at + i).sub(shift).sub(log);
      DoubleVector e = VectorMath.exp(v, SINGLE);
      LanesF32.store(e.mul(c), y, to + i);
    }
    if (full < n) {
      DoubleVector v = LanesF32.load(x, at + full, n - full).sub(shift).sub(log);
      LanesF32.store(VectorMath.exp(v, SINGLE).mul(c), y, to + full, n - full);
    }
  }

  /** x (z − c). */
  static void weighted(float[] x, int at, float[] z, int zAt, int n, double c, float[] y, int to) {
    int full = WIDE.loopBound(n);
    for (int i = 0; i < full; i += STEP) {
      DoubleVector v = LanesF32.load(x, at + i).mul(LanesF32.load(z, zAt + i).sub(c));
      LanesF32.store(v, y, to + i);
    }
    if (full < n) {
      int rest = n - full;
      DoubleVector v = LanesF32.load(z, zAt + full, rest).sub(c);
      LanesF32.store(LanesF32.load(x, at + full, rest).mul(v), y, to + full, rest);
    }
  }

  /** z − c eˣ. */
  static void minusExp(float[] x, int at, float[] z, int zAt, int n, double c, float[] y, int to) {
    DoubleVector factor = DoubleVector.broadcast(WIDE, -c);
    int full = WIDE.loopBound(n);
    for (int i = 0; i < full; i += STEP) {
      DoubleVector e = VectorMath.exp(LanesF32.load(x, at + i), SINGLE);
      LanesF32.store(e.fma(factor, LanesF32.load(z, zAt + i)), y, to + i);
    }
    if (full < n) {
      int rest = n - full;
      DoubleVector e = VectorMath.exp(LanesF32.load(x, at + full, rest), SINGLE);
      LanesF32.store(e.fma(factor, LanesF32.load(z, zAt + full, rest)), y, to + full, rest);
    }
  }

  /** Σ (x − c)². */
  static double squares(float[] x, int at, int n, double c) {
    DoubleVector sum = DoubleVector.zero(WIDE);
    int full = WIDE.loopBound(n);
    for (int i = 0; i < full; i += STEP) {
      DoubleVector v = LanesF32.load(x, at + i).sub(c);
      sum = v.fma(v, sum);
    }
    if (full < n) {
      VectorMask<Double> rest = WIDE.indexInRange(full, n);
      DoubleVector v = LanesF32.load(x, at + full, n - full).sub(c);
      sum = sum.add(v.mul(v), rest);
    }
    return sum.reduceLanes(VectorOperators.ADD);
  }

  /** Σ (x − c) z. */
  static double shiftedDot(float[] x, int at, double c, float[] z, int zAt, int n) {
    DoubleVector sum = DoubleVector.zero(WIDE);
    int full = WIDE.loopBound(n);
    for (int i = 0; i < full; i += STEP) {
      sum = LanesF32.load(x, at + i).sub(c).fma(LanesF32.load(z, zAt + i), sum);
    }
    if (full < n) {
      DoubleVector tail = LanesF32.load(z, zAt + full, n - full);
      sum = LanesF32.load(x, at + full, n - full).sub(c).fma(tail, sum);
    }
    return sum.reduceLanes(VectorOperators.ADD);
  }

  /** (x − c) a + (z − d) b. */
  static void combine(
      float[] x,
      int at,
      double c,
      double a,
      float[] z,
      int zAt,
      double d,
      double b,
      int n,
      float[] y,
      int to) {
    DoubleVector first = DoubleVector.broadcast(WIDE, a);
    DoubleVector second = DoubleVector.broadcast(WIDE, b);
    int full = WIDE.loopBound(n);
    for (int i = 0; i < full; i += STEP) {
      DoubleVector v = LanesF32.load(x, at + i).sub(c).mul(first);
      LanesF32.store(LanesF32.load(z, zAt + i).sub(d).fma(second, v), y, to + i);
    }
    if (full < n) {
      int rest = n - full;
      DoubleVector v = LanesF32.load(x, at + full, rest).sub(c).mul(first);
      LanesF32.store(LanesF32.load(z, zAt + full, rest).sub(d).fma(second, v), y, to + full, rest);
    }
  }
}
