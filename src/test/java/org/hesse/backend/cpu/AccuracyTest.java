package org.hesse.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.hesse.DType;
import org.hesse.ir.Op;
import org.hesse.ir.UnaryKind;
import org.hesse.testing.Exact;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Elementary functions in units in the last place: doubles against 40 digits, floats against
 * doubles, single numbers against vectors bit for bit.
 *
 * <p>{@code -Dhesse.exhaustive=true} runs through all 2³² floats, not every 4099th. Each test
 * prints its row of the table in ARCHITECTURE.md.
 */
class AccuracyTest {
  private static final int BLOCK = BlockProgram.BLOCK;
  private static final long STRIDE = Boolean.getBoolean("hesse.exhaustive") ? 1 : 4099;

  /** The float next to the exact value, or one of its neighbours. */
  private static final Set<UnaryKind> IN_ONE_UNIT =
      EnumSet.of(UnaryKind.EXP, UnaryKind.TANH, UnaryKind.SIGMOID, UnaryKind.ERF);

  private static final MathContext DIGITS = new MathContext(20);

  private static Kernel kernel(UnaryKind kind, DType dtype, boolean simd) {
    return Kernels.of(new Op.Unary(kind), dtype, dtype, simd && Simd.PRESENT);
  }

  private static void run(Kernel kernel, Object x, Object y, int n) {
    Frame frame = Frame.current();
    frame.values[0] = x;
    frame.values[1] = y;
    frame.offsets[0] = 0;
    frame.offsets[1] = 0;
    kernel.run(frame, new int[] {0}, 1, n);
  }

  /** Limits where the exact value has none: infinities, NaN, and poles. */
  private static double limit(UnaryKind kind, double x) {
    return switch (kind) {
      case SQRT -> Math.sqrt(x);
      case RSQRT -> 1 / Math.sqrt(x);
      case LOG -> StrictMath.log(x);
      case LOG1P -> StrictMath.log1p(x);
      case SIN, COS -> Double.NaN;
      case EXP -> StrictMath.exp(x);
      case EXPM1 -> StrictMath.expm1(x);
      case TANH, SIGN, ERF -> Math.signum(x);
      case SIGMOID -> x > 0 ? 1 : x < 0 ? 0 : x;
      case GELU_SLOPE -> x > 0 ? 1 : x < 0 ? -0.0 : x;
      case SOFTPLUS -> x > 0 ? x : x < 0 ? 0 : x;
      case GELU -> x > 0 ? x : x < 0 ? -0.0 : x;
      case ERFC -> x > 0 ? 0 : x < 0 ? 2 : x;
      case NEG -> -x;
      case ABS -> Math.abs(x);
      case FLOOR -> x;
      case NOT -> throw new IllegalArgumentException();
    };
  }

  private static boolean isRegular(UnaryKind kind, double x) {
    return Double.isFinite(x)
        && switch (kind) {
          case LOG, RSQRT -> x > 0;
          case SQRT -> x >= 0;
          case LOG1P -> x > -1;
          case EXP, EXPM1, SIGMOID, SOFTPLUS, TANH -> Math.abs(x) < 800;
          case ERF, ERFC, GELU, GELU_SLOPE -> Math.abs(x) < 40;
          default -> true;
        };
  }

  private static double[] doubles(UnaryKind kind) {
    List<Double> xs = new ArrayList<>();
    for (double x :
        new double[] {
          0,
          0.25,
          0.5,
          0.875,
          1,
          1.5,
          2,
          2.5,
          Math.E,
          Math.PI,
          Math.PI / 2,
          3.5,
          4.5,
          5,
          6,
          8,
          10,
          16,
          20,
          22.25,
          26.5,
          27.25,
          28,
          36.75,
          37.5,
          38.5,
          39.5,
          50,
          355,
          700,
          708.4,
          709.78,
          710,
          744.4,
          745.1,
          745.2,
          746,
          1e5,
          0x1p20,
          1e15,
          1e22,
          1e100,
          0x1p51,
          0x1p52,
          0x1p53,
          6381956970095103.0 * 0x1p797,
          Math.sqrt(0.5),
          Math.sqrt(2),
          Math.log(2),
          Math.log(2) / 2,
          1e-5,
          1e-8,
          1e-16,
          1e-17,
          1e-20,
          1e-160,
          1e-300,
          Double.MIN_NORMAL,
          Double.MIN_VALUE,
          Double.MAX_VALUE,
          Double.POSITIVE_INFINITY
        }) {
      for (double y : new double[] {Math.nextDown(x), x, Math.nextUp(x)}) {
        xs.add(y);
        xs.add(-y);
      }
    }
    xs.add(Double.NaN);
    Random random = new Random(kind.name().hashCode());
    for (int i = 0; i < 500; i++) {
      xs.add(random.nextDouble(-1.5, 1.5));
      xs.add(random.nextDouble(-6, 6));
      xs.add(random.nextDouble(-40, 40));
      xs.add(random.nextDouble(-750, 750));
      xs.add(Double.longBitsToDouble(random.nextLong()));
    }
    return xs.stream().mapToDouble(x -> x).toArray();
  }

  /** How far from an exact value; beyond the largest number lies infinity alone. */
  private static double ulps(BigDecimal exact, double y) {
    double rounded = exact.doubleValue();
    if (Double.isInfinite(rounded) || !Double.isFinite(y)) {
      return rounded == y ? 0 : Double.POSITIVE_INFINITY;
    }
    BigDecimal unit = new BigDecimal(Math.ulp(rounded));
    return exact.subtract(new BigDecimal(y)).abs().divide(unit, DIGITS).doubleValue();
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NOT")
  void doublesAreAccurate(UnaryKind kind) {
    double[] x = doubles(kind);
    double[] y = new double[x.length];
    double[] lane = new double[x.length];
    run(kernel(kind, DType.F64, true), x, y, x.length);
    run(kernel(kind, DType.F64, false), x, lane, x.length);
    double worst = 0;
    double at = 0;
    for (int i = 0; i < x.length; i++) {
      String what = kind + "(" + x[i] + ") = " + y[i];
      assertSameBits(y[i], lane[i], what);
      if (!isRegular(kind, x[i])) {
        assertEquals(limit(kind, x[i]), y[i], what);
        continue;
      }
      double u = ulps(Exact.of(kind, x[i]), y[i]);
      u *= Math.ulp(y[i]) / Math.ulp(size(kind, x[i], y[i]));
      if (!(u <= worst)) {
        worst = u;
        at = x[i];
      }
    }
    System.out.printf("| %s | F64 | %.2f | %s |%n", kind, worst, at);
    assertTrue(worst <= bound(kind, DType.F64), kind + "(" + at + ") is off by " + worst + " ulp");
  }

  private static void assertSameBits(double a, double b, String what) {
    boolean same =
        Double.doubleToRawLongBits(a) == Double.doubleToRawLongBits(b)
            || Double.isNaN(a) && Double.isNaN(b);
    assertTrue(same, () -> what + " on vectors, " + b + " alone");
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NOT")
  void floatsAreAccurate(UnaryKind kind) {
    Kernel vectors = kernel(kind, DType.F32, true);
    Kernel lanes = kernel(kind, DType.F32, false);
    Kernel doubles = kernel(kind, DType.F64, true);
    float[] x = new float[BLOCK];
    float[] y = new float[BLOCK];
    float[] lane = new float[BLOCK];
    double[] wide = new double[BLOCK];
    double[] expected = new double[BLOCK];
    double worst = 0;
    float at = 0;
    for (long first = 0; first < 1L << 32; first += BLOCK * STRIDE) {
      for (int i = 0; i < BLOCK; i++) {
        x[i] = Float.intBitsToFloat((int) (first + i * STRIDE));
        wide[i] = x[i];
      }
      run(vectors, x, y, BLOCK);
      run(lanes, x, lane, BLOCK);
      run(doubles, wide, expected, BLOCK);
      for (int i = 0; i < BLOCK; i++) {
        boolean same = Float.floatToRawIntBits(y[i]) == Float.floatToRawIntBits(lane[i]);
        if (!same && !(Float.isNaN(y[i]) && Float.isNaN(lane[i]))) {
          assertSameBits(y[i], lane[i], kind + "(" + x[i] + ") = " + y[i]);
        }
        double u = ulps(kind, x[i], expected[i], y[i]);
        if (IN_ONE_UNIT.contains(kind) && !(ulps(kind, x[i], (float) expected[i], y[i]) <= 1)) {
          fail(kind + "(" + x[i] + ") is " + y[i] + ", expected " + (float) expected[i]);
        }
        if (!(u <= worst)) {
          worst = u;
          at = x[i];
        }
      }
    }
    System.out.printf("| %s | F32 | %.2f | %s |%n", kind, worst, at);
    assertTrue(worst <= bound(kind, DType.F32), kind + "(" + at + ") is off by " + worst + " ulp");
  }

  private static double ulps(UnaryKind kind, float x, double exact, float y) {
    float rounded = (float) exact;
    if (!Float.isFinite(rounded) || !Float.isFinite(y) || exact == 0) {
      return Double.compare(rounded, y) == 0 ? 0 : Double.POSITIVE_INFINITY;
    }
    return Math.abs(exact - y) / Math.ulp((float) size(kind, x, rounded));
  }

  /** What units are of: the value, or the larger term of the slope of gelu, which crosses 0. */
  private static double size(UnaryKind kind, double x, double y) {
    if (kind == UnaryKind.GELU_SLOPE && x < 0) {
      return Math.max(Math.abs(y), -x * Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI));
    }
    return y;
  }

  /** The last places that are promised. */
  private static double bound(UnaryKind kind, DType dtype) {
    boolean gelu = kind == UnaryKind.GELU || kind == UnaryKind.GELU_SLOPE;
    if (dtype == DType.F64) {
      return gelu ? 5 : 4;
    }
    return gelu ? 6 : kind == UnaryKind.SOFTPLUS ? 2.1 : 2;
  }

  /** The reference itself, against numbers to 40 digits from mpmath 1.3. */
  @Test
  void exactValuesAreExact() {
    Object[][] known = {
      {UnaryKind.EXP, -700.5, "5.980196118639791206412107330495100047981e-305"},
      {UnaryKind.EXP, 1e-05, "1.000010000050000166667901372886154661719"},
      {UnaryKind.EXPM1, 1e-10, "0.0000000001000000000050000036433863985807669644231"},
      {UnaryKind.EXPM1, -3.0, "-0.9502129316321360570206575843499382233683"},
      {UnaryKind.LOG, 1.0000001, "0.0000000999999950583870451775160996834544912303"},
      {UnaryKind.LOG, 1e-310, "-713.8013788281541651006446006623883741382"},
      {UnaryKind.LOG1P, -0.999, "-6.907755278982136163875554663928254714351"},
      {UnaryKind.LOG1P, 1e-07, "0.00000009999999500000032880811996844279569098181"},
      {UnaryKind.SIN, 1e+22, "-0.8522008497671888017727058937530293682618"},
      {UnaryKind.SIN, 3.0, "0.1411200080598672221007448028081102798469"},
      {UnaryKind.COS, 1e+300, "-0.5753861119575490466882442759658061506357"},
      {UnaryKind.COS, 0.5, "0.8775825618903727161162815826038296519916"},
      {UnaryKind.TANH, 1e-06, "0.0000009999999999996666214147786259315105737341"},
      {UnaryKind.TANH, 2.0, "0.964027580075816883946413724100923150255"},
      {UnaryKind.SIGMOID, -30.0, "9.357622968839298953839562653284984111576e-14"},
      {UnaryKind.SOFTPLUS, -2.0, "0.1269280110429724964437268063583044314343"},
      {UnaryKind.SOFTPLUS, 3.0, "3.048587351573742058758925919854689997942"},
      {UnaryKind.ERF, 0.25, "0.2763263901682369329850682677648157120654"},
      {UnaryKind.ERF, -1.75, "-0.9866716712191824437722111001286879766073"},
      {UnaryKind.ERFC, 4.5, "0.0000000001966160441542887476279160367664332660578"},
      {UnaryKind.ERFC, 20.0, "5.395865611607900928934999167905345604088e-176"},
      {UnaryKind.ERFC, -1.0, "1.842700792949714869341220635082609259296"},
      {UnaryKind.GELU, -3.0, "-0.004049694094890283579955444302784932133488"},
      {UnaryKind.GELU, -20.0, "-5.507248237212467390151245561714930665615e-88"},
      {UnaryKind.GELU, 1.25, "1.11793778291643092788903404496781680644"},
      {UnaryKind.GELU_SLOPE, -10.0, "-7.618400096464814085679300147525884151724e-22"},
      {UnaryKind.GELU_SLOPE, 0.5, "0.8674951246561628425250448314065965664388"},
      {UnaryKind.RSQRT, 3.0, "0.5773502691896257645091487805019574556476"},
    };
    for (Object[] k : known) {
      BigDecimal expected = new BigDecimal((String) k[2]);
      BigDecimal actual = Exact.of((UnaryKind) k[0], (double) k[1]);
      double error = actual.subtract(expected).divide(expected, DIGITS).abs().doubleValue();
      assertTrue(error < 1e-37, k[0] + "(" + k[1] + ") = " + actual);
    }
  }
}
