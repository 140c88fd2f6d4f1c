package org.hesse;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a tensor lives and its programs run.
 *
 * @param kind the kind of processor
 * @param index which of several of that kind, counted from 0
 */
public record Device(Kind kind, int index) {
  /** Kinds of processor. */
  public enum Kind {
    /** The host processor. */
    CPU,
    /** An NVIDIA GPU. */
    CUDA
  }

  /**
   * What a device is.
   *
   * @param device its name in this library
   * @param name its maker's name
   * @param computeCapability of a GPU, "9.0" say; empty for the host processor
   * @param memoryBytes its memory; of the host processor, the heap's limit
   * @param driverVersion the newest version of CUDA that the driver supports, "12.6" say; empty for
   *     the host processor
   * @param simulated whether it is no real device, but a test tool that behaves like one
   */
  public record Info(
      Device device,
      String name,
      String computeCapability,
      long memoryBytes,
      String driverVersion,
      boolean simulated) {
    @Override
    public String toString() {
      String memory = String.format(Locale.ROOT, "%.1f GB", memoryBytes / 1e9);
      String gpu =
          computeCapability.isEmpty()
              ? ""
              : ", compute capability " + computeCapability + ", driver for CUDA " + driverVersion;
      return device + ": " + name + ", " + memory + gpu + (simulated ? " (simulated)" : "");
    }
  }

  private static final Pattern NAME = Pattern.compile("(cpu|cuda)(?::(\\d{1,4}))?");

  /** The host processor. */
  public static final Device CPU = new Device(Kind.CPU, 0);

  /**
   * Checks the index.
   *
   * @throws IllegalArgumentException if there can be no such device
   */
  public Device {
    if (index < 0 || kind == Kind.CPU && index != 0) {
      throw new IllegalArgumentException(
          "index: "
              + index
              + "; expected "
              + (kind == Kind.CPU ? "0, as there is one cpu" : "0 or more"));
    }
  }

  /**
   * The NVIDIA GPU with the given index. Whether it is there shows when it is used.
   *
   * @throws IllegalArgumentException if the index is negative
   */
  public static Device cuda(int index) {
    return new Device(Kind.CUDA, index);
  }

  /**
   * Reads {@code cpu}, {@code cuda} or {@code cuda:1}.
   *
   * @throws IllegalArgumentException if the text is none of these
   */
  public static Device parse(String text) {
    Matcher m = NAME.matcher(text);
    if (!m.matches()) {
      throw new IllegalArgumentException(
          "device: '" + text + "' is not a device; expected cpu, cuda or cuda:INDEX");
    }
    Kind kind = m.group(1).equals("cpu") ? Kind.CPU : Kind.CUDA;
    int index = m.group(2) == null ? 0 : Integer.parseInt(m.group(2));
    if (kind == Kind.CPU && index != 0) {
      throw new IllegalArgumentException("device: '" + text + "': there is one cpu; write cpu");
    }
    return new Device(kind, index);
  }

  @Override
  public String toString() {
    return kind == Kind.CPU ? "cpu" : "cuda:" + index;
  }
}
