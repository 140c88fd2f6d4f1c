package org.hesse;

import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.hesse.backend.Buffer;
import org.hesse.ir.Op;
import org.jspecify.annotations.Nullable;

/**
 * Owns the tensors that are made in it, and closes them when it is closed, except for those that it
 * is told to keep. For memory of a GPU that is to be free again at once, and not when the garbage
 * collector finds that nobody needs it.
 *
 * <pre>{@code
 * try (Scope scope = Scope.open()) {
 *   Tensor scores = model.apply(inputs);
 *   best = scope.keep(scores.argMax(1));      // the caller's, or an outer scope's
 * }                                           // scores and all that lies between are closed
 * }</pre>
 *
 * <p>A scope sees what its own thread makes. What a function makes while it is traced belongs to
 * the traced function, and what is donated to whom it is given. A scope does not keep memory from
 * the garbage collector.
 */
public final class Scope implements AutoCloseable {
  private static final ThreadLocal<@Nullable Scope> CURRENT = new ThreadLocal<>();

  /** References to collected buffers are dropped when there are so many of all. */
  private static final int FIRST_SWEEP = 1024;

  private final Thread thread = Thread.currentThread();
  private final @Nullable Scope outer;
  private List<WeakReference<Buffer>> owned = new ArrayList<>();
  private int sweep = FIRST_SWEEP;
  private boolean closed;

  private Scope(@Nullable Scope outer) {
    this.outer = outer;
  }

  /** Opens a scope within the thread's current one. */
  public static Scope open() {
    Scope scope = new Scope(CURRENT.get());
    CURRENT.set(scope);
    return scope;
  }

  /** Makes the current scope, if there is one, the owner of buffers that are fresh. */
  static void own(Buffer... buffers) {
    Scope current = CURRENT.get();
    if (current != null && Trace.current() == null) {
      for (Buffer b : buffers) {
        current.add(b);
      }
    }
  }

  private void add(Buffer buffer) {
    owned.add(new WeakReference<>(buffer));
    if (owned.size() >= sweep) {
      owned.removeIf(r -> r.get() == null);
      sweep = Math.max(FIRST_SWEEP, 2 * owned.size());
    }
  }

  /**
   * Leaves the tensors of a value to the outer scope, if there is one, or else to the caller.
   *
   * @param value a tensor or a tree of them; those of other scopes stay with these
   * @return the value
   * @throws IllegalStateException if this scope is closed, or another thread's
   */
  public <T> T keep(T value) {
    requireUsable("keep");
    Set<Buffer> kept = Collections.newSetFromMap(new IdentityHashMap<>());
    for (Tensor t : Tree.leavesOf(value)) {
      if (t.node().op() instanceof Op.Leaf leaf) {
        kept.add((Buffer) leaf.value());
      }
    }
    List<WeakReference<Buffer>> rest = new ArrayList<>();
    for (WeakReference<Buffer> r : owned) {
      Buffer b = r.get();
      if (b != null && kept.contains(b)) {
        if (outer != null) {
          outer.add(b);
        }
      } else if (b != null) {
        rest.add(r);
      }
    }
    owned = rest;
    return value;
  }

  /**
   * Closes what the scope owns. A second call does nothing.
   *
   * @throws IllegalStateException if a scope that was opened in this one is still open, or this is
   *     another thread
   */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    requireUsable("close");
    closed = true;
    CURRENT.set(outer);
    if (outer == null) {
      CURRENT.remove();
    }
    String why =
        "its scope was closed"
            + CallSite.here()
            + "; keep it with scope.keep(...), or read it before the scope ends";
    for (WeakReference<Buffer> r : owned) {
      Buffer b = r.get();
      if (b != null) {
        b.close(why);
      }
    }
    owned = List.of();
  }

  private void requireUsable(String call) {
    if (closed) {
      throw new IllegalStateException("Scope." + call + CallSite.here() + ": the scope is closed");
    }
    if (!thread.equals(Thread.currentThread())) {
      throw new IllegalStateException(
          "Scope."
              + call
              + CallSite.here()
              + ": the scope belongs to thread "
              + thread.getName()
              + "; use it there only");
    }
    if (CURRENT.get() != this && call.equals("close")) {
      throw new IllegalStateException(
          "Scope.close"
              + CallSite.here()
              + ": a scope opened in this one is still open; open scopes with try (...)");
    }
  }
}
