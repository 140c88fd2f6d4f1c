package org.hesse.backend.cpu;

import org.hesse.DType;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.jspecify.annotations.Nullable;

/**
 * A matrix product {@code c[b,i,j] = Σₚ a[b,i,p] · b[b,j,p]}, turned so that rows of the result are
 * contiguous if either its rows or its columns are.
 *
 * @param turned whether rows and columns of the result, and so the operands, have changed places
 * @param tail what is told which parts of the result are finished
 */
record Gemm(
    int batch,
    int m,
    int n,
    int k,
    Matrix a,
    Matrix b,
    Matrix c,
    boolean turned,
    DType dtype,
    @Nullable Tail tail) {

  /** An operand: where it begins, and the strides over batch, its rows and its columns. */
  record Matrix(Slot slot, int at, long batch, int row, int column) {
    static Matrix of(View view, int row, int column) {
      long at = view.slot().offset() + view.offset();
      long[] s = view.strides();
      return new Matrix(view.slot(), (int) at, s[0], (int) s[row], (int) s[column]);
    }

    Matrix turn() {
      return new Matrix(slot, at, batch, /* row= */ column, /* column= */ row);
    }

    int at(int batchIndex) {
      return (int) (at + batchIndex * batch);
    }
  }

  static Gemm of(Step.Dot dot, @Nullable Tail tail) {
    Matrix a = Matrix.of(dot.lhs(), 1, 2);
    Matrix b = Matrix.of(dot.rhs(), 1, 2);
    Matrix c = Matrix.of(dot.out(), 1, 2);
    DType dtype = dot.out().slot().dtype();
    Gemm gemm = new Gemm(dot.batch(), dot.m(), dot.n(), dot.k(), a, b, c, false, dtype, tail);
    return c.column() != 1 && c.row() == 1 ? gemm.turn() : gemm;
  }

  /** The same product with rows as columns. */
  Gemm turn() {
    return new Gemm(batch, n, m, k, b, a, c.turn(), !turned, dtype, tail);
  }

  /** Tells the tail, if there is one, that a part of the result is finished. */
  void finish(Memory memory, int batchIndex, int i0, int i1, int j0, int j1) {
    if (tail != null) {
      if (turned) {
        tail.run(memory, batchIndex, j0, j1, i0, i1);
      } else {
        tail.run(memory, batchIndex, i0, i1, j0, j1);
      }
    }
  }

  /** Tells the tail, if there is one, that all of the result is finished. */
  void finish(Memory memory) {
    if (tail != null) {
      for (int i = 0; i < batch; i++) {
        finish(memory, i, 0, m, 0, n);
      }
    }
  }

  /** Tells the tail that all of the result is finished. */
  static void finish(Step.Dot dot, Tail tail, Memory memory) {
    for (int i = 0; i < dot.batch(); i++) {
      tail.run(memory, i, 0, dot.m(), 0, dot.n());
    }
  }

  /** Whether the operands must be converted. */
  boolean mixed() {
    return a.slot.dtype() != dtype;
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
