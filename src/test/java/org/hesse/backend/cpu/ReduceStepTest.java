package org.hesse.backend.cpu;

import static org.hesse.Autodiff.compile;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.function.BiFunction;
import org.hesse.DType;
import org.hesse.Tensor;
import org.junit.jupiter.api.Test;

class ReduceStepTest {
  /** Sums of a kernel over all pairs: some rows each would leave partial sums of 40 MB. */
  @Test
  void partialSumsTakeLittleRoom() {
    int rows = 500;
    int centres = 100;
    int columns = 1024;
    float[] x = Samples.floats(1, rows * columns);
    float[] y = Samples.floats(2, centres * columns);
    BiFunction<Tensor, Tensor, Tensor> kernel =
        compile((a, b) -> a.sub(b).square().neg().exp().sum(0));
    Tensor a = Tensor.of(x, rows, 1, columns);
    Tensor b = Tensor.of(y, 1, centres, columns);
    float[] sums = kernel.apply(a, b).toFloatArray();
    ThreadMXBean thread = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long least = Long.MAX_VALUE;
    // As long as a loop is not compiled, vectors are objects.
    for (int run = 0; run < 20 && least >= 16 << 20; run++) {
      long before = thread.getCurrentThreadAllocatedBytes();
      assertEquals(DType.F32, kernel.apply(a, b).dtype());
      least = Math.min(least, thread.getCurrentThreadAllocatedBytes() - before);
    }
    assertTrue(least < 16 << 20, least + " bytes");
    for (int i = 0; i < sums.length; i += 997) {
      double sum = 0;
      for (int r = 0; r < rows; r++) {
        double d = x[r * columns + i % columns] - y[i];
        sum += Math.exp(-d * d);
      }
      assertEquals(sum, sums[i], 1e-5 * sum);
    }
  }
}
