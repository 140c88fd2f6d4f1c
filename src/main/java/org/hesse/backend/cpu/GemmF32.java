// twin: F64
package org.hesse.backend.cpu;

import jdk.incubator.vector.FloatVector;
import org.hesse.DType;
import org.jspecify.annotations.Nullable;

/**
 * A matrix product from register-blocked tiles. The result is cut into groups of a few rows and
 * panels of up to {@link #VECTORS} vectors of columns; a task is a block of groups by a block of
 * panels. Operands are read where they lie if that is as fast, and else copied into tiles and
 * panels. A long sum with few tasks is cut into stretches that are added up in order. How the work
 * is cut depends on the shape and the layout only.
 */
final class GemmF32 implements Prepared {
  private static final int LANES = FloatVector.SPECIES_PREFERRED.length();

  /** With 16 registers, as processors with vectors of 256 bits have, only 4 × 3 sums fit. */
  private static final boolean FEW_REGISTERS = FloatVector.SPECIES_PREFERRED.vectorBitSize() == 256;

  private static final int VECTORS = FEW_REGISTERS ? 3 : 4;

  /** Rows of a group at most, for each number of vectors: as many sums as registers can hold. */
  private static final int[] ROWS = FEW_REGISTERS ? new int[] {8, 6, 4} : new int[] {8, 8, 8, 6};

  private static final int COLUMNS = VECTORS * LANES;

  /** Pairs per pass: a panel of that depth stays in the nearest caches. */
  private static final int DEPTH = 512;

  /** Elements that the shared panels of one operand take up at most, but for very narrow ones. */
  private static final int SHARED = 1 << 22;

  /** Below so many multiplications threads would cost more than they give. */
  static final long PARALLEL = 1 << 20;

  /** Sums up to this long are never cut into stretches. */
  static final int UNCUT = 2048;

  /** Multiplications of a task at least, and at most unless there are few tasks. */
  private static final long SMALL_TASK = 1 << 19;

  private static final long LARGE_TASK = 1 << 24;

  /** So many tasks are enough for any number of threads. */
  private static final int MANY = 64;

  /** Panels that a task goes through at most: so the rows that a tail sees are long. */
  private static final int WIDE = 8;

  /** Rows of a task at most: a pass over them fits the cache of a core. */
  private static final int TALL = 96;

  /** Columns this far apart are still read where they are: a pass over them fits the caches. */
  private static final int NEAR = 896;

  /** The left operand is copied into tiles if at least so many uses, and rows, make it pay. */
  private static final int REUSED = 512;

  private static final int FEWEST_ROWS = 64;

  /**
   * The right one if it is used so often and larger: a panel should lie in the first cache as a
   * whole.
   */
  private static final int REUSED_RIGHT = 64;

  private static final int FAR_RIGHT = (1 << 15) / Float.BYTES;

  /**
   * With so many rows at most each task copies its own panels, and none waits for others; with the
   * larger number of them where there are enough panels for a task each.
   */
  private static final int FEW_ROWS = 256;

  private static final int MORE_ROWS = 512;

  private static final int ENOUGH_PANELS = 8;

  /**
   * Panels that are packed together at most, and pairs in turn, so that memory is read in long
   * stretches.
   */
  private static final int PANELS = 8;

  /** So many tasks of packing, if there are panels enough, keep most threads busy. */
  private static final int PACKING_TASKS = 8;

  private static final int STRIP = 8;

  private static final @Nullable MicroKernelF32[] KERNELS =
      new MicroKernelF32[PackF32.TILE * VECTORS * 4];

  private final Gemm gemm;
  private final boolean packA;
  private final boolean packB;

  /** Whether several tasks read what is packed, so that it is packed beforehand. */
  private final boolean sharedA;

  private final boolean sharedB;

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
    boolean lines = gemm.a().column() == 1;
    this.packA =
        gemm.mixed()
            || !lines && !shortColumns
            || !FEW_REGISTERS && n >= REUSED && m >= FEWEST_ROWS;
    this.packB =
        gemm.mixed() || gemm.b().row() != 1 || m >= REUSED_RIGHT && (long) k * n > FAR_RIGHT;
    long one = (long) m * n * k;
    this.parallel = gemm.batch() * one >= PARALLEL;
    this.panels = (n + COLUMNS - 1) / COLUMNS;
    int rest = n - (panels - 1) * COLUMNS;
    int vectors = (rest + LANES - 1) / LANES;
    this.maxRows = ROWS[(panels > 1 ? VECTORS : vectors) - 1];
    this.groups = (m + maxRows - 1) / maxRows;
    this.groupRows = m / groups;
    this.longer = m % groups;
    long wanted =
        Math.max(1, Math.max(Math.min(16, one / SMALL_TASK), Math.min(MANY, one / LARGE_TASK)));
    int few = panels >= ENOUGH_PANELS ? MORE_ROWS : FEW_ROWS;
    boolean own = packB && !packA && m <= few && (panels > 1 || gemm.batch() > 1);
    this.columnBlocks = own ? (int) Math.min(wanted, panels) : columnBlocks((int) wanted);
    this.rowBlocks = own ? 1 : rowBlocks((int) wanted, columnBlocks);
    // Of a tall operand each task rather makes its own tiles than all of them a copy of it.
    boolean tall = (long) groups * PackF32.TILE * DEPTH > SHARED;
    this.sharedA = packA && columnBlocks > 1 && !tall;
    this.sharedB = packB && rowBlocks > 1;
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
      whole[more] = kernel(rows, VECTORS, false, packA);
      last[more] = kernel(rows, vectors, masked, packA);
    }
  }

  /** Of the cuts into enough tasks the one with which these read least together. */
  private int columnBlocks(int wanted) {
    int rows = (groups + 1) / 2;
    int best = Math.max((panels + WIDE - 1) / WIDE, Math.min(panels, (wanted + rows - 1) / rows));
    long least = Long.MAX_VALUE;
    for (int blocks = best; blocks <= Math.min(panels, wanted); blocks++) {
      long read = (long) rowBlocks(wanted, blocks) * gemm.n() + (long) blocks * gemm.m();
      if (read < least) {
        least = read;
        best = blocks;
      }
    }
    return best;
  }

  private int rowBlocks(int wanted, int columnBlocks) {
    int blocks = Math.max((wanted + columnBlocks - 1) / columnBlocks, (gemm.m() + TALL - 1) / TALL);
    return Math.min((groups + 1) / 2, blocks);
  }

  private static synchronized MicroKernelF32 kernel(
      int rows, int vectors, boolean masked, boolean tiled) {
    // Where bounds are checked once the compiler unrolls the loop, for which registers must be
    // left.
    int[] size = {rows, vectors, masked ? 1 : 0, tiled && !FEW_REGISTERS ? 1 : 0};
    int i = (((rows - 1) * VECTORS + vectors - 1) * 2 + size[2]) * 2 + size[3];
    MicroKernelF32 kernel = KERNELS[i];
    if (kernel == null) {
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

  /** How many rows a group has. */
  private int rows(int group) {
    return group < longer ? groupRows + 1 : groupRows;
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

    /** Goes through the product in blocks whose shared panels are small enough to keep. */
    void blocks() {
      int blocks = rowBlocks * columnBlocks;
      if (!sharedA && !sharedB) {
        each(gemm.batch() * blocks, task -> whole(task / blocks, task % blocks));
        return;
      }
      // Of a wide right operand the panels of some column blocks at a time.
      long fit = SHARED / DEPTH / COLUMNS * (long) columnBlocks / panels;
      int together = sharedB ? Math.clamp(fit, 1, columnBlocks) : columnBlocks;
      long wide = Math.min(panels, ((long) panels * together + columnBlocks - 1) / columnBlocks);
      int lines = Math.max(sharedA ? groups * PackF32.TILE : 0, sharedB ? (int) wide * COLUMNS : 0);
      int depth = Math.max(1, SHARED / lines / DEPTH) * DEPTH;
      for (int batch = 0; batch < gemm.batch(); batch++) {
        for (int p0 = 0; p0 < gemm.k(); p0 += depth) {
          int p1 = Math.min(gemm.k(), p0 + depth);
          for (int b0 = 0; b0 < columnBlocks; b0 += together) {
            shared(batch, p0, p1, b0, Math.min(columnBlocks, b0 + together));
          }
        }
      }
    }

    private void whole(int batch, int block) {
      new Block(batch, block, 0, gemm.k()).compute(null);
    }

    private void shared(int batch, int p0, int p1, int block0, int block1) {
      int k = p1 - p0;
      int panel0 = part(block0, columnBlocks, panels);
      int panel1 = part(block1, columnBlocks, panels);
      int count = panel1 - panel0;
      int right = sharedB ? count * COLUMNS * k : 0;
      int left = sharedA ? groups * PackF32.TILE * k : 0;
      float[] packed = (float[]) Frame.current().shared(DType.F32, Math.addExact(right, left));
      int depth = depth(k);
      int passes = (k + depth - 1) / depth;
      int together = Math.clamp((long) count * passes / PACKING_TASKS, 1, PANELS);
      int bundlesB = sharedB ? (count + together - 1) / together : 0;
      each(
          passes * (bundlesB + (sharedA ? rowBlocks : 0)),
          task -> {
            int p = p0 + task % passes * depth;
            int end = Math.min(p1, p + depth);
            int bundle = task / passes;
            if (bundle < bundlesB) {
              int first = bundle * together;
              int at = count * COLUMNS * (p - p0) + first * COLUMNS * (end - p);
              int last = Math.min(count, first + together);
              packColumns(batch, panel0 + first, panel0 + last, p, end, packed, at);
            } else {
              int g0 = part(bundle - bundlesB, rowBlocks, groups);
              int g1 = part(bundle - bundlesB + 1, rowBlocks, groups);
              packRows(batch, g0, g1, p, end, packed, right + tilesAt(g0, p - p0, end - p));
            }
          });
      Shared shared = new Shared(packed, panel0, count);
      each(
          rowBlocks * (block1 - block0),
          block -> new Block(batch, block0 * rowBlocks + block, p0, p1).compute(shared));
    }

    /** Packs panels of columns. */
    void packColumns(int batch, int panel0, int panel1, int p0, int p1, float[] to, int at) {
      int k = p1 - p0;
      Gemm.Matrix x = gemm.b();
      int strip = x.row() == 1 ? STRIP : k;
      for (int p = 0; p < k; p += strip) {
        for (int panel = panel0; panel < panel1; panel++) {
          int j = panel * COLUMNS;
          int n = Math.min(COLUMNS, gemm.n() - j);
          int ld = roundUp(n, LANES);
          int from = x.at(batch) + j * x.row() + (p0 + p) * x.column();
          int target = at + (panel - panel0) * COLUMNS * k + p * ld;
          pack(b, from, x, n, Math.min(strip, k - p), to, target, ld);
        }
      }
    }

    /** Packs the rows of groups into tiles. */
    void packRows(int batch, int group0, int group1, int p0, int p1, float[] to, int at) {
      Gemm.Matrix x = gemm.a();
      for (int group = group0; group < group1; group++) {
        int from = x.at(batch) + row(group) * x.row() + p0 * x.column();
        int target = at + (group - group0) * PackF32.TILE * (p1 - p0);
        pack(a, from, x, rows(group), p1 - p0, to, target, PackF32.TILE);
      }
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
      void compute(@Nullable Shared shared) {
        compute(shared, c, gemm.c().at(batch), gemm.c().row(), gemm.c().column());
        if (p1 == gemm.k()) {
          int j1 = Math.min(gemm.n(), panel1 * COLUMNS);
          gemm.finish(memory, batch, row(group0), row(group1), panel0 * COLUMNS, j1);
        }
      }

      /** Computes the block into a matrix. Sums begin with the first pair, or that of a stretch. */
      void compute(@Nullable Shared shared, float[] to, int at, int row, int column) {
        int first = splits > 1 ? p0 : 0;
        int depth = depth(p1 - p0);
        boolean ownB = packB && (shared == null || !sharedB);
        boolean ownA = packA && (shared == null || !sharedA);
        int right = ownB ? COLUMNS * Math.min(depth, p1 - p0) : 0;
        int left = ownA ? (group1 - group0) * PackF32.TILE * depth : 0;
        float[] own =
            right + left > 0
                ? (float[]) Frame.current().panel(DType.F32, right + left)
                : Frame.current().halfF32;
        for (int p = p0; p < p1; p += depth) {
          int end = Math.min(p1, p + depth);
          Side x;
          if (ownA) {
            packRows(batch, group0, group1, p, end, own, right);
            x = new Side(own, right, 1, PackF32.TILE);
          } else if (packA && shared != null) {
            int begin = sharedB ? shared.panels * COLUMNS * (p1 - p0) : 0;
            begin += tilesAt(group0, p - p0, end - p);
            x = new Side(shared.array, begin, 1, PackF32.TILE);
          } else {
            Gemm.Matrix m = gemm.a();
            int begin = m.at(batch) + row(group0) * m.row() + p * m.column();
            x = new Side((float[]) a, begin, m.row(), m.column());
          }
          for (int panel = panel0; panel < panel1; panel++) {
            int ld = roundUp(Math.min(COLUMNS, gemm.n() - panel * COLUMNS), LANES);
            Side y;
            if (ownB) {
              packColumns(batch, panel, panel + 1, p, end, own, 0);
              y = new Side(own, 0, 1, ld);
            } else if (packB && shared != null) {
              int begin = shared.panels * COLUMNS * (p - p0);
              begin += (panel - shared.panel0) * COLUMNS * (end - p);
              y = new Side(shared.array, begin, 1, ld);
            } else {
              Gemm.Matrix m = gemm.b();
              int begin = m.at(batch) + panel * COLUMNS + p * m.column();
              y = new Side((float[]) b, begin, 1, m.column());
            }
            panel(x, y, panel, end - p, p > first, to, at, row, column);
          }
        }
      }

      /** Multiplies the rows of the block by one panel, over the k pairs of a pass. */
      private void panel(
          Side x, Side y, int panel, int k, boolean add, float[] to, int at, int row, int column) {
        float[] tile = Frame.current().halfF32;
        int j = panel * COLUMNS;
        int n = Math.min(COLUMNS, gemm.n() - j);
        int ld = roundUp(n, LANES);
        boolean direct = ld == n && column == 1 && !add;
        MicroKernelF32[] kernels = panel == panels - 1 ? last : whole;
        for (int group = group0; group < group1; group++) {
          int i = row(group);
          int rows = rows(group);
          int from =
              packA ? x.at + (group - group0) * PackF32.TILE * k : x.at + (i - row(group0)) * x.row;
          int c = at + i * row + j * column;
          MicroKernelF32 kernel = kernels[rows - groupRows];
          if (direct) {
            kernel.run(x.array, from, x.row, x.column, y.array, y.at, y.column, n, k, to, c, row);
          } else {
            kernel.run(x.array, from, x.row, x.column, y.array, y.at, y.column, n, k, tile, 0, ld);
            PackF32.put(tile, ld, to, c, row, column, rows, n, add);
          }
        }
      }
    }
  }

  /** What several tasks read: so many panels from one on, if any, and the tiles behind them. */
  private record Shared(float[] array, int panel0, int panels) {}

  /** Where the kernel reads an operand: the first element, and the strides over lines and pairs. */
  private record Side(float[] array, int at, int row, int column) {}

  /** Where a group's tile begins, in a pass over so many pairs after so many others. */
  private int tilesAt(int group, int before, int pairs) {
    return (groups * before + group * pairs) * PackF32.TILE;
  }

  /** The pairs of each pass over so many but the last: about equal parts, and whole vectors. */
  private static int depth(int pairs) {
    int passes = (pairs + DEPTH - 1) / DEPTH;
    return roundUp((pairs + passes - 1) / passes, LANES);
  }

  private static int roundUp(int n, int multiple) {
    return (n + multiple - 1) / multiple * multiple;
  }
}
