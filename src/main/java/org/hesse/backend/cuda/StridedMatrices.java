package org.hesse.backend.cuda;

import org.hesse.backend.View;

/**
 * Where the matrices of a batch are on the device.
 *
 * @param pointer to the first element
 * @param batch elements from one matrix to the next
 * @param row elements from one row to the next
 * @param column elements from one column to the next
 */
record StridedMatrices(Argument pointer, long batch, long row, long column) {
  /** A view over batch, rows and columns. */
  static StridedMatrices of(View view) {
    long[] s = view.strides();
    return new StridedMatrices(new Argument.Address(view), s[0], s[1], s[2]);
  }

  StridedMatrices transposed() {
    return new StridedMatrices(pointer, batch, column, row);
  }

  /** As kernels take them. */
  Argument strides() {
    return new Argument.I64s(batch, row, column);
  }

  /** The address of the first element in a run. */
  long address(Run run) {
    return switch (pointer) {
      case Argument.Address(View view) -> run.address(view);
      case Argument.Scratch(long offset) -> run.scratch() + offset;
      default -> throw new IllegalStateException(pointer + " is not where matrices are");
    };
  }
}
