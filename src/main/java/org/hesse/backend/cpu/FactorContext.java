package org.hesse.backend.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.stream.IntStream;
import org.hesse.DType;
import org.hesse.backend.FactorErrors;
import org.hesse.backend.Step;
import org.hesse.backend.View;

/** What one thread has at hand while it treats some matrices of a batch. */
final class FactorContext {
  /** Treats one matrix of the batch. */
  interface Routine {
    void run(int matrix);
  }

  final Step.Factor step;
  final FactorErrors errors;
  final DType dtype;
  final Columns columns;
  private final Memory memory;
  private final Arena arena;

  FactorContext(Step.Factor step, Memory memory, Arena arena) {
    this.step = step;
    this.errors = new FactorErrors(step);
    this.memory = memory;
    this.arena = arena;
    this.dtype = step.out().view().slot().dtype();
    this.columns = Columns.of(dtype);
  }

  Lapack lapack() {
    return Lapack.of(dtype);
  }

  /** Memory for elements of the step's dtype. */
  MemorySegment elements(long count) {
    return arena.allocate(Math.max(1, count) * dtype.bytes(), 64);
  }

  /** Memory for LAPACK's whole numbers. */
  MemorySegment integers(long count) {
    return arena.allocate(Math.max(1, count) * Integer.BYTES, 64);
  }

  /** The length of work space that LAPACK has answered, which F32 may have rounded down. */
  int wholeNumber(MemorySegment answer) {
    return (int) Math.min(Integer.MAX_VALUE, Math.ceil(columns.get(answer, 0) * (1 + 1e-6)));
  }

  Columns.Place operand(int i, int matrix) {
    return place(step.operands().get(i).view(), matrix);
  }

  /** The result from one of its rows on. */
  Columns.Place result(int matrix, int row) {
    return place(step.out().view(), matrix).row(row);
  }

  private Columns.Place place(View view, int matrix) {
    long[] s = view.strides();
    long at = view.slot().offset() + view.offset() + matrix * s[0];
    return new Columns.Place(memory.array(view.slot()), at, s[1], s[2]);
  }

  static int[] inOrder(int n) {
    return IntStream.range(0, n).toArray();
  }

  /** Loads an operand, and fails where an element of the region is NaN or infinite. */
  void load(int operand, int matrix, int[] order, Region region, MemorySegment to) {
    int width = step.operands().get(operand).columns();
    columns.load(operand(operand, matrix), order, width, to);
    int rows = order.length;
    long bad = columns.notFinite(region, rows, width, to);
    if (bad >= 0) {
      boolean nan = Double.isNaN(columns.get(to, bad));
      throw errors.notFinite(matrix, bad % rows, bad / rows, nan);
    }
  }

  /** Fails where LAPACK says that an argument was wrong, which is our mistake. */
  void check(int info) {
    if (info < 0) {
      throw new IllegalStateException(
          step.kind().mnemonic() + ": LAPACK rejects argument " + -info + " of " + step);
    }
  }
}
