package org.hesse.backend.cuda;

import static org.hesse.backend.cuda.TwoBackends.dense;
import static org.hesse.backend.cuda.TwoBackends.input;
import static org.hesse.backend.cuda.TwoBackends.output;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Array;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.DoubleStream;
import org.hesse.DType;
import org.hesse.backend.Instruction;
import org.hesse.backend.Schedule;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.cpu.CpuBackend;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.CompareKind;
import org.hesse.ir.Op;
import org.hesse.ir.UnaryKind;
import org.hesse.testing.SimulatedDevice;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Each elementwise primitive on a device against the CPU, all kinds of special values included. */
@Tag("kernels")
class CudaElementwiseTest {
  private static final double[] SPECIALS = {
    0.0,
    -0.0,
    1,
    -1,
    0.5,
    -0.5,
    2,
    -2,
    3,
    7,
    -7,
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
    3e-39,
    -3e-39,
    Float.MAX_VALUE,
    -Float.MAX_VALUE,
    1e-10,
    -1e-10,
    1e-20,
    88.7,
    88.8,
    -87.4,
    -103.9,
    -104.1,
    709.7,
    709.8,
    -745.1,
    -745.2,
    2147483647,
    2147483648.0,
    -2147483648.0,
    -2147483649.0,
    3e9,
    12.99,
    13.2,
    -12.9,
    14.9,
    -39.7
  };

  @BeforeAll
  static void device() {
    SimulatedDevice.require();
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F64"})
  void functionsOfOneRealAgree(DType dtype) {
    List<Op> ops = new ArrayList<>();
    for (UnaryKind kind : UnaryKind.values()) {
      if (kind != UnaryKind.NOT) {
        ops.add(new Op.Unary(kind));
      }
    }
    Random random = new Random(1);
    double[] x =
        DoubleStream.concat(
                DoubleStream.of(SPECIALS), random.doubles(402, -1, 1).map(u -> u * u * u * 40))
            .toArray();
    check(ops, dtype, dtype, List.of(array(dtype, x)));
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F64"})
  void functionsOfTwoRealsAgree(DType dtype) {
    List<Op> ops = new ArrayList<>();
    for (BinaryKind kind : BinaryKind.values()) {
      if (kind.compareTo(BinaryKind.MIN) <= 0) {
        ops.add(new Op.Binary(kind));
      }
    }
    check(ops, dtype, dtype, pairs(dtype, SPECIALS));
    check(comparisons(), dtype, DType.BOOL, pairs(dtype, SPECIALS));
  }

  @Test
  void functionsOfIntegersAgree() {
    double[] x = {0, 1, -1, 2, 7, -7, 31, 33, 65536, 46341, Integer.MAX_VALUE, Integer.MIN_VALUE};
    List<Op> two = new ArrayList<>();
    for (BinaryKind kind : BinaryKind.values()) {
      if (kind != BinaryKind.POW) {
        two.add(new Op.Binary(kind));
      }
    }
    check(two, DType.I32, DType.I32, pairs(DType.I32, x));
    check(comparisons(), DType.I32, DType.BOOL, pairs(DType.I32, x));
    List<Op> one = new ArrayList<>();
    for (UnaryKind kind : List.of(UnaryKind.NEG, UnaryKind.ABS, UnaryKind.SIGN)) {
      one.add(new Op.Unary(kind));
    }
    check(one, DType.I32, DType.I32, List.of(array(DType.I32, x)));
  }

  @Test
  void logicAgrees() {
    List<Op> ops = new ArrayList<>(comparisons());
    for (BinaryKind kind : List.of(BinaryKind.XOR, BinaryKind.AND, BinaryKind.OR)) {
      ops.add(new Op.Binary(kind));
    }
    check(ops, DType.BOOL, DType.BOOL, pairs(DType.BOOL, new double[] {0, 1, 0, 1, 1}));
    check(
        List.of(new Op.Unary(UnaryKind.NOT)),
        DType.BOOL,
        DType.BOOL,
        List.of(array(DType.BOOL, new double[] {0, 1, 1})));
  }

  @ParameterizedTest
  @EnumSource
  void conversionsAgree(DType from) {
    for (DType to : DType.values()) {
      check(List.of(new Op.Cast()), from, to, List.of(array(from, SPECIALS)));
    }
  }

  @Test
  void oneOrTheOtherIsChosen() {
    int n = 10;
    Slot c = input(0, DType.BOOL, n);
    Slot x = input(1, DType.F64, n);
    Slot y = input(2, DType.F64, n);
    Slot z = output(0, DType.F64, n);
    List<Instruction> code =
        List.of(
            new Instruction.Load(dense(c, n)),
            new Instruction.Load(dense(x, n)),
            new Instruction.Load(dense(y, n)),
            new Instruction.Apply(new Op.Select(), DType.F64, List.of(0, 1, 2)));
    Step step = new Step.Map(new int[] {n}, code, List.of(new Step.Store(3, dense(z, n))));
    boolean[] flags = new boolean[n];
    double[] a = new double[n];
    double[] b = new double[n];
    double[] expected = new double[n];
    for (int i = 0; i < n; i++) {
      flags[i] = i % 3 == 0;
      a[i] = i;
      b[i] = -i;
      expected[i] = flags[i] ? i : -i;
    }
    Schedule schedule = TwoBackends.schedule(List.of(c, x, y), List.of(z), step);
    Object[] actual = TwoBackends.run(CudaBackend.of(0), schedule, flags, a, b);
    org.junit.jupiter.api.Assertions.assertArrayEquals(expected, (double[]) actual[0]);
  }

  private static List<Op> comparisons() {
    List<Op> ops = new ArrayList<>();
    for (CompareKind kind : CompareKind.values()) {
      ops.add(new Op.Compare(kind));
    }
    return ops;
  }

  private static List<Object> pairs(DType dtype, double[] of) {
    int n = of.length;
    double[] x = new double[n * n];
    double[] y = new double[n * n];
    for (int i = 0; i < n * n; i++) {
      x[i] = of[i / n];
      y[i] = of[i % n];
    }
    return List.of(array(dtype, x), array(dtype, y));
  }

  private static Object array(DType dtype, double[] values) {
    int n = values.length;
    return switch (dtype) {
      case F32 -> {
        float[] a = new float[n];
        for (int i = 0; i < n; i++) {
          a[i] = (float) values[i];
        }
        yield a;
      }
      case F64 -> values;
      case I32 -> {
        int[] a = new int[n];
        for (int i = 0; i < n; i++) {
          a[i] = (int) values[i];
        }
        yield a;
      }
      case BOOL -> {
        boolean[] a = new boolean[n];
        for (int i = 0; i < n; i++) {
          a[i] = values[i] != 0;
        }
        yield a;
      }
    };
  }

  /** One kernel for all primitives. */
  private static void check(List<Op> ops, DType from, DType to, List<Object> arrays) {
    int n = Array.getLength(arrays.getFirst());
    List<Slot> inputs = new ArrayList<>();
    List<Instruction> code = new ArrayList<>();
    List<Integer> arguments = new ArrayList<>();
    for (int i = 0; i < arrays.size(); i++) {
      inputs.add(input(i, from, n));
      code.add(new Instruction.Load(dense(inputs.get(i), n)));
      arguments.add(i);
    }
    List<Slot> outputs = new ArrayList<>();
    List<Step.Store> stores = new ArrayList<>();
    for (Op op : ops) {
      outputs.add(output(outputs.size(), to, n));
      stores.add(new Step.Store(code.size(), dense(outputs.getLast(), n)));
      code.add(new Instruction.Apply(op, to, arguments));
    }
    Schedule schedule =
        TwoBackends.schedule(inputs, outputs, new Step.Map(new int[] {n}, code, stores));
    Object[] expected = TwoBackends.run(CpuBackend.instance(), schedule, arrays.toArray());
    Object[] actual = TwoBackends.run(CudaBackend.of(0), schedule, arrays.toArray());
    for (int i = 0; i < expected.length; i++) {
      for (int j = 0; j < n; j++) {
        int at = j;
        String of = arrays.stream().map(a -> Array.get(a, at).toString()).toList() + " of " + from;
        boolean slope = ops.get(i).equals(new Op.Unary(UnaryKind.GELU_SLOPE));
        same(Array.get(expected[i], j), Array.get(actual[i], j), slope, ops.get(i) + " " + of);
      }
    }
  }

  /**
   * What is not finite, zeros and truth values agree, and other numbers to some last places; where
   * the slope of gelu crosses 0, to those of its terms.
   */
  private static void same(Object expected, Object actual, boolean slope, String what) {
    if (!(expected instanceof Float) && !(expected instanceof Double)) {
      assertEquals(expected, actual, what);
      return;
    }
    double x = ((Number) expected).doubleValue();
    double y = ((Number) actual).doubleValue();
    boolean f32 = expected instanceof Float;
    double term = slope && Math.abs(x) > 1e-4 ? Math.max(0.25, Math.abs(x)) : x;
    double unit = f32 ? Math.ulp((float) term) : Math.ulp(term);
    boolean exact = x == 0 || !Double.isFinite(x);
    if (exact && Math.abs(y) > (f32 ? Float.MIN_VALUE : Double.MIN_VALUE)) {
      assertEquals(x, y, what);
    } else if (x == 0 && y == 0) {
      assertEquals(x, y, what + ": the sign of zero");
    } else if (Double.isFinite(x)) {
      // What is below the normal numbers may be the product of such, with less digits.
      double small = f32 ? Float.MIN_NORMAL * 0x1p-14 : Double.MIN_NORMAL * 0x1p-42;
      double error = Math.abs(x - y);
      assertTrue(error <= Math.max(8 * unit, small), what + ": " + y + " instead of " + x);
    } else {
      assertEquals(x, y, what);
    }
  }
}
