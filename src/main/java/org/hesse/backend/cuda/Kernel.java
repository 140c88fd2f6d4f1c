package org.hesse.backend.cuda;

import java.util.List;
import jcuda.driver.CUfunction;
import jcuda.driver.CUfunction_attribute;
import jcuda.driver.JCudaDriver;

/** A compiled function on one device. */
final class Kernel {
  /** Bytes of shared memory that a block gets without asking. */
  private static final int SHARED_BYTES = 48 << 10;

  private final CudaContext context;
  private final CUfunction function;
  private final String name;
  private int sharedBytes = SHARED_BYTES;

  Kernel(CudaContext context, CUfunction function, String name) {
    this.context = context;
    this.function = function;
    this.name = name;
  }

  /** Enqueues a launch. */
  void launch(Run run, Launch.Grid grid, List<Argument> arguments) {
    if (grid.sharedBytes() > sharedBytes) {
      JCudaDriver.cuFuncSetAttribute(
          function,
          CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
          grid.sharedBytes());
      sharedBytes = grid.sharedBytes();
    }
    JCudaDriver.cuLaunchKernel(
        function,
        grid.x(),
        grid.y(),
        grid.z(),
        grid.threads(),
        1,
        1,
        grid.sharedBytes(),
        run.stream(),
        context.arguments().pack(run, arguments),
        null);
  }

  @Override
  public String toString() {
    return name;
  }
}
