// twin: F64
package org.hesse.backend.cpu;

import jdk.incubator.vector.FloatVector;
import org.hesse.DType;
import org.jspecify.annotations.Nullable;

/**
 * A matrix product from packed panels. The right operand is copied into panels of three vectors of
 * columns, the left one is read where it is if its rows are contiguous, and else copied into panels
 * of {@link #ROWS} rows. A task is one panel of columns by up to {@link #ROWS_PER_TASK} rows; a
 * long sum with few tasks is cut into stretches that are added up in order. How the work is cut
 * depends on the shape only.
 */
final class GemmF32 implements Prepared {
  private static final int LANES = FloatVector.SPECIES_PREFERRED.length();

  /** Rows of the micro-kernel; with 16 registers only 4 × 3 sums and the operands fit. */
  private static final int ROWS = FloatVector.SPECIES_PREFERRED.vectorBitSize() == 256 ? 4 : 6;

  private static final int COLUMNS = 3 * LANES;

  /** A multiple of {@link #ROWS}. */
  private static final int ROWS_PER_TASK = 240;

  /** Pairs per pass: a panel of that depth stays in the nearest caches. */
  private static final int DEPTH = 256;

  /** Elements that the shared panels of one operand take up at most, but for very narrow ones. */
  private static final int SHARED = 1 << 22;

  /** Below so many multiplications threads would cost more than they give. */
  private static final long PARALLEL = 1 << 20;

  /** Columns this far apart are still read where they are: a pass over them fits the caches. */
  private static final int NEAR = 256;

  private static final @Nullable MicroKernelF32[] KERNELS = new MicroKernelF32[6 * 3];

  private final Gemm gemm;
  private final boolean packA;
  private final boolean parallel;
  private final int rowTasks;
  private final int panels;
  private final int splits;
  private final int splitDepth;

  GemmF32(Gemm gemm) {
    this.gemm = gemm;
    boolean shortColumns = gemm.a().row() == 1 && Math.abs(gemm.a().column()) <= NEAR;
    this.packA = gemm.mixed() || gemm.a().column() != 1 && !shortColumns;
    this.parallel = (long) gemm.batch() * gemm.m() * gemm.n() * gemm.k() >= PARALLEL;
    this.rowTasks = (gemm.m() + ROWS_PER_TASK - 1) / ROWS_PER_TASK;
    this.panels = (gemm.n() + COLUMNS - 1) / COLUMNS;
    long tasks = (long) gemm.batch() * rowTasks * panels;
    long size = (long) gemm.batch() * gemm.m() * gemm.n();
    int wanted = tasks >= 8 ? 1 : gemm.k() / 2048;
    int limit = (int) Math.max(1, Math.min(wanted, SHARED / size));
    int passes = (gemm.k() + DEPTH - 1) / DEPTH;
    this.splitDepth = (passes + limit - 1) / limit * DEPTH;
    this.splits = (gemm.k() + splitDepth - 1) / splitDepth;
  }

  @Override
  public void run(Memory memory) {
    Run run = new Run(memory);
    if (splits > 1) {
      int size = Math.toIntExact((long) gemm.batch() * gemm.m() * gemm.n());
      float[] partial = new float[Math.multiplyExact(splits, size)];
      int tasks = splits * gemm.batch() * rowTasks * panels;
      Workers.run(tasks, task -> run.splitTask(task, partial));
      run.addUp(partial);
    } else {
      run.blocks();
    }
    if (run.copy != null) {
      gemm.scatter(run.copy, memory);
    }
    if (splits > 1 || run.copy != null) {
      gemm.finish(memory);
    }
  }

  private static synchronized MicroKernelF32 kernel(int rows, int vectors) {
    int i = (rows - 1) * 3 + vectors - 1;
    MicroKernelF32 kernel = KERNELS[i];
    if (kernel == null) {
      int[] size = {rows, vectors};
      kernel = Specialized.copy(MicroF32.class, MicroKernelF32.class, size);
      KERNELS[i] = kernel;
    }
    return kernel;
  }

  /** One execution: the arrays involved. */
  private final class Run {
    final Memory memory;
    final Object a;
    final Object b;
    final float[] c;

    /** The result with contiguous rows, where the real one has none. */
    final float @Nullable [] copy;

    Run(Memory memory) {
      this.memory = memory;
      a = memory.array(gemm.a().slot());
      b = memory.array(gemm.b().slot());
      float[] out = (float[]) memory.array(gemm.c().slot());
      int size = Math.toIntExact((long) gemm.batch() * gemm.m() * gemm.n());
      copy = gemm.scattered() ? new float[size] : null;
      c = copy != null ? copy : out;
    }

    int cAt(int batch) {
      return copy != null ? batch * gemm.m() * gemm.n() : gemm.c().at(batch);
    }

    int cRow() {
      return copy != null ? gemm.n() : gemm.c().row();
    }

    /** A stretch of all the sums of one tile, into the partial results. */
    void splitTask(int task, float[] partial) {
      int panel = task % panels;
      int rows = task / panels % rowTasks;
      int batch = task / panels / rowTasks % gemm.batch();
      int split = task / panels / rowTasks / gemm.batch();
      int p0 = split * splitDepth;
      int at = (split * gemm.batch() + batch) * gemm.m() * gemm.n();
      new Tile(batch, rows, panel, p0, Math.min(gemm.k(), p0 + splitDepth))
          .compute(null, null, partial, at, gemm.n());
    }

    /** Adds the partial results, in double and in order. */
    void addUp(float[] partial) {
      int n = gemm.n();
      int size = gemm.batch() * gemm.m() * n;
      for (int row = 0; row < gemm.batch() * gemm.m(); row++) {
        int to = cAt(row / gemm.m()) + row % gemm.m() * cRow();
        for (int j = 0; j < n; j++) {
          double sum = 0;
          for (int s = 0; s < splits; s++) {
            sum += partial[s * size + row * n + j];
          }
          c[to + j] = (float) sum;
        }
      }
    }

    /**
     * Goes through the product in blocks whose shared panels are small enough to keep. Panels that
     * only one task needs are packed by that task.
     */
    void blocks() {
      boolean shareA = packA && panels > 1;
      boolean shareB = rowTasks > 1;
      int width = Math.max(shareA ? gemm.m() : 0, shareB ? panels * COLUMNS : 0);
      int depth = gemm.k();
      if (width > 0) {
        depth = Math.max(1, SHARED / width / DEPTH) * DEPTH;
      }
      if (shareA || shareB) {
        for (int batch = 0; batch < gemm.batch(); batch++) {
          for (int p0 = 0; p0 < gemm.k(); p0 += depth) {
            shared(batch, p0, Math.min(gemm.k(), p0 + depth), shareA, shareB);
          }
        }
        return;
      }
      each(
          gemm.batch() * rowTasks * panels,
          task -> {
            int batch = task / panels / rowTasks;
            new Tile(batch, task / panels % rowTasks, task % panels, 0, gemm.k())
                .compute(null, null, c, cAt(batch), cRow());
          });
    }

    private void shared(int batch, int p0, int p1, boolean shareA, boolean shareB) {
      int k = p1 - p0;
      Frame frame = Frame.current();
      int aSize = shareA ? roundUp(gemm.m(), ROWS) * k : 0;
      float[] packed =
          (float[]) frame.shared(DType.F32, aSize + (shareB ? panels * COLUMNS * k : 0));
      int aTasks = shareA ? rowTasks : 0;
      each(
          aTasks + (shareB ? panels : 0),
          task -> {
            if (task < aTasks) {
              packRows(batch, task, p0, p1, packed, task * ROWS_PER_TASK * k);
            } else {
              packColumns(
                  batch, task - aTasks, p0, p1, packed, aSize + (task - aTasks) * COLUMNS * k);
            }
          });
      each(
          rowTasks * panels,
          task -> {
            Tile tile = new Tile(batch, task / panels, task % panels, p0, p1);
            tile.packedA = shareA ? tile.rows * ROWS_PER_TASK * k : -1;
            tile.packedB = shareB ? aSize + tile.panel * COLUMNS * k : -1;
            tile.compute(shareA ? packed : null, shareB ? packed : null, c, cAt(batch), cRow());
          });
    }

    /** Packs the rows of one task, pass by pass, in groups of {@link #ROWS}. */
    void packRows(int batch, int rows, int p0, int p1, float[] to, int at) {
      int i0 = rows * ROWS_PER_TASK;
      int m = Math.min(ROWS_PER_TASK, gemm.m() - i0);
      for (int i = 0; i < m; i += ROWS) {
        int from = gemm.a().at(batch) + (i0 + i) * gemm.a().row() + p0 * gemm.a().column();
        int n = Math.min(ROWS, m - i);
        pack(a, from, gemm.a(), n, p1 - p0, to, at + i * (p1 - p0), ROWS);
      }
    }

    /** Packs one panel of columns. */
    void packColumns(int batch, int panel, int p0, int p1, float[] to, int at) {
      int j0 = panel * COLUMNS;
      int n = Math.min(COLUMNS, gemm.n() - j0);
      int from = gemm.b().at(batch) + j0 * gemm.b().row() + p0 * gemm.b().column();
      pack(b, from, gemm.b(), n, p1 - p0, to, at, roundUp(n, LANES));
    }

    private void pack(
        Object from, int at, Gemm.Matrix x, int n, int k, float[] to, int toAt, int ld) {
      if (gemm.mixed()) {
        Gemm.convert(from, at, x.row(), x.column(), n, k, to, toAt, ld);
      } else {
        PackF32.pack((float[]) from, at, x.row(), x.column(), n, k, to, toAt, ld);
      }
    }

    private void each(int count, Workers.Task task) {
      if (parallel) {
        Workers.run(count, task);
      } else {
        for (int i = 0; i < count; i++) {
          task.run(i);
        }
      }
    }

    /** Rows of one task by one panel of columns, over the pairs p0 … p1−1. */
    private final class Tile {
      final int batch;
      final int rows;
      final int panel;
      final int p0;
      final int p1;

      /** Where the shared panels of this tile begin, or −1. */
      int packedA = -1;

      int packedB = -1;

      Tile(int batch, int rows, int panel, int p0, int p1) {
        this.batch = batch;
        this.rows = rows;
        this.panel = panel;
        this.p0 = p0;
        this.p1 = p1;
      }

      void compute(
          float @Nullable [] sharedA, float @Nullable [] sharedB, float[] to, int at, int row) {
        Frame frame = Frame.current();
        int i0 = rows * ROWS_PER_TASK;
        int j0 = panel * COLUMNS;
        int m = Math.min(ROWS_PER_TASK, gemm.m() - i0);
        int n = Math.min(COLUMNS, gemm.n() - j0);
        int ld = roundUp(n, LANES);
        int roundedRows = roundUp(m, ROWS);
        int depth = Math.min(DEPTH, p1 - p0);
        int own = (sharedB == null ? ld * depth : 0) + (sharedA == null ? roundedRows * depth : 0);
        float[] packed = (float[]) frame.panel(DType.F32, own);
        MicroKernelF32 whole = kernel(ROWS, ld / LANES);
        MicroKernelF32 rest = m % ROWS == 0 ? whole : kernel(m % ROWS, ld / LANES);
        for (int p = p0; p < p1; p += DEPTH) {
          int end = Math.min(p1, p + DEPTH);
          float[] b = sharedB;
          int bAt = packedB + (p - p0) * ld;
          if (b == null) {
            b = packed;
            bAt = 0;
            packColumns(batch, panel, p, end, packed, 0);
          }
          Left left = left(sharedA, packed, sharedB == null ? ld * depth : 0, p, end);
          int c = at + i0 * row + j0;
          for (int i = 0; i < m; i += ROWS) {
            int count = Math.min(ROWS, m - i);
            (count == ROWS ? whole : rest)
                .run(
                    left.array,
                    left.at + i * left.group,
                    left.row,
                    left.column,
                    b,
                    bAt,
                    ld,
                    end - p,
                    frame.halfF32);
            PackF32.put(frame.halfF32, ld, to, c + i * row, row, count, n, p > firstPass());
          }
        }
        if (p1 == gemm.k() && splits == 1 && copy == null) {
          gemm.finish(memory, batch, i0, i0 + m, j0, j0 + n);
        }
      }

      /** The pass that overwrites what the result held; stretches each have their own result. */
      private int firstPass() {
        return splits > 1 ? p0 : 0;
      }

      private Left left(float @Nullable [] shared, float[] own, int ownAt, int p, int end) {
        int i0 = rows * ROWS_PER_TASK;
        if (!packA) {
          int step = gemm.a().row();
          int column = gemm.a().column();
          int from = gemm.a().at(batch) + i0 * step + p * column;
          return new Left((float[]) a, from, step, step, column);
        }
        if (shared != null) {
          int k = p1 - p0;
          return new Left(shared, packedA + (p - p0) * ROWS, k, 1, ROWS);
        }
        packRows(batch, rows, p, end, own, ownAt);
        return new Left(own, ownAt, end - p, 1, ROWS);
      }
    }
  }

  /**
   * Rows of the left operand.
   *
   * @param group distance between groups of rows, for each row in a group
   * @param row distance between rows
   * @param column distance between columns
   */
  private record Left(float[] array, int at, int group, int row, int column) {}

  private static int roundUp(int n, int multiple) {
    return (n + multiple - 1) / multiple * multiple;
  }
}
