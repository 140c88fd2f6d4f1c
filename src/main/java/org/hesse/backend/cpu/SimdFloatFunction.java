package org.hesse.backend.cpu;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.hesse.backend.cpu.FloatPass.Stage;
import org.hesse.ir.UnaryKind;

/** A function of {@link FloatMath} of a block. */
final class SimdFloatFunction implements Kernel {
  private static final Map<Stage, FloatPass> PASSES = new ConcurrentHashMap<>();

  private final FloatPass[] passes;

  SimdFloatFunction(UnaryKind kind) {
    passes = stages(kind).stream().map(SimdFloatFunction::pass).toArray(FloatPass[]::new);
  }

  private static FloatPass pass(Stage stage) {
    return PASSES.computeIfAbsent(
        stage, s -> Specialized.copy(SimdFloatPass.class, FloatPass.class, s));
  }

  private static List<Stage> stages(UnaryKind kind) {
    return switch (kind) {
      case EXP -> List.of(Stage.EXP);
      case TANH -> List.of(Stage.TANH_FAR, Stage.TANH_END);
      case SIGMOID -> List.of(Stage.SIGMOID);
      case ERF -> List.of(Stage.ERF_FAR, Stage.ERF_END);
      case ERFC ->
          List.of(Stage.ERFC_POLYNOMIAL, Stage.ERFC_FACTOR, Stage.ERFC_TAIL, Stage.ERFC_END);
      default -> throw new IllegalArgumentException(kind + " is no function of FloatMath");
    };
  }

  @Override
  public void run(Frame frame, int[] arguments, int result, int n) {
    float[] x = (float[]) frame.values[arguments[0]];
    float[] z = (float[]) frame.values[result];
    int xo = frame.offsets[arguments[0]];
    int zo = frame.offsets[result];
    int full = FloatMath.SPECIES.loopBound(n);
    wholeVectors(frame, x, xo, z, zo, full);
    if (full < n) {
      float[] rest = frame.restF32;
      System.arraycopy(x, xo + full, rest, 0, n - full);
      Arrays.fill(rest, n - full, FloatMath.SPECIES.length(), 1);
      wholeVectors(frame, rest, 0, rest, 0, FloatMath.SPECIES.length());
      System.arraycopy(rest, 0, z, zo + full, n - full);
    }
  }

  private void wholeVectors(Frame frame, float[] x, int xo, float[] z, int zo, int n) {
    float[] s = frame.outcomeF32;
    int last = passes.length - 1;
    for (int p = 0; p < last; p++) {
      passes[p].run(x, xo, s, frame.lostF32, s, 0, n);
    }
    passes[last].run(x, xo, s, frame.lostF32, z, zo, n);
  }
}
