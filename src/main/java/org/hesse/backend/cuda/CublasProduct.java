package org.hesse.backend.cuda;

import static jcuda.cudaDataType.CUDA_R_32F;
import static jcuda.cudaDataType.CUDA_R_64F;
import static jcuda.jcublas.JCublas2.cublasGemmEx_new;
import static jcuda.jcublas.JCublas2.cublasGemmStridedBatchedEx_new;
import static jcuda.jcublas.cublasGemmAlgo.CUBLAS_GEMM_DEFAULT;
import static jcuda.jcublas.cublasOperation.CUBLAS_OP_N;
import static jcuda.jcublas.cublasOperation.CUBLAS_OP_T;

import jcuda.Pointer;
import jcuda.jcublas.cublasComputeType;
import org.hesse.DType;

/**
 * A product by cuBLAS. To it, which counts along columns, a result in rows is the transposed one,
 * and that is the product of the operands in the other order.
 */
final class CublasProduct implements Prepared {
  private final CudaContext context;
  private final int batch;
  private final int m;
  private final int n;
  private final int k;
  private final StridedMatrices lhs;
  private final StridedMatrices rhs;
  private final StridedMatrices out;
  private final int type;
  private final int computeType;
  private final Scalars scalars;

  /**
   * Prepares {@code out[b, m, n] = Σₖ lhs[b, m, k] · rhs[b, n, k]}.
   *
   * @param dtype of all three, F32 or F64
   */
  CublasProduct(
      CudaContext context,
      DType dtype,
      int batch,
      long m,
      long n,
      long k,
      StridedMatrices lhs,
      StridedMatrices rhs,
      StridedMatrices out) {
    if (!takes(m, n, k, lhs, rhs, out)) {
      throw new IllegalStateException("no product for cuBLAS: " + lhs + ", " + rhs + ", " + out);
    }
    this.context = context;
    this.batch = batch;
    this.m = (int) m;
    this.n = (int) n;
    this.k = (int) k;
    this.lhs = lhs;
    this.rhs = rhs;
    this.out = out;
    this.scalars = Scalars.of(dtype);
    this.type = dtype == DType.F32 ? CUDA_R_32F : CUDA_R_64F;
    this.computeType =
        dtype == DType.F32
            ? ProductPrecision.chosen().computeType
            : cublasComputeType.CUBLAS_COMPUTE_64F;
  }

  /** Whether cuBLAS can read and write matrices that lie like this. */
  static boolean takes(
      long m, long n, long k, StridedMatrices lhs, StridedMatrices rhs, StridedMatrices out) {
    return takes(m, k, lhs)
        && takes(n, k, rhs)
        && out.column() == 1
        && isLeading(out.row(), n)
        && out.batch() >= 0;
  }

  /** Whether rows or columns are contiguous and apart. */
  static boolean takes(long rows, long columns, StridedMatrices operand) {
    return operand.batch() >= 0
        && (isRowMajor(columns, operand)
            || (operand.row() == 1 && isLeading(operand.column(), rows)));
  }

  private static boolean isRowMajor(long columns, StridedMatrices operand) {
    return operand.column() == 1 && isLeading(operand.row(), columns);
  }

  private static boolean isLeading(long stride, long extent) {
    return stride >= extent && stride <= Integer.MAX_VALUE;
  }

  @Override
  public void enqueue(Run run) {
    boolean left = isRowMajor(k, lhs);
    boolean right = isRowMajor(k, rhs);
    int opRight = right ? CUBLAS_OP_T : CUBLAS_OP_N;
    int opLeft = left ? CUBLAS_OP_N : CUBLAS_OP_T;
    int leadingRight = (int) (right ? rhs.row() : rhs.column());
    int leadingLeft = (int) (left ? lhs.row() : lhs.column());
    Pointer a = Pointers.of(rhs.address(run));
    Pointer b = Pointers.of(lhs.address(run));
    Pointer c = Pointers.of(out.address(run));
    if (batch == 1) {
      LibraryStatus.cublas(
          "cublasGemmEx",
          cublasGemmEx_new(
              context.cublas(),
              opRight,
              opLeft,
              n,
              m,
              k,
              scalars.one(),
              a,
              type,
              leadingRight,
              b,
              type,
              leadingLeft,
              scalars.zero(),
              c,
              type,
              (int) out.row(),
              computeType,
              CUBLAS_GEMM_DEFAULT));
    } else {
      LibraryStatus.cublas(
          "cublasGemmStridedBatchedEx",
          cublasGemmStridedBatchedEx_new(
              context.cublas(),
              opRight,
              opLeft,
              n,
              m,
              k,
              scalars.one(),
              a,
              type,
              leadingRight,
              rhs.batch(),
              b,
              type,
              leadingLeft,
              lhs.batch(),
              scalars.zero(),
              c,
              type,
              (int) out.row(),
              out.batch(),
              batch,
              computeType,
              CUBLAS_GEMM_DEFAULT));
    }
  }
}
