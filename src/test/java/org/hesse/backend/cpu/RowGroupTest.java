package org.hesse.backend.cpu;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.vjp;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import org.hesse.DType;
import org.hesse.Functions;
import org.hesse.Tensor;
import org.hesse.backend.Instruction;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.ir.CompositeKind;
import org.hesse.ir.Op;
import org.hesse.ir.ReduceKind;
import org.hesse.ir.UnaryKind;
import org.junit.jupiter.api.Test;

/** Steps that go over the same rows together, and when they must not. */
class RowGroupTest {
  private static final int ROWS = 1000;
  private static final int COLUMNS = 230;
  private static final long SIZE = (long) ROWS * COLUMNS;

  private static double[] normal(long seed, int n) {
    return new Random(seed).doubles(n, -2, 2).toArray();
  }

  /** A norm's value and derivatives, a large enough one for a group, by the formulas. */
  @Test
  void derivativesOfANormAreThoseOfItsFormula() {
    double[] x = normal(1, ROWS * COLUMNS);
    double[] scale = normal(2, COLUMNS);
    double[] ct = normal(3, ROWS * COLUMNS);
    double[] value = new double[ROWS * COLUMNS];
    double[] dx = new double[ROWS * COLUMNS];
    double[] dScale = new double[COLUMNS];
    double[] dShift = new double[COLUMNS];
    for (int r = 0; r < ROWS; r++) {
      double mean = 0;
      double square = 0;
      for (int j = 0; j < COLUMNS; j++) {
        mean += x[r * COLUMNS + j] / COLUMNS;
      }
      for (int j = 0; j < COLUMNS; j++) {
        double d = x[r * COLUMNS + j] - mean;
        square += d * d / COLUMNS;
      }
      double factor = 1 / Math.sqrt(square + 1e-5);
      double along = 0;
      double average = 0;
      for (int j = 0; j < COLUMNS; j++) {
        int i = r * COLUMNS + j;
        double standard = (x[i] - mean) * factor;
        dScale[j] += ct[i] * standard;
        dShift[j] += ct[i];
        along += ct[i] * scale[j] * standard / COLUMNS;
        average += ct[i] * scale[j] / COLUMNS;
      }
      for (int j = 0; j < COLUMNS; j++) {
        int i = r * COLUMNS + j;
        double standard = (x[i] - mean) * factor;
        value[i] = standard * scale[j];
        dx[i] = factor * (ct[i] * scale[j] - average - standard * along);
      }
    }
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      List<Tensor> in =
          List.of(
              Tensor.of(x, ROWS, COLUMNS).cast(dtype),
              Tensor.of(scale).cast(dtype),
              Tensor.zeros(dtype, COLUMNS));
      Tensor above = Tensor.of(ct, ROWS, COLUMNS).cast(dtype);
      Function<List<Tensor>, List<Tensor>> f =
          compile((List<Tensor> p) -> {
            var norm =
                vjp((List<Tensor> q) -> Functions.layerNorm(q.get(0), q.get(1), q.get(2), 1e-5), p);
            List<Tensor> all = new ArrayList<>(norm.pullback().apply(above));
            all.add(norm.value());
            return all;
          });
      double[][] expected = {dx, dScale, dShift, value};
      double unit = dtype == DType.F32 ? 0x1p-24 : 0x1p-53;
      int before = Workers.threads();
      try {
        Workers.setThreads(1);
        List<Tensor> one = f.apply(in);
        Workers.setThreads(3);
        List<Tensor> three = f.apply(in);
        for (int k = 0; k < expected.length; k++) {
          double[] y = one.get(k).cast(DType.F64).toDoubleArray();
          assertArrayEquals(y, three.get(k).cast(DType.F64).toDoubleArray());
          // A sum over 1000 rows of terms up to 8 that are each rounded a few times.
          assertArrayEquals(expected[k], y, (k == 0 || k == 3 ? 200 : 20_000) * unit);
        }
      } finally {
        Workers.setThreads(before);
      }
    }
  }

  /** Sums that alone would be formed in another way, since they are of few numbers. */
  @Test
  void sumsOfFewNumbersJoinAGroup() {
    int rows = 64;
    int few = 32;
    int many = 4096;
    double[] y = normal(4, rows * few);
    double[] sums = new double[few];
    for (int i = 0; i < y.length; i++) {
      sums[i % few] += y[i];
    }
    Step soft =
        new Step.Composite(
            new CompositeKind.Softmax(),
            new int[] {rows},
            List.of(items(Plans.input(0, DType.F32, (long) rows * many), rows, many)),
            items(Plans.output(DType.F32, (long) rows * many), rows, many));
    int[] domain = {rows, few};
    View in = Plans.dense(Plans.input(1, DType.F32, (long) rows * few), domain);
    View out = Plans.dense(new Slot(Slot.Space.OUTPUT, 1, DType.F32, 0, few), few);
    List<Instruction> code = List.of(new Instruction.Load(in));
    Step sum = new Step.Reduce(ReduceKind.SUM, domain, 0, 1, code, out);
    assertEquals(2, RowGroup.length(List.of(soft, sum), 0));

    Tensor x = Tensor.of(normal(5, rows * many), rows, many).cast(DType.F32);
    Tensor z = Tensor.of(y, rows, few).cast(DType.F32);
    List<Tensor> results =
        compile((List<Tensor> t) -> List.of(t.get(0).softmax(-1), t.get(1).sum(0)))
            .apply(List.of(x, z));
    assertEquals(rows, results.get(0).cast(DType.F64).sum().item(), 1e-4);
    assertArrayEquals(sums, results.get(1).cast(DType.F64).toDoubleArray(), 64 * 64 * 0x1p-24);
  }

  private static Step.Items items(Slot slot, int rows, int columns) {
    return new Step.Items(new int[] {columns}, Plans.dense(slot, rows, columns));
  }

  private static Slot arena(long offset) {
    return new Slot(Slot.Space.ARENA, 0, DType.F32, offset, SIZE);
  }

  private static Step.Items rows(Slot slot) {
    return new Step.Items(new int[] {COLUMNS}, Plans.dense(slot, ROWS, COLUMNS));
  }

  private static Step softmax(Slot in, Slot out) {
    return new Step.Composite(
        new CompositeKind.Softmax(), new int[] {ROWS}, List.of(rows(in)), rows(out));
  }

  private static Step negation(View in, Slot out) {
    int[] domain = {ROWS, COLUMNS};
    List<Instruction> code =
        List.of(
            new Instruction.Load(in),
            new Instruction.Apply(new Op.Unary(UnaryKind.NEG), DType.F32, List.of(0)));
    return new Step.Map(domain, code, List.of(new Step.Store(1, Plans.dense(out, domain))));
  }

  private static Step sum(Slot in, Slot out) {
    int[] domain = {ROWS, COLUMNS};
    List<Instruction> code = List.of(new Instruction.Load(Plans.dense(in, domain)));
    return new Step.Reduce(ReduceKind.SUM, domain, 0, 1, code, Plans.dense(out, COLUMNS));
  }

  @Test
  void stepsThatReadTheSameRowAreAGroup() {
    Slot x = Plans.input(0, DType.F32, SIZE);
    View p = Plans.dense(arena(0), ROWS, COLUMNS);
    Step first = softmax(x, arena(0));
    assertEquals(2, RowGroup.length(List.of(first, negation(p, arena(SIZE))), 0));
    assertEquals(2, RowGroup.length(List.of(negation(p, arena(SIZE)), first), 0));
    assertEquals(2, RowGroup.length(List.of(first, negation(p, arena(0))), 0), "in place");
    assertEquals(2, RowGroup.length(List.of(first, softmax(arena(0), arena(SIZE))), 0));
    assertEquals(2, RowGroup.length(List.of(first, sum(arena(0), arena(SIZE))), 0));
    List<Step> three = List.of(sum(x, arena(2 * SIZE)), first, sum(arena(0), arena(SIZE)));
    assertEquals(3, RowGroup.length(three, 0));
    assertEquals(2, RowGroup.length(three, 1));
  }

  @Test
  void stepsThatReadOtherRowsWait() {
    Slot x = Plans.input(0, DType.F32, SIZE);
    Step first = softmax(x, arena(0));
    View upside = new View(arena(0), SIZE - COLUMNS, new long[] {-COLUMNS, 1});
    View turned = new View(arena(0), 0, new long[] {1, ROWS});
    View oneRow = new View(arena(0), 0, new long[] {0, 1});
    for (View v : List.of(upside, turned, oneRow)) {
      assertEquals(1, RowGroup.length(List.of(first, negation(v, arena(SIZE))), 0));
    }
    assertEquals(1, RowGroup.length(List.of(first, softmax(arena(1), arena(2 * SIZE))), 0));
  }

  /** Its other rows are still read. */
  @Test
  void stepsThatWriteOverOtherRowsWait() {
    Step first = softmax(arena(0), arena(SIZE));
    Slot x = Plans.input(0, DType.F32, SIZE);
    assertEquals(1, RowGroup.length(List.of(first, softmax(x, arena(COLUMNS))), 0));
    assertEquals(1, RowGroup.length(List.of(first, softmax(x, arena(SIZE + 1))), 0));
    assertEquals(2, RowGroup.length(List.of(first, softmax(x, arena(0))), 0));
  }

  /** A sum is there when all rows are done. */
  @Test
  void stepsThatReadASumWait() {
    Slot x = Plans.input(0, DType.F32, SIZE);
    Step first = sum(x, arena(0));
    View sums = new View(arena(0), 0, new long[] {0, 1});
    Step reader = negation(sums, arena(2 * SIZE));
    assertEquals(2, RowGroup.length(List.of(first, softmax(x, arena(SIZE)), reader), 0));
    assertEquals(1, RowGroup.length(List.of(first, negation(sums, arena(SIZE))), 0));
    assertEquals(1, RowGroup.length(List.of(first, softmax(x, arena(0))), 0));
  }
}
