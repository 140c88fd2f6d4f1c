package org.hesse.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.function.Function;
import org.hesse.Autodiff;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.Tensor;
import org.hesse.backend.Schedule;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.hesse.ops.Products;
import org.junit.jupiter.api.Test;

class MemoryTest {
  private static Node matrix() {
    return new Node(new Op.Parameter(0), List.of(), Shape.of(10, 10), DType.F32);
  }

  @Test
  void aLongChainNeedsTwoTemporaries() {
    Node x = matrix();
    Node y = x;
    for (int i = 0; i < 20; i++) {
      y = Products.matmul(y, x);
    }
    Schedule s = Lower.lower(Program.capture(List.of(x), List.of(y)));
    assertEquals(20, s.steps().size());
    // Two matrices of 100 elements, each aligned to 16.
    assertEquals(224, s.arena().get(DType.F32));
  }

  @Test
  void temporariesThatLiveTogetherDoNotOverlap() {
    Node x = matrix();
    Node a = Products.matmul(x, x);
    Node b = Products.matmul(a, x);
    Node c = Products.matmul(b, x);
    Node d = Products.matmul(Products.matmul(a, b), c);
    Schedule s = Lower.lower(Program.capture(List.of(x), List.of(d)));
    assertEquals(4 * 112, s.arena().get(DType.F32));
    for (Step step : s.steps()) {
      for (Slot slot : Steps.writes(step)) {
        assertEquals(0, slot.offset() % Memory.ALIGNMENT);
      }
    }
  }

  /** Two sums would share the exponentials, if an array could hold these. */
  @Test
  void whatNoArrayHoldsIsComputedWhereItIsRead() {
    Function<Tensor, List<Tensor>> sums =
        x -> {
          Tensor y = x.reshape(50_000, 1).add(x).exp().sin().tanh().erf();
          return List.of(y.sum(0), y.sum(1));
        };
    Schedule s = Lower.lower(Autodiff.program(sums, Tensor.zeros(DType.F32, 50_000)));
    assertTrue(s.arena().getOrDefault(DType.F32, 0L) < 1_000_000, s.arena()::toString);
  }

  @Test
  void outputsAreNotInTheArena() {
    Node x = matrix();
    Node a = Products.matmul(x, x);
    Schedule s = Lower.lower(Program.capture(List.of(x), List.of(a, Products.matmul(a, x))));
    assertEquals(java.util.Map.of(), s.arena());
  }
}
