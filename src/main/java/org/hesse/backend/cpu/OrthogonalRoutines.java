package org.hesse.backend.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.hesse.ir.FactorKind;

/** Factorisations with orthogonal matrices. */
final class OrthogonalRoutines {
  /** Values this close, in units of the rounding error of the largest, count as equal. */
  private static final double CLOSE = 10;

  /** Asks LAPACK how much work space would be best. */
  private static final int QUERY = -1;

  private OrthogonalRoutines() {}

  static FactorContext.Routine qr(FactorContext c) {
    Lapack lapack = c.lapack();
    int n = c.step.out().columns();
    int m = c.step.out().rows() - n;
    int[] rows = FactorContext.inOrder(m);
    int[] first = FactorContext.inOrder(n);
    MemorySegment a = c.elements((long) m * n);
    MemorySegment r = c.elements((long) n * n);
    MemorySegment tau = c.elements(n);
    MemorySegment answer = c.elements(1);
    c.check(lapack.geqrf(m, n, a, tau, answer, QUERY));
    int forFactor = c.wholeNumber(answer);
    c.check(lapack.orgqr(m, n, a, tau, answer, QUERY));
    int length = Math.max(forFactor, c.wholeNumber(answer));
    MemorySegment work = c.elements(length);
    return matrix -> {
      c.load(0, matrix, rows, Region.ALL, a);
      c.check(lapack.geqrf(m, n, a, tau, work, length));
      for (int j = 0; j < n; j++) {
        MemorySegment.copy(
            a,
            (long) j * m * c.dtype.bytes(),
            r,
            (long) j * n * c.dtype.bytes(),
            (long) n * c.dtype.bytes());
      }
      c.check(lapack.orgqr(m, n, a, tau, work, length));
      for (int j = 0; j < n; j++) {
        // The factorisation is unique with a positive diagonal.
        if (c.columns.get(r, j + (long) j * n) < 0) {
          c.columns.negate(r, j, n, n);
          c.columns.negate(a, (long) j * m, 1, m);
        }
      }
      c.columns.keep(Region.UPPER, n, n, r);
      c.columns.store(a, rows, n, c.result(matrix, 0));
      c.columns.store(r, first, n, c.result(matrix, m));
    };
  }

  static FactorContext.Routine eigh(FactorContext c) {
    Lapack lapack = c.lapack();
    int n = c.step.out().columns();
    int[] order = FactorContext.inOrder(n);
    MemorySegment a = c.elements((long) n * n);
    MemorySegment values = c.elements(n);
    MemorySegment answer = c.elements(1);
    MemorySegment integer = c.integers(1);
    c.check(lapack.syevd(n, a, values, answer, QUERY, integer, QUERY));
    int length = Math.max(c.wholeNumber(answer), 1 + 6 * n + 2 * n * n);
    int integerLength = integer.getAtIndex(ValueLayout.JAVA_INT, 0);
    MemorySegment work = c.elements(length);
    MemorySegment integers = c.integers(integerLength);
    return matrix -> {
      c.load(0, matrix, order, Region.LOWER, a);
      int info = lapack.syevd(n, a, values, work, length, integers, integerLength);
      c.check(info);
      if (info > 0) {
        throw c.errors.notConverged(matrix, "LAPACK's syevd", info);
      }
      c.columns.store(values, order, 1, c.result(matrix, 0).transposed());
      c.columns.store(a, order, n, c.result(matrix, 1));
    };
  }

  static FactorContext.Routine svd(FactorContext c) {
    Lapack lapack = c.lapack();
    int m = c.step.operands().get(0).rows();
    int n = c.step.operands().get(0).columns();
    int k = Math.min(m, n);
    int[] rows = FactorContext.inOrder(m);
    int[] first = FactorContext.inOrder(k);
    MemorySegment a = c.elements((long) m * n);
    MemorySegment u = c.elements((long) m * k);
    MemorySegment vt = c.elements((long) k * n);
    MemorySegment values = c.elements(k);
    MemorySegment integers = c.integers(8L * k);
    MemorySegment answer = c.elements(1);
    c.check(lapack.gesdd(m, n, a, values, u, vt, answer, QUERY, integers));
    int length = c.wholeNumber(answer);
    MemorySegment work = c.elements(length);
    return matrix -> {
      c.load(0, matrix, rows, Region.ALL, a);
      int info = lapack.gesdd(m, n, a, values, u, vt, work, length, integers);
      c.check(info);
      if (info > 0) {
        throw c.errors.notConverged(matrix, "LAPACK's gesdd", info);
      }
      c.columns.store(u, rows, k, c.result(matrix, 0));
      c.columns.store(vt, first, n, c.result(matrix, m).transposed());
      c.columns.store(values, first, 1, c.result(matrix, m + n).transposed());
    };
  }

  static FactorContext.Routine gaps(FactorContext c, FactorKind.Values of) {
    int n = c.step.out().columns();
    return matrix -> {
      Columns.Place in = c.operand(0, matrix);
      double[] x = new double[n];
      double largest = 0;
      for (int i = 0; i < n; i++) {
        x[i] = c.columns.get(in, 0, i);
        largest = Math.max(largest, Math.abs(x[i]));
      }
      double least = CLOSE * c.dtype.epsilon() * largest;
      Columns.Place out = c.result(matrix, 0);
      for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
          double gap = x[j] - x[i];
          if (i != j && Math.abs(gap) <= least) {
            throw equal(c, of, matrix, x, Math.min(i, j), Math.max(i, j));
          }
          c.columns.set(out, i, j, i == j ? 0 : 1 / gap);
        }
      }
    };
  }

  private static ArithmeticException equal(
      FactorContext c, FactorKind.Values of, int matrix, double[] x, int i, int j) {
    boolean toZero = of == FactorKind.Values.SINGULAR_VALUES_AND_ZERO && j == x.length - 1;
    String sizes = toZero ? " (" + x[i] + ")" : " (" + x[i] + " and " + x[j] + ")";
    return c.errors.equal(of, matrix, x.length, i, j, sizes);
  }
}
