package org.hesse.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.hesse.DType;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.CompareKind;
import org.hesse.ir.Op;
import org.hesse.ir.UnaryKind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Elementary functions against {@link StrictMath}, in units in the last place. */
class ElementwiseTest {
  private static final double[] SPECIALS = {
    0.0,
    -0.0,
    1,
    -1,
    0.5,
    -0.5,
    2,
    Double.POSITIVE_INFINITY,
    Double.NEGATIVE_INFINITY,
    Double.NaN,
    Double.MIN_VALUE,
    -Double.MIN_VALUE,
    Double.MIN_NORMAL,
    -Double.MIN_NORMAL,
    Double.MAX_VALUE,
    -Double.MAX_VALUE,
    Float.MIN_VALUE,
    -Float.MIN_VALUE,
    Float.MIN_NORMAL,
    Float.MAX_VALUE,
    -Float.MAX_VALUE,
    1e-10,
    -1e-10,
    1e-20,
    -1e-20,
    88.7,
    88.8,
    -87.4,
    -103.9,
    -104.1,
    709.7,
    709.8,
    -708.5,
    -745.1,
    -745.2,
    -36,
    -37,
    -38,
    16,
    20,
    22,
    Math.PI,
    Math.PI / 2,
    -Math.PI,
    355,
    6381956970095103.0,
    1e15,
    1e22,
    -1e5,
    5.9,
    6,
    6.1,
    -6,
    0.9999999,
    1.0000001,
    0x1p52,
    3,
    -3,
    0x1p52 - 0.5,
    2.5,
    -2.5,
    0.99,
    -0.99
  };

  private static double[] arguments(int seed) {
    Random random = new Random(seed);
    DoubleStream wide =
        DoubleStream.generate(
                () -> (random.nextBoolean() ? 1 : -1) * Math.pow(10, random.nextDouble() * 40 - 20))
            .limit(8000);
    return Stream.of(
            DoubleStream.of(SPECIALS),
            wide,
            random.doubles(8000, -1.5, 1.5),
            random.doubles(8000, -20, 20),
            random.doubles(8000, -750, 750))
        .flatMapToDouble(s -> s)
        .toArray();
  }

  private static float[] floats(double[] x) {
    float[] f = new float[x.length];
    for (int i = 0; i < x.length; i++) {
      f[i] = (float) x[i];
    }
    return f;
  }

  /** In double, by Java's own functions as far as there are any. */
  private static double reference(UnaryKind kind, double x) {
    return switch (kind) {
      case EXP -> StrictMath.exp(x);
      case EXPM1 -> StrictMath.expm1(x);
      case LOG -> StrictMath.log(x);
      case LOG1P -> StrictMath.log1p(x);
      case RSQRT -> 1 / Math.sqrt(x);
      case SIN -> StrictMath.sin(x);
      case COS -> StrictMath.cos(x);
      case TANH -> StrictMath.tanh(x);
      case SIGMOID -> (x < 0 ? StrictMath.exp(x) : 1) / (1 + StrictMath.exp(-Math.abs(x)));
      case SOFTPLUS -> Math.max(x, 0) + StrictMath.log1p(StrictMath.exp(-Math.abs(x)));
      case ERF, ERFC, GELU, GELU_SLOPE -> throw new IllegalArgumentException("see AccuracyTest");
      case NEG -> -x;
      case ABS -> Math.abs(x);
      case SQRT -> Math.sqrt(x);
      case SIGN -> Math.signum(x);
      case FLOOR -> Math.floor(x);
      case NOT -> throw new IllegalArgumentException("NOT of a number");
    };
  }

  /** How many units in the last place of the expected value lie between; specials must match. */
  static double ulps(double expected, double actual, boolean single) {
    if (Double.isNaN(expected) || Double.isInfinite(expected) || expected == 0) {
      return Double.doubleToLongBits(expected) == Double.doubleToLongBits(actual)
          ? 0
          : Double.POSITIVE_INFINITY;
    }
    double ulp = single ? Math.ulp((float) expected) : Math.ulp(expected);
    return Math.abs(actual - expected) / ulp;
  }

  @ParameterizedTest
  @EnumSource(
      mode = EnumSource.Mode.EXCLUDE,
      names = {"NOT", "ERF", "ERFC", "GELU", "GELU_SLOPE"})
  void functionsOfDoubles(UnaryKind kind) {
    double[] x = arguments(1);
    double[] y = (double[]) Plans.apply(new Op.Unary(kind), DType.F64, x.length, (Object) x);
    double worst = 0;
    double at = 0;
    for (int i = 0; i < x.length; i++) {
      double u = ulps(reference(kind, x[i]), y[i], false);
      if (!(u <= worst)) {
        worst = u;
        at = x[i];
      }
    }
    assertTrue(worst <= 4, kind + "(" + at + ") is off by " + worst + " ulp");
  }

  @ParameterizedTest
  @EnumSource(
      mode = EnumSource.Mode.EXCLUDE,
      names = {"NOT", "ERF", "ERFC", "GELU", "GELU_SLOPE"})
  void functionsOfFloats(UnaryKind kind) {
    float[] x = floats(arguments(2));
    float[] y = (float[]) Plans.apply(new Op.Unary(kind), DType.F32, x.length, (Object) x);
    double worst = 0;
    double at = 0;
    for (int i = 0; i < x.length; i++) {
      double u = ulps((float) reference(kind, x[i]), y[i], true);
      if (!(u <= worst)) {
        worst = u;
        at = x[i];
      }
    }
    assertTrue(worst <= 2, kind + "(" + at + ") is off by " + worst + " ulp");
  }

  @ParameterizedTest
  @EnumSource(
      mode = EnumSource.Mode.EXCLUDE,
      names = {"SHR", "XOR", "AND", "OR"})
  void functionsOfTwoReals(BinaryKind kind) {
    double[] x = arguments(3);
    double[] y = arguments(4);
    for (int i = 0; i < SPECIALS.length * SPECIALS.length; i++) {
      x[i] = SPECIALS[i / SPECIALS.length];
      y[i] = SPECIALS[i % SPECIALS.length];
    }
    Op op = new Op.Binary(kind);
    double[] z = (double[]) Plans.apply(op, DType.F64, x.length, x, y);
    float[] z32 = (float[]) Plans.apply(op, DType.F32, x.length, floats(x), floats(y));
    for (int i = 0; i < x.length; i++) {
      String what = kind + "(" + x[i] + ", " + y[i] + ")";
      assertEquals(0, ulps(binary(kind, x[i], y[i]), z[i], false), what);
      double e = (float) binary(kind, (float) x[i], (float) y[i]);
      assertTrue(ulps(e, z32[i], true) <= (kind == BinaryKind.POW ? 1 : 0), what + " " + e);
    }
  }

  private static double binary(BinaryKind kind, double x, double y) {
    return switch (kind) {
      case ADD -> x + y;
      case SUB -> x - y;
      case MUL -> x * y;
      case DIV -> x / y;
      case POW -> StrictMath.pow(x, y);
      case MAX -> Math.max(x, y);
      case MIN -> Math.min(x, y);
      default -> throw new IllegalArgumentException();
    };
  }

  @ParameterizedTest
  @EnumSource(
      mode = EnumSource.Mode.EXCLUDE,
      names = {"POW"})
  void functionsOfTwoIntegers(BinaryKind kind) {
    int[] edges = {0, 1, -1, 7, -7, 31, 32, 33, Integer.MAX_VALUE, Integer.MIN_VALUE};
    int n = edges.length * edges.length;
    int[] x = new int[n];
    int[] y = new int[n];
    int[] expected = new int[n];
    for (int i = 0; i < n; i++) {
      int a = edges[i / edges.length];
      x[i] = a;
      int b = edges[i % edges.length];
      y[i] = b;
      expected[i] =
          switch (kind) {
            case ADD -> a + b;
            case SUB -> a - b;
            case MUL -> a * b;
            case DIV -> b == 0 ? 0 : a / b;
            case MAX -> Math.max(a, b);
            case MIN -> Math.min(a, b);
            case SHR -> a >>> b;
            case XOR -> a ^ b;
            case AND -> a & b;
            case OR -> a | b;
            case POW -> throw new IllegalArgumentException();
          };
    }
    assertArrayEquals(expected, (int[]) Plans.apply(new Op.Binary(kind), DType.I32, n, x, y));
  }

  @ParameterizedTest
  @EnumSource
  void comparisons(CompareKind kind) {
    int s = SPECIALS.length;
    int n = s * s;
    double[] x = new double[n];
    double[] y = new double[n];
    boolean[] expected = new boolean[n];
    for (int i = 0; i < n; i++) {
      double a = SPECIALS[i / s];
      x[i] = a;
      double b = SPECIALS[i % s];
      y[i] = b;
      expected[i] =
          switch (kind) {
            case EQ -> a == b;
            case NE -> a != b;
            case LT -> a < b;
            case LE -> a <= b;
            case GT -> a > b;
            case GE -> a >= b;
          };
    }
    Op op = new Op.Compare(kind);
    assertArrayEquals(expected, (boolean[]) Plans.apply(op, DType.BOOL, n, x, y));
    Kernel scalar = Kernels.of(op, DType.F64, DType.BOOL, false);
    Frame frame = new Frame();
    for (int at = 0; at < n; at += BlockProgram.BLOCK) {
      int count = Math.min(BlockProgram.BLOCK, n - at);
      boolean[] block = new boolean[count];
      frame.values = new Object[] {x, y, block};
      frame.offsets = new int[] {at, at, 0};
      scalar.run(frame, new int[] {0, 1}, 2, count);
      assertArrayEquals(java.util.Arrays.copyOfRange(expected, at, at + count), block);
    }
  }

  @Test
  void casts() {
    double[] x = {0, -0.0, 1.9, -1.9, 1e20, -1e20, Double.NaN, 0.3};
    int n = x.length;
    assertArrayEquals(
        new int[] {0, 0, 1, -1, Integer.MAX_VALUE, Integer.MIN_VALUE, 0, 0},
        (int[]) Plans.apply(new Op.Cast(), DType.I32, n, (Object) x));
    assertArrayEquals(
        new boolean[] {false, false, true, true, true, true, true, true},
        (boolean[]) Plans.apply(new Op.Cast(), DType.BOOL, n, (Object) floats(x)));
    assertArrayEquals(
        new float[] {1, 0},
        (float[]) Plans.apply(new Op.Cast(), DType.F32, 2, new boolean[] {true, false}));
  }

  /** The scalar loops that stand in where the Vector API is absent give the same bits. */
  @ParameterizedTest
  @EnumSource(
      mode = EnumSource.Mode.EXCLUDE,
      names = {"SHR", "XOR", "AND", "OR"})
  void scalarLoopsOfTwoRealsAgree(BinaryKind kind) {
    float[] x = floats(arguments(5));
    float[] y = floats(arguments(9));
    for (int i = 0; i < x.length; i++) {
      x[i] = i % 2 == 0 ? Math.abs(x[i]) : x[i];
    }
    Op op = new Op.Binary(kind);
    Kernel scalar = Kernels.of(op, DType.F32, DType.F32, false);
    float[] expected = new float[x.length];
    Frame frame = new Frame();
    frame.values = new Object[] {x, y, expected};
    scalar.run(frame, new int[] {0, 1}, 2, x.length);
    assertArrayEquals(expected, (float[]) Plans.apply(op, DType.F32, x.length, x, y));
  }

  /** A result depends on the element alone, not on where in a block it stands. */
  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NOT")
  void positionDoesNotMatter(UnaryKind kind) {
    float[] x = floats(arguments(6));
    Op op = new Op.Unary(kind);
    float[] whole = (float[]) Plans.apply(op, DType.F32, x.length, (Object) x);
    for (int skip = 1; skip < 40; skip += 3) {
      float[] part = java.util.Arrays.copyOfRange(x, skip, skip + 1100);
      assertArrayEquals(
          java.util.Arrays.copyOfRange(whole, skip, skip + 1100),
          (float[]) Plans.apply(op, DType.F32, part.length, (Object) part));
    }
  }
}
