// twin: F64
package org.hesse.backend.cpu;

import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The loop of one {@link ColumnTerm}. Four rows are gone along at once, so that waits for memory
 * overlap, and added by halves before their sum goes to those in double.
 */
final class ColumnPassF32 implements ColumnKernel {
  private static final ColumnTerm TERM =
      Specialized.constant(MethodHandles.lookup(), ColumnTerm.class);

  private static final VectorSpecies<Float> SPECIES = LanesF32.STREAM;

  ColumnPassF32() {}

  @Override
  public void run(
      Frame frame,
      Object x,
      int[] xAt,
      Object z,
      int[] zAt,
      double[] a,
      double[] b,
      int rows,
      int width) {
    float[] v = (float[]) x;
    float[] u = (float[]) z;
    float[] line = frame.halfF32;
    int full = SPECIES.loopBound(width);
    for (int r = 0; r < rows; ) {
      int taken = rows - r < 4 ? 1 : 4;
      if (taken == 4) {
        four(v, xAt, u, zAt, a, b, r, line, full);
      } else {
        one(v, xAt[r], u, zAt[r], shift(a, r), factor(b, r), line, full);
      }
      for (int j = full; j < width; j++) {
        float sum = 0;
        for (int k = r; k < r + taken; k++) {
          sum += term(v[xAt[k] + j], u[zAt[k] + j], shift(a, k), factor(b, k));
        }
        line[j] = sum;
      }
      FoldLoopF32.merge(true, line, 0, width, frame.sums, frame.lost, 0);
      r += taken;
    }
  }

  private static float shift(double[] ofRows, int r) {
    return TERM == ColumnTerm.STANDARD ? (float) ofRows[r] : 0;
  }

  private static float factor(double[] ofRows, int r) {
    return TERM == ColumnTerm.STANDARD || TERM == ColumnTerm.SCALED ? (float) ofRows[r] : 0;
  }

  private static void four(
      float[] v, int[] at, float[] u, int[] to, double[] a, double[] b, int r, float[] y, int n) {
    int v0 = at[r];
    int v1 = at[r + 1];
    int v2 = at[r + 2];
    int v3 = at[r + 3];
    int u0 = to[r];
    int u1 = to[r + 1];
    int u2 = to[r + 2];
    int u3 = to[r + 3];
    float a0 = shift(a, r);
    float a1 = shift(a, r + 1);
    float a2 = shift(a, r + 2);
    float a3 = shift(a, r + 3);
    float b0 = factor(b, r);
    float b1 = factor(b, r + 1);
    float b2 = factor(b, r + 2);
    float b3 = factor(b, r + 3);
    for (int j = 0; j < n; j += SPECIES.length()) {
      FloatVector s = term(v, v0 + j, u, u0 + j, a0, b0);
      FloatVector t = term(v, v1 + j, u, u1 + j, a1, b1);
      FloatVector p = term(v, v2 + j, u, u2 + j, a2, b2);
      FloatVector q = term(v, v3 + j, u, u3 + j, a3, b3);
      s.add(t).add(p.add(q)).intoArray(y, j);
    }
  }

  private static void one(
      float[] v, int at, float[] u, int to, float a, float b, float[] y, int n) {
    for (int j = 0; j < n; j += SPECIES.length()) {
      term(v, at + j, u, to + j, a, b).intoArray(y, j);
    }
  }

  private static FloatVector term(float[] v, int at, float[] u, int to, float a, float b) {
    FloatVector x = FloatVector.fromArray(SPECIES, v, at);
    if (TERM == ColumnTerm.PLAIN || TERM == ColumnTerm.SCALED) {
      return TERM == ColumnTerm.PLAIN ? x : x.mul(b);
    }
    FloatVector z = FloatVector.fromArray(SPECIES, u, to);
    FloatVector shift = FloatVector.broadcast(SPECIES, a);
    FloatVector factor = FloatVector.broadcast(SPECIES, b);
    return TERM == ColumnTerm.PRODUCT ? x.mul(z) : x.sub(shift).mul(factor).mul(z);
  }

  private static float term(float v, float u, float a, float b) {
    if (TERM == ColumnTerm.PLAIN || TERM == ColumnTerm.SCALED) {
      return TERM == ColumnTerm.PLAIN ? v : v * b;
    }
    return TERM == ColumnTerm.PRODUCT ? v * u : (v - a) * b * u;
  }
}
