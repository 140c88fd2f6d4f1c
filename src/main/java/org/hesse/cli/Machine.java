package org.hesse.cli;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import jdk.incubator.vector.FloatVector;

/** What this program runs on. */
final class Machine {
  private Machine() {}

  /** The operating system with its version and architecture. */
  static String system() {
    return System.getProperty("os.name")
        + " "
        + System.getProperty("os.version")
        + ", "
        + System.getProperty("os.arch");
  }

  /** The Java virtual machine. */
  static String java() {
    return System.getProperty("java.version")
        + ", "
        + System.getProperty("java.vm.name")
        + " of "
        + System.getProperty("java.vendor");
  }

  /** The processor's name. */
  static String processor() {
    String name = "";
    Path info = Path.of("/proc/cpuinfo");
    if (Files.isReadable(info)) {
      name = fromCpuInfo(info);
    } else if (System.getProperty("os.name", "").startsWith("Mac")) {
      name = outputOf("sysctl", "-n", "machdep.cpu.brand_string");
    } else if (Terminal.isWindows()) {
      name = String.valueOf(System.getenv("PROCESSOR_IDENTIFIER"));
    }
    return name.isBlank() ? "unknown processor" : name.strip().replaceAll("\\s+", " ");
  }

  private static String fromCpuInfo(Path info) {
    try (Stream<String> lines = Files.lines(info, StandardCharsets.UTF_8)) {
      return lines
          .filter(l -> l.startsWith("model name") || l.startsWith("Model"))
          .map(l -> l.substring(l.indexOf(':') + 1))
          .findFirst()
          .orElse("");
    } catch (IOException e) {
      return "";
    }
  }

  private static String outputOf(String... command) {
    try {
      Process p = new ProcessBuilder(command).start();
      String text = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return p.waitFor(2, TimeUnit.SECONDS) ? text : "";
    } catch (IOException e) {
      return "";
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return "";
    }
  }

  /** Bits of a vector register that the Vector API uses; 0 without its module. */
  static int vectorBits() {
    boolean present = ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
    return present ? Lanes.bits() : 0;
  }

  /** Apart, since it can be loaded only where the module is there. */
  private static final class Lanes {
    static int bits() {
      return FloatVector.SPECIES_PREFERRED.vectorBitSize();
    }
  }

  /** The Vector API in words. */
  static String vectors() {
    int bits = vectorBits();
    return bits == 0
        ? "no Vector API (scalar loops; start java with --add-modules jdk.incubator.vector)"
        : "Vector API with " + bits + " bits (" + bits / 32 + " float32 lanes)";
  }

  /** The machine's memory in bytes; 0 if unknown. */
  static long memory() {
    return ManagementFactory.getOperatingSystemMXBean()
            instanceof com.sun.management.OperatingSystemMXBean os
        ? os.getTotalMemorySize()
        : 0;
  }
}
