package org.hesse.backend.cuda;

import java.util.ArrayList;
import java.util.List;
import org.hesse.DType;
import org.hesse.backend.FactorErrors;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.ir.FactorKind;

/**
 * Dense linear algebra. Operands are copied to columns, which the routines of cuSOLVER and cuBLAS
 * want and overwrite; what is triangular, permuted or of another sign is put right as the results
 * are copied back. Whatever a routine finds is left on the device, where a kernel makes it an error
 * of the run, so the host waits for nothing.
 *
 * <p>The matrices of a batch are treated together where there is a routine for it: Cholesky, LU and
 * triangular solve up to 256 rows. Others go one by one: JCusolver hands over no place for the
 * parameters that cuSOLVER's batches of eigenproblems want.
 */
final class CudaFactor {
  /** Values this close, in units of the rounding error of the largest, count as equal. */
  private static final double CLOSE = 10;

  private final Step.Factor step;
  private final Faults faults;
  private final FactorErrors errors;
  private final DType dtype;
  private final int batch;
  private final MatrixKernels kernels;
  private final Solver solver;
  private final ScratchLayout scratch = new ScratchLayout();
  private final List<Prepared> parts = new ArrayList<>();
  private final Argument.Scratch place;

  /** One number for each matrix, in which a routine tells how it went. */
  private final Argument.Scratch info;

  private CudaFactor(CudaContext context, Step.Factor step, Faults faults) {
    this.step = step;
    this.faults = faults;
    this.errors = new FactorErrors(step);
    this.dtype = step.out().view().slot().dtype();
    this.batch = step.batch();
    this.kernels = new MatrixKernels(context, dtype);
    this.solver = new Solver(context, dtype, batch);
    this.place = scratch.reserve(Long.BYTES);
    this.info = scratch.reserve((long) Integer.BYTES * batch);
    parts.add(kernels.begin(place));
    switch (step.kind()) {
      case FactorKind.Cholesky k -> cholesky();
      case FactorKind.TriangularSolve k -> triangularSolve(k);
      case FactorKind.Lu k -> lu();
      case FactorKind.LuSolve(boolean transposed) -> luSolve(transposed);
      case FactorKind.Determinant k -> determinant();
      case FactorKind.Qr k -> qr();
      case FactorKind.Eigh k -> eigh();
      case FactorKind.Svd k -> svd();
      case FactorKind.Gaps(var of) -> gaps(of);
      case FactorKind.Part k -> throw new IllegalStateException(k + " is a slice, not a step");
    }
  }

  static Launches of(CudaContext context, Step.Factor step, Faults faults) {
    CudaFactor f = new CudaFactor(context, step, faults);
    return new Launches(f.parts, f.scratch.bytes(), f.capturable());
  }

  /** cuBLAS and kernels can be captured; cuSOLVER waits for the device now and then. */
  private boolean capturable() {
    return switch (step.kind()) {
      case FactorKind.TriangularSolve k -> true;
      case FactorKind.LuSolve k -> true;
      case FactorKind.Determinant k -> true;
      case FactorKind.Gaps k -> true;
      case FactorKind.Lu k -> solver.together(step.out().columns());
      default -> false;
    };
  }

  private void cholesky() {
    int n = step.out().columns();
    Argument.Scratch a = elements((long) n * n);
    load(operand(0), n, n, a, MatrixKernels.Region.LOWER);
    parts.add(solver.cholesky(n, a, pointers(a, n, n), work(solver.choleskyBytes(n)), info));
    report(n, n, false, (matrix, i) -> errors.notPositiveDefinite(matrix, i));
    store(a, n, n, n, 0, MatrixKernels.Region.LOWER);
  }

  private void triangularSolve(FactorKind.TriangularSolve kind) {
    int n = step.out().rows();
    int k = step.out().columns();
    Argument.Scratch a = elements((long) n * n);
    Argument.Scratch b = elements((long) n * k);
    load(operand(0), n, n, a, MatrixKernels.Region.triangle(kind.lower(), kind.unit()));
    parts.add(kernels.load(operand(1), batch, n, k, b));
    Solver.Triangle triangle = new Solver.Triangle(kind.lower(), kind.transposed(), kind.unit());
    parts.add(solver.solve(triangle, n, k, a, b, pointers(a, n, n), pointers(b, n, k)));
    if (kind.unit()) {
      report(n, n, false);
    } else {
      parts.add(kernels.launch("zeros", batch, a, new Argument.I32(n), info));
      report(n, n, false, (matrix, i) -> errors.singular(matrix, i - 1));
    }
    store(b, n, n, k, 0, MatrixKernels.Region.ALL);
  }

  private void lu() {
    int n = step.out().columns();
    Argument.Scratch a = elements((long) n * n);
    Argument.Scratch exchanges = scratch.reserve((long) Integer.BYTES * batch * n);
    Argument.Scratch rows = scratch.reserve((long) Integer.BYTES * batch * n);
    load(operand(0), n, n, a, MatrixKernels.Region.ALL);
    parts.add(solver.lu(n, a, pointers(a, n, n), exchanges, work(solver.luBytes(n)), info));
    // A zero pivot is no error: whoever divides by it finds it.
    report(n, n, false);
    store(a, n, n, n, 0, MatrixKernels.Region.ALL);
    StridedMatrices last = result(n);
    parts.add(
        kernels.launch(
            "permutation",
            batch,
            exchanges,
            rows,
            new Argument.I32(n),
            last.pointer(),
            last.strides()));
  }

  /** With P A = L U: A X = B is L U X = P B, and Aᵀ X = B is Uᵀ Lᵀ (P X) = B. */
  private void luSolve(boolean transposed) {
    int n = step.out().rows();
    int k = step.out().columns();
    Argument.Scratch a = elements((long) n * n);
    Argument.Scratch b = elements((long) n * k);
    load(operand(0), n, n, a, MatrixKernels.Region.ALL);
    MatrixKernels.Options permuted =
        MatrixKernels.Options.NONE.order(
            StridedMatrices.of(fromRow(step.operands().get(0).view(), n)).transposed());
    MatrixKernels.Options plain = MatrixKernels.Options.NONE;
    parts.add(kernels.load(operand(1), batch, n, k, b, transposed ? plain : permuted));
    Solver.Table left = pointers(a, n, n);
    Solver.Table right = pointers(b, n, k);
    Solver.Triangle lower = new Solver.Triangle(true, transposed, true);
    Solver.Triangle upper = new Solver.Triangle(false, transposed, false);
    parts.add(solver.solve(transposed ? upper : lower, n, k, a, b, left, right));
    parts.add(solver.solve(transposed ? lower : upper, n, k, a, b, left, right));
    parts.add(kernels.launch("zeros", batch, a, new Argument.I32(n), info));
    report(n, n, false, (matrix, i) -> errors.singular(matrix, i - 1));
    parts.add(
        kernels.store(b, (long) n * k, n, batch, n, k, result(0), transposed ? permuted : plain));
  }

  private void determinant() {
    int n = step.operands().get(0).columns();
    StridedMatrices from = operand(0);
    StridedMatrices to = result(0);
    parts.add(
        kernels.launch(
            "determinant",
            batch,
            from.pointer(),
            from.strides(),
            new Argument.I32(n),
            to.pointer(),
            to.strides()));
  }

  /** The factorisation is unique with a positive diagonal: rows and columns change their signs. */
  private void qr() {
    int n = step.out().columns();
    int m = step.out().rows() - n;
    long each = (long) m * n;
    Argument.Scratch a = elements(each);
    Argument.Scratch tau = elements(n);
    Argument.Scratch signs = elements(n);
    Argument.Scratch work = work(solver.qrBytes(m, n));
    load(operand(0), m, n, a, MatrixKernels.Region.ALL);
    parts.add(solver.qr(m, n, a, tau, work, info));
    parts.add(
        kernels.launch(
            "signs",
            batch,
            a,
            new Argument.I64(each),
            new Argument.I32(m),
            signs,
            new Argument.I32(n)));
    MatrixKernels.Options upper =
        MatrixKernels.Options.NONE.region(MatrixKernels.Region.UPPER).rowSigns(signs);
    parts.add(kernels.store(a, each, m, batch, n, n, result(m), upper));
    parts.add(solver.orthogonal(m, n, a, tau, work, info));
    report(m, n, false);
    MatrixKernels.Options signed = MatrixKernels.Options.NONE.columnSigns(signs);
    parts.add(kernels.store(a, each, m, batch, m, n, result(0), signed));
  }

  private void eigh() {
    int n = step.out().columns();
    Argument.Scratch a = elements((long) n * n);
    Argument.Scratch values = elements(n);
    load(operand(0), n, n, a, MatrixKernels.Region.LOWER);
    parts.add(solver.eigen(n, a, values, work(solver.eigenBytes(n)), info));
    report(n, n, false, (matrix, i) -> errors.notConverged(matrix, "cuSOLVER's syevd", i));
    store(values, n, n, 1, result(0).transposed());
    store(a, n, n, n, 1, MatrixKernels.Region.ALL);
  }

  /** cuSOLVER wants at least as many rows as columns: else Aᵀ is factorised, and U and V trade. */
  private void svd() {
    int rows = step.operands().get(0).rows();
    int columns = step.operands().get(0).columns();
    boolean wide = rows < columns;
    int m = Math.max(rows, columns);
    int n = Math.min(rows, columns);
    Argument.Scratch a = elements((long) m * n);
    Argument.Scratch u = elements((long) m * n);
    Argument.Scratch vt = elements((long) n * n);
    Argument.Scratch values = elements(n);
    load(wide ? operand(0).transposed() : operand(0), m, n, a, MatrixKernels.Region.ALL);
    parts.add(solver.singular(m, n, a, values, u, vt, work(solver.singularBytes(m, n)), info));
    report(m, n, wide, (matrix, i) -> errors.notConverged(matrix, "cuSOLVER's gesvd", i));
    store(u, m, m, n, result(wide ? rows : 0));
    store(vt, n, n, n, result(wide ? 0 : rows).transposed());
    store(values, n, n, 1, result(rows + columns).transposed());
  }

  private void gaps(FactorKind.Values of) {
    int n = step.out().columns();
    StridedMatrices in = operand(0);
    StridedMatrices out = result(0);
    parts.add(
        kernels.launch(
            "gaps",
            (long) batch * n,
            in.pointer(),
            in.strides(),
            new Argument.I32(n),
            new Argument.F64(CLOSE * dtype.epsilon()),
            out.pointer(),
            out.strides(),
            place));
    long size = (long) n * n;
    int code =
        faults.code(
            at -> errors.equal(of, at / size, n, (int) (at % size / n), (int) (at % n), ""));
    parts.add(kernels.reportEqual(place, code));
  }

  private StridedMatrices operand(int i) {
    return StridedMatrices.of(step.operands().get(i).view());
  }

  /** The result from one of its rows on. */
  private StridedMatrices result(int row) {
    return StridedMatrices.of(fromRow(step.out().view(), row));
  }

  private static View fromRow(View view, int row) {
    return new View(view.slot(), view.offset() + row * view.strides()[1], view.strides());
  }

  /** Scratch memory for so many elements for each matrix. */
  private Argument.Scratch elements(long each) {
    return scratch.reserve(batch * each * dtype.bytes());
  }

  private Argument.Scratch work(long bytes) {
    return scratch.reserve(bytes);
  }

  /** Pointers to the matrices of a batch, which routines for batches want. */
  private Solver.Table pointers(Argument.Scratch first, int n, int columns) {
    if (!solver.together(n)) {
      return Solver.Table.NONE;
    }
    Argument.Scratch to = scratch.reserve((long) Long.BYTES * batch);
    parts.add(kernels.pointers(to, first, (long) n * columns * dtype.bytes(), batch));
    return new Solver.Table(to.offset());
  }

  private void load(
      StridedMatrices from, int rows, int columns, Argument to, MatrixKernels.Region region) {
    MatrixKernels.Options options = MatrixKernels.Options.NONE.region(region).finite(place);
    parts.add(kernels.load(from, batch, rows, columns, to, options));
  }

  private void store(
      Argument from, int leading, int rows, int columns, int row, MatrixKernels.Region region) {
    MatrixKernels.Options options = MatrixKernels.Options.NONE.region(region);
    long each = (long) leading * columns;
    parts.add(kernels.store(from, each, leading, batch, rows, columns, result(row), options));
  }

  private void store(Argument from, int leading, int rows, int columns, StridedMatrices to) {
    long each = (long) leading * columns;
    parts.add(
        kernels.store(from, each, leading, batch, rows, columns, to, MatrixKernels.Options.NONE));
  }

  /** An error of one matrix, about which a routine says a number. */
  private interface Finding {
    ArithmeticException error(long matrix, int info);
  }

  private void report(int rows, int columns, boolean transposed, Finding finding) {
    int code = faults.code(at -> found(finding, at >>> 32, (int) at));
    report(rows, columns, transposed, info, code);
  }

  private RuntimeException found(Finding finding, long matrix, int number) {
    if (number < 0) {
      return new IllegalStateException(
          step.kind().mnemonic() + ": argument " + -number + " is rejected for " + step);
    }
    return finding.error(matrix, number);
  }

  private void report(int rows, int columns, boolean transposed) {
    report(rows, columns, transposed, MatrixKernels.NULL, 0);
  }

  private void report(int rows, int columns, boolean transposed, Argument infos, int code) {
    long each = (long) rows * columns;
    int[] codes = new int[3];
    for (int c = 0; c < 2; c++) {
      boolean nan = c == 0;
      codes[c] =
          faults.code(at -> {
            long row = at % each % rows;
            long column = at % each / rows;
            return transposed
                ? errors.notFinite(at / each, column, row, nan)
                : errors.notFinite(at / each, row, column, nan);
          });
    }
    codes[2] = code;
    parts.add(kernels.report(place, each, infos, batch, codes));
  }
}
