// twin: F64
package org.hesse.backend.cpu;

import jdk.incubator.vector.FloatVector;
import org.hesse.DType;
import org.hesse.backend.cpu.PairsKernelF32.Side;
import org.jspecify.annotations.Nullable;

/**
 * Products whose pairs lie in stretches in both operands, as in the gradient of a convolution's
 * weights, where a place in the window has the rows of the picture, shifted, multiplied by rows of
 * the cotangent. The lanes of a vector collect partial sums, which are added up in double.
 *
 * <p>Stretches are gone through in parts, between which all tiles of a task take their turn, so
 * that what they read stays in the caches; and tasks share the stretches where there are few tiles.
 */
final class ContractPairsF32 implements Prepared {
  private static final int LANES = FloatVector.SPECIES_PREFERRED.length();

  /** Rows of a tile; with 16 registers only the sums of 2 and the operands fit. */
  static final int ROWS = FloatVector.SPECIES_PREFERRED.vectorBitSize() == 256 ? 2 : 4;

  static final int COLUMNS = 5;

  /** Pairs in a part. */
  private static final int PART = 4096;

  /** Multiplications of vectors that a task does, some 15 microseconds. */
  private static final int TASK = 1 << 17;

  /** Elements that partial results take up at most, but for large results. */
  private static final int PARTIAL = 1 << 20;

  /** Elements that a task copies. */
  private static final int COPIES = 1 << 15;

  private static final @Nullable PairsKernelF32[] KERNELS = new PairsKernelF32[ROWS * COLUMNS];

  private final Contraction c;
  private final int m;
  private final int n;
  private final int rowTiles;
  private final int rowsPerTile;
  private final int columnTiles;
  private final int size;
  private final int stretches;
  private final int part;
  private final int stretchesPerTask;
  private final int shares;
  private final int tilesPerTask;

  /** Vectors that fit into a stretch, and the pairs that are left. */
  private final int whole;

  private final int rest;
  private final int[][] wholeAt;

  /** Where rests are: those copied from the left operand, and those in the right one. */
  private final int[][] restAt;

  private final int[] restRows;

  ContractPairsF32(Contraction c) {
    this.c = c;
    this.m = c.counts()[1];
    this.n = c.counts()[2];
    this.stretches = c.counts()[3];
    this.rowTiles = (m + ROWS - 1) / ROWS;
    this.rowsPerTile = (m + rowTiles - 1) / rowTiles;
    this.columnTiles = (n + COLUMNS - 1) / COLUMNS;
    this.size = Math.multiplyExact(c.counts()[0], Math.multiplyExact(m, n));
    this.whole = c.pairs() / LANES;
    this.rest = c.pairs() % LANES;
    int[][] at = {c.lhs().at()[3], c.rhs().at()[3]};
    this.wholeAt = new int[][] {vectors(at[0], 0, whole), vectors(at[1], 0, whole)};
    int[] copies = java.util.stream.IntStream.range(0, stretches).map(s -> s * LANES).toArray();
    this.restAt = new int[][] {copies, vectors(at[1], whole, whole + 1)};
    this.restRows =
        java.util.stream.IntStream.range(0, m).map(i -> i * stretches * LANES).toArray();
    this.part = Math.max(1, PART / c.pairs());
    int tiles = c.counts()[0] * rowTiles * columnTiles;
    long perStretch = (long) ROWS * COLUMNS * ((c.pairs() + LANES - 1) / LANES);
    int parts = (stretches + part - 1) / part;
    int wanted = (int) Math.max(1, perStretch * tiles * stretches / TASK);
    int most = Math.max(1, Math.min(parts, Math.min(wanted, PARTIAL / size)));
    this.stretchesPerTask = (parts + most - 1) / most * part;
    this.shares = (stretches + stretchesPerTask - 1) / stretchesPerTask;
    this.tilesPerTask =
        (int) Math.clamp(TASK / (perStretch * stretchesPerTask), 1, Math.max(1, tiles));
  }

  /** Where the vectors of all stretches are, of each those numbered from … to−1. */
  private static int[] vectors(int[] stretches, int from, int to) {
    int n = to - from;
    int[] at = new int[Math.multiplyExact(stretches.length, n)];
    for (int i = 0; i < at.length; i++) {
      at[i] = stretches[i / n] + (from + i % n) * LANES;
    }
    return at;
  }

  @Override
  public void run(Memory memory) {
    double[] partial =
        (double[]) Frame.current().shared(DType.F64, Math.multiplyExact(shares, size));
    float[] a = (float[]) c.lhs().array(memory);
    float[] rests = rest == 0 ? a : rests(a);
    float[] b = (float[]) c.rhs().readable(memory, (c.pairs() + LANES - 1) / LANES * LANES);
    int tiles = c.counts()[0] * rowTiles * columnTiles;
    int blocks = (tiles + tilesPerTask - 1) / tilesPerTask;
    Workers.run(
        shares * blocks,
        task -> {
          int share = task / blocks;
          int first = task % blocks * tilesPerTask;
          block(a, rests, b, share, first, Math.min(tiles, first + tilesPerTask), partial);
        });
    float[] out = (float[]) c.out().array(memory);
    int[] rows = c.out().at()[1];
    int[] columns = c.out().at()[2];
    for (int i = 0; i < size; i++) {
      double sum = 0;
      for (int s = 0; s < shares; s++) {
        sum += partial[s * size + i];
      }
      int at = c.out().batch(i / n / m) + rows[i / n % m] + columns[i % n];
      out[at] = (float) sum;
    }
  }

  /** Some tiles, over some of the stretches. */
  private void block(
      float[] a, float[] rests, float[] b, int share, int first, int end, double[] partial) {
    float[] tile = Frame.current().halfF32;
    int s0 = share * stretchesPerTask;
    int s1 = Math.min(stretches, s0 + stretchesPerTask);
    for (int s = s0; s < s1; s += part) {
      for (int t = first; t < end; t++) {
        int i = t / columnTiles % rowTiles * rowsPerTile;
        int j = t % columnTiles * COLUMNS;
        int batch = t / columnTiles / rowTiles;
        int rows = Math.min(rowsPerTile, m - i);
        int columns = Math.min(COLUMNS, n - j);
        int to = share * size + (batch * m + i) * n + j;
        int stop = Math.min(s1, s + part);
        boolean add = s > s0;
        Side right = new Side(b, c.rhs().batch(batch), c.rhs().at()[2], j, wholeAt[1]);
        PairsKernelF32 kernel = kernel(rows, columns);
        if (whole > 0) {
          Side left = new Side(a, c.lhs().batch(batch), c.lhs().at()[1], i, wholeAt[0]);
          kernel.run(left, right, s * whole, stop * whole, tile, 0, columns * LANES);
          addUp(tile, rows, columns, partial, to, add);
          add = true;
        }
        if (rest > 0) {
          Side left = new Side(rests, batch * m * stretches * LANES, restRows, i, restAt[0]);
          Side last = new Side(b, right.at(), right.lines(), j, restAt[1]);
          kernel.run(left, last, s, stop, tile, 0, columns * LANES);
          mend(tile, left, last, s, stop, rows, columns);
          addUp(tile, rows, columns, partial, to, add);
        }
      }
    }
  }

  /** The rests of the left operand's stretches, each one a vector. */
  private float[] rests(float[] a) {
    int lines = c.counts()[0] * m;
    int length = stretches * LANES;
    float[] to = (float[]) Frame.current().panel(DType.F32, Math.multiplyExact(lines, length));
    int linesPerTask = Math.max(1, COPIES / length);
    Workers.run(
        (lines + linesPerTask - 1) / linesPerTask,
        task -> {
          int end = Math.min(lines, (task + 1) * linesPerTask);
          for (int line = task * linesPerTask; line < end; line++) {
            int from = c.lhs().batch(line / m) + c.lhs().at()[1][line % m] + whole * LANES;
            int at = line * length;
            for (int stretch : c.lhs().at()[3]) {
              for (int l = 0; l < LANES; l++) {
                to[at + l] = l < rest ? a[from + stretch + l] : 0;
              }
              at += LANES;
            }
          }
        });
    return to;
  }

  /** Forms sums that are NaN again, without what lies behind the rests. */
  private void mend(float[] tile, Side left, Side right, int s0, int s1, int rows, int columns) {
    for (int i = 0; i < rows * columns; i++) {
      int at = i * LANES;
      boolean nan = false;
      for (int l = 0; l < LANES; l++) {
        nan |= Float.isNaN(tile[at + l]);
      }
      for (int l = 0; nan && l < LANES; l++) {
        float sum = 0;
        for (int s = s0; l < rest && s < s1; s++) {
          float x = left.array()[left.line(i / columns) + left.stretches()[s] + l];
          sum += x * right.array()[right.line(i % columns) + right.stretches()[s] + l];
        }
        tile[at + l] = sum;
      }
    }
  }

  private void addUp(float[] tile, int rows, int columns, double[] partial, int to, boolean add) {
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        double even = 0;
        double odd = 0;
        int at = (i * columns + j) * LANES;
        for (int l = 0; l < LANES; l += 2) {
          even += tile[at + l];
          odd += tile[at + l + 1];
        }
        partial[to + i * n + j] = even + odd + (add ? partial[to + i * n + j] : 0);
      }
    }
  }

  /** The kernel for so many rows and columns. */
  static PairsKernelF32 kernel(int rows, int columns) {
    int i = (rows - 1) * COLUMNS + columns - 1;
    PairsKernelF32 kernel = KERNELS[i];
    if (kernel == null) {
      int[] size = {rows, columns};
      kernel = Specialized.copy(MicroPairsF32.class, PairsKernelF32.class, size);
      KERNELS[i] = kernel;
    }
    return kernel;
  }
}
