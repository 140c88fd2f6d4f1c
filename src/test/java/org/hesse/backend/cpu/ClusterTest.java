package org.hesse.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.stream.IntStream;
import org.hesse.DType;
import org.hesse.backend.Buffer;
import org.hesse.backend.Instruction;
import org.hesse.backend.Schedule;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.Op;
import org.hesse.ir.ReduceKind;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Fused clusters with random programs and views, against a plain interpreter. */
class ClusterTest {
  private static final List<DType> ALL = List.of(DType.F32, DType.F64, DType.I32, DType.BOOL);

  private static IntStream seeds() {
    return IntStream.range(0, 150);
  }

  @AfterEach
  void resetThreads() {
    CpuBackend.setThreads(Runtime.getRuntime().availableProcessors());
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void maps(int seed) {
    Samples s = new Samples(seed);
    int[] domain = s.domain();
    DType result = ALL.get(seed % 4);
    List<Instruction> code = s.program(domain, result);
    int size = (int) BlockProgram.size(domain);
    View out = outView(domain, result, size, seed % 3 == 0);
    // The same value may be stored twice, and a value stored may be used later.
    Step.Map map = new Step.Map(domain, code, List.of(new Step.Store(code.size() - 1, out)));
    CpuBackend.setThreads(1);
    Object y = Plans.run(map, result, 2 * size, s.inputs);
    CpuBackend.setThreads(3);
    Object again = Plans.run(map, result, 2 * size, s.inputs);
    Interpreter interpreter = new Interpreter(code, s.inputs);
    int[] index = new int[domain.length];
    do {
      double expected = interpreter.values(index)[code.size() - 1];
      int at = Interpreter.at(out, index);
      assertEquals(expected, Interpreter.get(y, at), 0.0, () -> seed + ": " + map);
      assertEquals(expected, Interpreter.get(again, at), 0.0);
    } while (Interpreter.next(index, domain));
  }

  /** Dense, or every other element backwards. */
  private static View outView(int[] domain, DType dtype, int size, boolean strided) {
    View v = Plans.dense(Plans.output(dtype, 2L * size), domain);
    if (!strided) {
      return v;
    }
    long[] s = v.strides();
    for (int a = 0; a < s.length; a++) {
      s[a] *= -2;
    }
    return new View(v.slot(), 2L * size - 1, s);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void reductions(int seed) {
    Samples s = new Samples(seed);
    int[] domain = s.domain();
    DType dtype = ALL.get(seed % 3);
    ReduceKind kind = seed % 2 == 0 ? ReduceKind.SUM : ReduceKind.MAX;
    int outer = s.random.nextInt(domain.length + 1);
    int reduced = s.random.nextInt(domain.length - outer + 1);
    List<Instruction> code = s.program(domain, dtype);
    int[] kept = new int[domain.length - reduced];
    for (int a = 0; a < kept.length; a++) {
      kept[a] = domain[a < outer ? a : a + reduced];
    }
    int size = (int) BlockProgram.size(kept);
    View out = outView(kept, dtype, size, seed % 5 == 0);
    Step.Reduce step = new Step.Reduce(kind, domain, outer, reduced, code, out);
    CpuBackend.setThreads(1);
    Object y = Plans.run(step, dtype, 2 * size, s.inputs);
    CpuBackend.setThreads(2);
    Object again = Plans.run(step, dtype, 2 * size, s.inputs);
    double[] expected = new double[2 * size];
    double[] scale = new double[2 * size];
    java.util.Arrays.fill(expected, kind == ReduceKind.SUM ? 0 : Double.NEGATIVE_INFINITY);
    Interpreter interpreter = new Interpreter(code, s.inputs);
    int[] index = new int[domain.length];
    int[] to = new int[kept.length];
    List<Integer> written = new ArrayList<>();
    do {
      for (int a = 0; a < kept.length; a++) {
        to[a] = index[a < outer ? a : a + reduced];
      }
      int at = Interpreter.at(out, to);
      written.add(at);
      double v = interpreter.values(index)[code.size() - 1];
      expected[at] = kind == ReduceKind.SUM ? expected[at] + v : Math.max(expected[at], v);
      scale[at] += Math.abs(v);
    } while (Interpreter.next(index, domain));
    for (int at : written) {
      double e = dtype == DType.I32 ? (int) (long) expected[at] : expected[at];
      double bound = dtype == DType.F32 && kind == ReduceKind.SUM ? 12 * 0x1p-24 * scale[at] : 0;
      assertEquals(e, Interpreter.get(y, at), bound, () -> seed + ": " + step);
      assertEquals(Interpreter.get(y, at), Interpreter.get(again, at), 0.0);
    }
  }

  @Test
  void longSumsAreAccurateAndWrap() {
    int n = 3_000_001;
    float[] f = new float[n];
    int[] i = new int[n];
    java.util.Arrays.fill(f, 0.1f);
    java.util.Arrays.fill(i, 1_000_003);
    assertEquals((float) (n * (double) 0.1f), sum(f, DType.F32), 0.2f);
    assertEquals(n * 1_000_003, (int) sum(i, DType.I32));
    f[77] = Float.NEGATIVE_INFINITY;
    assertEquals(Double.NEGATIVE_INFINITY, sum(f, DType.F32));
    f[n - 1] = Float.NaN;
    assertEquals(Double.NaN, sum(f, DType.F32));
  }

  private static double sum(Object x, DType dtype) {
    int n = java.lang.reflect.Array.getLength(x);
    List<Instruction> code =
        List.of(new Instruction.Load(Plans.dense(Plans.input(0, dtype, n), n)));
    View out = new View(Plans.output(dtype, 1), 0, new long[0]);
    Step step = new Step.Reduce(ReduceKind.SUM, new int[] {n}, 0, 1, code, out);
    return Interpreter.get(Plans.run(step, dtype, 1, x), 0);
  }

  @Test
  void aValueMayOverwriteWhatItWasComputedFrom() {
    // t is in the arena: t = x; then in one step (t, y) = (t + 1, t · 2), t overwritten in place.
    int n = 5000;
    Slot x = Plans.input(0, DType.F32, n);
    Slot t = new Slot(Slot.Space.ARENA, 0, DType.F32, 16, n);
    Slot y = Plans.output(DType.F32, n);
    Instruction one = new Instruction.Constant(DType.F32, 1);
    Instruction two = new Instruction.Constant(DType.F32, 2);
    Op add = new Op.Binary(BinaryKind.ADD);
    Op mul = new Op.Binary(BinaryKind.MUL);
    int[] domain = {n};
    Step copy =
        new Step.Map(
            domain,
            List.of(new Instruction.Load(Plans.dense(x, n))),
            List.of(new Step.Store(0, Plans.dense(t, n))));
    Step both =
        new Step.Map(
            domain,
            List.of(
                new Instruction.Load(Plans.dense(t, n)),
                one,
                new Instruction.Apply(add, DType.F32, List.of(0, 1)),
                two,
                new Instruction.Apply(mul, DType.F32, List.of(0, 3))),
            List.of(new Step.Store(2, Plans.dense(t, n)), new Step.Store(4, Plans.dense(y, n))));
    Step sum =
        new Step.Map(
            domain,
            List.of(
                new Instruction.Load(Plans.dense(t, n)),
                new Instruction.Load(Plans.dense(y, n)),
                new Instruction.Apply(add, DType.F32, List.of(0, 1))),
            List.of(new Step.Store(2, Plans.dense(y, n))));
    EnumMap<DType, Long> arena = new EnumMap<>(DType.class);
    arena.put(DType.F32, n + 16L);
    float[] numbers = new float[n];
    for (int i = 0; i < n; i++) {
      numbers[i] = i;
    }
    Schedule schedule = new Schedule(List.of(x), List.of(y), arena, List.of(copy, both, sum));
    Buffer out = CpuBackend.instance().allocate(DType.F32, n);
    CpuBackend.instance()
        .prepare(schedule)
        .run(new Buffer[] {CpuBackend.instance().upload(numbers)}, new Buffer[] {out});
    float[] result = (float[]) out.toArray();
    for (int i = 0; i < n; i++) {
      assertEquals(i + 1 + 2 * i, result[i]);
    }
  }

  @Test
  void randomBitsAreThoseOfThePublishedVectors() {
    assertEquals(0x99ba4efe_6b200159L, RandomStep.threefry(0, 0, 0, 0));
    assertEquals(0xbb002be7_1cb996fcL, RandomStep.threefry(-1, -1, -1, -1));
    assertEquals(
        0x483df7a0_c4923a9cL, RandomStep.threefry(0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3));
  }

  @Test
  void randomWordsFollowTheCounter() {
    int[] keys = {5, 6, 7, 8};
    int count = 20_001;
    Step step =
        new Step.RandomBits(
            2,
            count,
            Plans.dense(Plans.input(0, DType.I32, 4), 2, 2),
            Plans.dense(Plans.output(DType.I32, 2L * count), 2, count));
    int[] words = (int[]) Plans.run(step, DType.I32, 2 * count, (Object) keys);
    for (int i : new int[] {0, 1, 2, 8191, 8192, 8193, 20_000}) {
      long both = RandomStep.threefry(7, 8, i / 2, 0);
      assertEquals((int) (i % 2 == 0 ? both : both >>> 32), words[count + i]);
    }
  }

  @Test
  void argMaxTakesTheFirst() {
    float nan = Float.NaN;
    float none = Float.NEGATIVE_INFINITY;
    float[] x = {1, 3, 3, 2, nan, 9, none, none, none, 4, nan, nan};
    Step step =
        new Step.ArgMax(
            new int[] {4, 3},
            Plans.dense(Plans.input(0, DType.F32, 12), 4, 3),
            Plans.dense(Plans.output(DType.I32, 4), 4));
    assertArrayEquals(new int[] {1, 1, 0, 1}, (int[]) Plans.run(step, DType.I32, 4, (Object) x));
  }
}
