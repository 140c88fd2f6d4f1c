package org.hesse.backend.cuda;

import jcuda.jcublas.cublasHandle;
import jcuda.jcusolver.cusolverDnHandle;

/** One device in use: its stream, its libraries' handles and its compiled kernels. */
interface CudaContext {
  /** How many multiprocessors the device has. */
  int multiprocessors();

  /** Compute capability, 90 for 9.0. */
  int architecture();

  /** Bytes of shared memory that a block may ask for at most. */
  int sharedBytesPerBlock();

  /** A function of one of the files in {@code kernels/}, "rows.cu" say, compiled if it must be. */
  Kernel kernel(String file, String entry);

  /**
   * A function of a generated source, compiled if it must be. The same text is compiled once. It
   * may include the headers in {@code kernels/}.
   */
  Kernel generated(String source, String entry);

  /** On the context's stream, with a workspace of its own, pointers to scalars on the host. */
  cublasHandle cublas();

  /** On the context's stream. */
  cusolverDnHandle cusolver();
}
