// twin: F64
package org.hesse.backend.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;
import org.hesse.DType;
import org.jspecify.annotations.Nullable;

/**
 * Products whose columns lie in stretches, as those of a picture's rows do: vectors of columns are
 * read right from the picture, shifted for each place in the window, so that patches are never
 * copied. The left operand, weights as a rule, is packed into groups of {@link #ROWS} rows.
 *
 * <p>A stretch that is no multiple of a vector's lanes ends in a vector that overlaps the one
 * before; one that is shorter leaves lanes unused.
 */
final class ContractColumnsF32 implements Prepared {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();

  /** As for {@link GemmF32}. */
  private static final int ROWS = SPECIES.vectorBitSize() == 256 ? 4 : 6;

  private static final int VECTORS = 3;

  /** Multiplications of vectors that a task does, some 15 microseconds. */
  private static final int TASK = 1 << 17;

  private static final @Nullable ColumnsKernelF32[] KERNELS = new ColumnsKernelF32[ROWS * VECTORS];

  /** Where rows and vectors are in a tile that is copied. */
  private static final int[] TILE_ROWS = multiples(ROWS, VECTORS * LANES);

  private static final int[] TILE_VECTORS = multiples(VECTORS, LANES);

  private final Contraction c;
  private final int[] weights;
  private final int[] weightsOf;
  private final int packedSize;
  private final int vectorsPerStretch;
  private final int vectors;
  private final int tiles;
  private final int tilesPerTask;

  /** The lanes of a stretch shorter than a vector. */
  private final VectorMask<Float> first;

  ContractColumnsF32(Contraction c) {
    this.c = c;
    this.weightsOf = new int[c.counts()[0]];
    this.weights = distinct(c.lhs().at()[0], weightsOf);
    int m = c.counts()[1];
    int k = c.counts()[3];
    this.packedSize = Math.multiplyExact((m + ROWS - 1) / ROWS * ROWS, k);
    this.vectorsPerStretch = (c.columns() + LANES - 1) / LANES;
    this.vectors = Math.multiplyExact(c.counts()[2], vectorsPerStretch);
    this.tiles = (vectors + VECTORS - 1) / VECTORS;
    this.tilesPerTask = (int) Math.max(1, TASK / ((long) m * k * VECTORS));
    this.first = SPECIES.indexInRange(0, c.columns());
  }

  private static int[] multiples(int count, int of) {
    return java.util.stream.IntStream.range(0, count).map(i -> i * of).toArray();
  }

  /** The different ones among some numbers, and for each of these which of the others it is. */
  private static int[] distinct(int[] all, int[] which) {
    int[] sorted = java.util.Arrays.stream(all).distinct().sorted().toArray();
    for (int i = 0; i < all.length; i++) {
      which[i] = java.util.Arrays.binarySearch(sorted, all[i]);
    }
    return sorted;
  }

  @Override
  public void run(Memory memory) {
    float[] packed =
        (float[]) Frame.current().shared(DType.F32, Math.multiplyExact(packedSize, weights.length));
    pack((float[]) c.lhs().array(memory), packed);
    float[] b = (float[]) c.rhs().readable(memory, LANES);
    float[] out = (float[]) c.out().array(memory);
    long all = (long) c.counts()[0] * tiles;
    Workers.run(
        Math.toIntExact((all + tilesPerTask - 1) / tilesPerTask),
        task -> {
          long end = Math.min(all, (task + 1L) * tilesPerTask);
          int[] from = new int[VECTORS];
          int[] to = new int[VECTORS];
          for (long t = (long) task * tilesPerTask; t < end; t++) {
            tile(packed, b, out, (int) (t / tiles), (int) (t % tiles) * VECTORS, from, to);
          }
        });
  }

  /** Groups of rows, in each of them pair by pair. */
  private void pack(float[] a, float[] to) {
    int m = c.counts()[1];
    int[] rows = c.lhs().at()[1];
    int[] pairs = c.lhs().at()[3];
    for (int w = 0; w < weights.length; w++) {
      for (int i = 0; i < m; i++) {
        int from = c.lhs().origin() + weights[w] + rows[i];
        int at = w * packedSize + i / ROWS * ROWS * pairs.length + i % ROWS;
        for (int p = 0; p < pairs.length; p++) {
          to[at + p * ROWS] = a[from + pairs[p]];
        }
      }
    }
  }

  /** All rows of up to three vectors of columns. */
  private void tile(
      float[] packed, float[] b, float[] out, int batch, int first, int[] from, int[] to) {
    int count = Math.min(VECTORS, vectors - first);
    for (int v = 0; v < count; v++) {
      int stretch = (first + v) / vectorsPerStretch;
      int column = (first + v) % vectorsPerStretch * LANES;
      column = Math.max(0, Math.min(column, c.columns() - LANES));
      from[v] = c.rhs().batch(batch) + c.rhs().at()[2][stretch] + column;
      to[v] = c.out().batch(batch) + c.out().at()[2][stretch] + column;
    }
    int m = c.counts()[1];
    int[] pairs = c.rhs().at()[3];
    int[] rows = c.out().at()[1];
    int at = weightsOf[batch] * packedSize;
    for (int i = 0; i < m; i += ROWS) {
      int height = Math.min(ROWS, m - i);
      ColumnsKernelF32 kernel = kernel(height, count);
      int a = at + i * pairs.length;
      if (c.columns() >= LANES) {
        kernel.run(packed, a, b, from, pairs, out, to, rows, i);
      } else {
        float[] tile = Frame.current().halfF32;
        kernel.run(packed, a, b, from, pairs, tile, TILE_VECTORS, TILE_ROWS, 0);
        for (int r = 0; r < height; r++) {
          store(tile, TILE_ROWS[r], count, out, to, rows[i + r]);
        }
      }
    }
  }

  /** Copies the lanes that count. */
  private void store(float[] tile, int at, int count, float[] out, int[] to, int row) {
    for (int v = 0; v < count; v++) {
      FloatVector.fromArray(SPECIES, tile, at + v * LANES).intoArray(out, to[v] + row, first);
    }
  }

  private static ColumnsKernelF32 kernel(int rows, int vectors) {
    int i = (rows - 1) * VECTORS + vectors - 1;
    ColumnsKernelF32 kernel = KERNELS[i];
    if (kernel == null) {
      int[] size = {rows, vectors, ROWS};
      kernel = Specialized.copy(MicroColumnsF32.class, ColumnsKernelF32.class, size);
      KERNELS[i] = kernel;
    }
    return kernel;
  }
}
