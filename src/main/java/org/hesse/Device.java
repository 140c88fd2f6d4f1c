package org.hesse;

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

  private static final Pattern NAME = Pattern.compile("(cpu|cuda)(?::(\\d{1,4}))?");

  /** The host processor. */
  public static final Device CPU = new Device(Kind.CPU, 0);

  /** The NVIDIA GPU with the given index. */
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
