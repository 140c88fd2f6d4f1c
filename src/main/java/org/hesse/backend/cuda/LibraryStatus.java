package org.hesse.backend.cuda;

import jcuda.CudaException;
import jcuda.jcublas.cublasStatus;
import jcuda.jcusolver.cusolverStatus;

/** What calls of cuBLAS and cuSOLVER answer, whether or not JCuda throws by itself. */
final class LibraryStatus {
  private LibraryStatus() {}

  static void cublas(String call, int status) {
    if (status != cublasStatus.CUBLAS_STATUS_SUCCESS) {
      throw new CudaException(call + ": " + cublasStatus.stringFor(status));
    }
  }

  static void cusolver(String call, int status) {
    if (status != cusolverStatus.CUSOLVER_STATUS_SUCCESS) {
      throw new CudaException(call + ": " + cusolverStatus.stringFor(status));
    }
  }
}
