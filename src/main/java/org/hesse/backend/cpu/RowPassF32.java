// twin: F64
package org.hesse.backend.cpu;

import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * The loop of one {@link RowTerm} of few instructions. Four vectors are added by halves, and these
 * sums in double, so that rounding takes no more of a long row than of a short one; what is left of
 * a row is added in double at once, so that the mean of a short row of equal numbers is that
 * number.
 */
final class RowPassF32 implements RowLoopF32 {
  private static final RowTerm TERM = Specialized.constant(MethodHandles.lookup(), RowTerm.class);

  // Constants to the JIT compiler, which what an enum says of itself is not.
  private static final boolean STORES = TERM.stores;
  private static final boolean TWO_ROWS = TERM.hasOther();

  private static final VectorSpecies<Float> SPECIES = LanesF32.STREAM;
  private static final int STEP = SPECIES.length();

  RowPassF32() {}

  // All of it in one method, which is so too long to be inlined: a compilation is one row's loop,
  // and the JIT compiler inlines in it whatever takes vectors, which are objects otherwise.
  @Override
  public double run(
      float[] x, int xo, float[] z, int zo, float a0, float b0, float c, float[] y, int yo, int n) {
    // As vectors of known length; the compiler need not find out the length of v in v.sub(a).
    FloatVector a = FloatVector.broadcast(SPECIES, a0);
    FloatVector b = FloatVector.broadcast(SPECIES, b0);
    int full = SPECIES.loopBound(n);
    VectorMask<Float> rest = SPECIES.indexInRange(full, n);
    if (STORES) {
      for (int i = 0; i < full; i += STEP) {
        value(x, xo + i, z, zo + i, a, b).intoArray(y, yo + i);
      }
      if (full < n) {
        FloatVector v = FloatVector.fromArray(SPECIES, x, xo + full, rest);
        FloatVector u = TWO_ROWS ? FloatVector.fromArray(SPECIES, z, zo + full, rest) : v;
        value(v, u, a, b).intoArray(y, yo + full, rest);
      }
      return 0;
    }
    DoubleVector wide = DoubleVector.zero(VectorMath.SPECIES);
    int groups = n - n % (4 * STEP);
    for (int i = 0; i < groups; i += 4 * STEP) {
      FloatVector r0 = value(x, xo + i, z, zo + i, a, b);
      FloatVector r1 = value(x, xo + i + STEP, z, zo + i + STEP, a, b);
      FloatVector r2 = value(x, xo + i + 2 * STEP, z, zo + i + 2 * STEP, a, b);
      FloatVector r3 = value(x, xo + i + 3 * STEP, z, zo + i + 3 * STEP, a, b);
      wide = wide.add(WideF32.wide(r0.add(r1).add(r2.add(r3))));
    }
    for (int i = groups; i < full; i += STEP) {
      wide = wide.add(WideF32.wide(value(x, xo + i, z, zo + i, a, b)));
    }
    if (full < n) {
      FloatVector v = FloatVector.fromArray(SPECIES, x, xo + full, rest);
      FloatVector u = TWO_ROWS ? FloatVector.fromArray(SPECIES, z, zo + full, rest) : v;
      FloatVector r = value(v, u, a, b);
      wide = wide.add(WideF32.wide(FloatVector.zero(SPECIES).blend(r, rest)));
    }
    return VectorMath.total(wide);
  }

  private static FloatVector value(
      float[] x, int i, float[] z, int j, FloatVector a, FloatVector b) {
    FloatVector v = FloatVector.fromArray(SPECIES, x, i);
    return value(v, TWO_ROWS ? FloatVector.fromArray(SPECIES, z, j) : v, a, b);
  }

  private static FloatVector value(FloatVector v, FloatVector u, FloatVector a, FloatVector b) {
    if (TERM == RowTerm.SUM) {
      return v;
    } else if (TERM == RowTerm.SQUARES) {
      FloatVector r = v.sub(a);
      return r.mul(r);
    } else if (TERM == RowTerm.DOT) {
      return v.mul(u);
    } else if (TERM == RowTerm.SCALE) {
      return v.mul(a);
    } else if (TERM == RowTerm.SHIFT) {
      return v.sub(a).sub(b);
    } else if (TERM == RowTerm.WEIGHTED) {
      return v.mul(u.sub(a));
    }
    return v.sub(a).mul(b).mul(u);
  }
}
