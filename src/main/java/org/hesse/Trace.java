package org.hesse;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** One run of a user's function under a transform, during which operations only build nodes. */
final class Trace {
  private static final ScopedValue<Trace> CURRENT = ScopedValue.newInstance();

  private final String transform;
  private final @Nullable Trace outer;
  private volatile boolean open = true;

  private Trace(String transform, @Nullable Trace outer) {
    this.transform = transform;
    this.outer = outer;
  }

  /** The innermost trace of the running thread. */
  static @Nullable Trace current() {
    return CURRENT.isBound() ? CURRENT.get() : null;
  }

  /** Runs {@code body} in a new innermost trace, which is closed afterwards. */
  static <R> R run(String transform, Supplier<R> body) {
    return run(transform, Hesse.device(), body);
  }

  /** The same where the device is known on which the nodes will run. */
  static <R> R run(String transform, Device device, Supplier<R> body) {
    Trace trace = new Trace(transform, current());
    try {
      return Hesse.at(device, () -> ScopedValue.where(CURRENT, trace).call(body::get));
    } finally {
      trace.open = false;
    }
  }

  /** Name of the transform, for messages. */
  String transform() {
    return transform;
  }

  /** Whether this is this transform's trace, or within one. */
  boolean isWithin(String name) {
    return transform.equals(name) || outer != null && outer.isWithin(name);
  }

  /** Whether the traced function is still running. */
  boolean isOpen() {
    return open;
  }
}
