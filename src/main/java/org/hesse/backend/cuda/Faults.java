package org.hesse.backend.cuda;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongFunction;

/**
 * The errors that a plan's kernels can find. A kernel that finds one stores its code and a value in
 * the run's status, where the first one stays; whoever waits for the run throws it.
 */
final class Faults {
  private final List<LongFunction<RuntimeException>> faults = new ArrayList<>();

  /**
   * The code of an error, a positive number.
   *
   * @param exception the exception for the value that the kernel stored
   */
  int code(LongFunction<RuntimeException> exception) {
    faults.add(exception);
    return faults.size();
  }

  /** Whether no kernel can find any. */
  boolean isEmpty() {
    return faults.isEmpty();
  }

  /** The exception that a status stands for. */
  RuntimeException exception(int code, long value) {
    return faults.get(code - 1).apply(value);
  }
}
