package org.hesse.curvature;

import static org.hesse.testing.Close.assertClose;
import static org.hesse.testing.Close.assertWithin;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;
import org.hesse.DType;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.hesse.io.Dataset;
import org.hesse.nn.Activation;
import org.hesse.nn.Loss;
import org.hesse.nn.Mlp;
import org.hesse.testing.Arr;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** What all operators have in common. Numbers are those of the acceptance list. */
class OperatorTest {
  /** An operator, and its matrix for a problem where it is known. */
  private record Kind(
      String name,
      Function<Objective<Mlp>, ObjectiveOperator<Mlp>> of,
      Function<Problem, Arr> expected) {}

  private static final int DRAWS = 3;

  private static final List<Kind> KINDS =
      List.of(
          new Kind("Hessian", Hessian::of, Problem::hessian),
          new Kind("Gauss–Newton", GaussNewton::of, Problem::gaussNewton),
          new Kind("exact Fisher", Fisher::exact, Problem::gaussNewton),
          new Kind("empirical Fisher", Fisher::empirical, Problem::empirical),
          new Kind("Monte Carlo Fisher", f -> Fisher.monteCarlo(f, DRAWS, 5), OperatorTest::drawn));

  /** The mean over draws of the empirical Fisher matrix written out, with targets drawn by hand. */
  private static Arr drawn(Problem p) {
    Tensor outputs = p.model().apply(p.data().x());
    Arr sum = null;
    for (int draw = 0; draw < DRAWS; draw++) {
      Tensor[] targets = new Tensor[Problem.SAMPLES];
      for (int i = 0; i < targets.length; i++) {
        RngKey key = RngKey.of(5).fold(draw).fold(i);
        targets[i] = p.loss().sample(outputs.slice(0, i, i + 1), key);
      }
      Dataset data = new Dataset("drawn", p.data().x(), Tensor.concat(0, targets), 0);
      Arr one = new Problem(p.loss(), p.positions(), p.model(), data).empirical();
      sum = sum == null ? one : sum.plus(1, one);
    }
    return sum.map(x -> x / DRAWS);
  }

  private static Arr dense(ObjectiveOperator<?> a) {
    return Arr.of(a.toDense());
  }

  private record Pick(Kind kind, Problem problem) {
    ObjectiveOperator<Mlp> operator() {
      return kind.of.apply(problem.objective());
    }

    Arr expected() {
      return kind.expected.apply(problem);
    }
  }

  private static Stream<DynamicTest> each(Consumer<Pick> check) {
    return KINDS.stream()
        .flatMap(k -> Problem.all().map(p -> new Pick(k, p)))
        .map(p -> dynamicTest(p.kind.name + ", " + p.problem.name(), () -> check.accept(p)));
  }

  @TestFactory
  Stream<DynamicTest> matricesAreThoseWrittenOut() {
    return each(p -> {
      Arr expected = p.expected();
      double bound = 1e-8 * expected.maxAbs() + 1e-10;
      assertWithin("matrix", expected, dense(p.operator()), bound);
    });
  }

  @TestFactory
  Stream<DynamicTest> symmetricAndReproducible() {
    return each(p -> {
      ObjectiveOperator<Mlp> a = p.operator();
      assertTrue(a.symmetric());
      Arr m = dense(a);
      Arr t = Arr.build(DType.F64, m.dims(), i -> m.at(i[1], i[0]));
      assertClose("symmetric", m, t, 1e-13);
      Tensor v = RngKey.of(7).normal(DType.F64, a.size());
      assertArrayEquals(a.apply(v).toDoubleArray(), a.apply(v).toDoubleArray());
      ObjectiveOperator<Mlp> again = p.operator();
      assertArrayEquals(a.apply(v).toDoubleArray(), again.apply(v).toDoubleArray());
      Tensor vs = RngKey.of(8).normal(DType.F64, 3, a.size());
      assertArrayEquals(a.applyAll(vs).toDoubleArray(), a.applyAll(vs).toDoubleArray());
    });
  }

  @TestFactory
  Stream<DynamicTest> keptValuesChangeNothing() {
    return each(p -> {
      ObjectiveOperator<Mlp> a = p.kind.of.apply(p.problem.objective());
      Tensor v = RngKey.of(9).normal(DType.F64, a.size());
      Tensor vs = RngKey.of(10).normal(DType.F64, 3, a.size());
      for (long bytes : new long[] {0, 100}) {
        assertClose(bytes + " bytes", a.keep(bytes).apply(v), a.apply(v), 1e-13);
        assertClose(bytes + " bytes", a.keep(bytes).applyAll(vs), a.applyAll(vs), 1e-13);
      }
      assertThrows(IllegalArgumentException.class, () -> a.keep(-1));
    });
  }

  @TestFactory
  Stream<DynamicTest> blocksAreColumnByColumn() {
    return each(p -> {
      for (DType dtype : List.of(DType.F64, DType.F32)) {
        ObjectiveOperator<Mlp> a = p.kind.of.apply(p.problem.cast(dtype).objective());
        Tensor vs = RngKey.of(8).normal(dtype, 5, a.size());
        Tensor products = a.applyAll(vs);
        Tensor inParts = a.block(2).applyAll(vs);
        double rounding = 64 * dtype.epsilon();
        assertClose("two at a time", products, inParts, rounding);
        for (int i = 0; i < 5; i++) {
          Tensor one = a.apply(vs.select(0, i));
          assertClose(dtype + ", vector " + i, one, products.select(0, i), rounding);
        }
      }
    });
  }

  /** In pieces of any sizes; and a sum is as many means as there are terms. */
  @TestFactory
  Stream<DynamicTest> raggedBatchesAreTheFullBatch() {
    return each(p -> {
      Dataset data = p.problem.data();
      int n = Problem.SAMPLES;
      Objective<Mlp> whole = p.problem.objective(List.of(data));
      Arr full = dense(p.kind.of.apply(whole));
      Arr sum = full.map(x -> x * p.problem.terms());
      List<List<Dataset>> cuts =
          List.of(
              List.of(data.take(0, 1), data.take(1, n)),
              List.of(data.take(0, 0), data.take(0, 5), data.take(5, 5), data.take(5, n)));
      for (List<Dataset> cut : cuts) {
        Objective<Mlp> f = p.problem.objective(cut);
        assertEquals(n, f.samples());
        assertEquals(p.problem.terms(), f.terms());
        assertClose("mean", full, dense(p.kind.of.apply(f)), 1e-12);
        assertClose("sum", sum, dense(p.kind.of.apply(f.reduction(Reduction.SUM))), 1e-12);
      }
      assertClose("sum", sum, dense(p.kind.of.apply(whole.reduction(Reduction.SUM))), 1e-12);
    });
  }

  /** Diagonal blocks, of one tensor, of a layer, and of tensors that are not neighbours. */
  @TestFactory
  Stream<DynamicTest> subBlocks() {
    return each(p -> {
      ObjectiveOperator<Mlp> all = p.operator();
      Arr full = dense(all);
      Objective<Mlp> f = all.objective();
      int[] at = f.layout().paths().stream().mapToInt(f.layout()::offset).toArray();
      assertBlock(full, p, f.parameters("0.weight"), range(at[0], at[1]));
      assertBlock(full, p, f.parameters("2"), range(at[2], f.size()));
      assertBlock(
          full,
          p,
          f.parameters("2.bias", "layers.0.bias"),
          concat(range(at[1], at[2]), range(at[3], f.size())));
      List<String> layers = List.of("layers.0", "layers.2");
      assertEquals(layers, List.copyOf(f.perLayer().keySet()));
      assertBlock(full, p, f.perLayer().get("layers.0"), range(0, at[2]));
      assertEquals(f.paths(), List.copyOf(f.perParameter().keySet()));
      assertBlock(full, p, f.perParameter().get("layers.2.weight"), range(at[2], at[3]));
    });
  }

  private static void assertBlock(Arr full, Pick p, Objective<Mlp> part, int[] places) {
    Arr expected =
        Arr.build(
            DType.F64,
            new int[] {places.length, places.length},
            i -> full.at(places[i[0]], places[i[1]]));
    assertClose(part.paths().toString(), expected, dense(p.kind.of.apply(part)), 1e-12);
  }

  private static int[] range(int from, int to) {
    return java.util.stream.IntStream.range(from, to).toArray();
  }

  private static int[] concat(int[] a, int[] b) {
    return java.util.stream.IntStream.concat(java.util.Arrays.stream(a), java.util.Arrays.stream(b))
        .toArray();
  }

  /** Of each layer: in its own parameters alone, a piecewise linear network is linear. */
  @Test
  void layersOfPiecewiseLinearNetworks() {
    for (Loss loss : Loss.values()) {
      for (int positions : new int[] {0, 2}) {
        Problem p = Problem.of(loss, positions, Activation.RELU);
        p.objective()
            .perLayer()
            .forEach((path, f) ->
                assertWithin(
                    p.name() + ", " + path,
                    dense(Hessian.of(f)),
                    dense(GaussNewton.of(f)),
                    1e-8 * dense(Hessian.of(f)).maxAbs() + 1e-10));
      }
    }
  }
}
