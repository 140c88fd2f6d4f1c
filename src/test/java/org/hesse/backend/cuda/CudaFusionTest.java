package org.hesse.backend.cuda;

import static org.hesse.backend.cuda.TwoBackends.dense;
import static org.hesse.backend.cuda.TwoBackends.input;
import static org.hesse.backend.cuda.TwoBackends.output;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.hesse.DType;
import org.hesse.backend.Instruction;
import org.hesse.backend.Schedule;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.Op;
import org.hesse.ir.ReduceKind;
import org.hesse.ir.UnaryKind;
import org.hesse.testing.SimulatedDevice;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Generated kernels against the CPU, over operands that lie anyhow in memory. */
@Tag("kernels")
class CudaFusionTest {
  @BeforeAll
  static void device() {
    SimulatedDevice.require();
  }

  private static int[] domain(Random random, int most) {
    int[] domain = new int[random.nextInt(4)];
    for (int a = 0; a < domain.length; a++) {
      domain[a] = random.nextInt(4) == 0 ? 1 : 1 + random.nextInt(most);
    }
    return domain;
  }

  /** A sum of loads, an index and a constant, and more for reals. */
  private static List<Instruction> program(OneStep one, Random random, DType dtype, int[] domain) {
    List<Instruction> code = new ArrayList<>();
    int loads = 1 + random.nextInt(3);
    for (int i = 0; i < loads; i++) {
      int dense = random.nextBoolean() ? domain.length : random.nextInt(domain.length + 1);
      code.add(new Instruction.Load(one.input(dtype, domain, dense)));
    }
    code.add(new Instruction.Constant(dtype, random.nextInt(3) + (dtype == DType.I32 ? 0 : 0.25)));
    long[] strides = random.longs(domain.length, -3, 4).toArray();
    code.add(new Instruction.Index(strides));
    code.add(new Instruction.Apply(new Op.Cast(), dtype, List.of(code.size() - 1)));
    int sum = 0;
    for (int v = 1; v < loads + 3; v++) {
      if (code.get(v).dtype() == dtype && !(code.get(v) instanceof Instruction.Index)) {
        code.add(new Instruction.Apply(new Op.Binary(BinaryKind.ADD), dtype, List.of(sum, v)));
        sum = code.size() - 1;
      }
    }
    if (dtype.isReal()) {
      code.add(new Instruction.Apply(new Op.Unary(UnaryKind.TANH), dtype, List.of(sum)));
    }
    return code;
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F64", "I32"})
  void mapsAgree(DType dtype) {
    for (int seed = 0; seed < 14; seed++) {
      Random random = new Random(seed);
      OneStep one = new OneStep(random);
      int[] domain = domain(random, 12);
      List<Instruction> code = program(one, random, dtype, domain);
      View out = random.nextBoolean() ? one.output(dtype, domain) : one.denseOutput(dtype, domain);
      one.check(
          new Step.Map(domain, code, List.of(new Step.Store(code.size() - 1, out))),
          "seed " + seed + ", " + Arrays.toString(domain));
    }
  }

  @ParameterizedTest
  @CsvSource({"F32, SUM", "F64, SUM", "I32, SUM", "F32, MAX", "F64, MAX", "I32, MAX"})
  void reductionsAgree(DType dtype, ReduceKind kind) {
    for (int seed = 0; seed < 10; seed++) {
      Random random = new Random(seed);
      OneStep one = new OneStep(random);
      int[] domain = domain(random, 14);
      int outer = random.nextInt(domain.length + 1);
      int reduced = random.nextInt(domain.length - outer + 1);
      List<Instruction> code = program(one, random, dtype, domain);
      int[] kept = new int[domain.length - reduced];
      System.arraycopy(domain, 0, kept, 0, outer);
      System.arraycopy(domain, outer + reduced, kept, outer, kept.length - outer);
      View out = one.output(dtype, kept);
      one.check(
          new Step.Reduce(kind, domain, outer, reduced, code, out),
          "seed " + seed + ", " + Arrays.toString(domain) + " " + outer + " " + reduced);
    }
  }

  /** Rows, columns, all of an array: in one go, in chunks, with more threads than elements. */
  @ParameterizedTest
  @CsvSource({
    "1, 100000, 1",
    "3, 5000, 1",
    "700, 33, 1",
    "1, 3000, 40",
    "1, 70000, 3",
    "5, 9, 300",
    "2, 400, 2"
  })
  void largeSumsAreExact(int outer, int reduced, int inner) {
    int size = outer * reduced * inner;
    float[] x = new float[size];
    float[] expected = new float[outer * inner];
    for (int i = 0; i < size; i++) {
      x[i] = i % 5 - 1;
      expected[i / (reduced * inner) * inner + i % inner] += x[i];
    }
    int[] domain = {outer, reduced, inner};
    Slot in = input(0, DType.F32, size);
    Slot out = output(0, DType.F32, expected.length);
    Step step =
        new Step.Reduce(
            ReduceKind.SUM,
            domain,
            1,
            1,
            List.of(new Instruction.Load(dense(in, domain))),
            dense(out, outer, inner));
    Schedule schedule = TwoBackends.schedule(List.of(in), List.of(out), step);
    Object actual = TwoBackends.run(CudaBackend.of(0), schedule, (Object) x)[0];
    assertEquals(Arrays.toString(expected), Arrays.toString((float[]) actual));
  }

  /** Where plain sums would lose all: 2⁶⁰ + 1 − 2⁶⁰ in F64, 2²⁵ ones less 2²⁵ in F32. */
  @Test
  void sumsKeepWhatRoundingTakes() {
    int n = 300;
    double[] x = new double[n];
    x[0] = 0x1p60;
    x[150] = 1;
    x[299] = -0x1p60;
    assertEquals(1.0, ((double[]) sum(x, DType.F64, n))[0]);
    float[] y = new float[n];
    y[0] = 0x1p40f;
    y[150] = 1;
    y[299] = -0x1p40f;
    assertEquals(1f, ((float[]) sum(y, DType.F32, n))[0]);
  }

  /** Operands that lie the other way round than the result, whole tiles of them and less. */
  @ParameterizedTest
  @EnumSource(names = {"F32", "F64", "I32"})
  void turnedOperandsAgree(DType dtype) {
    int[][] domains = {{33, 70}, {3, 40, 17}, {20, 3, 65}, {2, 16, 2, 32}};
    int[] turned = {0, 1, 0, 1};
    for (int d = 0; d < domains.length; d++) {
      int[] domain = domains[d];
      Random random = new Random(d);
      OneStep one = new OneStep(random);
      int size = OneStep.size(domain);
      View plain = one.dense(TwoBackends.numbers(random, dtype, size), domain);
      // The axis comes last in memory, in one of them backwards.
      int[] order = domain.clone();
      order[turned[d]] = domain[domain.length - 1];
      order[domain.length - 1] = domain[turned[d]];
      long[] strides = OneStep.denseStrides(order);
      long last = strides[domain.length - 1];
      strides[domain.length - 1] = strides[turned[d]];
      strides[turned[d]] = last;
      View other = new View(one.dense(TwoBackends.numbers(random, dtype, size)).slot(), 0, strides);
      long[] back = strides.clone();
      back[turned[d]] = -last;
      View third =
          new View(
              one.dense(TwoBackends.numbers(random, dtype, size)).slot(),
              domain[turned[d]] - 1,
              back);
      List<Instruction> code = new ArrayList<>();
      code.add(new Instruction.Load(plain));
      code.add(new Instruction.Load(other));
      code.add(new Instruction.Load(third));
      code.add(new Instruction.Index(OneStep.denseStrides(domain)));
      code.add(new Instruction.Apply(new Op.Cast(), dtype, List.of(3)));
      code.add(new Instruction.Apply(new Op.Binary(BinaryKind.ADD), dtype, List.of(0, 1)));
      code.add(new Instruction.Apply(new Op.Binary(BinaryKind.MUL), dtype, List.of(5, 2)));
      code.add(new Instruction.Apply(new Op.Binary(BinaryKind.SUB), dtype, List.of(6, 4)));
      Step.Store store = new Step.Store(7, one.denseOutput(dtype, domain));
      Step.Map map = new Step.Map(domain, code, List.of(store));
      assertTrue(CudaMap.source(map).contains("__shared__"), Arrays.toString(domain));
      one.check(map, Arrays.toString(domain));
    }
  }

  /** Neighbours that cancel, of which one is lost where two are added as they are. */
  @Test
  void neighboursKeepWhatRoundingTakes() {
    float[] x = new float[400];
    for (int i = 0; i < 400; i += 4) {
      x[i] = 0x1p40f;
      x[i + 1] = 1;
      x[i + 2] = -0x1p40f;
      x[i + 3] = 0x1p-3f;
    }
    assertEquals(112.5f, ((float[]) sum(x, DType.F32, 400))[0]);
    assertEquals(112.375f, ((float[]) sum(Arrays.copyOf(x, 399), DType.F32, 399))[0]);
  }

  /** |ŝ − s| ≤ 2⁻²⁴ |s| + 2⁻³⁶ Σ |x|, with numbers that cancel, four at a time and one by one. */
  @ParameterizedTest
  @CsvSource({"200000", "199999", "1234", "77"})
  void sumsOfFloatsAreWithinTheirBound(int n) {
    for (int seed = 0; seed < 4; seed++) {
      Random random = new Random(seed);
      float[] x = new float[n];
      double exact = 0;
      double size = 0;
      for (int i = 0; i < n; i++) {
        x[i] = (float) (random.nextGaussian() * Math.pow(10, random.nextInt(9)));
        if (i % 2 == 1) {
          x[i] = -x[i - 1] * (1 + random.nextInt(3) * 0x1p-20f);
        }
        exact += x[i];
        size += Math.abs(x[i]);
      }
      double actual = ((float[]) sum(x, DType.F32, n))[0];
      double bound = 0x1p-24 * Math.abs(exact) + 0x1p-36 * size;
      assertEquals(exact, actual, bound, "seed " + seed);
    }
  }

  /** Rows that can be read four at a time, and some whose lengths or strides forbid it. */
  @ParameterizedTest
  @EnumSource(names = {"F32", "F64", "I32"})
  void alignedRowsAgree(DType dtype) {
    for (int[] domain :
        List.of(new int[] {5, 8}, new int[] {3, 2, 12}, new int[] {4, 6}, new int[] {260})) {
      for (int outer = 0; outer < domain.length; outer++) {
        Random random = new Random(domain.length + outer);
        OneStep one = new OneStep(random);
        List<Instruction> code = new ArrayList<>();
        code.add(new Instruction.Load(one.input(dtype, domain, domain.length)));
        code.add(new Instruction.Load(one.dense(TwoBackends.numbers(random, dtype, 512), domain)));
        code.add(new Instruction.Index(OneStep.denseStrides(domain)));
        code.add(new Instruction.Apply(new Op.Cast(), dtype, List.of(2)));
        code.add(new Instruction.Apply(new Op.Binary(BinaryKind.MUL), dtype, List.of(0, 1)));
        code.add(new Instruction.Apply(new Op.Binary(BinaryKind.ADD), dtype, List.of(3, 4)));
        View out = one.denseOutput(dtype, Arrays.copyOf(domain, outer));
        one.check(
            new Step.Reduce(ReduceKind.SUM, domain, outer, domain.length - outer, code, out),
            Arrays.toString(domain) + " " + outer);
      }
    }
  }

  @Test
  void nothingButNansAndInfinitiesSurvivesThem() {
    double[] x = {1, Double.POSITIVE_INFINITY, 2};
    assertEquals(Double.POSITIVE_INFINITY, ((double[]) sum(x, DType.F64, 3))[0]);
    double[] y = {1, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY};
    assertEquals(Double.NaN, ((double[]) sum(y, DType.F64, 3))[0]);
  }

  private static Object sum(Object x, DType dtype, int n) {
    Slot in = input(0, dtype, n);
    Slot out = output(0, dtype, 1);
    Step step =
        new Step.Reduce(
            ReduceKind.SUM,
            new int[] {n},
            0,
            1,
            List.of(new Instruction.Load(dense(in, n))),
            dense(out));
    Schedule schedule = TwoBackends.schedule(List.of(in), List.of(out), step);
    return TwoBackends.run(CudaBackend.of(0), schedule, x)[0];
  }

  /** A kernel's text says nothing of sizes, so other sizes need no compiler. */
  @Test
  void otherShapesShareTheKernel() {
    CudaContext context = CudaBackend.of(0).context();
    square(8, 3f);
    int before = context.compilations();
    square(12, 5f);
    square(4000, -7f);
    square(3, 0.125f);
    assertEquals(before, context.compilations());
  }

  private static void square(int n, float by) {
    Slot in = input(0, DType.F32, n);
    Slot out = output(0, DType.F32, n);
    List<Instruction> code =
        List.of(
            new Instruction.Load(dense(in, n)),
            new Instruction.Constant(DType.F32, by),
            new Instruction.Apply(new Op.Binary(BinaryKind.MUL), DType.F32, List.of(0, 1)));
    Step step = new Step.Map(new int[] {n}, code, List.of(new Step.Store(2, dense(out, n))));
    float[] x = new float[n];
    Arrays.fill(x, 2);
    Schedule schedule = TwoBackends.schedule(List.of(in), List.of(out), step);
    float[] y = (float[]) TwoBackends.run(CudaBackend.of(0), schedule, (Object) x)[0];
    float[] expected = new float[n];
    Arrays.fill(expected, 2 * by);
    assertEquals(Arrays.toString(expected), Arrays.toString(y));
  }
}
