package org.hesse.backend.cpu;

import org.hesse.backend.Step;
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

  /** Whether parts of some rows can be gone over at a time. */
  private final boolean some;

  private Epilogue(Step.Map map, Step.Dot dot) {
    this.map = new MapStep(map);
    this.rows = dot.m();
    this.columns = dot.n();
    this.some = this.map.hasRows(columns);
  }

  /** A product and the map that follows as one step; null if they must be two. */
  static @Nullable Prepared fuse(Step first, Step second) {
    if (!(first instanceof Step.Dot dot && second instanceof Step.Map map && dot.mayEndWith(map))) {
      return null;
    }
    Epilogue epilogue = new Epilogue(map, dot);
    boolean shared = epilogue.map.isOneTask() || DotStep.sharesTail(dot);
    return shared ? DotStep.prepare(dot, epilogue) : null;
  }

  @Override
  public void run(Memory memory, int batch, int i0, int i1, int j0, int j1) {
    long first = (long) batch * rows;
    if (j1 - j0 == columns) {
      map.run(memory, (first + i0) * columns, (first + i1) * columns);
      return;
    }
    if (some && j1 - j0 <= BlockProgram.BLOCK / 2) {
      map.run(memory, (first + i0) * columns + j0, j1 - j0, i1 - i0, columns);
      return;
    }
    for (int i = i0; i < i1; i++) {
      map.run(memory, (first + i) * columns + j0, (first + i) * columns + j1);
    }
  }
}
