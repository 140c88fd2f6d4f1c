package org.hesse.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.EnumMap;
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
import org.junit.jupiter.api.Test;

/** Bias and activation that run with the product they follow, and when they must not. */
class EpilogueTest {
  /** The product's result lies at the beginning of the arena, what follows it may lie anywhere. */
  private static Slot arena(long offset, long size) {
    return new Slot(Slot.Space.ARENA, 0, DType.F64, offset, size);
  }

  private static Step.Dot product(int batch, int m, int n, int k, Slot lhs) {
    Slot rhs = Plans.input(1, DType.F64, (long) batch * n * k);
    Slot result = arena(0, (long) batch * m * n);
    return new Step.Dot(
        batch,
        m,
        n,
        k,
        Plans.dense(lhs, batch, m, k),
        Plans.dense(rhs, batch, n, k),
        Plans.dense(result, batch, m, n));
  }

  /** tanh(product + bias), where {@code read} is how the map sees the product. */
  private static Step.Map activation(Step.Dot dot, View read, Slot out) {
    int[] domain = {dot.batch(), dot.m(), dot.n()};
    View bias = new View(Plans.input(2, DType.F64, dot.n()), 0, new long[] {0, 0, 1});
    List<Instruction> code =
        List.of(
            new Instruction.Load(read),
            new Instruction.Load(bias),
            new Instruction.Apply(new Op.Binary(BinaryKind.ADD), DType.F64, List.of(0, 1)),
            new Instruction.Apply(new Op.Unary(UnaryKind.TANH), DType.F64, List.of(2)));
    View to = Plans.dense(out, domain);
    return new Step.Map(domain, code, List.of(new Step.Store(3, to)));
  }

  @Test
  void biasAndActivationAreThoseOfEveryElement() {
    int[][] sizes = {{1, 5, 7, 3}, {1, 130, 90, 100}, {3, 64, 70, 80}, {2, 700, 33, 60}};
    Random random = new Random(1);
    for (int[] s : sizes) {
      int batch = s[0];
      int m = s[1];
      int n = s[2];
      int k = s[3];
      Step.Dot dot = product(batch, m, n, k, Plans.input(0, DType.F64, (long) batch * m * k));
      Step.Map map = activation(dot, dot.out(), Plans.output(DType.F64, (long) batch * m * n));
      double[] a = random.doubles((long) batch * m * k, -1, 1).toArray();
      double[] b = random.doubles((long) batch * n * k, -1, 1).toArray();
      double[] bias = random.doubles(n, -1, 1).toArray();
      int before = Workers.threads();
      double[][] results = new double[2][];
      try {
        for (int t = 0; t < 2; t++) {
          Workers.setThreads(1 + 2 * t);
          results[t] = new double[batch * m * n];
          EnumMap<DType, Object> memory = new EnumMap<>(DType.class);
          memory.put(DType.F64, new double[batch * m * n]);
          Prepared both = Epilogue.fuse(dot, map);
          if (both == null) {
            // Only where the scalar path has no threads to share the map with.
            assumeTrue(Simd.PRESENT);
          }
          assertNotNull(both);
          both.run(new Memory(new Object[] {a, b, bias}, new Object[] {results[t]}, memory));
        }
      } finally {
        Workers.setThreads(before);
      }
      assertArrayEquals(results[0], results[1]);
      for (int i = 0; i < batch * m * n; i++) {
        int row = i / n;
        int column = row / m * n + i % n;
        double sum = bias[i % n];
        for (int p = 0; p < k; p++) {
          sum += a[row * k + p] * b[column * k + p];
        }
        assertEquals(StrictMath.tanh(sum), results[0][i], 1e-13, "element " + i);
      }
    }
  }

  /**
   * (product + bias) · product + c, over the product, where c is another matrix or its transpose.
   */
  private static Step.Map sum(Step.Dot dot, long[] strides) {
    int[] domain = {dot.batch(), dot.m(), dot.n()};
    View bias = new View(Plans.input(2, DType.F64, dot.n()), 0, new long[] {0, 0, 1});
    View c = new View(Plans.input(3, DType.F64, (long) dot.m() * dot.n()), 0, strides);
    Op add = new Op.Binary(BinaryKind.ADD);
    Op mul = new Op.Binary(BinaryKind.MUL);
    List<Instruction> code =
        List.of(
            new Instruction.Load(dot.out()),
            new Instruction.Load(bias),
            new Instruction.Load(c),
            new Instruction.Apply(add, DType.F64, List.of(0, 1)),
            new Instruction.Apply(mul, DType.F64, List.of(3, 0)),
            new Instruction.Apply(add, DType.F64, List.of(4, 2)));
    return new Step.Map(domain, code, List.of(new Step.Store(5, dot.out())));
  }

  /** Parts of rows, some rows at a time or, where an operand lies across, one by one. */
  @Test
  void whatIsWrittenOverTheProductIsThatOfEveryElement() {
    assumeTrue(Simd.PRESENT);
    int m = 150;
    int n = 130;
    int k = 120;
    Random random = new Random(2);
    double[] a = random.doubles((long) m * k, -1, 1).toArray();
    double[] b = random.doubles((long) n * k, -1, 1).toArray();
    double[] bias = random.doubles(n, -1, 1).toArray();
    double[] c = random.doubles((long) m * n, -1, 1).toArray();
    for (long[] strides : new long[][] {{0, n, 1}, {0, 1, m}, {0, 1, 0}}) {
      Step.Dot dot = product(1, m, n, k, Plans.input(0, DType.F64, (long) m * k));
      Prepared both = Epilogue.fuse(dot, sum(dot, strides));
      assertNotNull(both);
      double[] result = new double[m * n];
      EnumMap<DType, Object> memory = new EnumMap<>(DType.class);
      memory.put(DType.F64, result);
      both.run(new Memory(new Object[] {a, b, bias, c}, new Object[0], memory));
      for (int i = 0; i < m; i++) {
        for (int j = 0; j < n; j++) {
          double sum = 0;
          for (int p = 0; p < k; p++) {
            sum += a[i * k + p] * b[j * k + p];
          }
          double other = c[(int) (i * strides[1] + j * strides[2])];
          assertEquals(
              (sum + bias[j]) * sum + other, result[i * n + j], 1e-12, "row " + i + " column " + j);
        }
      }
    }
  }

  /** Parts are finished while others still read the operands. */
  @Test
  void aMapThatWritesOverAnOperandWaits() {
    long size = 64 * 64;
    Step.Dot dot = product(1, 64, 64, 64, arena(size, size));
    assertNotNull(Epilogue.fuse(dot, activation(dot, dot.out(), arena(2 * size, size))));
    assertNotNull(Epilogue.fuse(dot, activation(dot, dot.out(), arena(0, size))));
    assertNull(Epilogue.fuse(dot, activation(dot, dot.out(), arena(size, size))));
    assertNull(Epilogue.fuse(dot, activation(dot, dot.out(), arena(2 * size - 1, size))));
  }

  /** Other elements may not be there yet. */
  @Test
  void aMapThatReadsOtherElementsWaits() {
    long size = 64 * 64;
    Step.Dot dot = product(1, 64, 64, 64, Plans.input(0, DType.F64, size));
    View turned = new View(dot.out().slot(), 0, new long[] {0, 1, 64});
    View backwards = new View(dot.out().slot(), size - 1, new long[] {0, -64, -1});
    View apart = Plans.dense(arena(size, size), 1, 64, 64);
    Slot out = arena(2 * size, size);
    assertNotNull(Epilogue.fuse(dot, activation(dot, dot.out(), out)));
    assertNull(Epilogue.fuse(dot, activation(dot, turned, out)));
    assertNull(Epilogue.fuse(dot, activation(dot, backwards, out)));
    assertNull(Epilogue.fuse(dot, activation(dot, apart, out)), "reads nothing of the product");
    assertNull(Epilogue.fuse(dot, activation(dot, dot.out(), arena(1, size))), "writes beside");
  }
}
