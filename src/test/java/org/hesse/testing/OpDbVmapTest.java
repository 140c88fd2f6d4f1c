package org.hesse.testing;

import static org.hesse.Autodiff.grad;
import static org.hesse.Autodiff.hvp;
import static org.hesse.Autodiff.jvp;
import static org.hesse.Autodiff.vmap;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.Stream;
import org.hesse.DType;
import org.hesse.Tensor;
import org.hesse.VmapAxes;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every operation mapped over a batch, compared with a loop over its examples. */
class OpDbVmapTest {
  private static final int BATCH = 3;
  private static final double ROUNDING = 1e-13;

  private static Arr stack(List<Tensor> parts) {
    return Arr.stack(parts.stream().map(Arr::of).toArray(Arr[]::new));
  }

  private static List<Tensor> batches(Case c) {
    List<Tensor> x = new ArrayList<>();
    for (int i = 0; i < c.sample.operands().size(); i++) {
      x.add(c.batch(i, 0, BATCH).tensor());
    }
    return x;
  }

  private static List<Tensor> example(Case c, int number) {
    return Case.tensors(c.variant(number), DType.F64);
  }

  @TestFactory
  Stream<DynamicTest> everyOperandMapped() {
    return OpDb.check(
        Property.VMAP,
        c -> {
          List<Tensor> loop = new ArrayList<>();
          for (int b = 0; b < BATCH; b++) {
            loop.add(c.row.op().apply(example(c, b)));
          }
          Tensor mapped = vmap(c.row.op()).apply(batches(c));
          Close.assertClose(c.toString(), stack(loop), Arr.of(mapped), ROUNDING);
        });
  }

  @TestFactory
  Stream<DynamicTest> oneOperandMappedTheOthersCaptured() {
    return OpDb.check(
        Property.VMAP,
        c -> {
          for (int i = 0; i < c.sample.operands().size(); i++) {
            int mapped = i;
            List<Tensor> others = example(c, 0);
            Function<Tensor, Tensor> f =
                t -> {
                  List<Tensor> x = new ArrayList<>(others);
                  x.set(mapped, t);
                  return c.row.op().apply(x);
                };
            List<Tensor> loop = new ArrayList<>();
            for (int b = 0; b < BATCH; b++) {
              loop.add(f.apply(example(c, b).get(i)));
            }
            Tensor got = vmap(f).apply(c.batch(i, 0, BATCH).tensor());
            Close.assertClose(c + " mapped " + i, stack(loop), Arr.of(got), ROUNDING);
          }
        });
  }

  /** Operand and result axes in turn, counted from the front and from the back. */
  @TestFactory
  Stream<DynamicTest> axesAnywhere() {
    return OpDb.check(
        Property.VMAP_AXES,
        c -> {
          List<Tensor> loop = new ArrayList<>();
          for (int b = 0; b < BATCH; b++) {
            loop.add(c.row.op().apply(example(c, b)));
          }
          int results = loop.getFirst().rank() + 1;
          int most = c.sample.operands().stream().mapToInt(Arr::rank).max().orElse(0) + 1;
          for (int k = 0; k < Math.max(most, results); k++) {
            List<Tensor> x = new ArrayList<>();
            VmapAxes in = VmapAxes.of(0);
            for (int i = 0; i < c.sample.operands().size(); i++) {
              Tensor batch = c.batch(i, 0, BATCH).tensor();
              int axis = (k + i) % batch.rank();
              x.add(batch.moveAxis(0, axis));
              in = in.with(Integer.toString(i), i % 2 == 0 ? axis : axis - batch.rank());
            }
            int out = k % results;
            Tensor mapped = vmap(c.row.op(), in, VmapAxes.of(out - results)).apply(x);
            Arr got = Arr.of(mapped.moveAxis(out, 0));
            Close.assertClose(c + " axes " + k, stack(loop), got, ROUNDING);
          }
        });
  }

  /** One operand is mapped along its last axis, the others are the same for all. */
  @TestFactory
  Stream<DynamicTest> oneOperandMappedTheOthersUnmapped() {
    return OpDb.check(
        Property.VMAP_AXES,
        c -> {
          for (int i = 0; i < c.sample.operands().size(); i++) {
            List<Tensor> loop = new ArrayList<>();
            for (int b = 0; b < BATCH; b++) {
              List<Tensor> x = new ArrayList<>(example(c, 0));
              x.set(i, example(c, b).get(i));
              loop.add(c.row.op().apply(x));
            }
            List<Tensor> x = new ArrayList<>(example(c, 0));
            x.set(i, c.batch(i, 0, BATCH).tensor().moveAxis(0, -1));
            VmapAxes in = VmapAxes.unmapped().with(Integer.toString(i), -1);
            Tensor mapped = vmap(c.row.op(), in).apply(x);
            Close.assertClose(c + " mapped " + i, stack(loop), Arr.of(mapped), ROUNDING);
          }
        });
  }

  @TestFactory
  Stream<DynamicTest> nested() {
    return OpDb.check(Property.VMAP_NESTED, OpDbVmapTest::checkNested);
  }

  /** The first operand is mapped by the outer map, the last one by the inner map. */
  private static void checkNested(Case c) {
    int last = c.sample.operands().size() - 1;
    List<Tensor> others = example(c, 0);
    Function<Tensor, Function<Tensor, Tensor>> f =
        a ->
            b -> {
              List<Tensor> x = new ArrayList<>(others);
              x.set(0, a);
              x.set(last, b);
              return c.row.op().apply(x);
            };
    Tensor inner = c.batch(last, 1, 2).tensor();
    List<Tensor> rows = new ArrayList<>();
    for (int i = 0; i < BATCH; i++) {
      List<Tensor> row = new ArrayList<>();
      for (int j = 0; j < 2; j++) {
        row.add(f.apply(example(c, i).get(0)).apply(example(c, 1 + j).get(last)));
      }
      rows.add(stack(row).tensor());
    }
    Tensor got =
        vmap((Tensor a) -> vmap(f.apply(a)).apply(inner)).apply(c.batch(0, 0, BATCH).tensor());
    Close.assertClose(c + " nested", stack(rows), Arr.of(got), ROUNDING);
  }

  // ---- with derivatives

  private static Tensor weights(Case c) {
    return Arr.normal(new Random(5), c.reference(c.x()).dims()).tensor();
  }

  private static Function<List<Tensor>, Tensor> scalar(Case c, Tensor w) {
    Function<List<Tensor>, Tensor> f = c.op();
    return x -> f.apply(x).mul(w).sum();
  }

  private static List<Tensor> realBatches(Case c) {
    return c.pick(batches(c));
  }

  private static List<Tensor> realExample(Case c, int b) {
    return c.pick(example(c, b));
  }

  private static void assertStacked(
      String what, List<List<Tensor>> loop, List<Tensor> got, double relative) {
    for (int i = 0; i < got.size(); i++) {
      int leaf = i;
      Arr expected = stack(loop.stream().map(l -> l.get(leaf)).toList());
      Close.assertClose(what + ", leaf " + i, expected, Arr.of(got.get(i)), relative);
    }
  }

  @TestFactory
  Stream<DynamicTest> gradientsOfExamples() {
    return OpDb.check(
        Property.VMAP_OF_DERIVATIVES,
        c -> {
          Tensor w = weights(c);
          var g = grad(scalar(c, w));
          List<List<Tensor>> loop = new ArrayList<>();
          for (int b = 0; b < BATCH; b++) {
            loop.add(g.apply(realExample(c, b)));
          }
          List<Tensor> mapped = vmap(g).apply(realBatches(c));
          assertStacked(c + ": vmap of grad", loop, mapped, ROUNDING);
          Function<List<Tensor>, Tensor> total = x -> vmap(scalar(c, w)).apply(x).sum();
          List<Tensor> outside = grad(total).apply(realBatches(c));
          assertStacked(c + ": grad of vmap", loop, outside, ROUNDING);
        });
  }

  @TestFactory
  Stream<DynamicTest> hessianProductsOfExamples() {
    return OpDb.check(
        Property.VMAP_OF_DERIVATIVES,
        c -> {
          Tensor w = weights(c);
          List<Tensor> v = realExample(c, 1);
          Function<List<Tensor>, List<Tensor>> product = x -> hvp(scalar(c, w), x, v);
          List<List<Tensor>> loop = new ArrayList<>();
          for (int b = 0; b < BATCH; b++) {
            loop.add(product.apply(realExample(c, b)));
          }
          List<Tensor> mapped = vmap(product).apply(realBatches(c));
          assertStacked(c + ": vmap of hvp", loop, mapped, 1e-11);
        });
  }

  @TestFactory
  Stream<DynamicTest> blocksOfTangents() {
    return OpDb.check(
        Property.VMAP_OF_DERIVATIVES,
        c -> {
          List<Tensor> x = realExample(c, 0);
          Function<List<Tensor>, Tensor> push = v -> jvp(c.op(), x, v).tangent();
          List<Tensor> loop = new ArrayList<>();
          for (int b = 0; b < BATCH; b++) {
            loop.add(push.apply(realExample(c, b)));
          }
          Tensor mapped = vmap(push).apply(realBatches(c));
          Close.assertClose(c + ": vmap of jvp", stack(loop), Arr.of(mapped), ROUNDING);
        });
  }

  /** A parameter that all examples share: its gradient is the sum of theirs. */
  @TestFactory
  Stream<DynamicTest> gradientOfACapturedOperand() {
    return OpDb.check(
        Property.VMAP_OF_DERIVATIVES,
        c -> {
          if (c.x().size() != 2) {
            return;
          }
          Function<List<Tensor>, Tensor> s = scalar(c, weights(c));
          List<Tensor> x = realExample(c, 0);
          for (int shared = 0; shared < 2; shared++) {
            int own = shared;
            Tensor batch = realBatches(c).get(1 - own);
            Function<Tensor, Function<Tensor, Tensor>> f =
                a -> b -> s.apply(own == 0 ? List.of(a, b) : List.of(b, a));
            Function<Tensor, Tensor> total = a -> vmap(f.apply(a)).apply(batch).sum();
            Arr sum = Arr.of(x.get(own)).map(z -> 0);
            for (int b = 0; b < BATCH; b++) {
              Tensor example = batch.select(0, b);
              Tensor g = grad((Tensor a) -> f.apply(a).apply(example)).apply(x.get(own));
              sum = sum.plus(1, Arr.of(g));
            }
            Tensor got = grad(total).apply(x.get(own));
            Close.assertClose(c + " shared " + own, sum, Arr.of(got), 1e-12);
          }
        });
  }
}
