package org.hesse.backend.cuda;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.hesse.DType;
import org.hesse.backend.Instruction;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.ir.ReduceKind;
import org.jspecify.annotations.Nullable;

/**
 * A reduction of what a register program evaluates, as a kernel made for it. A block makes some
 * results, with several threads for each: neighbours where the reduced axes are the last ones, so
 * that neighbouring threads read neighbouring elements either way. Where results are few, the
 * reduced indices are cut into chunks, whose partial results a second kernel merges. All is in an
 * order that only depends on extents, alignment and device.
 */
final class CudaReduce implements Prepared {
  private static final int THREADS = KernelText.THREADS;
  private static final int WARP = 32;

  /** Blocks for each multiprocessor that keep it busy. */
  private static final int BUSY = 4;

  /** A thread reduces at least so many elements before work is cut up. */
  private static final int LEAST = 8;

  /** The most that a grid has in its second direction. */
  private static final int MOST_CHUNKS = 1024;

  /** So many elements are summed in F32 at most. */
  private static final int UNSETTLED = 64;

  /** Bytes of the largest accumulator. */
  private static final int PARTIAL_BYTES = 16;

  private final Launch launch;
  private final @Nullable Launch merge;
  private final long scratchBytes;

  CudaReduce(CudaContext context, Step.Reduce step) {
    if (step.dtype() == DType.BOOL) {
      throw new IllegalArgumentException("a reduction of BOOL is not defined; cast to I32 first");
    }
    int[] domain = step.domain();
    int from = step.outer();
    int to = from + step.reduced();
    long inner = size(Arrays.copyOfRange(domain, to, domain.length));
    long reduced = size(Arrays.copyOfRange(domain, from, to));
    long results = size(Arrays.copyOfRange(domain, 0, from)) * inner;
    boolean rows = inner == 1;
    if (Generator.isFour(step)) {
      reduced /= Axes.FOUR;
    }
    int columns = rows ? THREADS / lanes(reduced) : columns(results);
    long blocks = Math.ceilDiv(results, (long) columns);
    long perBlock = (long) LEAST * (THREADS / columns);
    long chunks =
        Math.clamp(
            Math.min(
                (long) BUSY * context.multiprocessors() / blocks, Math.ceilDiv(reduced, perBlock)),
            1,
            MOST_CHUNKS);
    long chunk = Math.ceilDiv(reduced, chunks);
    chunks = Math.ceilDiv(reduced, chunk);
    boolean mergeRows = results < WARP;
    int mergeColumns = mergeRows ? THREADS / lanes(chunks) : columns(results);
    Generator generator = new Generator(step, chunks > 1);
    generator.arguments(generator.reduce, results, reduced, columns, rows);
    generator.reduce.count("chunk", chunk);
    generator.arguments(generator.merge, results, chunks, mergeColumns, mergeRows);
    String source = generator.source();
    this.launch =
        new Launch(
            context.generated(source, "reduce"),
            new Launch.Grid(Math.toIntExact(blocks), (int) chunks, 1, THREADS, 0),
            generator.reduce.arguments());
    this.merge =
        chunks == 1
            ? null
            : new Launch(
                context.generated(source, "merge"),
                Launch.Grid.of(Math.ceilDiv(results, (long) mergeColumns), THREADS),
                generator.merge.arguments());
    this.scratchBytes = chunks == 1 ? 0 : results * chunks * PARTIAL_BYTES;
  }

  /**
   * The text of its kernels.
   *
   * @param partial whether work is cut up
   */
  static String source(Step.Reduce step, boolean partial) {
    Generator generator = new Generator(step, partial);
    generator.arguments(generator.reduce, 1, 1, 1, true);
    generator.reduce.count("chunk", 1);
    generator.arguments(generator.merge, 1, 1, 1, true);
    return generator.source();
  }

  private static long size(int[] extents) {
    long size = 1;
    for (int e : extents) {
      size = Math.multiplyExact(size, (long) e);
    }
    return size;
  }

  /** How many threads reduce so many elements that lie one after another: a power of two. */
  private static int lanes(long reduced) {
    return (int) Math.min(Long.highestOneBit(Math.max(1, 2 * reduced - 1)), THREADS);
  }

  /** How many results a block makes where neighbouring threads make different ones. */
  private static int columns(long results) {
    return (int) Math.min(WARP, Long.highestOneBit(Math.max(1, 2 * results - 1)));
  }

  @Override
  public long scratchBytes() {
    return scratchBytes;
  }

  @Override
  public int kernels() {
    return merge == null ? 1 : 2;
  }

  @Override
  public void enqueue(Run run) {
    launch.enqueue(run);
    if (merge != null) {
      merge.enqueue(run);
    }
  }

  /** Writes the kernels of one step. */
  private static final class Generator {
    private final List<Instruction> code;
    private final Step.Reduce step;
    private final boolean partial;
    private final Axes axes;
    private final int[] keptAxes;
    private final int[] reducedAxes;
    private final Axes outAxes;
    private final boolean four;
    private final KernelText reduce;
    private final KernelText merge;

    /**
     * Whether a thread takes four neighbours at a time: each row lies one after another, and begins
     * at a multiple of their size.
     */
    static boolean isFour(Step.Reduce step) {
      Axes axes = new Axes(step.domain());
      Axes last = new Axes(lastReduced(step));
      boolean aligned = last.rank() == 1 && axes.last() % Axes.FOUR == 0;
      boolean together = false;
      for (Instruction in : step.code()) {
        if (in instanceof Instruction.Load(View view)) {
          long[] strides = axes.strides(view.strides());
          aligned &= Axes.isRepeated(strides) || Axes.isAligned(view, strides);
          together |= Axes.isAligned(view, strides);
        }
      }
      return aligned && together;
    }

    /** The extent of the last axis that is not 1, if it is reduced; else nothing. */
    private static int[] lastReduced(Step.Reduce step) {
      int[] domain = step.domain();
      int a = domain.length - 1;
      while (a >= 0 && domain[a] == 1) {
        a--;
      }
      boolean reduced = step.outer() <= a && a < step.outer() + step.reduced();
      return reduced ? new int[] {domain[a]} : new int[0];
    }

    Generator(Step.Reduce step, boolean partial) {
      this.step = step;
      this.code = step.code();
      this.partial = partial;
      this.four = isFour(step);
      int[] domain = step.domain();
      this.axes = new Axes(domain);
      List<Integer> kept = new ArrayList<>();
      List<Integer> reduced = new ArrayList<>();
      int axis = 0;
      for (int a = 0; a < domain.length; a++) {
        if (domain[a] != 1) {
          boolean isReduced = step.outer() <= a && a < step.outer() + step.reduced();
          (isReduced ? reduced : kept).add(axis++);
        }
      }
      this.keptAxes = kept.stream().mapToInt(Integer::intValue).toArray();
      this.reducedAxes = reduced.stream().mapToInt(Integer::intValue).toArray();
      int[] results = new int[domain.length - step.reduced()];
      System.arraycopy(domain, 0, results, 0, step.outer());
      int rest = domain.length - step.outer() - step.reduced();
      System.arraycopy(domain, domain.length - rest, results, step.outer(), rest);
      this.outAxes = new Axes(results);
      long span = Math.max(axes.size(), outAxes.span(outAxes.strides(step.out().strides())));
      for (Instruction in : code) {
        long[] strides =
            switch (in) {
              case Instruction.Load load -> load.view().strides();
              case Instruction.Index index -> index.strides();
              default -> new long[domain.length];
            };
        span = Math.max(span, axes.span(axes.strides(strides)));
      }
      boolean wide = span > Integer.MAX_VALUE - 2 * THREADS;
      this.reduce = new KernelText(wide);
      this.merge = new KernelText(wide);
    }

    private String accumulator() {
      DType dtype = step.dtype();
      if (step.kind() == ReduceKind.MAX) {
        return "HesseMaximum<" + KernelText.type(dtype) + ">";
      }
      return dtype == DType.F32
          ? "HesseSumFloat"
          : dtype == DType.F64 ? "HesseSumDouble" : "HesseSumInt";
    }

    /** What both kernels have for parameters. */
    void arguments(KernelText text, long results, long reduced, int columns, boolean rows) {
      text.count("results", results);
      text.count("reduced", reduced);
      text.parameter("int columns", new Argument.I32(columns));
      text.parameter("int rows", new Argument.I32(rows ? 1 : 0));
      if (partial) {
        text.parameter("A* partial", new Argument.Scratch(0));
      }
    }

    /** One kernel or both, which have their {@link #arguments} already. */
    String source() {
      String source = reduce.header("accumulate.cuh") + "typedef " + accumulator() + " A;\n";
      begin(reduce);
      evaluate();
      end(reduce, partial);
      String text = reduce.text("reduce");
      if (!partial) {
        return source + text;
      }
      begin(merge);
      merge.line("if (k < results) {");
      merge.line("for (Count r = team.lane; r < reduced; r += team.lanes) {");
      merge.line("mine.merge(partial[r * results + k]);");
      merge.line("}");
      merge.line("}");
      end(merge, false);
      return source + text + merge.text("merge");
    }

    private void begin(KernelText text) {
      text.line("__shared__ __align__(16) char room[HESSE_REDUCE_THREADS * sizeof(A)];");
      text.line("HesseTeam team(columns, rows != 0);");
      text.line("Count k = (Count)blockIdx.x * columns + team.column;");
      text.line("A mine;");
    }

    private static int[] pick(Axes axes, int[] which) {
      return Arrays.stream(which).map(axes::extent).toArray();
    }

    private static long[] pick(long[] strides, int[] which) {
      return Arrays.stream(which).mapToLong(a -> strides[a]).toArray();
    }

    private void evaluate() {
      KernelText text = reduce;
      text.line("if (k < results) {");
      List<String> kept = text.indices("k", "k", pick(axes, keptAxes));
      List<String> bases = new ArrayList<>();
      for (int v = 0; v < code.size(); v++) {
        bases.add("b" + v);
        long[] strides = strides(code.get(v));
        if (strides != null) {
          String at = text.position(kept, pick(strides, keptAxes));
          if (code.get(v) instanceof Instruction.Load load) {
            String pointer = text.pointer(load.view(), false);
            String type = KernelText.stored(load.dtype());
            text.line("const " + type + "* b" + v + " = " + pointer + " + " + at + ";");
          } else {
            text.line("At b" + v + " = " + at + ";");
          }
        }
      }
      text.line("Count first = (Count)blockIdx.y * chunk;");
      text.line("Count end = reduced - first < chunk ? reduced : first + chunk;");
      if (settles()) {
        text.line("unsigned taken = 0;");
      }
      text.line("#pragma unroll 4");
      text.line("for (Count r = first + team.lane; r < end; r += team.lanes) {");
      List<String> names = loads(bases);
      if (four) {
        text.line("#pragma unroll");
        text.line("for (int u = 0; u < 4; u++) {");
      }
      for (int v = 0; v < code.size(); v++) {
        if (code.get(v) instanceof Instruction.Apply apply) {
          String type = KernelText.type(apply.dtype());
          text.line(type + " v" + v + " = " + ValueText.of(code, apply, names) + ";");
        }
      }
      text.line("mine.add(" + names.getLast() + ");");
      if (four) {
        text.line("}");
      }
      if (settles()) {
        int times = four ? UNSETTLED / Axes.FOUR : UNSETTLED;
        text.line("if (++taken % " + times + " == 0) mine.settle();");
      }
      text.line("}");
      if (settles()) {
        text.line("mine.settle();");
      }
      text.line("}");
    }

    private boolean settles() {
      return step.kind() == ReduceKind.SUM && step.dtype() == DType.F32;
    }

    /** Reads memory at the reduced index, and names all values that are not computed. */
    private List<String> loads(List<String> bases) {
      KernelText text = reduce;
      int[] dims = pick(axes, reducedAxes);
      if (four) {
        dims[dims.length - 1] /= Axes.FOUR;
      }
      List<String> indices = new ArrayList<>(text.indices("r", "r", dims));
      if (four) {
        text.line(indices.getLast() + " *= 4;");
      }
      List<String> names = new ArrayList<>();
      for (int v = 0; v < code.size(); v++) {
        Instruction in = code.get(v);
        String name = "v" + v;
        String type = KernelText.type(in.dtype());
        long[] all = strides(in);
        long[] strides = all == null ? new long[0] : pick(all, reducedAxes);
        String at = bases.get(v) + " + " + text.position(indices, strides);
        boolean apart = four && !Axes.isRepeated(strides);
        switch (in) {
          case Instruction.Constant(var dtype, double c) -> name = text.constant(dtype, c);
          case Instruction.Load load -> {
            if (apart) {
              text.line(type + " " + name + "l[4];");
              text.line("hesse_load4<" + type + ">(" + at + ", " + name + "l);");
              name += "l[u]";
            } else {
              text.line(type + " " + name + " = hesse_load<" + type + ">(" + at + ");");
            }
          }
          case Instruction.Index index -> {
            text.line("int " + name + "s = (int)(" + at + ");");
            String more = apart ? " + " + text.times("u", strides[strides.length - 1]) : "";
            name = "(int)(" + name + "s" + more + ")";
          }
          case Instruction.Apply apply -> {}
        }
        names.add(name);
      }
      return names;
    }

    private long @Nullable [] strides(Instruction in) {
      return switch (in) {
        case Instruction.Load load -> axes.strides(load.view().strides());
        case Instruction.Index index -> axes.strides(index.strides());
        default -> null;
      };
    }

    private void end(KernelText text, boolean toScratch) {
      text.line("hesse_merge(mine, team, (A*)room);");
      text.line("if (team.lane == 0 && k < results) {");
      if (toScratch) {
        text.line("partial[(Count)blockIdx.y * results + k] = mine;");
      } else {
        View out = step.out();
        int[] dims = new int[outAxes.rank()];
        for (int a = 0; a < dims.length; a++) {
          dims[a] = outAxes.extent(a);
        }
        List<String> indices = text.indices("k", "o", dims);
        String to = text.pointer(out, true);
        String at = text.position(indices, outAxes.strides(out.strides()));
        text.line(to + "[" + at + "] = mine.result();");
      }
      text.line("}");
    }
  }
}
