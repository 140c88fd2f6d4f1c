package org.hesse.backend.cuda;

import static org.hesse.backend.cuda.TwoBackends.dense;
import static org.hesse.backend.cuda.TwoBackends.input;
import static org.hesse.backend.cuda.TwoBackends.output;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import jcuda.driver.JCudaDriver;
import org.hesse.DType;
import org.hesse.backend.Buffer;
import org.hesse.backend.Instruction;
import org.hesse.backend.Schedule;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.testing.SimulatedDevice;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is left of a device after an error of CUDA itself. */
class CudaTroubleTest {
  private static final int N = 6;

  private CudaBackend backend;

  @BeforeEach
  void device() {
    SimulatedDevice.requireSimulated();
    backend = CudaBackend.of(0);
    // What is cleared later is not to be another test's.
    backend.context().synchronize();
  }

  @AfterEach
  void clear() {
    if (SimulatedDevice.isSimulated()) {
      SimulatedDevice.clear();
    }
  }

  /** Copies so many elements, four times, so that it is worth a graph. */
  private static Schedule copies(int n) {
    View in = dense(input(0, DType.F64, N), n);
    View out = dense(output(0, DType.F64, N), n);
    Step copy =
        new Step.Map(
            new int[] {n}, List.of(new Instruction.Load(in)), List.of(new Step.Store(0, out)));
    return TwoBackends.schedule(List.of(in.slot()), List.of(out.slot()), copy, copy, copy, copy);
  }

  @Test
  void anErrorOfADeviceIsSaidInWordsAndBlocksNobody() {
    double[] x = {1, 2, 3, 4, 5, 6};
    Buffer[] in = {backend.upload(x)};
    Buffer[] out = {backend.allocate(DType.F64, N)};
    CudaExecutable plan = (CudaExecutable) backend.prepare(copies(N));
    for (int i = 0; i < 3; i++) {
      plan.run(in, out);
    }
    assertEquals(1, plan.captures());
    // Beyond the end of both.
    backend.prepare(copies(N + 100)).run(in, out);
    IllegalStateException e = assertThrows(IllegalStateException.class, out[0]::toArray);
    String message = String.valueOf(e.getMessage());
    assertTrue(message.contains("CUDA_ERROR_ILLEGAL_ADDRESS: a kernel has left"), message);
    // There is a graph to destroy, and the device cannot be waited for.
    assertThrows(IllegalStateException.class, plan::close);
    assertThrows(IllegalStateException.class, in[0]::toArray);
    assertThrows(IllegalStateException.class, () -> backend.upload(new double[700_000]).toArray());
    org.junit.jupiter.api.Assertions.assertTimeoutPreemptively(
        Duration.ofSeconds(20),
        () -> {
          assertThrows(IllegalStateException.class, in[0]::toArray);
          out[0].close("it was closed");
        });
    SimulatedDevice.clear();
    assertArrayEquals(x, (double[]) backend.upload(x).toArray());
  }

  @Test
  void stepsThatCannotBeCapturedAreEnqueuedOneByOne() {
    CudaContext context = backend.context();
    int[] enqueued = {0};
    Prepared counted = run -> enqueued[0]++;
    // As a routine of a library might that allocates something.
    Prepared waits = run -> JCudaDriver.cuStreamSynchronize(run.stream());
    Section section = new Section(List.of(counted, waits, counted, counted));
    var _ =
        context.locked(() -> {
          Workspace workspace = new Workspace(context.pool(), new EnumMap<>(DType.class), 0, 0);
          Run run = new Run(context, workspace, true, new Run.Bound(new long[0], new long[0]));
          for (int i = 0; i < 4; i++) {
            int before = enqueued[0];
            section.enqueue(run);
            assertTrue(enqueued[0] >= before + 3);
          }
          context.pool().give(workspace.block());
          return enqueued[0];
        });
    assertEquals(0, section.captures());
    assertEquals(0, section.replays());
    double[] x = {1, 2, 3};
    assertArrayEquals(x, (double[]) backend.upload(x).toArray());
  }

  /** Neither a stream nor memory stays behind, and another try may succeed. */
  @Test
  void aDeviceThatCannotBeOpenedIsGivenBack() {
    SimulatedDevice.option("devices", 2);
    try {
      long taken = SimulatedDevice.calls("cuDevicePrimaryCtxRetain");
      long given = SimulatedDevice.calls("cuDevicePrimaryCtxRelease");
      for (int megabytes : new int[] {0, 1, 20}) {
        // Not enough for what every device has, and for the workspace of cuBLAS.
        SimulatedDevice.option("memory", megabytes);
        assertThrows(Throwable.class, () -> CudaBackend.of(1), megabytes + " MiB");
      }
      assertEquals(taken + 3, SimulatedDevice.calls("cuDevicePrimaryCtxRetain"));
      assertEquals(given + 3, SimulatedDevice.calls("cuDevicePrimaryCtxRelease"));
      SimulatedDevice.option("memory", 4096);
      double[] x = {1, 2, 3};
      assertArrayEquals(x, (double[]) CudaBackend.of(1).upload(x).toArray());
    } finally {
      SimulatedDevice.option("memory", 4096);
      SimulatedDevice.option("devices", 1);
    }
  }

  @Test
  void whatIsLargeStaysWhereItIs() {
    int kernels = 4;
    long small = 1 << 10;
    long large = 64 << 20;
    Bindings bindings = new Bindings(new long[] {large, small, small}, kernels);
    for (int i = 0; i < 8; i++) {
      bindings.observe(new long[] {1, 2, 100 + i});
    }
    assertFalse(bindings.isStaged(1));
    assertTrue(bindings.isStaged(2));
    assertTrue(bindings.isSteady());
    for (int i = 0; i < 8; i++) {
      bindings.observe(new long[] {200 + i, 2, 100 + i});
    }
    // A graph would be made in vain.
    assertFalse(bindings.isStaged(0));
    assertFalse(bindings.isSteady());
    for (int i = 0; i < 8; i++) {
      bindings.observe(new long[] {1, 2, 100 + i});
    }
    assertTrue(bindings.isSteady());
  }
}
