package org.hesse.backend.cpu;

import java.util.ArrayList;
import java.util.List;
import org.hesse.DType;
import org.hesse.backend.Instruction;
import org.hesse.backend.Step;
import org.hesse.ir.Op;
import org.hesse.ir.ReduceKind;
import org.jspecify.annotations.Nullable;

/**
 * Evaluates a block program and folds what it yields. The domain is seen as outer × reduced ×
 * inner. Where one outer index spans less than a block, a block takes several; else the work is cut
 * into tasks of one outer index, up to a block's width of the inner ones and a fixed number of
 * reduced ones, whose partial results are combined in order.
 */
final class ReduceStep implements Prepared {
  private static final int BLOCK = BlockProgram.BLOCK;

  /** Elements of a task. Also keeps sums of integers in a task exact in double. */
  private static final int TASK_SIZE = 32 * BLOCK;

  /** The same where nothing is evaluated. */
  private static final int COLUMNS_SIZE = 128 * BLOCK;

  /** About so many partial results are kept at most, unless there are as many results. */
  private static final long PARTIALS = 1 << 20;

  /** Sums of so many integers are exact in double. */
  private static final long EXACT = 1 << 21;

  private final BlockProgram program;
  private final int result;
  private final DType folded;
  private final FoldKernel fold;
  private final double start;
  private final Step.Reduce step;
  private final Strided out;
  private final long outer;
  private final long reduced;
  private final long inner;

  /** Where the operand begins if it is floats that are reduced as they lie in memory, else −1. */
  private final long direct;

  private final @Nullable ColumnSum columns;

  /** All of it at once, where it is small and not done in parts. */
  private final @Nullable Prepared few;

  ReduceStep(Step.Reduce step) {
    this.step = step;
    List<Instruction> code = new ArrayList<>(step.code());
    DType dtype = step.dtype();
    if (dtype == DType.I32) {
      // Sums of a task's integers are exact in double, and so is everything else about them.
      code.add(new Instruction.Apply(new Op.Cast(), DType.F64, List.of(code.size() - 1)));
    } else if (dtype == DType.BOOL) {
      throw new IllegalArgumentException("a reduction of BOOL is not defined; cast to I32 first");
    }
    this.result = code.size() - 1;
    this.folded = code.getLast().dtype();
    this.program = new BlockProgram(step.domain(), code, List.of(), result);
    this.fold = Folds.of(step.kind(), dtype == DType.F32);
    this.start = step.kind() == ReduceKind.SUM ? 0 : Double.NEGATIVE_INFINITY;
    int[] domain = step.domain();
    int from = step.outer();
    int to = from + step.reduced();
    this.outer = BlockProgram.size(java.util.Arrays.copyOfRange(domain, 0, from));
    this.reduced = BlockProgram.size(java.util.Arrays.copyOfRange(domain, from, to));
    this.inner = BlockProgram.size(java.util.Arrays.copyOfRange(domain, to, domain.length));
    int[] kept = new int[domain.length - step.reduced()];
    System.arraycopy(domain, 0, kept, 0, from);
    System.arraycopy(domain, to, kept, from, domain.length - to);
    this.out = Strided.of(kept, step.out());
    this.direct = folded == DType.F32 && inner <= BLOCK ? direct(domain, code) : -1;
    this.columns = Simd.PRESENT ? ColumnSum.of(step, inner) : null;
    this.few = Simd.PRESENT ? ShortColumns.of(step) : null;
  }

  private static long direct(int[] domain, List<Instruction> code) {
    if (code.size() > 1 || !(code.get(0) instanceof Instruction.Load load)) {
      return -1;
    }
    Strided view = Strided.of(domain, load.view());
    return view.isDense() ? view.position(0) : -1;
  }

  @Override
  public void run(Memory memory) {
    if (few != null) {
      few.run(memory);
    } else if (reduced * inner <= BLOCK) {
      runGroups(memory);
    } else {
      runTiles(memory);
    }
  }

  /** Every block holds whole outer indices. */
  private void runGroups(Memory memory) {
    int group = (int) (reduced * inner);
    int width = (int) inner;
    int perBlock = BLOCK / group;
    int perTask = perBlock * Math.max(1, TASK_SIZE / BLOCK / program.cost());
    Workers.run(
        Math.toIntExact((outer + perTask - 1) / perTask),
        task -> {
          Frame frame = Frame.current();
          long end = Math.min(outer, (long) (task + 1) * perTask);
          for (long g = (long) task * perTask; g < end; g += perBlock) {
            int groups = (int) Math.min(perBlock, end - g);
            program.run(frame, memory, g * group, groups * group);
            clear(frame, groups * width);
            foldGroups(frame, groups, group, width);
            settle(frame.sums, frame.lost, groups * width);
            write(memory, frame.sums, 0, g * width, groups * width);
          }
        });
  }

  private void foldGroups(Frame frame, int groups, int group, int width) {
    boolean rows = width == 1 && folded == DType.F32 && step.kind() == ReduceKind.SUM;
    if (rows && Simd.PRESENT) {
      float[] data = (float[]) frame.values[result];
      for (int i = 0; i < groups; i++) {
        frame.sums[i] = WideF32.sum(data, frame.offsets[result] + i * group, group);
      }
      return;
    }
    for (int i = 0; i < groups; i++) {
      fold(frame, i * group, (int) reduced, width, i * width);
    }
  }

  /** Every task holds some of the reduced indices for some inner ones of one outer index. */
  private void runTiles(Memory memory) {
    int width = width();
    int tiles = tiles();
    int blocks =
        Math.max(1, TASK_SIZE / (rowsPerBlock() * width * Math.max(1, program.cost() / 4)));
    int rowsPerTask = atLeast(columns != null ? COLUMNS_SIZE / width : rowsPerBlock() * blocks);
    int chunks = Math.toIntExact((reduced + rowsPerTask - 1) / rowsPerTask);
    double[] partial = chunks == 1 ? null : new double[partialSize(chunks)];
    Workers.run(
        Math.toIntExact(outer * tiles * chunks),
        task -> {
          Frame frame = Frame.current();
          int chunk = task % chunks;
          int tile = task / chunks % tiles;
          long o = task / chunks / tiles;
          int w = width(tile);
          clear(frame, w);
          long first = (long) chunk * rowsPerTask;
          add(frame, memory, o, tile, first, Math.min(reduced, first + rowsPerTask));
          settle(frame.sums, frame.lost, w);
          if (partial == null) {
            write(memory, frame.sums, 0, o * inner + (long) tile * width, w);
          } else {
            System.arraycopy(frame.sums, 0, partial, at(o, chunk, chunks, tile), w);
          }
        });
    if (partial != null) {
      combine(memory, partial, chunks);
    }
  }

  /** So many rows of a task, or more where there would be too many partial results. */
  private int atLeast(int rows) {
    long most = Math.max(1, PARTIALS / (outer * inner));
    if ((reduced + rows - 1) / rows <= most) {
      return rows;
    }
    long more = Math.min((reduced + most - 1) / most, EXACT);
    int block = rowsPerBlock();
    return (int) Math.max(rows, (more + block - 1) / block * block);
  }

  /** Whether it adds up columns of floats, whose elements are rows of the domain's first axis. */
  static boolean overRows(Step.Reduce step) {
    int[] domain = step.domain();
    return step.outer() == 0
        && step.reduced() == 1
        && step.dtype().isReal()
        && step.kind() == ReduceKind.SUM
        && domain.length > 1
        && BlockProgram.size(domain) > BLOCK;
  }

  /** Room for what {@link #addRows} leaves to {@link #combine}. */
  int partialSize(int chunks) {
    return Math.toIntExact(outer * chunks * inner);
  }

  /**
   * Adds rows from … end−1 to a chunk's partial result, see {@link #overRows}.
   *
   * @param first whether there is none yet
   */
  void addRows(Memory memory, long from, long end, int chunk, boolean first, double[] partial) {
    Frame frame = Frame.current();
    for (int tile = 0; tile < tiles(); tile++) {
      int w = width(tile);
      int at = at(0, chunk, 1, tile);
      clear(frame, w);
      if (!first) {
        System.arraycopy(partial, at, frame.sums, 0, w);
      }
      add(frame, memory, 0, tile, from, end);
      settle(frame.sums, frame.lost, w);
      System.arraycopy(frame.sums, 0, partial, at, w);
    }
  }

  private int width() {
    return (int) Math.min(inner, BLOCK);
  }

  private int tiles() {
    return Math.toIntExact((inner + width() - 1) / width());
  }

  private int width(int tile) {
    return (int) Math.min(width(), inner - (long) tile * width());
  }

  private int rowsPerBlock() {
    return inner <= BLOCK ? BLOCK / width() : 1;
  }

  /** Where a tile of a chunk is among the partial results. */
  private int at(long o, int chunk, int chunks, int tile) {
    return (int) ((o * chunks + chunk) * inner + (long) tile * width());
  }

  /** Adds reduced indices first … end−1 of a tile to the sums of the frame. */
  private void add(Frame frame, Memory memory, long o, int tile, long first, long end) {
    long i0 = (long) tile * width();
    int w = width(tile);
    if (columns != null) {
      int most = COLUMNS_SIZE / width();
      for (long r = first; r < end; r += most) {
        columns.add(frame, memory, o * reduced + r, (int) Math.min(most, end - r), i0, w);
      }
      return;
    }
    if (direct >= 0) {
      foldInPlace(frame, memory, o * reduced + first, o * reduced + end);
      return;
    }
    int perBlock = rowsPerBlock();
    int gathered = 0;
    for (long r = first; r < end; r += perBlock) {
      int rows = (int) Math.min(perBlock, end - r);
      program.run(frame, memory, (o * reduced + r) * inner + i0, rows * w);
      gathered = gather(frame, gathered, rows, w, end - r <= perBlock);
    }
  }

  /** Folds the partial results of all chunks, in their order. */
  void combine(Memory memory, double[] partial, int chunks) {
    FoldKernel ordered = Folds.of(step.kind(), false);
    int tiles = tiles();
    Workers.run(
        Math.toIntExact(outer * tiles),
        task -> {
          Frame frame = Frame.current();
          int tile = task % tiles;
          long o = task / tiles;
          int w = width(tile);
          clear(frame, w);
          for (int c = 0; c < chunks; c++) {
            int at = at(o, c, chunks, tile);
            ordered.fold(frame, partial, at, 1, w, frame.sums, frame.lost, 0);
            if (step.dtype() == DType.I32) {
              wrap(frame.sums, w);
            }
          }
          settle(frame.sums, frame.lost, w);
          write(memory, frame.sums, 0, o * inner + (long) tile * width(), w);
        });
  }

  /** Folds rows that lie one after another where they are. */
  private void foldInPlace(Frame frame, Memory memory, long from, long end) {
    Object data = memory.array(((Instruction.Load) step.code().get(0)).view().slot());
    int width = (int) inner;
    int most = Integer.highestOneBit(2 * Frame.FOLDED / width);
    for (long r = from; r < end; r += most) {
      int rows = (int) Math.min(most, end - r);
      fold.fold(frame, data, (int) (direct + r * width), rows, width, frame.sums, frame.lost, 0);
    }
  }

  private void clear(Frame frame, int n) {
    java.util.Arrays.fill(frame.sums, 0, n, start);
    java.util.Arrays.fill(frame.lost, 0, n, 0);
  }

  /**
   * Puts a block of rows behind those gathered before, and folds all of them if the next block may
   * not find room: folds among many rows take fewer instructions than those into the sums. Doubles
   * are folded at once, since so many of them would not stay in the first cache.
   *
   * @return how many rows there are to fold yet
   */
  private int gather(Frame frame, int gathered, int rows, int width, boolean last) {
    if (folded != DType.F32 || last && gathered == 0) {
      fold(frame, 0, rows, width, 0);
      return 0;
    }
    Object data = frame.values[result];
    Object all = frame.panel(folded, Frame.FOLDED);
    System.arraycopy(data, frame.offsets[result], all, gathered * width, rows * width);
    int sum = gathered + rows;
    if (!last && sum * width + BLOCK <= Frame.FOLDED) {
      return sum;
    }
    fold.fold(frame, all, 0, sum, width, frame.sums, frame.lost, 0);
    return 0;
  }

  private void fold(Frame frame, int skip, int rows, int width, int to) {
    Object data = frame.values[result];
    int offset = frame.offsets[result] + skip;
    fold.fold(frame, data, offset, rows, width, frame.sums, frame.lost, to);
  }

  /** Adds what rounding took back to the sums. Next to an infinity that is NaN, and meaningless. */
  private static void settle(double[] sums, double[] lost, int n) {
    for (int i = 0; i < n; i++) {
      if (Double.isFinite(sums[i])) {
        sums[i] += lost[i];
      }
    }
  }

  /** Integer arithmetic wraps around. */
  private static void wrap(double[] sums, int n) {
    for (int i = 0; i < n; i++) {
      sums[i] = (int) (long) sums[i];
    }
  }

  private void write(Memory memory, double[] from, int at, long index, int n) {
    Object to = memory.array(step.out().slot());
    if (step.dtype() == DType.F64) {
      out.scatter(from, at, index, n, to);
    } else {
      Object rounded = Frame.current().result(step.dtype());
      Arrays.round(from, at, rounded, 0, n);
      out.scatter(rounded, 0, index, n, to);
    }
  }
}
