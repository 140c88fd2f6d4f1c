package org.hesse.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.hesse.DType;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.Op;
import org.hesse.ir.ReduceKind;
import org.junit.jupiter.api.Test;

/** Operations and bytes counted by hand. */
class StepCostTest {
  private static View view(Slot.Space space, int index, DType dtype, long size, long... strides) {
    return new View(new Slot(space, index, dtype, 0, size), 0, strides);
  }

  private static final View MATRIX = view(Slot.Space.INPUT, 0, DType.F32, 60, 10, 1);
  private static final View ROW = view(Slot.Space.INPUT, 1, DType.F32, 10, 0, 1);
  private static final int[] DOMAIN = {6, 10};

  private static Step.Map sum(View to) {
    List<Instruction> code =
        List.of(
            new Instruction.Load(MATRIX),
            new Instruction.Load(ROW),
            new Instruction.Apply(new Op.Binary(BinaryKind.ADD), DType.F32, List.of(0, 1)));
    return new Step.Map(DOMAIN, code, List.of(new Step.Store(2, to)));
  }

  @Test
  void repeatedElementsOfMapsCountOnce() {
    View out = view(Slot.Space.OUTPUT, 0, DType.F32, 60, 10, 1);
    assertEquals(new StepCost(60, 4 * (60 + 10 + 60)), StepCost.of(List.of(sum(out))));
  }

  @Test
  void whatOneStepWritesAndAnotherReadsCountsOnce() {
    View between = view(Slot.Space.ARENA, 0, DType.F32, 60, 10, 1);
    View out = view(Slot.Space.OUTPUT, 0, DType.F64, 10, 1);
    Step.Reduce columns =
        new Step.Reduce(ReduceKind.SUM, DOMAIN, 0, 1, List.of(new Instruction.Load(between)), out);
    long bytes = 4 * (60 + 10 + 60) + 8 * 10;
    assertEquals(new StepCost(60 + 60, bytes), StepCost.of(List.of(sum(between), columns)));
  }

  @Test
  void productsAreTwoOperationsForEachPair() {
    Step.Dot dot =
        new Step.Dot(
            2,
            3,
            5,
            7,
            view(Slot.Space.INPUT, 0, DType.F32, 42, 21, 7, 1),
            view(Slot.Space.INPUT, 1, DType.F32, 35, 0, 7, 1),
            view(Slot.Space.OUTPUT, 0, DType.F32, 30, 15, 5, 1));
    StepCost cost = new StepCost(2 * 2 * 3 * 5 * 7, 4 * (42 + 35 + 30));
    assertEquals(cost, StepCost.of(List.of(dot)));
    Step.Loop twice = new Step.Loop(new Step.Count(2, false), List.of(), List.of(dot), List.of());
    assertEquals(new StepCost(2 * cost.operations(), cost.bytes()), StepCost.of(List.of(twice)));
  }
}
