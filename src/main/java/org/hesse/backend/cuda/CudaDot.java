package org.hesse.backend.cuda;

import java.util.ArrayList;
import java.util.List;
import org.hesse.DType;
import org.hesse.backend.Step;
import org.hesse.backend.cuda.ProductTail.Operand;
import org.jspecify.annotations.Nullable;

/**
 * Products. Small ones, those with a few rows, columns or pairs, those of F32 that are added up in
 * F64 and those of whole numbers are for the kernels in {@code matmul.cu}, which take any strides;
 * the rest is for cuBLAS, for which operands that are not contiguous one way or the other are
 * copied. A map that only follows is part of the last kernel of our own, see {@link ProductTail}.
 *
 * <p>Products of F32 are computed in F32, unless the system property {@code hesse.cuda.products}
 * lets cuBLAS round the operands of large ones: {@code tf32} to 10 bits behind the point, {@code
 * bf16} to 7. Its default is {@code float32}.
 */
final class CudaDot {
  private static final int THREADS = 256;

  /** Products from here on are worth a call of cuBLAS, and from there on also a copy before it. */
  static final long LARGE = 1 << 20;

  static final long WORTH_COPIES = 1 << 24;

  /** The most columns (or rows) of what is computed row by row: NARROW in matmul.cu. */
  private static final int NARROW = 4;

  /** The most pairs that one thread adds up by itself. */
  private static final int FEW_PAIRS = 4;

  /** Rows and columns of a block's part of the result, and pairs at a time. */
  private static final int LARGE_SIDE = 64;

  private static final int SMALL_SIDE = 32;
  private static final int DEPTH = 16;

  /** Rows and columns of what a batch is computed of by threads that have an element each. */
  private static final int SMALL = 16;

  /** The most pairs of these, and how many of them are in shared memory at a time. */
  private static final int DEEP = 64;

  private static final int SLICE = 32;

  /** Pairs that are worth a part of their own. */
  private static final int LEAST_CHUNK = 256;

  private final CudaContext context;
  private final int batch;
  private final long m;
  private final long n;
  private final long k;
  private final DType operands;
  private final DType dtype;
  private final String suffix;
  private final ScratchLayout scratch = new ScratchLayout();
  private final List<Prepared> parts = new ArrayList<>();
  private final @Nullable ProductTail tail;

  private CudaDot(CudaContext context, Step.Dot step, @Nullable ProductTail tail) {
    this.context = context;
    this.tail = tail;
    this.batch = step.batch();
    this.dtype = step.out().slot().dtype();
    this.operands = step.lhs().slot().dtype();
    this.suffix = suffix(operands) + (operands == dtype ? "" : "_" + suffix(dtype));
    StridedMatrices lhs = StridedMatrices.of(step.lhs());
    StridedMatrices rhs = StridedMatrices.of(step.rhs());
    StridedMatrices out = StridedMatrices.of(step.out());
    // Columns are what threads side by side write, and what there may be few of.
    boolean swap =
        step.n() > NARROW && (step.m() <= NARROW || Math.abs(out.row()) < Math.abs(out.column()));
    this.m = swap ? step.n() : step.m();
    this.n = swap ? step.m() : step.n();
    this.k = step.k();
    if (swap) {
      prepare(rhs, lhs, out.transposed());
    } else {
      prepare(lhs, rhs, out);
    }
  }

  /** A product alone. */
  static Launches of(CudaContext context, Step.Dot step) {
    return new CudaDot(context, step, null).launches();
  }

  /** A product and a map that {@link ProductTail#fits}. */
  static Launches of(CudaContext context, Step.Dot step, Step.Map map) {
    return new CudaDot(context, step, new ProductTail(step, map)).launches();
  }

  private Launches launches() {
    return new Launches(parts, scratch.bytes());
  }

  static String suffix(DType dtype) {
    return switch (dtype) {
      case F32 -> "f32";
      case F64 -> "f64";
      case I32 -> "i32";
      case BOOL -> throw new IllegalArgumentException("products of BOOL are undefined");
    };
  }

  private void prepare(StridedMatrices lhs, StridedMatrices rhs, StridedMatrices out) {
    boolean real = suffix.equals("f32") || suffix.equals("f64");
    double products = (double) batch * m * n * k;
    if (k <= FEW_PAIRS) {
      own("outer", Math.ceilDiv(batch * m * n, THREADS), 1, 0, lhs, rhs, out);
    } else if (n <= NARROW) {
      narrow(lhs, rhs, out);
    } else if (batch > 1 && m <= SMALL && n <= SMALL && k <= DEEP) {
      long items = Math.floorDiv(THREADS, m * n);
      long bytes = items * (m + n) * (SLICE + 1) * dtype.bytes();
      own("batch", Math.ceilDiv(batch, items), 1, Math.toIntExact(bytes), lhs, rhs, out);
    } else if (real && products >= LARGE && CublasProduct.takes(m, n, k, lhs, rhs, out)) {
      parts.add(new CublasProduct(context, dtype, batch, m, n, k, lhs, rhs, out));
      alone();
    } else if (real && products >= WORTH_COPIES) {
      copied(lhs, rhs, out);
    } else {
      tiled(lhs, rhs, out);
    }
  }

  private void alone() {
    if (tail != null) {
      parts.add(tail.alone(context));
    }
  }

  private void narrow(StridedMatrices lhs, StridedMatrices rhs, StridedMatrices out) {
    boolean alongRows = Math.abs(lhs.column()) <= Math.abs(lhs.row()) || m == 1;
    long blocks = batch * Math.ceilDiv(m, alongRows ? THREADS / 32 : 32);
    own(alongRows ? "rows" : "columns", blocks, splits(blocks), 0, lhs, rhs, out);
  }

  private void tiled(StridedMatrices lhs, StridedMatrices rhs, StridedMatrices out) {
    long large = tiles(LARGE_SIDE);
    if (large >= context.multiprocessors()) {
      own("large", large, 1, panels(LARGE_SIDE), lhs, rhs, out);
    } else {
      long small = tiles(SMALL_SIDE);
      own("small", small, splits(small), panels(SMALL_SIDE), lhs, rhs, out);
    }
  }

  private long tiles(int side) {
    return batch * Math.ceilDiv(m, side) * Math.ceilDiv(n, side);
  }

  /** Bytes of shared memory for what a block has of both operands: two of Panel in matmul.cu. */
  private int panels(int side) {
    return 2 * DEPTH * (side * dtype.bytes() + 16);
  }

  /** Into how many parts the pairs are split, so that every multiprocessor has something to do. */
  private long splits(long blocks) {
    long idle = 2L * context.multiprocessors() / blocks;
    return Math.max(1, Math.min(idle, k / LEAST_CHUNK));
  }

  private void own(
      String kernel,
      long blocks,
      long splits,
      int sharedBytes,
      StridedMatrices lhs,
      StridedMatrices rhs,
      StridedMatrices out) {
    // A multiple of the depth of a tile and of a warp.
    long chunk = Math.ceilDiv(Math.ceilDiv(k, splits), 32) * 32;
    int count = (int) Math.ceilDiv(k, chunk);
    long size = batch * m * n;
    StridedMatrices to =
        count == 1
            ? out
            : new StridedMatrices(scratch.reserve(count * size * dtype.bytes()), m * n, n, 1);
    Argument sizes = new Argument.I64s(batch, m, n, k, chunk, size);
    String in = "const " + KernelText.type(operands) + "* ";
    List<Operand> both =
        List.of(
            new Operand(in + "lhs", lhs.pointer()),
            new Operand("matmul::Strides lhs_strides", lhs.strides()),
            new Operand(in + "rhs", rhs.pointer()),
            new Operand("matmul::Strides rhs_strides", rhs.strides()));
    Launch.Grid grid = new Launch.Grid(Math.toIntExact(blocks), count, 1, THREADS, sharedBytes);
    launch(kernel, grid, both, to, sizes, count == 1);
    if (count > 1) {
      sum(to, count, out, sizes);
    }
  }

  /** Adds up dense results, which lie one after the other, to the one that is wanted. */
  private void sum(StridedMatrices results, int count, StridedMatrices out, Argument sizes) {
    List<Operand> parted =
        List.of(
            new Operand("const " + KernelText.type(dtype) + "* parts", results.pointer()),
            new Operand("int count", new Argument.I32(count)));
    Launch.Grid grid = Launch.Grid.of(Math.ceilDiv(batch * m * n, THREADS), THREADS);
    launch("sum", grid, parted, out, sizes, true);
  }

  /**
   * @param finished whether the elements are those that the map goes over
   */
  private void launch(
      String kernel,
      Launch.Grid grid,
      List<Operand> from,
      StridedMatrices to,
      Argument sizes,
      boolean finished) {
    if (tail != null && finished) {
      parts.add(tail.launch(context, function(kernel), grid, from, to, sizes));
      return;
    }
    List<Argument> all = new ArrayList<>(from.stream().map(Operand::argument).toList());
    all.addAll(List.of(to.pointer(), to.strides(), sizes));
    parts.add(
        new Launch(
            context.kernel("matmul.cu", "matmul_" + kernel + "_" + suffix),
            grid,
            all.toArray(Argument[]::new)));
  }

  /** With the template arguments that matmul.cu gives them. */
  private String function(String kernel) {
    String in = KernelText.type(operands);
    String out = KernelText.type(dtype);
    return switch (kernel) {
      case "large" -> "tile<4, " + in + ", " + out + ">";
      case "small" -> "tile<2, " + in + ", " + out + ">";
      case "sum" -> "sum<" + out + ">";
      default -> kernel + "<" + in + ", " + out + ">";
    };
  }

  private void copied(StridedMatrices lhs, StridedMatrices rhs, StridedMatrices out) {
    StridedMatrices left = contiguous(lhs, m);
    StridedMatrices right = contiguous(rhs, n);
    boolean direct = CublasProduct.takes(m, n, k, left, right, out);
    StridedMatrices to =
        direct
            ? out
            : new StridedMatrices(scratch.reserve(batch * m * n * dtype.bytes()), m * n, n, 1);
    parts.add(new CublasProduct(context, dtype, batch, m, n, k, left, right, to));
    if (direct) {
      alone();
    } else {
      sum(to, 1, out, new Argument.I64s(batch, m, n, k, k, batch * m * n));
    }
  }

  /** The operand, or a copy of it whose columns are contiguous; one if all its matrices are one. */
  private StridedMatrices contiguous(StridedMatrices operand, long rows) {
    if (CublasProduct.takes(rows, k, operand)) {
      return operand;
    }
    int count = operand.batch() == 0 ? 1 : batch;
    Argument.Scratch copy = scratch.reserve(count * rows * k * dtype.bytes());
    parts.add(new MatrixKernels(context, dtype).load(operand, count, (int) rows, (int) k, copy));
    return new StridedMatrices(copy, count == 1 ? 0 : rows * k, 1, rows);
  }
}
