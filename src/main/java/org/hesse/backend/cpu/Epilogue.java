package org.hesse.backend.cpu;

import org.hesse.backend.Instruction;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.jspecify.annotations.Nullable;

/**
 * A map over a product's result, such as bias and activation, that goes over each part of it as
 * soon as the part is finished: while it is in the cache, on the thread that computed it, and with
 * no waiting for the others in between.
 */
final class Epilogue implements Tail {
  private final MapStep map;
  private final int rows;
  private final int columns;

  private Epilogue(Step.Map map, Step.Dot dot) {
    this.map = new MapStep(map);
    this.rows = dot.m();
    this.columns = dot.n();
  }

  /** A product and the map that follows as one step; null if they must be two. */
  static @Nullable Prepared fuse(Step first, Step second) {
    if (!(first instanceof Step.Dot dot && second instanceof Step.Map map && fits(dot, map))) {
      return null;
    }
    Epilogue epilogue = new Epilogue(map, dot);
    boolean shared = epilogue.map.isOneTask() || DotStep.sharesTail(dot);
    return shared ? DotStep.prepare(dot, epilogue) : null;
  }

  private static boolean fits(Step.Dot dot, Step.Map map) {
    int[] matrices = {dot.batch(), dot.m(), dot.n()};
    Slot result = dot.out().slot();
    return BlockProgram.size(map.domain()) == BlockProgram.size(matrices)
        && Strided.of(matrices, dot.out()).isDense()
        && reads(map, dot)
        && map.stores().stream()
            .allMatch(s ->
                !Strided.overlap(s.view().slot(), dot.lhs().slot())
                    && !Strided.overlap(s.view().slot(), dot.rhs().slot())
                    && (!Strided.overlap(s.view().slot(), result)
                        || same(map, s.view(), dot.out())));
  }

  /** Whether the map reads the product, and nothing of it but the element that it is at. */
  private static boolean reads(Step.Map map, Step.Dot dot) {
    boolean any = false;
    for (Instruction in : map.code()) {
      if (in instanceof Instruction.Load load
          && Strided.overlap(load.view().slot(), dot.out().slot())) {
        if (!same(map, load.view(), dot.out())) {
          return false;
        }
        any = true;
      }
    }
    return any;
  }

  private static boolean same(Step.Map map, View view, View result) {
    return Strided.of(map.domain(), view).isDense()
        && view.slot().offset() + view.offset() == result.slot().offset() + result.offset();
  }

  @Override
  public void run(Memory memory, int batch, int i0, int i1, int j0, int j1) {
    long first = (long) batch * rows;
    if (j1 - j0 == columns) {
      map.run(memory, (first + i0) * columns, (first + i1) * columns);
      return;
    }
    for (int i = i0; i < i1; i++) {
      map.run(memory, (first + i) * columns + j0, (first + i) * columns + j1);
    }
  }
}
