package org.hesse.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.hesse.DType;
import org.hesse.backend.Buffer;
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
}
