package org.hesse.backend.cpu;

import org.hesse.ir.UnaryKind;

/** Whether the Vector API is there. Classes that use it are loaded only if it is. */
final class Simd {
  /** Whether this process was started with the module of the Vector API. */
  static final boolean PRESENT = detect();

  private Simd() {}

  private static boolean detect() {
    boolean present = ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
    if (!present) {
      System.err.println(
          "hesse: warning: the Vector API is absent, so the cpu backend runs slow scalar loops;"
              + " start java with --add-modules jdk.incubator.vector");
    }
    return present;
  }

  /** Functions of {@link FloatMath} and {@link DoubleMath}. */
  static boolean hasFunction(UnaryKind kind) {
    return switch (kind) {
      case EXP,
          EXPM1,
          LOG,
          LOG1P,
          SIN,
          COS,
          TANH,
          SIGMOID,
          SOFTPLUS,
          ERF,
          ERFC,
          GELU,
          GELU_SLOPE,
          SIGN,
          FLOOR ->
          true;
      default -> false;
    };
  }
}
