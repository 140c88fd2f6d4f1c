package org.hesse.backend.cpu;

import org.hesse.DType;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;

/**
 * A matrix product {@code c[b,i,j] = Σₚ a[b,i,p] · b[b,j,p]}, turned so that rows of the result are
 * contiguous if either its rows or its columns are.
 *
 * @param scattered whether the result must go by way of a contiguous copy
 */
record Gemm(
    int batch, int m, int n, int k, Matrix a, Matrix b, Matrix c, boolean scattered, View out) {

  /** An operand: where it begins, and the strides over batch, its rows and its columns. */
  record Matrix(Slot slot, int at, long batch, int row, int column) {
    static Matrix of(View view, int row, int column) {
      long at = view.slot().offset() + view.offset();
      long[] s = view.strides();
      return new Matrix(view.slot(), (int) at, s[0], (int) s[row], (int) s[column]);
    }

    int at(int batchIndex) {
      return (int) (at + batchIndex * batch);
    }
  }

  static Gemm of(Step.Dot dot) {
    Matrix lhs = Matrix.of(dot.lhs(), 1, 2);
    Matrix rhs = Matrix.of(dot.rhs(), 1, 2);
    long[] s = dot.out().strides();
    if (s[2] != 1 && s[1] == 1) {
      return new Gemm(
          dot.batch(),
          dot.n(),
          dot.m(),
          dot.k(),
          rhs,
          lhs,
          Matrix.of(dot.out(), 2, 1),
          false,
          dot.out());
    }
    Matrix out = Matrix.of(dot.out(), 1, 2);
    return new Gemm(dot.batch(), dot.m(), dot.n(), dot.k(), lhs, rhs, out, s[2] != 1, dot.out());
  }

  /** Type of the products and of the result. */
  DType dtype() {
    return out.slot().dtype();
  }

  /** Whether the operands must be converted. */
  boolean mixed() {
    return a.slot.dtype() != dtype();
  }

  /** Copies a contiguous result to where it belongs. */
  void scatter(Object contiguous, Memory memory) {
    int[] domain = {batch, m, n};
    Strided to = Strided.of(domain, out);
    Object array = memory.array(out.slot());
    to.scatter(contiguous, 0, 0, Math.toIntExact((long) batch * m * n), array);
  }

  /**
   * Transposes and converts: {@code to[toAt + p·ld + i] = from[at + i·si + p·sp]}, for any pair of
   * real dtypes.
   */
  static void convert(
      Object from, int at, int si, int sp, int n, int k, Object to, int toAt, int ld) {
    if (from instanceof float[] f) {
      double[] d = (double[]) to;
      if (sp == 1) {
        for (int i = 0; i < n; i++) {
          for (int p = 0; p < k; p++) {
            d[toAt + p * ld + i] = f[at + i * si + p];
          }
        }
      } else {
        for (int p = 0; p < k; p++) {
          for (int i = 0; i < n; i++) {
            d[toAt + p * ld + i] = f[at + i * si + p * sp];
          }
        }
      }
    } else {
      double[] f = (double[]) from;
      double[] d = (double[]) to;
      for (int p = 0; p < k; p++) {
        for (int i = 0; i < n; i++) {
          d[toAt + p * ld + i] = f[at + i * si + p * sp];
        }
      }
    }
  }
}
