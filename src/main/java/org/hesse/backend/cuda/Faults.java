package org.hesse.backend.cuda;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.IntFunction;
import java.util.function.LongFunction;

/**
 * The errors that a plan's kernels can find. A kernel that finds one stores its code and a value in
 * the run's status, where the first one stays; whoever waits for the run throws it.
 */
final class Faults {
  private final List<LongFunction<RuntimeException>> faults = new ArrayList<>();
  private final List<Located> loops = new ArrayList<>();

  /** A loop whose body can fail. */
  private record Located(int first, int end, int level, IntFunction<String> where) {}

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

  /** The code that the next error gets. */
  int next() {
    return faults.size() + 1;
  }

  /**
   * Says that errors from code {@code first} to before {@link #next} happen in a loop.
   *
   * @param level how many loops are around it
   * @param where names a round
   */
  void locate(int first, int level, IntFunction<String> where) {
    loops.add(new Located(first, next(), level, where));
  }

  /**
   * The exception that a status stands for, with the rounds of the loops that it happened in.
   *
   * @param rounds number of the round for each level of loops
   */
  RuntimeException exception(int code, long value, int... rounds) {
    RuntimeException e = faults.get(code - 1).apply(value);
    for (Located loop : loops) {
      if (loop.first <= code && code < loop.end && loop.level < rounds.length) {
        e = with(loop.where.apply(rounds[loop.level]) + ": " + e.getMessage(), e);
      }
    }
    return e;
  }

  /** The same failure, thrown here. */
  static RuntimeException again(RuntimeException failure) {
    return with(String.valueOf(failure.getMessage()), failure);
  }

  /** The same kind of exception with another message. */
  static RuntimeException with(String message, RuntimeException e) {
    RuntimeException other =
        switch (e) {
          case CancellationException c -> new CancellationException(message);
          case IndexOutOfBoundsException i -> new IndexOutOfBoundsException(message);
          case ArithmeticException a -> new ArithmeticException(message);
          default -> new IllegalStateException(message);
        };
    other.initCause(e);
    return other;
  }
}
