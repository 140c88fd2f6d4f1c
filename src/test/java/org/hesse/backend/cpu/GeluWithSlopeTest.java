package org.hesse.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Random;
import org.hesse.DType;
import org.hesse.backend.Instruction;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.Op;
import org.hesse.ir.UnaryKind;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Gelu and its slope in one map against each alone, whose accuracy {@link AccuracyTest} bounds. */
class GeluWithSlopeTest {
  private static final Op GELU = new Op.Unary(UnaryKind.GELU);
  private static final Op SLOPE = new Op.Unary(UnaryKind.GELU_SLOPE);

  private static float[] numbers(int n) {
    Random random = new Random(n);
    float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = (float) (Math.pow(4, random.nextInt(5) - 2) * random.nextGaussian());
    }
    float[] special = {0, -0f, Float.NaN, 1e30f, -1e30f, Float.POSITIVE_INFINITY, -20, 1e-30f};
    System.arraycopy(special, 0, x, 0, Math.min(n, special.length));
    return x;
  }

  private static Instruction apply(Op op, Integer... arguments) {
    return new Instruction.Apply(op, DType.F32, List.of(arguments));
  }

  /** Slope or value first; stored as computed, or once in place of a value that is read again. */
  @ParameterizedTest
  @CsvSource({"1,true", "7,false", "16,true", "67,false", "1024,true", "3001,false", "3001,true"})
  void bitsAreThoseOfEachAlone(int n, boolean slopeFirst) {
    Op first = slopeFirst ? SLOPE : GELU;
    Op second = slopeFirst ? GELU : SLOPE;
    float[] x = numbers(n);
    Slot out = Plans.output(DType.F32, 3L * n);
    Op times = new Op.Binary(BinaryKind.MUL);
    List<Instruction> code =
        List.of(
            new Instruction.Load(Plans.dense(Plans.input(0, DType.F32, n), n)),
            apply(first, 0),
            apply(times, 0, 1),
            apply(second, 0),
            apply(times, 3, 2));
    List<Step.Store> stores =
        List.of(
            new Step.Store(1, new View(out, 0, new long[] {1})),
            new Step.Store(3, new View(out, n, new long[] {1})),
            new Step.Store(4, new View(out, 2L * n, new long[] {1})));
    Step map = new Step.Map(new int[] {n}, code, stores);
    float[] y = (float[]) Plans.run(map, DType.F32, 3 * n, x);
    float[] a = (float[]) Plans.apply(first, DType.F32, n, x);
    float[] b = (float[]) Plans.apply(second, DType.F32, n, x);
    for (int i = 0; i < n; i++) {
      assertEquals(a[i], y[i], "first of " + x[i]);
      assertEquals(b[i], y[n + i], "second of " + x[i]);
      assertEquals(b[i] * (x[i] * a[i]), y[2 * n + i], "all of " + x[i]);
    }
  }
}
