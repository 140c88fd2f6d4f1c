package org.hesse.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.hesse.DType;
import org.hesse.Device;
import org.hesse.Hesse;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.hesse.testing.SimulatedDevice;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Processes that share the folder of compiled kernels. */
@Tag("kernels")
class CudaProcessesTest {
  /** What runs in each: prints bits of results, and how many kernels it has compiled. */
  static final class Computes {
    public static void main(String[] args) {
      Hesse.setDevice(Device.cuda(0));
      Tensor x = RngKey.of(1).normal(DType.F32, 7, 33);
      Tensor y = x.softmax(1).matmul(x.transpose()).tanh().add(x.sum(1));
      System.out.println("bits " + Arrays.hashCode(y.toFloatArray()));
      System.out.println("compiled " + CudaBackend.of(0).context().compilations());
    }
  }

  private static String compute(Path cache) throws Exception {
    List<String> flags =
        List.of("-Dhesse.cuda=" + System.getProperty("hesse.cuda"), "-Dhesse.cache=" + cache);
    return StandIns.java(Computes.class, flags, List.of());
  }

  private static int compiled(String said) {
    String last = said.lines().filter(l -> l.startsWith("compiled ")).findFirst().orElse(said);
    return Integer.parseInt(last.substring("compiled ".length()));
  }

  private static String bits(String said) {
    return said.lines().filter(l -> l.startsWith("bits ")).findFirst().orElse(said);
  }

  @Test
  void twoThatBeginWithAnEmptyFolderFillItTogether(@TempDir Path cache) throws Exception {
    SimulatedDevice.requireSimulated();
    String first;
    String second;
    try (ExecutorService pool = Executors.newFixedThreadPool(2)) {
      Future<String> one = pool.submit(() -> compute(cache));
      Future<String> two = pool.submit(() -> compute(cache));
      first = one.get();
      second = two.get();
    }
    String third = compute(cache);
    assertEquals(List.of(bits(third), bits(third)), List.of(bits(first), bits(second)));
    assertEquals(0, compiled(third), "kernels that the cache lacks");
    List<Path> kept;
    try (Stream<Path> files = Files.list(cache.resolve("kernels"))) {
      kept = files.toList();
    }
    int most = Math.max(compiled(first), compiled(second));
    assertTrue(most > 0 && kept.size() >= most, first + second + kept);
    for (Path file : kept) {
      assertTrue(file.toString().endsWith(".cubin"), file.toString());
      byte[] bytes = Files.readAllBytes(file);
      byte[] code = Arrays.copyOfRange(bytes, 32, bytes.length);
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(code);
      assertArrayEquals(hash, Arrays.copyOf(bytes, 32), file.toString());
    }
  }
}
