package org.hesse.curvature;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Iterator;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import org.hesse.DType;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.hesse.Tree;
import org.hesse.io.Dataset;
import org.hesse.nn.Loss;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Objectives: their data, their parameters and what they refuse. */
class ObjectiveTest {
  private static final Problem PROBLEM = Problem.of(Loss.CROSS_ENTROPY, 0);

  /** Data whose passes are numbered, from 0 on. */
  private static Iterable<Dataset> passes(IntFunction<List<Dataset>> pass) {
    AtomicInteger count = new AtomicInteger();
    return () -> pass.apply(count.getAndIncrement()).iterator();
  }

  private static Objective<Mlp> of(Iterable<Dataset> batches) {
    return Objective.of(PROBLEM.model(), Loss.CROSS_ENTROPY, batches);
  }

  private static Tensor vector(Objective<?> f) {
    return RngKey.of(3).normal(f.dtype(), f.size());
  }

  // ---- data

  /** The same numbers, in tensors made anew, are the same data. */
  @Test
  void streamsAreTheirBatches() {
    Dataset data = PROBLEM.data();
    Objective<Mlp> stream = of(passes(i -> data.shuffled(1).shuffled(2).batches(3)));
    Objective<Mlp> held = of(data.shuffled(1).shuffled(2).batches(3));
    Tensor v = vector(held);
    Tensor expected = Hessian.of(held).apply(v);
    Hessian<Mlp> h = Hessian.of(stream);
    for (int i = 0; i < 2; i++) {
      assertArrayEquals(expected.toDoubleArray(), h.apply(v).toDoubleArray());
    }
    assertEquals(held.samples(), stream.samples());
  }

  @Test
  void dataThatChangesIsRefused() {
    Dataset data = PROBLEM.data();
    List<Dataset> batches = data.batches(3);
    double[] values = data.x().toDoubleArray();
    values[5] += 1e-6;
    Dataset touched = new Dataset("test", Tensor.of(values, data.x().shape().dims()), data.y(), 0);
    int[] labels = data.y().toIntArray();
    labels[7] = (labels[7] + 1) % 3;
    Dataset relabelled = new Dataset("test", data.x(), Tensor.of(labels), 0);
    changes(data.shuffled(1).batches(3), "batch 0 has other values");
    changes(touched.batches(3), "batch 0 has other values");
    changes(relabelled.batches(3), "batch 2 has other values");
    changes(List.of(batches.get(1), batches.get(0), batches.get(2)), "batch 0 has other values");
    changes(data.batches(4), "batch 0 has 4 samples and had 3");
    changes(batches.subList(0, 2), "2 batches now and had 3");
    changes(data.batches(2), "batch 0 has 2 samples");
    changes(List.of(batches.get(0), batches.get(1), batches.get(2), data), "more than the 3");
  }

  private static void changes(List<Dataset> later, String part) {
    List<Dataset> first = PROBLEM.data().batches(3);
    Objective<Mlp> f = of(passes(i -> i < 2 ? first : later));
    Tensor v = vector(f);
    for (ObjectiveOperator<Mlp> a : List.of(Hessian.of(f))) {
      a.apply(v);
      String message = assertThrows(IllegalStateException.class, () -> a.apply(v)).getMessage();
      assertTrue(message.contains(part), "'" + part + "' is not in: " + message);
      assertTrue(message.contains("shuffle"), message);
    }
    assertThrows(IllegalStateException.class, f::lossAndGradient);
    assertThrows(IllegalStateException.class, () -> GaussNewton.of(f).apply(v));
    assertThrows(IllegalStateException.class, () -> Fisher.empirical(f).applyAll(stack(v)));
    assertThrows(IllegalStateException.class, () -> Jacobian.of(f).apply(v));
    Hessian.of(f.verify(false)).apply(v);
  }

  private static Tensor stack(Tensor v) {
    return Tensor.stack(0, v, v);
  }

  /** A list that its owner changes later is not what was given. */
  @Test
  void listsAreCopied() {
    List<Dataset> list = new java.util.ArrayList<>(PROBLEM.data().batches(3));
    Objective<Mlp> f = of(list);
    double before = f.lossAndGradient().loss().item();
    list.clear();
    assertEquals(before, f.lossAndGradient().loss().item());
  }

  @Test
  void noData() {
    refused(() -> of(List.of()), "no samples");
    refused(() -> of(List.of(PROBLEM.data().take(0, 0))), "no samples");
  }

  /** Longer sequences count for more: the mean is over positions. */
  @Test
  void batchesCountByTheirTerms() {
    Problem two = Problem.of(Loss.CROSS_ENTROPY, 2);
    Problem six = Problem.of(Loss.CROSS_ENTROPY, 6);
    Objective<Mlp> f =
        Objective.of(two.model(), Loss.CROSS_ENTROPY, List.of(two.data(), six.data()));
    assertEquals(64, f.terms());
    assertEquals(16, f.samples());
    double a = two.objective().lossAndGradient().loss().item();
    double b = six.objective().lossAndGradient().loss().item();
    assertEquals((a + 3 * b) / 4, f.lossAndGradient().loss().item(), 1e-15);
    double sum = f.reduction(Reduction.SUM).lossAndGradient().loss().item();
    assertEquals(16 * a + 48 * b, sum, 1e-13);
  }

  // ---- parameters

  @Test
  void pathsAreWholeNames() {
    Objective<Mlp> f = PROBLEM.objective();
    List<String> all =
        List.of("layers.0.weight", "layers.0.bias", "layers.2.weight", "layers.2.bias");
    assertEquals(all, f.paths());
    assertEquals(all.subList(0, 2), f.parameters("0").paths());
    assertEquals(all.subList(0, 2), f.parameters("layers.0").paths());
    assertEquals(List.of(all.get(3)), f.parameters("2.bias").paths());
    assertEquals(List.of(all.get(0), all.get(3)), f.parameters("2.bias", "0.weight").paths());
    assertEquals(all, f.parameters("layers").paths());
    assertEquals(List.of(all.get(2)), f.parameters("2").parameters("2.weight").paths());
    String message = refused(() -> f.parameters("0", "1.weight"), "'1.weight'");
    assertTrue(message.contains("layers.2.bias"), message);
    refused(() -> f.parameters("layer"), "'layer'");
    refused(() -> f.parameters("0.wei"), "'0.wei'");
    refused(() -> f.parameters(), "no path");
    refused(() -> f.parameters("2").parameters("0"), "layers.2.weight");
  }

  @Test
  void gradientsOfParts() {
    Objective<Mlp> f = PROBLEM.objective();
    Tensor whole = f.lossAndGradient().gradient();
    Objective<Mlp> part = f.parameters("2.weight");
    int at = f.layout().offset("layers.2.weight");
    assertArrayEquals(
        whole.slice(0, at, at + part.size()).toDoubleArray(),
        part.lossAndGradient().gradient().toDoubleArray(),
        1e-16);
    assertEquals(f.lossAndGradient().loss().item(), part.lossAndGradient().loss().item(), 1e-16);
  }

  /** Tensors that are not real are constants. */
  @Test
  void modelsWithWholeNumbers() {
    record Lookup(Tensor order, Tensor weight) {}
    Tensor w = RngKey.of(1).normal(DType.F64, 3, 3);
    Lookup model = new Lookup(Tensor.of(new int[] {2, 0, 1}), w);
    Objective<Lookup> f =
        Objective.of(
            model,
            (m, x) -> x.take(1, m.order).matmul(m.weight),
            Loss.CROSS_ENTROPY,
            PROBLEM.data().batches(3));
    assertEquals(9, f.size());
    assertEquals(List.of("weight"), f.paths());
    assertEquals(9, Hessian.of(f).toDense().dim(0));
    refused(
        () -> Objective.ofLoss(new Lookup(model.order, model.order), (m, b) -> w, List.of()),
        "no real tensor");
    record Two(Tensor a, Tensor b) {}
    refused(
        () -> Objective.ofLoss(new Two(w, w.cast(DType.F32)), (m, b) -> w, List.of()),
        "'b' is F32");
  }

  @Test
  void otherParameters() {
    Objective<Mlp> f = PROBLEM.objective();
    Mlp half = Tree.map(PROBLEM.model(), t -> t.mul(0.5));
    Objective<Mlp> expected = Objective.of(half, Loss.CROSS_ENTROPY, PROBLEM.data().batches(3));
    assertEquals(
        expected.lossAndGradient().loss().item(), f.at(half).lossAndGradient().loss().item());
    Mlp wider = Mlp.init(RngKey.of(1), MlpShape.parse("mlp:3-5-3:tanh"), DType.F64);
    refused(() -> f.at(wider), "layers.0.weight");
  }

  @Test
  void labelsThatDoNotFitTheOutputs() {
    Problem sequences = Problem.of(Loss.CROSS_ENTROPY, 2);
    Dataset wrong = new Dataset("test", PROBLEM.data().x(), sequences.data().y(), 0);
    Objective<Mlp> f = of(List.of(wrong));
    Tensor v = vector(f);
    refused(() -> Hessian.of(f).apply(v), "I32[8, 2]");
    refused(() -> GaussNewton.of(f).apply(v), "I32[8, 2]");
    refused(() -> Fisher.exact(f).apply(v), "I32[8, 2]");
  }

  private static String refused(Executable body, String part) {
    String message = assertThrows(IllegalArgumentException.class, body).getMessage();
    assertTrue(message.contains(part), "'" + part + "' is not in: " + message);
    return message;
  }

  /** So that nobody reads ahead. */
  @Test
  void batchesAreAskedForOneByOne() {
    AtomicInteger given = new AtomicInteger();
    List<Dataset> batches = PROBLEM.data().batches(3);
    Iterable<Dataset> counted =
        () -> {
          Iterator<Dataset> all = batches.iterator();
          return new Iterator<>() {
            @Override
            public boolean hasNext() {
              return all.hasNext();
            }

            @Override
            public Dataset next() {
              given.incrementAndGet();
              return all.next();
            }
          };
        };
    Objective<Mlp> f = of(counted);
    given.set(0);
    Iterator<Dataset> pass = f.batches().iterator();
    pass.next();
    assertEquals(1, given.get());
  }
}
