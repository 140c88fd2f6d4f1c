package org.hesse.backend.cuda;

import java.util.Locale;
import jcuda.jcublas.cublasComputeType;

/**
 * How cuBLAS may compute large products of F32: the system property {@code hesse.cuda.products}.
 */
enum ProductPrecision {
  /** In F32. */
  FLOAT32(cublasComputeType.CUBLAS_COMPUTE_32F),
  /** Operands rounded to 10 bits behind the point, sums in F32. */
  TF32(cublasComputeType.CUBLAS_COMPUTE_32F_FAST_TF32),
  /** Operands rounded to 7 bits behind the point, sums in F32. */
  BF16(cublasComputeType.CUBLAS_COMPUTE_32F_FAST_16BF);

  private static final String PROPERTY = "hesse.cuda.products";

  final int computeType;

  ProductPrecision(int computeType) {
    this.computeType = computeType;
  }

  /**
   * What the user has chosen.
   *
   * @throws IllegalArgumentException if that is none of these
   */
  static ProductPrecision chosen() {
    String given = System.getProperty(PROPERTY, "float32");
    return switch (given.toLowerCase(Locale.ROOT)) {
      case "float32" -> FLOAT32;
      case "tf32" -> TF32;
      case "bf16" -> BF16;
      default ->
          throw new IllegalArgumentException(
              "-D" + PROPERTY + "=" + given + ": expected float32 (the default), tf32 or bf16");
    };
  }
}
