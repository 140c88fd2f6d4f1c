package org.hesse.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.hesse.DType;
import org.hesse.backend.Instruction;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.Op;
import org.hesse.ir.UnaryKind;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Runs of operations, each on the result of the one before, against Java's own arithmetic: every
 * operation is rounded as it would be alone, so the bits agree.
 */
class ChainTest {
  private static final Op[] OPERATIONS = {
    new Op.Binary(BinaryKind.ADD),
    new Op.Binary(BinaryKind.SUB),
    new Op.Binary(BinaryKind.MUL),
    new Op.Binary(BinaryKind.DIV),
    new Op.Binary(BinaryKind.MAX),
    new Op.Binary(BinaryKind.MIN),
    new Op.Unary(UnaryKind.NEG),
    new Op.Unary(UnaryKind.ABS),
    new Op.Unary(UnaryKind.SQRT),
    new Op.Unary(UnaryKind.RSQRT),
  };

  private static IntStream seeds() {
    return IntStream.range(0, 120);
  }

  /** Operations on any of elements, a number, a constant, and what was computed before. */
  private static List<Instruction> program(Random random, DType dtype, int n) {
    List<Instruction> code = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      code.add(new Instruction.Load(Plans.dense(Plans.input(i, dtype, n), n)));
    }
    code.add(new Instruction.Load(new View(Plans.input(0, dtype, n), 1, new long[] {0})));
    code.add(new Instruction.Constant(dtype, 0.75));
    int given = code.size();
    int length = 1 + random.nextInt(9);
    for (int i = 0; i < length; i++) {
      Op op = OPERATIONS[random.nextInt(OPERATIONS.length)];
      int last = code.size() - 1;
      // Mostly what was computed last, so that there are chains, but also earlier values.
      int x = i > 0 && random.nextInt(8) > 0 ? last : random.nextInt(last + 1);
      int y = random.nextInt(4) == 0 ? x : random.nextInt(i > 0 ? last + 1 : given);
      List<Integer> both = random.nextBoolean() ? List.of(x, y) : List.of(y, x);
      code.add(new Instruction.Apply(op, dtype, op instanceof Op.Unary ? List.of(x) : both));
    }
    return code;
  }

  private static double apply(Op op, double x, double y) {
    return switch (op) {
      case Op.Binary b ->
          switch (b.kind()) {
            case ADD -> x + y;
            case SUB -> x - y;
            case MUL -> x * y;
            case DIV -> x / y;
            case MAX -> Math.max(x, y);
            default -> Math.min(x, y);
          };
      case Op.Unary u ->
          switch (u.kind()) {
            case NEG -> -x;
            case ABS -> Math.abs(x);
            default -> Math.sqrt(x);
          };
      default -> throw new IllegalArgumentException(op.toString());
    };
  }

  /** Sums, products, quotients and roots of floats are right when rounded from double. */
  private static double rounded(DType dtype, Op op, double x, double y) {
    double root = dtype == DType.F32 ? (float) apply(op, x, y) : apply(op, x, y);
    boolean inverse = op.equals(new Op.Unary(UnaryKind.RSQRT));
    double r = inverse ? 1 / root : root;
    return dtype == DType.F32 ? (float) r : r;
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void bitsAreThoseOfOneOperationAfterAnother(int seed) {
    Random random = new Random(seed);
    DType dtype = seed % 2 == 0 ? DType.F32 : DType.F64;
    int n = List.of(9, 64, 80, 1003, 2048).get(seed % 5);
    List<Instruction> code = program(random, dtype, n);
    double[][] x = new double[3][n];
    for (double[] row : x) {
      Arrays.setAll(row, i -> (float) (4 * random.nextGaussian()));
    }
    Object[] inputs = new Object[3];
    for (int i = 0; i < 3; i++) {
      inputs[i] = dtype == DType.F32 ? floats(x[i]) : x[i];
    }
    View out = Plans.dense(Plans.output(dtype, n), n);
    Step.Map map = new Step.Map(new int[] {n}, code, List.of(new Step.Store(code.size() - 1, out)));
    Object y = Plans.run(map, dtype, n, inputs);
    for (int i = 0; i < n; i++) {
      double[] v = new double[code.size()];
      for (int j = 0; j < v.length; j++) {
        v[j] =
            switch (code.get(j)) {
              case Instruction.Constant c -> c.value();
              case Instruction.Apply a ->
                  rounded(dtype, a.op(), v[a.arguments().getFirst()], v[a.arguments().getLast()]);
              default -> j < 3 ? x[j][i] : x[0][1];
            };
      }
      assertEquals(v[v.length - 1], Interpreter.get(y, i), 0.0, seed + ", " + i + ": " + map);
    }
  }

  private static float[] floats(double[] x) {
    float[] f = new float[x.length];
    for (int i = 0; i < f.length; i++) {
      f[i] = (float) x[i];
    }
    return f;
  }
}
