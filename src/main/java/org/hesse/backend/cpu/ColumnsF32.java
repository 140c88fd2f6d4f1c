// twin: F64
package org.hesse.backend.cpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** {@link Columns} of one dtype. Copies go tile by tile, as one side is read across its lines. */
final class ColumnsF32 implements Columns {
  static final ColumnsF32 INSTANCE = new ColumnsF32();

  private static final ValueLayout.OfFloat ELEMENT = ValueLayout.JAVA_FLOAT;
  private static final int TILE = 32;

  private ColumnsF32() {}

  @Override
  public void load(Place from, int[] order, int columns, MemorySegment to) {
    float[] a = (float[]) from.array();
    int rows = order.length;
    for (int j0 = 0; j0 < columns; j0 += TILE) {
      int j1 = Math.min(columns, j0 + TILE);
      for (int i0 = 0; i0 < rows; i0 += TILE) {
        int i1 = Math.min(rows, i0 + TILE);
        for (int j = j0; j < j1; j++) {
          long column = (long) j * rows;
          for (int i = i0; i < i1; i++) {
            to.setAtIndex(ELEMENT, column + i, a[from.index(order[i], j)]);
          }
        }
      }
    }
  }

  @Override
  public void store(MemorySegment from, int[] order, int columns, Place to) {
    float[] a = (float[]) to.array();
    int rows = order.length;
    for (int j0 = 0; j0 < columns; j0 += TILE) {
      int j1 = Math.min(columns, j0 + TILE);
      for (int i0 = 0; i0 < rows; i0 += TILE) {
        int i1 = Math.min(rows, i0 + TILE);
        for (int j = j0; j < j1; j++) {
          long column = (long) j * rows;
          for (int i = i0; i < i1; i++) {
            a[to.index(order[i], j)] = from.getAtIndex(ELEMENT, column + i);
          }
        }
      }
    }
  }

  @Override
  public void keep(Region region, int rows, int columns, MemorySegment a) {
    for (int j = 0; j < columns; j++) {
      long column = (long) j * rows;
      int first = region.first(j, rows);
      int end = region.end(j, rows);
      for (int i = 0; i < first; i++) {
        a.setAtIndex(ELEMENT, column + i, 0f);
      }
      for (int i = end; i < rows; i++) {
        a.setAtIndex(ELEMENT, column + i, 0f);
      }
    }
  }

  @Override
  public long notFinite(Region region, int rows, int columns, MemorySegment a) {
    for (int j = 0; j < columns; j++) {
      long column = (long) j * rows;
      int end = region.end(j, rows);
      for (int i = region.first(j, rows); i < end; i++) {
        if (!Float.isFinite(a.getAtIndex(ELEMENT, column + i))) {
          return column + i;
        }
      }
    }
    return -1;
  }

  @Override
  public void negate(MemorySegment a, long start, long stride, int count) {
    for (int i = 0; i < count; i++) {
      long at = start + i * stride;
      a.setAtIndex(ELEMENT, at, -a.getAtIndex(ELEMENT, at));
    }
  }

  @Override
  public double get(MemorySegment a, long index) {
    return a.getAtIndex(ELEMENT, index);
  }

  @Override
  public double get(Place place, int i, int j) {
    return ((float[]) place.array())[place.index(i, j)];
  }

  @Override
  public void set(Place place, int i, int j, double value) {
    ((float[]) place.array())[place.index(i, j)] = (float) value;
  }
}
