package org.hesse.backend.cuda;

import org.hesse.DType;
import org.jspecify.annotations.Nullable;

/** Launches of the kernels in {@code matrices.cu}. */
final class MatrixKernels {
  static final Argument NULL = new Argument.I64(0);

  private static final String FILE = "matrices.cu";
  private static final int THREADS = 256;
  private static final int SIDE = 32;

  private final CudaContext context;
  private final String suffix;

  MatrixKernels(CudaContext context, DType dtype) {
    this.context = context;
    this.suffix = "_" + CudaDot.suffix(dtype);
  }

  /** Which elements of a matrix count; the codes are those of {@code counts} in matrices.cu. */
  enum Region {
    ALL(0),
    LOWER(1),
    UPPER(2),
    STRICTLY_LOWER(3),
    STRICTLY_UPPER(4);

    private final int code;

    Region(int code) {
      this.code = code;
    }

    static Region triangle(boolean lower, boolean unit) {
      return lower ? (unit ? STRICTLY_LOWER : LOWER) : unit ? STRICTLY_UPPER : UPPER;
    }
  }

  /** What moves of matrices do on the way. */
  record Options(
      Region region,
      @Nullable StridedMatrices order,
      @Nullable Argument bad,
      @Nullable Argument rowSigns,
      @Nullable Argument columnSigns) {
    static final Options NONE = new Options(Region.ALL, null, null, null, null);

    Options region(Region r) {
      return new Options(r, order, bad, rowSigns, columnSigns);
    }

    /** Numbers of rows, one after another in a column: where a row comes from, or goes to. */
    Options order(StridedMatrices o) {
      return new Options(region, o, bad, rowSigns, columnSigns);
    }

    /** Where loading notes the first element that is not finite. */
    Options finite(Argument at) {
      return new Options(region, order, at, rowSigns, columnSigns);
    }

    /** Storing multiplies rows by these. */
    Options rowSigns(Argument at) {
      return new Options(region, order, bad, at, columnSigns);
    }

    /** Storing multiplies columns by these. */
    Options columnSigns(Argument at) {
      return new Options(region, order, bad, rowSigns, at);
    }
  }

  /** Copies to dense columns. */
  Launch load(StridedMatrices from, int batch, int rows, int columns, Argument to) {
    return load(from, batch, rows, columns, to, Options.NONE);
  }

  Launch load(
      StridedMatrices from, int batch, int rows, int columns, Argument to, Options options) {
    StridedMatrices order = options.order;
    return new Launch(
        kernel("load" + suffix),
        tiles(batch, rows, columns),
        from.pointer(),
        from.strides(),
        to,
        new Argument.I32s(rows, columns, options.region.code, rows),
        order == null ? NULL : order.pointer(),
        new Argument.I64(order == null ? 0 : order.batch()),
        new Argument.I64(order == null ? 0 : order.row()),
        options.bad == null ? NULL : options.bad);
  }

  /**
   * Copies from dense columns.
   *
   * @param each elements from one matrix to the next
   * @param leading elements from one column to the next
   */
  Launch store(
      Argument from,
      long each,
      int leading,
      int batch,
      int rows,
      int columns,
      StridedMatrices to,
      Options options) {
    StridedMatrices order = options.order;
    return new Launch(
        kernel("store" + suffix),
        tiles(batch, rows, columns),
        from,
        new Argument.I64(each),
        new Argument.I32s(rows, columns, options.region.code, leading),
        to.pointer(),
        to.strides(),
        order == null ? NULL : order.pointer(),
        new Argument.I64(order == null ? 0 : order.batch()),
        new Argument.I64(order == null ? 0 : order.row()),
        options.rowSigns == null ? NULL : options.rowSigns,
        options.columnSigns == null ? NULL : options.columnSigns);
  }

  /** A launch with so many blocks of one of the other kernels. */
  Launch launch(String name, long blocks, Argument... arguments) {
    return new Launch(kernel(name + suffix), Launch.Grid.of(blocks, THREADS), arguments);
  }

  /** The place of what is not finite, or of a pair that is equal, is nowhere so far. */
  Launch begin(Argument place) {
    return new Launch(kernel("begin"), Launch.Grid.of(1, 1), place);
  }

  /** Pointers to matrices of a batch that lie so many bytes apart. */
  Launch pointers(Argument to, Argument first, long bytes, int batch) {
    return new Launch(
        kernel("pointers"),
        Launch.Grid.of(Math.ceilDiv(batch, THREADS), THREADS),
        to,
        first,
        new Argument.I64(bytes),
        new Argument.I32(batch));
  }

  /** Turns what was found into errors, see {@code matrices_report}. */
  Launch report(Argument place, long each, Argument info, int batch, int... codes) {
    return new Launch(
        kernel("report"),
        Launch.Grid.of(1, THREADS),
        place,
        new Argument.I64(each),
        info,
        new Argument.I32(batch),
        new Argument.Status(),
        new Argument.I32(codes[0]),
        new Argument.I32(codes[1]),
        new Argument.I32(codes[2]));
  }

  /** Reports a pair of equal values. */
  Launch reportEqual(Argument place, int code) {
    return new Launch(
        kernel("equal"),
        Launch.Grid.of(1, 1),
        place,
        new Argument.Status(),
        new Argument.I32(code));
  }

  private Kernel kernel(String name) {
    return context.kernel(FILE, "matrices_" + name);
  }

  private static Launch.Grid tiles(int batch, int rows, int columns) {
    return Launch.Grid.of(
        (long) batch * Math.ceilDiv(rows, SIDE) * Math.ceilDiv(columns, SIDE), THREADS);
  }
}
