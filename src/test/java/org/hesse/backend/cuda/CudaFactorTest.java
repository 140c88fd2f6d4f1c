package org.hesse.backend.cuda;

import static org.hesse.backend.cuda.TwoBackends.get;
import static org.hesse.backend.cuda.TwoBackends.set;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Array;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.hesse.DType;
import org.hesse.backend.Backend;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.backend.cpu.CpuBackend;
import org.hesse.ir.FactorKind;
import org.hesse.testing.SimulatedDevice;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Dense linear algebra: by its definition, or where it is unique against the CPU; and its errors.
 */
class CudaFactorTest {
  private static final int[] BATCHES = {1, 3};
  private static final int[] SIDES = {1, 2, 5, 33, 40};

  @BeforeAll
  static void device() {
    SimulatedDevice.require();
  }

  /** Matrices of a batch, in an array with strides of any kind. */
  private record Sample(Object array, int rows, int columns, long[] strides) {
    static Sample of(Random random, DType dtype, int batch, int rows, int columns) {
      Object array = TwoBackends.uniform(random, dtype, batch * rows * columns);
      long size = (long) rows * columns;
      long[] strides =
          random.nextBoolean() ? new long[] {size, columns, 1} : new long[] {size, 1, rows};
      return new Sample(array, rows, columns, strides);
    }

    /** A Aᵀ + I of what was there. */
    Sample positive() {
      Object out = TwoBackends.zeros(TwoBackends.dtype(array), Array.getLength(array));
      for (int b = 0; b < batch(); b++) {
        for (int i = 0; i < rows; i++) {
          for (int j = 0; j < rows; j++) {
            double sum = i == j ? 1 : 0;
            for (int p = 0; p < rows; p++) {
              sum += at(b, i, p) * at(b, j, p);
            }
            set(out, index(b, i, j), sum);
          }
        }
      }
      return new Sample(out, rows, columns, strides);
    }

    /** With n added to the diagonal. */
    Sample dominant() {
      for (int b = 0; b < batch(); b++) {
        for (int i = 0; i < rows; i++) {
          set(array, index(b, i, i), at(b, i, i) + rows);
        }
      }
      return this;
    }

    int batch() {
      return Array.getLength(array) / rows / columns;
    }

    long index(int b, int i, int j) {
      return b * strides[0] + i * strides[1] + j * strides[2];
    }

    double at(int b, int i, int j) {
      return get(array, index(b, i, j));
    }

    Step.Matrices operand(int number) {
      return new Step.Matrices(
          rows, columns, new View(TwoBackends.input(number, array), 0, strides));
    }
  }

  private static Sample run(
      Backend backend, FactorKind kind, int rows, int columns, int times, Sample... operands) {
    List<Step.Matrices> in = new ArrayList<>();
    Object[] arrays = new Object[operands.length];
    for (int i = 0; i < arrays.length; i++) {
      in.add(operands[i].operand(i));
      arrays[i] = operands[i].array;
    }
    int batch = operands[0].batch();
    Slot out = TwoBackends.output(0, TwoBackends.dtype(arrays[0]), (long) batch * rows * columns);
    long[] dense = {(long) rows * columns, columns, 1};
    Step step =
        new Step.Factor(kind, batch, in, new Step.Matrices(rows, columns, new View(out, 0, dense)));
    return new Sample(TwoBackends.run(backend, step, out, times, arrays), rows, columns, dense);
  }

  /** On the device, the same bits each time. */
  private static Sample cuda(FactorKind kind, int rows, int columns, Sample... operands) {
    Sample first = run(CudaBackend.of(0), kind, rows, columns, 1, operands);
    Sample third = run(CudaBackend.of(0), kind, rows, columns, 3, operands);
    assertClose(first, third, 0, kind.toString());
    return first;
  }

  private static void againstCpu(
      FactorKind kind, int rows, int columns, double tolerance, Sample... operands) {
    Sample expected = run(CpuBackend.instance(), kind, rows, columns, 1, operands);
    Sample actual = cuda(kind, rows, columns, operands);
    String what = kind + " of " + operands[0].rows + " × " + operands[0].columns;
    assertClose(expected, actual, tolerance * eps(operands[0]), what);
  }

  private static double eps(Sample sample) {
    return TwoBackends.dtype(sample.array) == DType.F32 ? 0x1p-23 : 0x1p-52;
  }

  private static void assertClose(Sample expected, Sample actual, double tolerance, String what) {
    for (int b = 0; b < expected.batch(); b++) {
      for (int i = 0; i < expected.rows; i++) {
        for (int j = 0; j < expected.columns; j++) {
          double e = expected.at(b, i, j);
          assertEquals(
              e,
              actual.at(b, i, j),
              tolerance * Math.clamp(Math.abs(e), 1, Double.MAX_VALUE),
              what + " at " + b + ", " + i + ", " + j);
        }
      }
    }
  }

  private interface Check {
    void of(Random random, int batch, int n, int k);
  }

  private static void each(DType dtype, Check check) {
    Random random = new Random(dtype.bytes());
    for (int batch : BATCHES) {
      for (int n : SIDES) {
        check.of(random, batch, n, 1 + random.nextInt(7));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "F64"})
  void cholesky(DType dtype) {
    each(
        dtype,
        (random, batch, n, k) -> {
          Sample a = Sample.of(random, dtype, batch, n, n).positive();
          // What is above the diagonal is not read.
          set(a.array, a.index(0, 0, n - 1), n == 1 ? 4 : Double.NaN);
          againstCpu(new FactorKind.Cholesky(), n, n, 20 * n, a);
        });
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "F64"})
  void triangularSolve(DType dtype) {
    each(
        dtype,
        (random, batch, n, k) -> {
          boolean lower = random.nextBoolean();
          boolean unit = n < 9 && random.nextBoolean();
          Sample a = Sample.of(random, dtype, batch, n, n).dominant();
          if (unit) {
            // Nor is a diagonal that counts as 1.
            set(a.array, a.index(0, 0, 0), Double.POSITIVE_INFINITY);
          }
          FactorKind kind = new FactorKind.TriangularSolve(lower, random.nextBoolean(), unit);
          againstCpu(kind, n, k, unit ? 1e4 : 20 * n, a, Sample.of(random, dtype, batch, n, k));
        });
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "F64"})
  void luSolveAndDeterminant(DType dtype) {
    each(
        dtype,
        (random, batch, n, k) -> {
          Sample a = Sample.of(random, dtype, batch, n, n);
          Sample b = Sample.of(random, dtype, batch, n, k);
          againstCpu(new FactorKind.Lu(), n + 1, n, 200 * n, a);
          Sample packed = cuda(new FactorKind.Lu(), n + 1, n, a);
          againstCpu(new FactorKind.Determinant(), 1, 3, 20 * n, packed);
          for (boolean transposed : new boolean[] {false, true}) {
            Sample x = cuda(new FactorKind.LuSolve(transposed), n, k, packed, b);
            assertSolves(a, transposed, x, b);
          }
        });
  }

  /** The residual is small beside what it is the difference of, whatever the condition. */
  private static void assertSolves(Sample a, boolean transposed, Sample x, Sample b) {
    for (int m = 0; m < a.batch(); m++) {
      for (int i = 0; i < a.rows; i++) {
        for (int j = 0; j < b.columns; j++) {
          double sum = 0;
          double size = Math.abs(b.at(m, i, j));
          for (int p = 0; p < a.rows; p++) {
            double y = (transposed ? a.at(m, p, i) : a.at(m, i, p)) * x.at(m, p, j);
            sum += y;
            size += Math.abs(y);
          }
          assertEquals(b.at(m, i, j), sum, 100 * a.rows * eps(a) * size);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "F64"})
  void qrHasOneAnswer(DType dtype) {
    each(
        dtype,
        (random, batch, n, k) -> {
          Sample a = Sample.of(random, dtype, batch, n + k - 1, n);
          for (int i = 0; i < n; i++) {
            set(a.array, a.index(0, i, i), a.at(0, i, i) + n);
          }
          againstCpu(new FactorKind.Qr(), a.rows + n, n, 500 * n, a);
        });
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "F64"})
  void eigenproblem(DType dtype) {
    each(
        dtype,
        (random, batch, n, k) -> {
          Sample a = Sample.of(random, dtype, batch, n, n).positive();
          Sample packed = cuda(new FactorKind.Eigh(), n + 1, n, a);
          Sample cpu = run(CpuBackend.instance(), new FactorKind.Eigh(), n + 1, n, 1, a);
          for (int b = 0; b < batch; b++) {
            for (int i = 0; i < n; i++) {
              assertEquals(cpu.at(b, 0, i), packed.at(b, 0, i), 50 * n * eps(a) * n);
            }
            assertOrthonormal(packed, b, 1, n, 50 * n * eps(a));
            for (int i = 0; i < n; i++) {
              for (int j = 0; j < n; j++) {
                double sum = 0;
                for (int p = 0; p < n; p++) {
                  sum += packed.at(b, 1 + i, p) * packed.at(b, 0, p) * packed.at(b, 1 + j, p);
                }
                assertEquals(a.at(b, i, j), sum, 50 * n * eps(a) * n);
              }
            }
          }
        });
  }

  private static void assertOrthonormal(Sample packed, int b, int row, int rows, double bound) {
    for (int i = 0; i < packed.columns; i++) {
      for (int j = 0; j < packed.columns; j++) {
        double dot = 0;
        for (int p = row; p < row + rows; p++) {
          dot += packed.at(b, p, i) * packed.at(b, p, j);
        }
        assertEquals(i == j ? 1 : 0, dot, bound);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "F64"})
  void singularValues(DType dtype) {
    each(
        dtype,
        (random, batch, side, other) -> {
          boolean wide = random.nextBoolean();
          int m = wide ? side : side + other;
          int n = wide ? side + other : side;
          Sample a = Sample.of(random, dtype, batch, m, n);
          if (side > 4) {
            // Of less than full rank.
            for (int i = 0; i < m; i++) {
              set(a.array, a.index(0, i, 1), a.at(0, i, 0));
            }
          }
          int k = Math.min(m, n);
          Sample packed = cuda(new FactorKind.Svd(), m + n + 1, k, a);
          double bound = 100 * (m + n) * eps(a);
          for (int b = 0; b < batch; b++) {
            assertOrthonormal(packed, b, 0, m, bound);
            assertOrthonormal(packed, b, m, n, bound);
            for (int p = 1; p < k; p++) {
              assertTrue(packed.at(b, m + n, p) <= packed.at(b, m + n, p - 1));
            }
            for (int i = 0; i < m; i++) {
              for (int j = 0; j < n; j++) {
                double sum = 0;
                for (int p = 0; p < k; p++) {
                  sum += packed.at(b, i, p) * packed.at(b, m + n, p) * packed.at(b, m + j, p);
                }
                assertEquals(a.at(b, i, j), sum, bound);
              }
            }
          }
        });
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "F64"})
  void gaps(DType dtype) {
    each(
        dtype,
        (random, batch, n, k) -> {
          Sample x = Sample.of(random, dtype, batch, 1, n);
          for (int i = 0; i < n; i++) {
            set(x.array, x.index(0, 0, i), i * i - 3);
          }
          againstCpu(new FactorKind.Gaps(FactorKind.Values.EIGENVALUES), n, n, 4, x);
        });
  }

  private static String error(
      Backend backend, FactorKind kind, int rows, int columns, Sample... a) {
    return assertThrows(ArithmeticException.class, () -> run(backend, kind, rows, columns, 1, a))
        .getMessage();
  }

  private static void sameError(FactorKind kind, int rows, int columns, Sample... operands) {
    assertEquals(
        error(CpuBackend.instance(), kind, rows, columns, operands),
        error(CudaBackend.of(0), kind, rows, columns, operands));
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "F64"})
  void errorsSayWhichMatrixAndWhy(DType dtype) {
    Random random = new Random(9);
    for (int batch : BATCHES) {
      int last = batch - 1;
      Sample indefinite = Sample.of(random, dtype, batch, 5, 5).positive();
      set(indefinite.array, indefinite.index(last, 3, 3), -1);
      sameError(new FactorKind.Cholesky(), 5, 5, indefinite);
      Sample b = Sample.of(random, dtype, batch, 5, 2);
      Sample triangle = Sample.of(random, dtype, batch, 5, 5);
      set(triangle.array, triangle.index(last, 2, 2), 0);
      sameError(new FactorKind.TriangularSolve(true, false, false), 5, 2, triangle, b);
      Sample singular = Sample.of(random, dtype, batch, 5, 5);
      for (int i = 0; i < 5; i++) {
        set(singular.array, singular.index(last, i, 1), 0);
      }
      Sample packed = cuda(new FactorKind.Lu(), 6, 5, singular);
      againstCpu(new FactorKind.Determinant(), 1, 3, 20, packed);
      sameError(new FactorKind.LuSolve(false), 5, 2, packed, b);
      sameError(new FactorKind.LuSolve(true), 5, 2, packed, b);
      for (double bad : new double[] {Double.NaN, Double.NEGATIVE_INFINITY}) {
        Sample a = Sample.of(random, dtype, batch, 5, 4);
        set(a.array, a.index(last, 3, 2), bad);
        sameError(new FactorKind.Qr(), 9, 4, a);
        sameError(new FactorKind.Svd(), 10, 4, a);
        Sample wide = Sample.of(random, dtype, batch, 4, 5);
        set(wide.array, wide.index(last, 2, 3), bad);
        sameError(new FactorKind.Svd(), 10, 4, wide);
        Sample square = Sample.of(random, dtype, batch, 4, 4);
        set(square.array, square.index(last, 3, 1), bad);
        sameError(new FactorKind.Eigh(), 5, 4, square);
        sameError(new FactorKind.Lu(), 5, 4, square);
      }
    }
  }

  @Test
  void equalValuesHaveNoGap() {
    Sample x = new Sample(new double[] {1, 3, 2, 3, 4, 5, 6, 7}, 1, 4, new long[] {4, 4, 1});
    FactorKind kind = new FactorKind.Gaps(FactorKind.Values.EIGENVALUES);
    String message = error(CudaBackend.of(0), kind, 4, 4, x);
    String start = "gaps: matrix 0 of 2 has eigenvalues 1 and 3 equal to working precision";
    assertTrue(message.startsWith(start), message);
    Sample zero = new Sample(new float[] {2, 1e-9f, 0}, 1, 3, new long[] {3, 3, 1});
    FactorKind rank = new FactorKind.Gaps(FactorKind.Values.SINGULAR_VALUES_AND_ZERO);
    String other = error(CudaBackend.of(0), rank, 3, 3, zero);
    assertTrue(other.contains("its singular value 1 is 0 to working precision"), other);
  }
}
