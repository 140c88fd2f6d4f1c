package org.hesse.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Array;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.hesse.DType;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.ir.CompositeKind;
import org.hesse.testing.SimulatedDevice;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Attention and its derivatives against the formulas of {@link CompositeKind} in double. */
@Tag("kernels")
class CudaAttentionTest {
  private record Size(int n, int m, int d, int e) {}

  /** Operands of one batch, and what the formulas make of them. */
  private static final class Problem {
    final OneStep s;
    final DType dtype;
    final int batch;
    final Size z;
    final boolean biased;
    final View q;
    final View k;
    final View v;
    final View b;

    Problem(Random random, DType dtype, int batch, Size z, boolean biased, boolean dense) {
      this.s = new OneStep(random);
      this.dtype = dtype;
      this.batch = batch;
      this.z = z;
      this.biased = biased;
      this.q = operand(z.n, z.d, dense);
      this.k = operand(z.m, z.d, dense);
      this.v = operand(z.m, z.e, dense);
      this.b = operand(z.n, z.m, dense);
    }

    View operand(int rows, int columns, boolean dense) {
      return s.input(dtype, new int[] {batch, rows, columns}, dense ? 3 : 1);
    }

    double at(View view, int item, int row, int column) {
      long[] t = view.strides();
      return Array.getDouble(
          s.array(view), (int) (view.offset() + item * t[0] + row * t[1] + column * t[2]));
    }

    static Step.Items items(View view, int... item) {
      return new Step.Items(item, view);
    }

    List<Step.Items> inputs() {
      List<Step.Items> all = new ArrayList<>();
      all.add(items(q, z.n, z.d));
      all.add(items(k, z.m, z.d));
      all.add(items(v, z.m, z.e));
      if (biased) {
        all.add(items(b, z.n, z.m));
      }
      return all;
    }

    Object run(CompositeKind kind, List<Step.Items> operands, int... item) {
      int[] domain = new int[item.length + 1];
      domain[0] = batch;
      System.arraycopy(item, 0, domain, 1, item.length);
      View out = s.denseOutput(dtype, domain);
      return s.cuda(new Step.Composite(kind, new int[] {batch}, operands, items(out, item)));
    }

    double[] scores(int item, int i) {
      double[] scores = new double[z.m];
      for (int j = 0; j < z.m; j++) {
        for (int p = 0; p < z.d; p++) {
          scores[j] += at(q, item, i, p) * at(k, item, j, p);
        }
        scores[j] = scores[j] / Math.sqrt(z.d) + (biased ? at(b, item, i, j) : 0);
      }
      return scores;
    }

    /** The packed result of attention. */
    double[] attention() {
      int width = z.e + 2;
      double[] a = new double[batch * z.n * width];
      for (int r = 0; r < batch * z.n; r++) {
        double[] scores = scores(r / z.n, r % z.n);
        double max = java.util.Arrays.stream(scores).max().orElseThrow();
        double c = Double.isInfinite(max) ? 0 : max;
        double sum = java.util.Arrays.stream(scores).map(x -> Math.exp(x - c)).sum();
        for (int j = 0; j < z.m; j++) {
          double p = sum == 0 ? 0 : Math.exp(scores[j] - c) / sum;
          for (int e = 0; e < z.e; e++) {
            a[r * width + e] += p * at(v, r / z.n, j, e);
          }
        }
        a[r * width + z.e] = c;
        a[r * width + z.e + 1] = sum == 0 ? 0 : Math.log(sum);
      }
      return a;
    }

    /** The weights of a query, from the packed result. */
    double[] weights(double[] a, int r) {
      double[] p = scores(r / z.n, r % z.n);
      int end = r * (z.e + 2) + z.e;
      java.util.Arrays.setAll(p, j -> Math.exp(p[j] - a[end] - a[end + 1]));
      return p;
    }

    Object rounded(double[] x) {
      if (dtype == DType.F64) {
        return x.clone();
      }
      float[] y = new float[x.length];
      for (int i = 0; i < y.length; i++) {
        y[i] = (float) x[i];
      }
      return y;
    }

    double[] tangent(double[] a, View dq, View dk, View dv) {
      int width = z.e + 2;
      double[] t = new double[a.length];
      for (int r = 0; r < batch * z.n; r++) {
        int item = r / z.n;
        double[] p = weights(a, r);
        double[] ds = new double[z.m];
        double log = 0;
        for (int j = 0; j < z.m; j++) {
          for (int i = 0; i < z.d; i++) {
            ds[j] += at(dq, item, r % z.n, i) * at(k, item, j, i);
            ds[j] += at(q, item, r % z.n, i) * at(dk, item, j, i);
          }
          ds[j] /= Math.sqrt(z.d);
          log += p[j] * ds[j];
        }
        for (int j = 0; j < z.m; j++) {
          for (int e = 0; e < z.e; e++) {
            double slope = p[j] * (ds[j] - log);
            t[r * width + e] += slope * at(v, item, j, e) + p[j] * at(dv, item, j, e);
          }
        }
        t[r * width + z.e + 1] = log;
      }
      return t;
    }

    double[] cotangent(double[] a, View w) {
      int each = z.n * z.d + z.m * (z.d + z.e);
      double[] c = new double[batch * each];
      double scale = 1 / Math.sqrt(z.d);
      for (int r = 0; r < batch * z.n; r++) {
        int item = r / z.n;
        int i = r % z.n;
        double[] p = weights(a, r);
        double along = -at(w, item, i, z.e + 1);
        for (int e = 0; e < z.e; e++) {
          along += a[r * (z.e + 2) + e] * at(w, item, i, e);
        }
        for (int j = 0; j < z.m; j++) {
          double dp = 0;
          int values = item * each + z.n * z.d + z.m * z.d + j * z.e;
          for (int e = 0; e < z.e; e++) {
            dp += at(w, item, i, e) * at(v, item, j, e);
            c[values + e] += p[j] * at(w, item, i, e);
          }
          double ds = p[j] * (dp - along) * scale;
          for (int x = 0; x < z.d; x++) {
            c[item * each + i * z.d + x] += ds * at(k, item, j, x);
            c[item * each + (z.n + j) * z.d + x] += ds * at(q, item, i, x);
          }
        }
      }
      return c;
    }

    void check(double[] expected, Object actual, String what) {
      double tolerance = dtype == DType.F32 ? 1e-5 : 1e-12;
      double most = java.util.Arrays.stream(expected).map(Math::abs).max().orElse(0);
      assertEquals(expected.length, Array.getLength(actual), what);
      for (int i = 0; i < expected.length; i++) {
        double error = Math.abs(Array.getDouble(actual, i) - expected[i]);
        assertTrue(
            error <= tolerance * Math.max(1, most),
            what + " of " + dtype + " " + z + " at " + i + ": off by " + error);
      }
    }

    void checkAll() {
      double[] a = attention();
      check(a, run(new CompositeKind.Attention(), inputs(), z.n, z.e + 2), "attention");
      List<Step.Items> operands = new ArrayList<>(inputs());
      View kept = s.dense(rounded(a), batch, z.n, z.e + 2);
      operands.add(0, items(kept, z.n, z.e + 2));
      List<Step.Items> tangents = new ArrayList<>(operands);
      View dq = operand(z.n, z.d, false);
      View dk = operand(z.m, z.d, false);
      View dv = operand(z.m, z.e, false);
      tangents.add(items(dq, z.n, z.d));
      tangents.add(items(dk, z.m, z.d));
      tangents.add(items(dv, z.m, z.e));
      var tangent = new CompositeKind.AttentionTangent(biased);
      check(tangent(a, dq, dk, dv), run(tangent, tangents, z.n, z.e + 2), "tangent");
      View w = operand(z.n, z.e + 2, false);
      operands.add(items(w, z.n, z.e + 2));
      var cotangent = new CompositeKind.AttentionCotangent(biased);
      int size = z.n * z.d + z.m * (z.d + z.e);
      check(cotangent(a, w), run(cotangent, operands, size), "cotangent");
    }
  }

  @Test
  void formulasOfAllSizes() {
    SimulatedDevice.require();
    Random random = new Random(1);
    for (int i = 0; i < 12; i++) {
      Size z =
          new Size(
              1 + random.nextInt(20),
              1 + random.nextInt(20),
              1 + random.nextInt(20),
              1 + random.nextInt(20));
      DType dtype = random.nextBoolean() ? DType.F32 : DType.F64;
      new Problem(random, dtype, 1 + random.nextInt(3), z, i % 2 == 0, i % 3 == 0).checkAll();
    }
  }

  /** Several tiles of queries and keys, and results of more columns than a block makes. */
  @Test
  void severalTiles() {
    SimulatedDevice.require();
    Random random = new Random(2);
    new Problem(random, DType.F32, 1, new Size(70, 130, 33, 20), true, true).checkAll();
    new Problem(random, DType.F64, 1, new Size(40, 70, 20, 33), false, false).checkAll();
    new Problem(random, DType.F32, 1, new Size(5, 6, 140, 131), false, true).checkAll();
    new Problem(random, DType.F64, 1, new Size(5, 6, 70, 135), true, true).checkAll();
  }

  /** Masked keys, a query all of whose keys are masked, and scores of ±10⁴ over several tiles. */
  @Test
  void masksAndLargeScores() {
    SimulatedDevice.require();
    Random random = new Random(3);
    for (DType dtype : new DType[] {DType.F32, DType.F64}) {
      Problem p = new Problem(random, dtype, 1, new Size(6, 140, 4, 3), true, true);
      Object bias = p.s.array(p.b);
      for (int j = 0; j < 140; j++) {
        double[] row = {
          Double.NEGATIVE_INFINITY,
          j < 100 ? Double.NEGATIVE_INFINITY : 0,
          j < 64 ? -1e4 : Double.NEGATIVE_INFINITY,
          j == 139 ? 1e4 : -1e4,
          j < 70 ? 1e4 : 0,
          j > 4 ? Double.NEGATIVE_INFINITY : 0
        };
        for (int i = 0; i < 6; i++) {
          if (bias instanceof float[] f) {
            f[i * 140 + j] = (float) row[i];
          } else {
            Array.setDouble(bias, i * 140 + j, row[i]);
          }
        }
      }
      double[] a = p.attention();
      Object out = p.run(new CompositeKind.Attention(), p.inputs(), 6, 5);
      for (int i = 0; i < a.length; i++) {
        // Scores of 10⁴ are rounded to 10⁻³ in F32 before they are compared.
        double tolerance = dtype == DType.F32 ? 2e-3 : 1e-11;
        double error = Math.abs(Array.getDouble(out, i) - a[i]);
        assertTrue(error <= tolerance, dtype + " at " + i + ": off by " + error);
      }
      for (int e = 0; e < 5; e++) {
        assertEquals(0, Array.getDouble(out, e), "of a query without keys");
      }
    }
  }

  @Test
  void runsHaveTheSameBits() {
    SimulatedDevice.require();
    Problem p = new Problem(new Random(4), DType.F32, 2, new Size(20, 70, 8, 8), false, true);
    List<Step.Items> operands = new ArrayList<>(p.inputs());
    operands.add(0, Problem.items(p.s.dense(p.rounded(p.attention()), 2, 20, 10), 20, 10));
    operands.add(Problem.items(p.operand(20, 10, true), 20, 10));
    var kind = new CompositeKind.AttentionCotangent(false);
    float[] first = (float[]) p.run(kind, operands, 20 * 8 + 140 * 8);
    assertArrayEquals(first, (float[]) p.run(kind, operands, 20 * 8 + 140 * 8));
  }
}
