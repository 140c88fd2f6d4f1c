package org.hesse.backend.cpu;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import org.hesse.DType;

/**
 * LAPACK's routines for one dtype, over column-major matrices whose columns lie one after another.
 * Outcomes are LAPACK's {@code info}: 0, or the number of what went wrong.
 */
final class Lapack {
  private static final ValueLayout.OfInt I = ValueLayout.JAVA_INT;
  private static final ValueLayout.OfByte C = ValueLayout.JAVA_BYTE;
  private static final MemoryLayout P = ValueLayout.ADDRESS;
  private static final int COLUMN_MAJOR = 102;

  private static final class SingleHolder {
    static final Lapack INSTANCE = new Lapack("s");
  }

  private static final class DoubleHolder {
    static final Lapack INSTANCE = new Lapack("d");
  }

  private final MethodHandle potrf;
  private final MethodHandle trtrs;
  private final MethodHandle getrf;
  private final MethodHandle geqrf;
  private final MethodHandle orgqr;
  private final MethodHandle syevd;
  private final MethodHandle gesdd;

  private Lapack(String type) {
    this.potrf = function(type + "potrf", C, I, P, I);
    this.trtrs = function(type + "trtrs", C, C, C, I, I, P, I, P, I);
    this.getrf = function(type + "getrf", I, I, P, I, P);
    this.geqrf = function(type + "geqrf", I, I, P, I, P, P, I);
    this.orgqr = function(type + "orgqr", I, I, I, P, I, P, P, I);
    this.syevd = function(type + "syevd", C, C, I, P, I, P, P, I, P, I);
    this.gesdd = function(type + "gesdd", C, I, I, P, I, P, P, I, P, I, P, I, P);
  }

  private static MethodHandle function(String name, MemoryLayout... arguments) {
    FunctionDescriptor type = FunctionDescriptor.of(I, arguments).insertArgumentLayouts(0, I);
    return OpenBlas.function("LAPACKE_" + name + "_work", type);
  }

  /** The routines for a real dtype; the library is loaded at the first call. */
  static Lapack of(DType dtype) {
    OpenBlas.require();
    return dtype == DType.F32 ? SingleHolder.INSTANCE : DoubleHolder.INSTANCE;
  }

  /** Cholesky: the lower triangle of A becomes L. */
  int potrf(int n, MemorySegment a) {
    try {
      return (int) potrf.invokeExact(COLUMN_MAJOR, (byte) 'L', n, a, n);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** Solves op(A) X = B for a triangular A; X takes B's place. */
  int trtrs(
      boolean lower,
      boolean transposed,
      boolean unit,
      int n,
      int k,
      MemorySegment a,
      MemorySegment b) {
    byte uplo = (byte) (lower ? 'L' : 'U');
    byte trans = (byte) (transposed ? 'T' : 'N');
    byte diag = (byte) (unit ? 'U' : 'N');
    try {
      return (int) trtrs.invokeExact(COLUMN_MAJOR, uplo, trans, diag, n, k, a, n, b, n);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /**
   * LU: A becomes both factors; {@code pivots} the row that each row was exchanged with, from 1.
   */
  int getrf(int n, MemorySegment a, MemorySegment pivots) {
    try {
      return (int) getrf.invokeExact(COLUMN_MAJOR, n, n, a, n, pivots);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** QR: R on and above the diagonal of A, reflectors below. A length of −1 asks for the best. */
  int geqrf(int m, int n, MemorySegment a, MemorySegment tau, MemorySegment work, int length) {
    try {
      return (int) geqrf.invokeExact(COLUMN_MAJOR, m, n, a, m, tau, work, length);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** The first n columns of the Q whose reflectors {@link #geqrf} has left in A. */
  int orgqr(int m, int n, MemorySegment a, MemorySegment tau, MemorySegment work, int length) {
    try {
      return (int) orgqr.invokeExact(COLUMN_MAJOR, m, n, n, a, m, tau, work, length);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** Eigenvalues of a symmetric A by divide and conquer; A becomes the eigenvectors. */
  int syevd(
      int n,
      MemorySegment a,
      MemorySegment w,
      MemorySegment work,
      int length,
      MemorySegment integers,
      int integerLength) {
    try {
      return (int)
          syevd.invokeExact(
              COLUMN_MAJOR,
              (byte) 'V',
              (byte) 'L',
              n,
              a,
              n,
              w,
              work,
              length,
              integers,
              integerLength);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** Reduced singular value decomposition by divide and conquer; destroys A. */
  int gesdd(
      int m,
      int n,
      MemorySegment a,
      MemorySegment s,
      MemorySegment u,
      MemorySegment vt,
      MemorySegment work,
      int length,
      MemorySegment integers) {
    try {
      return (int)
          gesdd.invokeExact(
              COLUMN_MAJOR,
              (byte) 'S',
              m,
              n,
              a,
              m,
              s,
              u,
              m,
              vt,
              Math.min(m, n),
              work,
              length,
              integers);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static RuntimeException unexpected(Throwable e) {
    if (e instanceof Error error) {
      throw error;
    }
    return e instanceof RuntimeException r ? r : new IllegalStateException(e);
  }
}
