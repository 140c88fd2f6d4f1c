package org.hesse.backend.cpu;

import org.hesse.backend.View;
import org.jspecify.annotations.Nullable;

/** Walks a view in the row-major order of its domain, in rows of two constant strides. */
final class Strided {
  /** Takes rows of elements, each row and each element in it so far behind the one before. */
  interface Rows {
    /**
     * @param done how many elements of the block came before
     * @param position of the first element
     */
    void accept(int done, long position, long rowStride, int rows, long stride, int count);
  }

  /** In shorter rows it takes longer to find the next one than to copy one. */
  private static final int SHORT = 16;

  /** So many positions are remembered at most. */
  private static final long REMEMBERED = 4096;

  private final int[] dims;
  private final long[] strides;
  private final long origin;

  /** Positions of all elements, where rows are short and few; made when first asked for. */
  private volatile int @Nullable [] remembered;

  /** Axes that the strides allow to be walked as one are merged; those of extent 1 vanish. */
  Strided(int[] domain, long[] strides, long origin) {
    int[] d = new int[domain.length];
    long[] s = new long[domain.length];
    int rank = 0;
    for (int a = 0; a < domain.length; a++) {
      if (domain[a] == 1) {
        continue;
      }
      if (rank > 0
          && s[rank - 1] == strides[a] * domain[a]
          && (long) d[rank - 1] * domain[a] <= Integer.MAX_VALUE) {
        d[rank - 1] *= domain[a];
        s[rank - 1] = strides[a];
      } else {
        d[rank] = domain[a];
        s[rank++] = strides[a];
      }
    }
    this.dims = java.util.Arrays.copyOf(d, rank);
    this.strides = java.util.Arrays.copyOf(s, rank);
    this.origin = origin;
  }

  static Strided of(int[] domain, View view) {
    return new Strided(domain, view.strides(), view.slot().offset() + view.offset());
  }

  /** Whether element i of the domain is at {@code origin + i}. */
  boolean isDense() {
    return dims.length == 0 || dims.length == 1 && strides[0] == 1;
  }

  /** Whether it is rows of so many elements that lie one after another, all as far apart. */
  boolean hasRows(int length) {
    return isDense() || dims.length == 2 && dims[1] == length && strides[1] == 1;
  }

  /** How far a row of so many elements is behind the one before. */
  long rowStride(int length) {
    return isDense() ? length : strides[0];
  }

  /** How many elements lie one after another in memory before the next such row begins. */
  int row() {
    int last = dims.length - 1;
    return last < 0 || strides[last] != 1 ? 1 : dims[last];
  }

  /**
   * Of the first of so many equal parts of the domain the lowest and the highest position, and how
   * far behind each part the next one is; null if that is not always the same.
   */
  long @Nullable [] firstOf(long parts) {
    if (dims.length == 0) {
      return new long[] {origin, origin, 0};
    }
    if (dims[0] % parts != 0) {
      return null;
    }
    long perPart = dims[0] / parts;
    long low = origin;
    long high = origin;
    for (int a = 0; a < dims.length; a++) {
      long reach = ((a == 0 ? perPart : dims[a]) - 1) * strides[a];
      low += Math.min(0, reach);
      high += Math.max(0, reach);
    }
    return new long[] {low, high, perPart * strides[0]};
  }

  /** Position of the element with the given row-major number. */
  long position(long index) {
    long p = origin;
    for (int a = dims.length - 1; a >= 0; a--) {
      p += index % dims[a] * strides[a];
      index /= dims[a];
    }
    return p;
  }

  /**
   * Position of the first of {@code n} elements if they lie one after another in memory, else −1.
   */
  long contiguous(long start, int n) {
    int last = dims.length - 1;
    if (n == 1 || last < 0) {
      return position(start);
    }
    return strides[last] == 1 && start % dims[last] + n <= dims[last] ? position(start) : -1;
  }

  /** Hands out the {@code n} elements from row-major number {@code start} on. */
  void walk(long start, int n, Rows taker) {
    int last = dims.length - 1;
    if (last < 0) {
      taker.accept(0, origin, 0, 1, 0, n);
      return;
    }
    int[] index = new int[dims.length];
    long position = origin;
    for (int a = last; a >= 0; a--) {
      index[a] = (int) (start % dims[a]);
      position += index[a] * strides[a];
      start /= dims[a];
    }
    int done = 0;
    while (true) {
      int count = Math.min(n - done, dims[last] - index[last]);
      int rows = 1;
      if (last > 0 && count == dims[last]) {
        rows = Math.min((n - done) / count, dims[last - 1] - index[last - 1]);
        taker.accept(done, position, strides[last - 1], rows, strides[last], count);
        index[last - 1] += rows - 1;
        position += (rows - 1) * strides[last - 1];
      } else {
        taker.accept(done, position, 0, 1, strides[last], count);
      }
      done += rows * count;
      if (done == n) {
        return;
      }
      position -= index[last] * strides[last];
      index[last] = 0;
      for (int a = last - 1; a >= 0; a--) {
        position += strides[a];
        if (++index[a] < dims[a]) {
          break;
        }
        position -= dims[a] * strides[a];
        index[a] = 0;
      }
    }
  }

  /** Copies elements of the view to consecutive ones. */
  void gather(Object from, long start, int n, Object to) {
    if (dims.length == 1) {
      int at = (int) (origin + start * strides[0]);
      Arrays.copyRows(from, at, 0, (int) strides[0], to, 0, 0, 1, 1, n);
      return;
    }
    if (dims.length > 1 && dims[dims.length - 1] < SHORT) {
      int[] at = remembered;
      long size = at == null ? BlockProgram.size(dims) : 0;
      if (at == null && size <= REMEMBERED) {
        at = new int[(int) size];
        positions(0, at.length, at);
        remembered = at;
      }
      if (at != null) {
        Arrays.copyFrom(from, at, (int) start, to, n);
        return;
      }
    }
    walk(
        start,
        n,
        (done, position, rowStride, rows, stride, count) ->
            Arrays.copyRows(
                from,
                (int) position,
                (int) rowStride,
                (int) stride,
                to,
                done,
                count,
                1,
                rows,
                count));
  }

  /** Copies consecutive elements to those of the view. */
  void scatter(Object from, int at, long start, int n, Object to) {
    if (dims.length == 1) {
      int target = (int) (origin + start * strides[0]);
      Arrays.copyRows(from, at, 0, 1, to, target, 0, (int) strides[0], 1, n);
      return;
    }
    walk(
        start,
        n,
        (done, position, rowStride, rows, stride, count) ->
            Arrays.copyRows(
                from,
                at + done,
                count,
                1,
                to,
                (int) position,
                (int) rowStride,
                (int) stride,
                rows,
                count));
  }

  /** Writes the positions themselves. */
  void positions(long start, int n, int[] to) {
    walk(
        start,
        n,
        (done, position, rowStride, rows, stride, count) -> {
          for (int r = 0; r < rows; r++) {
            for (int i = 0; i < count; i++) {
              to[done + r * count + i] = (int) (position + r * rowStride + i * stride);
            }
          }
        });
  }
}
