package org.hesse.backend.cuda;

import static org.hesse.backend.cuda.TwoBackends.dense;
import static org.hesse.backend.cuda.TwoBackends.input;
import static org.hesse.backend.cuda.TwoBackends.output;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.hesse.DType;
import org.hesse.backend.Buffer;
import org.hesse.backend.Executable;
import org.hesse.backend.Instruction;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.testing.SimulatedDevice;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What happens when a device has no memory left. */
class CudaMemoryTest {
  private static final int MIB = 1 << 20;

  /** What the simulated device has where nothing else is said. */
  private static final int USUAL = 4096;

  private CudaBackend backend;

  @BeforeEach
  void smallDevice() {
    SimulatedDevice.requireSimulated();
    backend = CudaBackend.of(0);
    CudaContext context = backend.context();
    context.lock();
    try {
      SimulatedDevice.option("memory", context.pool().heldBytes() / MIB + 64);
    } finally {
      context.unlock();
    }
  }

  @AfterEach
  void usualDevice() {
    if (SimulatedDevice.isSimulated()) {
      SimulatedDevice.option("memory", USUAL);
      SimulatedDevice.clear();
    }
  }

  private Buffer take(int mebibytes) {
    return backend.allocate(DType.BOOL, (long) mebibytes * MIB);
  }

  @Test
  void theErrorNamesTheLargestBuffers() {
    List<Buffer> all = new ArrayList<>();
    OutOfMemoryError e =
        assertThrows(
            OutOfMemoryError.class,
            () -> {
              for (int i = 0; i < 100; i++) {
                all.add(take(20));
              }
            });
    String message = String.valueOf(e.getMessage());
    assertTrue(message.contains("20 MiB: tensor of 20971520 BOOL"), message);
    assertTrue(message.contains("no 20 MiB of memory left"), message);
    all.forEach(b -> b.close("it was closed"));
    // Of another size than what was given back.
    Buffer other = take(40);
    other.close("it was closed");
    double[] x = {1, 2, 3};
    assertArrayEquals(x, (double[]) backend.upload(x).toArray());
  }

  @Test
  void whatIsGarbageIsFreedBeforeThat() {
    for (int i = 0; i < 12; i++) {
      Buffer b = take(15 + i);
      assertTrue(b.size() > 0);
    }
  }

  /** A plan's own copies of its inputs make it quicker, but it can do without. */
  @Test
  void plansNeedNoMemoryForCopies() {
    int size = 3 * MIB / 8;
    View in = dense(input(0, DType.F64, size), 4);
    View out = dense(output(0, DType.F64, 4), 4);
    Step copy =
        new Step.Map(
            new int[] {4}, List.of(new Instruction.Load(in)), List.of(new Step.Store(0, out)));
    Step[] steps = Collections.nCopies(5, copy).toArray(Step[]::new);
    Executable plan =
        backend.prepare(TwoBackends.schedule(List.of(in.slot()), List.of(out.slot()), steps));
    Buffer[] result = {backend.allocate(DType.F64, 4)};
    List<Buffer> all = new ArrayList<>();
    // In a new place each time.
    for (int i = 0; i < 7; i++) {
      all.add(backend.upload(new double[size]));
      plan.run(new Buffer[] {all.getLast()}, result);
    }
    double[] x = new double[size];
    Arrays.fill(x, 7);
    all.add(backend.upload(x));
    assertThrows(
        OutOfMemoryError.class,
        () -> {
          for (int i = 0; i < 100; i++) {
            all.add(take(1));
          }
        });
    for (int i = 0; i < 3; i++) {
      plan.run(new Buffer[] {all.get(7)}, result);
    }
    assertArrayEquals(new double[] {7, 7, 7, 7}, (double[]) result[0].toArray());
    all.forEach(b -> b.close("it was closed"));
  }
}
