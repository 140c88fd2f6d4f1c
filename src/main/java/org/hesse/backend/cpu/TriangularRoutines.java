package org.hesse.backend.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.hesse.ir.FactorKind;

/** Factorisations into triangular matrices, and solving with these. */
final class TriangularRoutines {
  private TriangularRoutines() {}

  static FactorContext.Routine cholesky(FactorContext c) {
    Lapack lapack = c.lapack();
    int n = c.step.out().columns();
    int[] order = FactorContext.inOrder(n);
    MemorySegment a = c.elements((long) n * n);
    return matrix -> {
      c.load(0, matrix, order, Region.LOWER, a);
      int info = lapack.potrf(n, a);
      c.check(info);
      if (info > 0) {
        throw c.errors.notPositiveDefinite(matrix, info);
      }
      c.columns.keep(Region.LOWER, n, n, a);
      c.columns.store(a, order, n, c.result(matrix, 0));
    };
  }

  static FactorContext.Routine triangularSolve(FactorContext c, FactorKind.TriangularSolve kind) {
    Lapack lapack = c.lapack();
    int n = c.step.out().rows();
    int k = c.step.out().columns();
    int[] order = FactorContext.inOrder(n);
    MemorySegment a = c.elements((long) n * n);
    MemorySegment b = c.elements((long) n * k);
    Region region = Region.triangle(kind.lower(), kind.unit());
    return matrix -> {
      c.load(0, matrix, order, region, a);
      c.columns.load(c.operand(1, matrix), order, k, b);
      int info = lapack.trtrs(kind.lower(), kind.transposed(), kind.unit(), n, k, a, b);
      c.check(info);
      if (info > 0) {
        throw c.errors.singular(matrix, info - 1);
      }
      c.columns.store(b, order, k, c.result(matrix, 0));
    };
  }

  static FactorContext.Routine lu(FactorContext c) {
    Lapack lapack = c.lapack();
    int n = c.step.out().columns();
    int[] order = FactorContext.inOrder(n);
    MemorySegment a = c.elements((long) n * n);
    MemorySegment pivots = c.integers(n);
    return matrix -> {
      c.load(0, matrix, order, Region.ALL, a);
      c.check(lapack.getrf(n, a, pivots));
      c.columns.store(a, order, n, c.result(matrix, 0));
      int[] rows = order.clone();
      for (int i = 0; i < n; i++) {
        int p = pivots.getAtIndex(ValueLayout.JAVA_INT, i) - 1;
        int row = rows[p];
        rows[p] = rows[i];
        rows[i] = row;
      }
      Columns.Place last = c.result(matrix, n);
      for (int i = 0; i < n; i++) {
        c.columns.set(last, 0, i, rows[i]);
      }
    };
  }

  /** The rows that {@link #lu} has put first, second … */
  private static int[] rows(FactorContext c, int matrix, int n) {
    Columns.Place last = c.operand(0, matrix).row(n);
    int[] rows = new int[n];
    for (int i = 0; i < n; i++) {
      rows[i] = (int) c.columns.get(last, 0, i);
    }
    return rows;
  }

  /** With P A = L U: A X = B is L U X = P B, and Aᵀ X = B is Uᵀ Lᵀ (P X) = B. */
  static FactorContext.Routine luSolve(FactorContext c, boolean transposed) {
    Lapack lapack = c.lapack();
    int n = c.step.out().rows();
    int k = c.step.out().columns();
    int[] order = FactorContext.inOrder(n);
    MemorySegment a = c.elements((long) n * n);
    MemorySegment b = c.elements((long) n * k);
    return matrix -> {
      c.load(0, matrix, order, Region.ALL, a);
      int[] rows = rows(c, matrix, n);
      c.columns.load(c.operand(1, matrix), transposed ? order : rows, k, b);
      int info = transposed ? 0 : lapack.trtrs(true, false, true, n, k, a, b);
      c.check(info);
      int singular = lapack.trtrs(false, transposed, false, n, k, a, b);
      c.check(singular);
      if (singular > 0) {
        throw c.errors.singular(matrix, singular - 1);
      }
      if (transposed) {
        c.check(lapack.trtrs(true, true, true, n, k, a, b));
      }
      c.columns.store(b, transposed ? rows : order, k, c.result(matrix, 0));
    };
  }

  static FactorContext.Routine determinant(FactorContext c) {
    int n = c.step.operands().get(0).columns();
    return matrix -> {
      Columns.Place lu = c.operand(0, matrix);
      double det = isOdd(rows(c, matrix, n)) ? -1 : 1;
      double sign = det;
      double log = 0;
      for (int i = 0; i < n; i++) {
        double pivot = c.columns.get(lu, i, i);
        sign *= Math.signum(pivot);
        log += Math.log(Math.abs(pivot));
        det *= pivot;
      }
      Columns.Place out = c.result(matrix, 0);
      // A zero is no negative one.
      double[] values = {sign + 0.0, log, det + 0.0};
      for (int i = 0; i < values.length; i++) {
        c.columns.set(out, 0, i, values[i]);
      }
    };
  }

  /** Whether a permutation is an odd number of exchanges: each cycle of even length is one. */
  private static boolean isOdd(int[] permutation) {
    boolean[] seen = new boolean[permutation.length];
    boolean odd = false;
    for (int i = 0; i < seen.length; i++) {
      boolean exchange = false;
      for (int j = permutation[i]; !seen[i] && j != i; j = permutation[j]) {
        seen[j] = true;
        exchange = !exchange;
      }
      seen[i] = true;
      odd ^= exchange;
    }
    return odd;
  }
}
