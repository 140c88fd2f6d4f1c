// twin: F64
package org.hesse.backend.cpu;

import jdk.incubator.vector.FloatVector;
import org.hesse.DType;
import org.jspecify.annotations.Nullable;

/**
 * A matrix product from register-blocked tiles. The result is cut into groups of a few rows and
 * panels of up to {@link #VECTORS} vectors of columns; a task is a block of groups by a block of
 * panels. Operands are read where they lie if that is as fast, and else copied into packed panels.
 * A long sum with few tasks is cut into stretches that are added up in order. How the work is cut
 * depends on the shape and the layout only.
 */
final class GemmF32 implements Prepared {
  private static final int LANES = FloatVector.SPECIES_PREFERRED.length();

  /** With 16 registers, as processors with vectors of 256 bits have, only 4 × 3 sums fit. */
  private static final boolean FEW_REGISTERS = FloatVector.SPECIES_PREFERRED.vectorBitSize() == 256;

  private static final int VECTORS = FEW_REGISTERS ? 3 : 4;

  /** Rows of a group at most, for each number of vectors: as many sums as registers can hold. */
  private static final int[] ROWS = FEW_REGISTERS ? new int[] {8, 6, 4} : new int[] {8, 8, 6, 5};

  private static final int COLUMNS = VECTORS * LANES;

  /** Pairs per pass: a panel of that depth stays in the nearest caches. */
  private static final int DEPTH = 256;

  /** Elements that the shared panels of one operand take up at most, but for very narrow ones. */
  private static final int SHARED = 1 << 22;

  /** Below so many multiplications threads would cost more than they give. */
  static final long PARALLEL = 1 << 20;

  /** Sums up to this long are never cut into stretches. */
  static final int UNCUT = 2048;

  /** Multiplications of a task at least, and at most unless there are few tasks. */
  private static final long SMALL_TASK = 1 << 19;

  private static final long LARGE_TASK = 1 << 24;

  /**
   * Elements of the right operand that a task reads at most: half of what the cache of a core has.
   */
  private static final int NEAREST = (1 << 19) / Float.BYTES;

  /** Panels that a task goes through at most: so the rows that a tail sees are long. */
  private static final int WIDE = 8;

  /** Columns this far apart are still read where they are: a pass over them fits the caches. */
  private static final int NEAR = 1024;

  /** The right operand is copied if at least so many rows and so many elements make it pay. */
  private static final int REUSED = 96;

  private static final int FAR = (1 << 17) / Float.BYTES;

  private static final @Nullable MicroKernelF32[] KERNELS = new MicroKernelF32[8 * VECTORS * 2];

  private final Gemm gemm;
  private final boolean packA;
  private final boolean packB;
  private final boolean parallel;

  /** Groups of rows, of which the first {@link #longer} have one row more than the others. */
  private final int groups;

  private final int maxRows;
  private final int groupRows;
  private final int longer;
  private final int panels;
  private final int rowBlocks;
  private final int columnBlocks;
  private final int splits;
  private final int splitDepth;

  /** For the shorter and longer groups: the kernel of a whole panel and that of the last one. */
  private final MicroKernelF32[] whole = new MicroKernelF32[2];

  private final MicroKernelF32[] last = new MicroKernelF32[2];

  GemmF32(Gemm given) {
    // Rather vectors along columns than vectors that are hardly filled.
    boolean narrow = given.n() < LANES && given.m() >= 2 * LANES && given.a().row() == 1;
    gemm = narrow ? given.turn() : given;
    int m = gemm.m();
    int n = gemm.n();
    int k = gemm.k();
    boolean shortColumns = gemm.a().row() == 1 && Math.abs(gemm.a().column()) <= NEAR;
    this.packA = gemm.mixed() || gemm.a().column() != 1 && !shortColumns;
    this.packB = gemm.mixed() || gemm.b().row() != 1 || m >= REUSED && (long) k * n > FAR;
    long work = (long) gemm.batch() * m * n * k;
    this.parallel = work >= PARALLEL;
    this.panels = (n + COLUMNS - 1) / COLUMNS;
    int rest = n - (panels - 1) * COLUMNS;
    int vectors = (rest + LANES - 1) / LANES;
    this.maxRows = ROWS[(panels > 1 ? VECTORS : vectors) - 1];
    this.groups = (m + maxRows - 1) / maxRows;
    this.groupRows = m / groups;
    this.longer = m % groups;
    long one = (long) m * n * k;
    long wanted = Math.max(1, Math.max(Math.min(16, one / SMALL_TASK), one / LARGE_TASK));
    long near = ((long) k * panels * COLUMNS + NEAREST - 1) / NEAREST;
    int columns = (int) Math.min(panels, Math.max((panels + WIDE - 1) / WIDE, near));
    this.rowBlocks = (int) Math.min((groups + 1) / 2, (wanted + columns - 1) / columns);
    this.columnBlocks = (int) Math.max(columns, Math.min(panels, wanted / rowBlocks));
    long tasks = (long) gemm.batch() * rowBlocks * columnBlocks;
    long size = (long) gemm.batch() * m * n;
    int parts = tasks >= 8 ? 1 : k / UNCUT;
    int limit = (int) Math.max(1, Math.min(parts, SHARED / size));
    int passes = (k + DEPTH - 1) / DEPTH;
    this.splitDepth = (passes + limit - 1) / limit * DEPTH;
    this.splits = (k + splitDepth - 1) / splitDepth;
    boolean masked = !packB && rest % LANES != 0;
    for (int more = 0; more < 2; more++) {
      int rows = Math.min(maxRows, groupRows + more);
      whole[more] = kernel(rows, VECTORS, false);
      last[more] = kernel(rows, vectors, masked);
    }
  }

  private static synchronized MicroKernelF32 kernel(int rows, int vectors, boolean masked) {
    int i = ((rows - 1) * VECTORS + vectors - 1) * 2 + (masked ? 1 : 0);
    MicroKernelF32 kernel = KERNELS[i];
    if (kernel == null) {
      int[] size = {rows, vectors, masked ? 1 : 0};
      kernel = Specialized.copy(MicroF32.class, MicroKernelF32.class, size);
      KERNELS[i] = kernel;
    }
    return kernel;
  }

  @Override
  public void run(Memory memory) {
    Run run = new Run(memory);
    if (splits > 1) {
      int size = Math.toIntExact((long) gemm.batch() * gemm.m() * gemm.n());
      float[] partial = new float[Math.multiplyExact(splits, size)];
      run.each(splits * gemm.batch() * rowBlocks * columnBlocks, t -> run.stretch(t, partial));
      run.addUp(partial);
      gemm.finish(memory);
    } else {
      run.blocks();
    }
  }

  /** The first row of a group. */
  private int row(int group) {
    return group * groupRows + Math.min(group, longer);
  }

  /** The first one of the equal parts of something. */
  private static int part(int index, int parts, int count) {
    return (int) ((long) index * count / parts);
  }

  /** One execution: the arrays involved. */
  private final class Run {
    final Memory memory;
    final Object a;
    final Object b;
    final float[] c;

    Run(Memory memory) {
      this.memory = memory;
      a = memory.array(gemm.a().slot());
      b = memory.array(gemm.b().slot());
      c = (float[]) memory.array(gemm.c().slot());
    }

    /** A stretch of all the sums of one block, into the partial results. */
    void stretch(int task, float[] partial) {
      int blocks = rowBlocks * columnBlocks;
      int batch = task / blocks % gemm.batch();
      int split = task / blocks / gemm.batch();
      int p0 = split * splitDepth;
      int at = (split * gemm.batch() + batch) * gemm.m() * gemm.n();
      new Block(batch, task % blocks, p0, Math.min(gemm.k(), p0 + splitDepth))
          .compute(null, partial, at, gemm.n(), 1);
    }

    /** Adds the partial results, in double and in order. */
    void addUp(float[] partial) {
      int n = gemm.n();
      int size = gemm.batch() * gemm.m() * n;
      for (int row = 0; row < gemm.batch() * gemm.m(); row++) {
        int to = gemm.c().at(row / gemm.m()) + row % gemm.m() * gemm.c().row();
        for (int j = 0; j < n; j++) {
          double sum = 0;
          for (int s = 0; s < splits; s++) {
            sum += partial[s * size + row * n + j];
          }
          c[to + j * gemm.c().column()] = (float) sum;
        }
      }
    }

    /**
     * Goes through the product in blocks whose shared panels are small enough to keep. Panels that
     * only one task needs are packed by that task.
     */
    void blocks() {
      int blocks = rowBlocks * columnBlocks;
      if (packB && rowBlocks > 1) {
        int depth = Math.max(1, SHARED / (panels * COLUMNS) / DEPTH) * DEPTH;
        for (int batch = 0; batch < gemm.batch(); batch++) {
          for (int p0 = 0; p0 < gemm.k(); p0 += depth) {
            shared(batch, p0, Math.min(gemm.k(), p0 + depth));
          }
        }
      } else {
        each(gemm.batch() * blocks, task -> whole(task / blocks, task % blocks));
      }
    }

    private void whole(int batch, int block) {
      new Block(batch, block, 0, gemm.k()).compute(null);
    }

    private void shared(int batch, int p0, int p1) {
      float[] packed = (float[]) Frame.current().shared(DType.F32, panels * COLUMNS * (p1 - p0));
      each(panels, panel -> packColumns(batch, panel, p0, p1, packed, panel * COLUMNS * (p1 - p0)));
      each(rowBlocks * columnBlocks, block -> new Block(batch, block, p0, p1).compute(packed));
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

    /** The groups and panels of one task, over the pairs p0 … p1−1. */
    private final class Block {
      final int batch;
      final int p0;
      final int p1;
      final int group0;
      final int group1;
      final int panel0;
      final int panel1;

      Block(int batch, int block, int p0, int p1) {
        this.batch = batch;
        this.p0 = p0;
        this.p1 = p1;
        group0 = part(block % rowBlocks, rowBlocks, groups);
        group1 = part(block % rowBlocks + 1, rowBlocks, groups);
        panel0 = part(block / rowBlocks, columnBlocks, panels);
        panel1 = part(block / rowBlocks + 1, columnBlocks, panels);
      }

      /** Computes the block from the shared panels, if there are any, into the result. */
      void compute(float @Nullable [] shared) {
        compute(shared, c, gemm.c().at(batch), gemm.c().row(), gemm.c().column());
        if (p1 == gemm.k()) {
          int j1 = Math.min(gemm.n(), panel1 * COLUMNS);
          gemm.finish(memory, batch, row(group0), row(group1), panel0 * COLUMNS, j1);
        }
      }

      /** Computes the block into a matrix. Sums begin with the first pair, or that of a stretch. */
      void compute(float @Nullable [] shared, float[] to, int at, int row, int column) {
        int first = splits > 1 ? p0 : 0;
        int passes = (p1 - p0 + DEPTH - 1) / DEPTH;
        int ownB = packB && shared == null ? COLUMNS * Math.min(DEPTH, p1 - p0) : 0;
        int ownA = packA ? (group1 - group0) * maxRows * Math.min(DEPTH, p1 - p0) : 0;
        Frame frame = Frame.current();
        float[] tile = frame.halfF32;
        float[] own = ownB + ownA > 0 ? (float[]) frame.panel(DType.F32, ownB + ownA) : tile;
        for (int pass = 0; pass < passes; pass++) {
          int p = p0 + part(pass, passes, p1 - p0);
          int end = p0 + part(pass + 1, passes, p1 - p0);
          int k = end - p;
          if (packA) {
            packRows(p, end, own, ownB);
          }
          for (int panel = panel0; panel < panel1; panel++) {
            int j = panel * COLUMNS;
            int n = Math.min(COLUMNS, gemm.n() - j);
            int ld = roundUp(n, LANES);
            float[] right;
            int rightAt;
            int rightRow = ld;
            if (shared != null) {
              right = shared;
              rightAt = panel * COLUMNS * (p1 - p0) + (p - p0) * ld;
            } else if (packB) {
              right = own;
              rightAt = 0;
              packColumns(batch, panel, p, end, own, 0);
            } else {
              right = (float[]) b;
              rightAt = gemm.b().at(batch) + j + p * gemm.b().column();
              rightRow = gemm.b().column();
            }
            MicroKernelF32[] kernels = panel == panels - 1 ? last : whole;
            boolean direct = ld == n && column == 1 && p == first;
            for (int group = group0; group < group1; group++) {
              int i = row(group);
              int rows = group < longer ? groupRows + 1 : groupRows;
              MicroKernelF32 kernel = kernels[rows - groupRows];
              int c = at + i * row + j * column;
              float[] left;
              int leftAt;
              int leftRow;
              int leftColumn;
              if (packA) {
                left = own;
                leftAt = ownB + (group - group0) * maxRows * k;
                leftRow = 1;
                leftColumn = maxRows;
              } else {
                left = (float[]) a;
                leftRow = gemm.a().row();
                leftColumn = gemm.a().column();
                leftAt = gemm.a().at(batch) + i * leftRow + p * leftColumn;
              }
              if (direct) {
                kernel.run(
                    left, leftAt, leftRow, leftColumn, right, rightAt, rightRow, n, k, to, c, row);
              } else {
                kernel.run(
                    left, leftAt, leftRow, leftColumn, right, rightAt, rightRow, n, k, tile, 0, ld);
                PackF32.put(tile, ld, to, c, row, column, rows, n, p > first);
              }
            }
          }
        }
      }

      /** Packs the rows of the block, in groups. */
      private void packRows(int p, int end, float[] to, int at) {
        for (int group = group0; group < group1; group++) {
          int i = row(group);
          int from = gemm.a().at(batch) + i * gemm.a().row() + p * gemm.a().column();
          int target = at + (group - group0) * maxRows * (end - p);
          pack(a, from, gemm.a(), row(group + 1) - i, end - p, to, target, maxRows);
        }
      }
    }
  }

  private static int roundUp(int n, int multiple) {
    return (n + multiple - 1) / multiple * multiple;
  }
}
