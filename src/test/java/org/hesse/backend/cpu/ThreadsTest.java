package org.hesse.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.hesse.DType;
import org.hesse.Matrices;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How many threads compute, counted in processes of their own. */
class ThreadsTest {
  /** Large work of every kind, then tasks that say how many run at the same time. */
  static final class Program {
    private static final AtomicInteger RUNNING = new AtomicInteger();
    private static final AtomicInteger MOST = new AtomicInteger();

    public static void main(String[] arguments) throws Throwable {
      int threads = Integer.parseInt(arguments[0]);
      CpuBackend.setThreads(threads);
      Tensor a = RngKey.of(1).normal(DType.F32, 300, 300);
      Tensor many = RngKey.of(2).normal(DType.F64, 8, 24, 24);
      Tensor rows = a.matmul(a).tanh().softmax(-1).cumsum(0).sum(0);
      Tensor factor = Matrices.qr(many).r();
      boolean done = Double.isFinite(rows.sum().add(factor.sum().cast(DType.F32)).item());
      System.out.println("done " + done);
      System.out.println("blas " + blasThreads());
      // Work within work has no threads of its own.
      Workers.run(8, i -> Workers.run(8, j -> task()));
      System.out.println("together " + MOST.get());
    }

    private static void task() {
      int now = RUNNING.incrementAndGet();
      MOST.accumulateAndGet(now, Math::max);
      LockSupport.parkNanos(2_000_000);
      RUNNING.decrementAndGet();
    }

    private static int blasThreads() throws Throwable {
      var type = FunctionDescriptor.of(ValueLayout.JAVA_INT);
      return (int) OpenBlas.function("openblas_get_num_threads", type).invokeExact();
    }
  }

  private static List<String> run(int threads) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "-Xmx512m",
            "-XX:ActiveProcessorCount=4",
            "-Dhesse.openblas.threads=4",
            "--enable-native-access=ALL-UNNAMED",
            "--add-modules",
            "jdk.incubator.vector"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(Program.class.getName(), Integer.toString(threads)));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), out);
    return out.lines().toList();
  }

  private static int number(List<String> lines, String name) {
    return lines.stream()
        .filter(l -> l.startsWith(name + " "))
        .mapToInt(l -> Integer.parseInt(l.substring(name.length() + 1)))
        .findFirst()
        .orElseThrow(() -> new AssertionError(name + " is not in " + lines));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void noMoreThanAskedFor(int threads) throws Exception {
    List<String> out = run(threads);
    assertTrue(out.contains("done true"), out::toString);
    assertEquals(threads, number(out, "together"), out::toString);
    assertTrue(number(out, "blas") <= threads, out::toString);
  }
}
