package org.hesse.plan;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.backend.Buffer;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.hesse.ir.UnaryKind;
import org.hesse.ops.Elementwise;
import org.hesse.testing.ReferenceBackend;
import org.junit.jupiter.api.Test;

class PlanCacheTest {
  private final ReferenceBackend backend = new ReferenceBackend();
  private final PlanCache cache = new PlanCache(2);

  private Node leaf(float... values) {
    Buffer buffer = backend.upload(values);
    return new Node(new Op.Leaf(buffer), List.of(), Shape.of(values.length), DType.F32);
  }

  private static Program program(UnaryKind kind, Node x) {
    return Program.capture(List.of(), List.of(Elementwise.unary(kind, x)));
  }

  @Test
  void oneStructureIsCompiledOnce() {
    Plan first = cache.get(backend, program(UnaryKind.EXP, leaf(1, 2)));
    Plan second = cache.get(backend, program(UnaryKind.EXP, leaf(3, 4)));
    assertSame(first, second);
    assertEquals(1, backend.prepared.get());
    assertEquals(new PlanCache.Counters(1, 1, 0, 1), cache.counters());
  }

  @Test
  void shapesAndBackendsAreDistinguished() {
    Plan first = cache.get(backend, program(UnaryKind.EXP, leaf(1, 2)));
    assertNotSame(first, cache.get(backend, program(UnaryKind.EXP, leaf(1, 2, 3))));
    assertNotSame(first, cache.get(new ReferenceBackend(), program(UnaryKind.EXP, leaf(1, 2))));
  }

  @Test
  void theOneNotUsedForLongestIsDropped() {
    Node x = leaf(1, 2);
    cache.get(backend, program(UnaryKind.EXP, x));
    cache.get(backend, program(UnaryKind.SIN, x));
    cache.get(backend, program(UnaryKind.EXP, x));
    cache.get(backend, program(UnaryKind.COS, x));
    cache.get(backend, program(UnaryKind.EXP, x));
    assertEquals(new PlanCache.Counters(2, 3, 1, 2), cache.counters());
    cache.get(backend, program(UnaryKind.SIN, x));
    assertEquals(new PlanCache.Counters(2, 4, 2, 2), cache.counters());
  }

  @Test
  void manyThreadsCompileOnce() throws Exception {
    int count = 8;
    CountDownLatch start = new CountDownLatch(1);
    try (var pool = Executors.newFixedThreadPool(count)) {
      List<Future<Plan>> plans = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        plans.add(
            pool.submit(() -> {
              start.await();
              return cache.get(backend, program(UnaryKind.TANH, leaf(1, 2)));
            }));
      }
      start.countDown();
      for (Future<Plan> plan : plans) {
        assertSame(plans.get(0).get(), plan.get());
      }
    }
    assertEquals(1, backend.prepared.get());
    assertEquals(count, cache.counters().hits() + cache.counters().misses());
  }

  @Test
  void leavesAreReturnedAsTheyAre() {
    Node x = leaf(1, 2);
    Node y = Elementwise.add(x, x);
    Buffer[] values = Evaluator.evaluate(cache, leaves -> backend, List.of(x, y, x));
    assertSame(((Op.Leaf) x.op()).value(), values[0]);
    assertSame(values[0], values[2]);
    assertArrayEquals(new float[] {2, 4}, (float[]) values[1].toArray());
    Evaluator.evaluate(cache, leaves -> backend, List.of(x));
    assertEquals(1, cache.counters().misses());
  }

  @Test
  void wrongInputsAreNamed() {
    Plan plan = cache.get(backend, program(UnaryKind.EXP, leaf(1, 2)));
    Buffer[] wrong = {backend.upload(new double[] {1, 2})};
    assertThrows(IllegalArgumentException.class, () -> plan.run(wrong));
    assertThrows(IllegalArgumentException.class, () -> plan.run(new Buffer[0]));
    assertThrows(IllegalArgumentException.class, () -> new PlanCache(0));
  }
}
