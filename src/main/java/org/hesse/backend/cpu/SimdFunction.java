package org.hesse.backend.cpu;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.hesse.backend.cpu.VectorPass.Choice;
import org.hesse.backend.cpu.VectorPass.Stage;
import org.hesse.ir.UnaryKind;

/**
 * An elementary function of a block, computed in double whatever the dtype: one set of loops serves
 * both, but for the functions that floats have in {@link SimdFloatFunction}.
 */
final class SimdFunction implements Kernel {
  private static final Map<Choice, VectorPass> PASSES = new ConcurrentHashMap<>();

  private final VectorPass[] passes;

  SimdFunction(UnaryKind kind, boolean single) {
    passes = stages(kind).stream().map(s -> pass(s, single)).toArray(VectorPass[]::new);
  }

  static VectorPass pass(Stage stage, boolean single) {
    return PASSES.computeIfAbsent(
        new Choice(stage, single), c -> Specialized.copy(SimdPass.class, VectorPass.class, c));
  }

  private static List<Stage> stages(UnaryKind kind) {
    return switch (kind) {
      case EXP -> List.of(Stage.EXP);
      case EXPM1 -> List.of(Stage.EXPM1);
      case LOG -> List.of(Stage.LOG);
      case LOG1P -> List.of(Stage.LOG1P, Stage.LOG1P_END);
      case SIN -> List.of(Stage.SIN);
      case COS -> List.of(Stage.COS);
      case TANH -> List.of(Stage.EXPM1_FOR_TANH, Stage.TANH_END);
      case SIGMOID -> List.of(Stage.EXP_OF_MINUS_ABS, Stage.SIGMOID_END);
      case SOFTPLUS -> List.of(Stage.EXP_OF_MINUS_ABS, Stage.SOFTPLUS_END);
      case ERF -> List.of(Stage.ERF_EXPONENT, Stage.EXP_OF_S, Stage.ERFC_TAIL, Stage.ERF_END);
      case ERFC -> List.of(Stage.ERF_EXPONENT, Stage.EXP_OF_S, Stage.ERFC_TAIL, Stage.ERFC_END);
      case SIGN -> List.of(Stage.SIGN);
      case FLOOR -> List.of(Stage.FLOOR);
      default -> throw new IllegalArgumentException(kind + " is no function of VectorMath");
    };
  }

  @Override
  public void run(Frame frame, int[] arguments, int result, int n) {
    double[] x = frame.argument;
    double[] s = frame.outcome;
    load(frame, arguments[0], x, n);
    for (VectorPass pass : passes) {
      pass.run(x, s, n);
    }
    store(s, frame, result, n);
  }

  /** Brings a value to doubles, filled up to whole vectors with a harmless number. */
  static void load(Frame frame, int value, double[] to, int n) {
    int at = frame.offsets[value];
    switch (frame.values[value]) {
      case float[] f -> SimdCast.widen(f, at, to, 0, n);
      case double[] d -> System.arraycopy(d, at, to, 0, n);
      default -> throw new IllegalStateException();
    }
    Arrays.fill(to, n, VectorMath.SPECIES.loopBound(n + VectorMath.SPECIES.length() - 1), 1);
  }

  static void store(double[] from, Frame frame, int value, int n) {
    int at = frame.offsets[value];
    switch (frame.values[value]) {
      case float[] f -> SimdCast.narrow(from, 0, f, at, n);
      case double[] d -> System.arraycopy(from, 0, d, at, n);
      default -> throw new IllegalStateException();
    }
  }
}
