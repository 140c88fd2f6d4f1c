package org.hesse.backend.cuda;

import static jcuda.jcublas.JCublas2.cublasDgetrfBatched;
import static jcuda.jcublas.JCublas2.cublasDtrsm;
import static jcuda.jcublas.JCublas2.cublasDtrsmBatched;
import static jcuda.jcublas.JCublas2.cublasSgetrfBatched;
import static jcuda.jcublas.JCublas2.cublasStrsm;
import static jcuda.jcublas.JCublas2.cublasStrsmBatched;
import static jcuda.jcublas.cublasDiagType.CUBLAS_DIAG_NON_UNIT;
import static jcuda.jcublas.cublasDiagType.CUBLAS_DIAG_UNIT;
import static jcuda.jcublas.cublasFillMode.CUBLAS_FILL_MODE_LOWER;
import static jcuda.jcublas.cublasFillMode.CUBLAS_FILL_MODE_UPPER;
import static jcuda.jcublas.cublasOperation.CUBLAS_OP_N;
import static jcuda.jcublas.cublasOperation.CUBLAS_OP_T;
import static jcuda.jcublas.cublasSideMode.CUBLAS_SIDE_LEFT;
import static jcuda.jcusolver.JCusolverDn.cusolverDnDgeqrf;
import static jcuda.jcusolver.JCusolverDn.cusolverDnDgeqrf_bufferSize;
import static jcuda.jcusolver.JCusolverDn.cusolverDnDgesvd;
import static jcuda.jcusolver.JCusolverDn.cusolverDnDgesvd_bufferSize;
import static jcuda.jcusolver.JCusolverDn.cusolverDnDgetrf;
import static jcuda.jcusolver.JCusolverDn.cusolverDnDgetrf_bufferSize;
import static jcuda.jcusolver.JCusolverDn.cusolverDnDorgqr;
import static jcuda.jcusolver.JCusolverDn.cusolverDnDorgqr_bufferSize;
import static jcuda.jcusolver.JCusolverDn.cusolverDnDpotrf;
import static jcuda.jcusolver.JCusolverDn.cusolverDnDpotrfBatched;
import static jcuda.jcusolver.JCusolverDn.cusolverDnDpotrf_bufferSize;
import static jcuda.jcusolver.JCusolverDn.cusolverDnDsyevd;
import static jcuda.jcusolver.JCusolverDn.cusolverDnDsyevd_bufferSize;
import static jcuda.jcusolver.JCusolverDn.cusolverDnSgeqrf;
import static jcuda.jcusolver.JCusolverDn.cusolverDnSgeqrf_bufferSize;
import static jcuda.jcusolver.JCusolverDn.cusolverDnSgesvd;
import static jcuda.jcusolver.JCusolverDn.cusolverDnSgesvd_bufferSize;
import static jcuda.jcusolver.JCusolverDn.cusolverDnSgetrf;
import static jcuda.jcusolver.JCusolverDn.cusolverDnSgetrf_bufferSize;
import static jcuda.jcusolver.JCusolverDn.cusolverDnSorgqr;
import static jcuda.jcusolver.JCusolverDn.cusolverDnSorgqr_bufferSize;
import static jcuda.jcusolver.JCusolverDn.cusolverDnSpotrf;
import static jcuda.jcusolver.JCusolverDn.cusolverDnSpotrfBatched;
import static jcuda.jcusolver.JCusolverDn.cusolverDnSpotrf_bufferSize;
import static jcuda.jcusolver.JCusolverDn.cusolverDnSsyevd;
import static jcuda.jcusolver.JCusolverDn.cusolverDnSsyevd_bufferSize;
import static jcuda.jcusolver.cusolverEigMode.CUSOLVER_EIG_MODE_VECTOR;

import jcuda.Pointer;
import jcuda.jcusolver.cusolverDnHandle;
import org.hesse.DType;

/**
 * The routines of cuSOLVER and cuBLAS on matrices in columns that follow each other in scratch
 * memory. Lengths of work space are asked for when a step is prepared.
 */
final class Solver {
  /** Up to this many rows a batch's matrices go to cuBLAS and cuSOLVER together. */
  private static final int SMALL = 256;

  private static final Pointer NOWHERE = new Pointer();
  private static final int LOWER = CUBLAS_FILL_MODE_LOWER;

  private final CudaContext context;
  private final int batch;
  private final boolean f32;
  private final int bytes;

  /** The lengths of work space, in elements, of the routines that this step calls. */
  private int length;

  private int second;

  /** What counts of a triangular matrix, and whether its transpose is meant. */
  record Triangle(boolean lower, boolean transposed, boolean unit) {}

  /** Where in scratch memory the pointers to a batch's matrices are, or nowhere. */
  record Table(long offset) {
    static final Table NONE = new Table(-1);
  }

  Solver(CudaContext context, DType dtype, int batch) {
    this.context = context;
    this.batch = batch;
    this.f32 = dtype == DType.F32;
    this.bytes = dtype.bytes();
  }

  private cusolverDnHandle handle() {
    return context.cusolver();
  }

  /** Whether all matrices of n rows are treated by one call. */
  boolean together(int n) {
    return batch > 1 && n <= SMALL;
  }

  private static void check(String call, int status) {
    LibraryStatus.cusolver(call, status);
  }

  /** Matrix number i, of so many elements each. */
  private Pointer at(Run run, Argument.Scratch first, int i, long each) {
    return address(run, first.offset() + i * each * bytes);
  }

  private static Pointer address(Run run, long offset) {
    return Pointers.of(run.scratch() + offset);
  }

  private static Pointer info(Run run, Argument.Scratch info, int i) {
    return address(run, info.offset() + (long) Integer.BYTES * i);
  }

  private interface One {
    void call(Run run, int matrix);
  }

  private Prepared each(One one) {
    return run -> {
      for (int i = 0; i < batch; i++) {
        one.call(run, i);
      }
    };
  }

  long choleskyBytes(int n) {
    if (together(n)) {
      return 0;
    }
    int[] l = new int[1];
    check(
        "cusolverDnpotrf_bufferSize",
        f32
            ? cusolverDnSpotrf_bufferSize(handle(), LOWER, n, NOWHERE, n, l)
            : cusolverDnDpotrf_bufferSize(handle(), LOWER, n, NOWHERE, n, l));
    length = l[0];
    return (long) length * bytes;
  }

  /** The lower triangles become their Cholesky factors. */
  Prepared cholesky(
      int n, Argument.Scratch a, Table matrices, Argument.Scratch work, Argument.Scratch info) {
    if (together(n)) {
      return run -> {
        Pointer all = address(run, matrices.offset);
        Pointer i = info(run, info, 0);
        check(
            "cusolverDnpotrfBatched",
            f32
                ? cusolverDnSpotrfBatched(handle(), LOWER, n, all, n, i, batch)
                : cusolverDnDpotrfBatched(handle(), LOWER, n, all, n, i, batch));
      };
    }
    return each((run, matrix) -> {
      Pointer x = at(run, a, matrix, (long) n * n);
      Pointer w = at(run, work, 0, 0);
      Pointer i = info(run, info, matrix);
      check(
          "cusolverDnpotrf",
          f32
              ? cusolverDnSpotrf(handle(), LOWER, n, x, n, w, length, i)
              : cusolverDnDpotrf(handle(), LOWER, n, x, n, w, length, i));
    });
  }

  /** B becomes the X of op(A) X = B. */
  Prepared solve(
      Triangle triangle, int n, int k, Argument.Scratch a, Argument.Scratch b, Table as, Table bs) {
    int side = CUBLAS_SIDE_LEFT;
    int uplo = triangle.lower ? CUBLAS_FILL_MODE_LOWER : CUBLAS_FILL_MODE_UPPER;
    int op = triangle.transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
    int diag = triangle.unit ? CUBLAS_DIAG_UNIT : CUBLAS_DIAG_NON_UNIT;
    Pointer one = Scalars.of(f32 ? DType.F32 : DType.F64).one();
    if (together(n)) {
      return run -> {
        var h = context.cublas();
        Pointer x = address(run, as.offset);
        Pointer y = address(run, bs.offset);
        LibraryStatus.cublas(
            "cublastrsmBatched",
            f32
                ? cublasStrsmBatched(h, side, uplo, op, diag, n, k, one, x, n, y, n, batch)
                : cublasDtrsmBatched(h, side, uplo, op, diag, n, k, one, x, n, y, n, batch));
      };
    }
    return each((run, matrix) -> {
      var h = context.cublas();
      Pointer x = at(run, a, matrix, (long) n * n);
      Pointer y = at(run, b, matrix, (long) n * k);
      LibraryStatus.cublas(
          "cublastrsm",
          f32
              ? cublasStrsm(h, side, uplo, op, diag, n, k, one, x, n, y, n)
              : cublasDtrsm(h, side, uplo, op, diag, n, k, one, x, n, y, n));
    });
  }

  long luBytes(int n) {
    if (together(n)) {
      return 0;
    }
    int[] l = new int[1];
    check(
        "cusolverDngetrf_bufferSize",
        f32
            ? cusolverDnSgetrf_bufferSize(handle(), n, n, NOWHERE, n, l)
            : cusolverDnDgetrf_bufferSize(handle(), n, n, NOWHERE, n, l));
    return (long) l[0] * bytes;
  }

  /** LU with partial pivoting; exchanges of rows count from 1. */
  Prepared lu(
      int n,
      Argument.Scratch a,
      Table matrices,
      Argument.Scratch exchanges,
      Argument.Scratch work,
      Argument.Scratch info) {
    if (together(n)) {
      return run -> {
        var h = context.cublas();
        Pointer all = address(run, matrices.offset);
        Pointer p = address(run, exchanges.offset());
        Pointer i = info(run, info, 0);
        LibraryStatus.cublas(
            "cublasgetrfBatched",
            f32
                ? cublasSgetrfBatched(h, n, all, n, p, i, batch)
                : cublasDgetrfBatched(h, n, all, n, p, i, batch));
      };
    }
    return each((run, matrix) -> {
      Pointer x = at(run, a, matrix, (long) n * n);
      Pointer w = at(run, work, 0, 0);
      Pointer p = address(run, exchanges.offset() + (long) Integer.BYTES * n * matrix);
      Pointer i = info(run, info, matrix);
      check(
          "cusolverDngetrf",
          f32
              ? cusolverDnSgetrf(handle(), n, n, x, n, w, p, i)
              : cusolverDnDgetrf(handle(), n, n, x, n, w, p, i));
    });
  }

  long qrBytes(int m, int n) {
    int[] l = new int[1];
    check(
        "cusolverDngeqrf_bufferSize",
        f32
            ? cusolverDnSgeqrf_bufferSize(handle(), m, n, NOWHERE, m, l)
            : cusolverDnDgeqrf_bufferSize(handle(), m, n, NOWHERE, m, l));
    length = l[0];
    check(
        "cusolverDnorgqr_bufferSize",
        f32
            ? cusolverDnSorgqr_bufferSize(handle(), m, n, n, NOWHERE, m, NOWHERE, l)
            : cusolverDnDorgqr_bufferSize(handle(), m, n, n, NOWHERE, m, NOWHERE, l));
    second = l[0];
    return (long) Math.max(length, second) * bytes;
  }

  /** R on and above the diagonals, reflectors below. */
  Prepared qr(
      int m,
      int n,
      Argument.Scratch a,
      Argument.Scratch tau,
      Argument.Scratch work,
      Argument.Scratch info) {
    return each((run, matrix) -> {
      Pointer x = at(run, a, matrix, (long) m * n);
      Pointer t = at(run, tau, matrix, n);
      Pointer w = at(run, work, 0, 0);
      Pointer i = info(run, info, matrix);
      check(
          "cusolverDngeqrf",
          f32
              ? cusolverDnSgeqrf(handle(), m, n, x, m, t, w, length, i)
              : cusolverDnDgeqrf(handle(), m, n, x, m, t, w, length, i));
    });
  }

  /** The first n columns of the Q whose reflectors {@link #qr} has left. */
  Prepared orthogonal(
      int m,
      int n,
      Argument.Scratch a,
      Argument.Scratch tau,
      Argument.Scratch work,
      Argument.Scratch info) {
    return each((run, matrix) -> {
      Pointer x = at(run, a, matrix, (long) m * n);
      Pointer t = at(run, tau, matrix, n);
      Pointer w = at(run, work, 0, 0);
      Pointer i = info(run, info, matrix);
      check(
          "cusolverDnorgqr",
          f32
              ? cusolverDnSorgqr(handle(), m, n, n, x, m, t, w, second, i)
              : cusolverDnDorgqr(handle(), m, n, n, x, m, t, w, second, i));
    });
  }

  long eigenBytes(int n) {
    int[] l = new int[1];
    int mode = CUSOLVER_EIG_MODE_VECTOR;
    check(
        "cusolverDnsyevd_bufferSize",
        f32
            ? cusolverDnSsyevd_bufferSize(handle(), mode, LOWER, n, NOWHERE, n, NOWHERE, l)
            : cusolverDnDsyevd_bufferSize(handle(), mode, LOWER, n, NOWHERE, n, NOWHERE, l));
    length = l[0];
    return (long) length * bytes;
  }

  /** Eigenvalues in ascending order; the matrices become their eigenvectors. */
  Prepared eigen(
      int n,
      Argument.Scratch a,
      Argument.Scratch values,
      Argument.Scratch work,
      Argument.Scratch info) {
    int mode = CUSOLVER_EIG_MODE_VECTOR;
    return each((run, matrix) -> {
      Pointer x = at(run, a, matrix, (long) n * n);
      Pointer v = at(run, values, matrix, n);
      Pointer w = at(run, work, 0, 0);
      Pointer i = info(run, info, matrix);
      check(
          "cusolverDnsyevd",
          f32
              ? cusolverDnSsyevd(handle(), mode, LOWER, n, x, n, v, w, length, i)
              : cusolverDnDsyevd(handle(), mode, LOWER, n, x, n, v, w, length, i));
    });
  }

  long singularBytes(int m, int n) {
    int[] l = new int[1];
    check(
        "cusolverDngesvd_bufferSize",
        f32
            ? cusolverDnSgesvd_bufferSize(handle(), m, n, l)
            : cusolverDnDgesvd_bufferSize(handle(), m, n, l));
    length = l[0];
    return (long) length * bytes;
  }

  /** Reduced singular value decompositions, m ≥ n; destroys A. */
  Prepared singular(
      int m,
      int n,
      Argument.Scratch a,
      Argument.Scratch values,
      Argument.Scratch u,
      Argument.Scratch vt,
      Argument.Scratch work,
      Argument.Scratch info) {
    char some = 'S';
    return each((run, matrix) -> {
      var h = handle();
      Pointer x = at(run, a, matrix, (long) m * n);
      Pointer s = at(run, values, matrix, n);
      Pointer l = at(run, u, matrix, (long) m * n);
      Pointer r = at(run, vt, matrix, (long) n * n);
      Pointer w = at(run, work, 0, 0);
      Pointer i = info(run, info, matrix);
      Pointer none = NOWHERE;
      check(
          "cusolverDngesvd",
          f32
              ? cusolverDnSgesvd(h, some, some, m, n, x, m, s, l, m, r, n, w, length, none, i)
              : cusolverDnDgesvd(h, some, some, m, n, x, m, s, l, m, r, n, w, length, none, i));
    });
  }
}
