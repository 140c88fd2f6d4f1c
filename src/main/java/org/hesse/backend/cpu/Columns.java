package org.hesse.backend.cpu;

import java.lang.foreign.MemorySegment;
import org.hesse.DType;

/** Carries matrices between heap arrays, strided, and native memory, column by column. */
interface Columns {
  static Columns of(DType dtype) {
    return dtype == DType.F32 ? ColumnsF32.INSTANCE : ColumnsF64.INSTANCE;
  }

  /** A matrix in a heap array: element (i, j) is at {@code at + i·row + j·column}. */
  record Place(Object array, long at, long row, long column) {
    int index(int i, int j) {
      return (int) (at + i * row + j * column);
    }

    Place row(int i) {
      return new Place(array, at + i * row, row, column);
    }

    Place transposed() {
      return new Place(array, at, column, row);
    }
  }

  /** Row {@code order[i]} of the place becomes row i. */
  void load(Place from, int[] order, int columns, MemorySegment to);

  /** Row i becomes row {@code order[i]} of the place. */
  void store(MemorySegment from, int[] order, int columns, Place to);

  /** Zeros everywhere but in a region. */
  void keep(Region region, int rows, int columns, MemorySegment a);

  /** Position (i + j·rows) of an element of a region that is NaN or infinite, or −1. */
  long notFinite(Region region, int rows, int columns, MemorySegment a);

  /** Changes the sign of elements {@code start + i·stride}. */
  void negate(MemorySegment a, long start, long stride, int count);

  double get(MemorySegment a, long index);

  double get(Place place, int i, int j);

  void set(Place place, int i, int j, double value);
}
