package org.hesse;

import org.hesse.backend.Buffer;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.jspecify.annotations.Nullable;

/** Errors of tensors that are used where or when they cannot be. */
final class Misuse {
  private static final String HINT =
      CallSite.DEBUG
          ? ""
          : " (java -D" + CallSite.DEBUG_PROPERTY + "=true names the line that made it)";

  private Misuse() {}

  /**
   * An argument that a caller might have left null.
   *
   * @param expected what belongs there
   * @throws IllegalArgumentException if it is null
   */
  static <T> T given(String call, String argument, @Nullable T value, String expected) {
    if (value == null) {
      throw new IllegalArgumentException(
          call + ": " + argument + " is null" + CallSite.here() + "; expected " + expected);
    }
    return value;
  }

  /**
   * Refuses a traced tensor that is used outside of its trace.
   *
   * @param made where it was made, or empty
   */
  static void requireOpen(Tensor t, Trace trace, String made) {
    Trace current = Trace.current();
    boolean foreign = current == null;
    if (trace.isOpen() && !foreign) {
      return;
    }
    String what = "a tensor " + t.type() + " made inside " + trace.transform() + made + " is used";
    throw new IllegalStateException(
        trace.isOpen()
            ? what
                + " on another thread"
                + CallSite.here()
                + "; trace on the thread that called "
                + trace.transform()
            : what
                + CallSite.here()
                + ", after "
                + trace.transform()
                + " has returned; "
                + (current != null && current.isWithin(CustomJvp.RULE)
                    ? "the rule of a customJvp, like the functions of a rootDerivative, captures"
                        + " constants only: pass it as part of the argument"
                    : "return it from the function instead of storing it")
                + HINT);
  }

  /** Refuses a tensor whose memory is another's by now. */
  static void requirePresent(Tensor t, Node node) {
    if (node.op() instanceof Op.Leaf leaf && ((Buffer) leaf.value()).given() != null) {
      throw new IllegalStateException(
          "a tensor "
              + t.type()
              + " is used"
              + CallSite.here()
              + ", but "
              + ((Buffer) leaf.value()).given());
    }
  }

  /** The error of moving a tensor away from where a traced function runs. */
  static IllegalStateException moving(Device device, Tensor t, @Nullable Trace trace) {
    return new IllegalStateException(
        "to("
            + device
            + ")"
            + CallSite.here()
            + " inside "
            + (trace == null ? "a transform" : trace.transform())
            + " on a tensor "
            + t.type()
            + " of "
            + t.device()
            + ": a traced function runs on one device; move its argument, or its result");
  }

  /** The error of reading a value that does not exist. */
  static IllegalStateException reading(String call, Tensor t, String transform, String made) {
    return new IllegalStateException(
        call
            + CallSite.here()
            + " inside "
            + transform
            + " on a tensor "
            + t.type()
            + (made.isEmpty() ? "" : " made" + made)
            + ": values do not exist while a function is traced; return the tensor and read it"
            + " outside, or use select in place of a Java condition"
            + HINT);
  }
}
