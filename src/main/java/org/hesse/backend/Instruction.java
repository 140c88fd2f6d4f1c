package org.hesse.backend;

import java.util.List;
import org.hesse.DType;
import org.hesse.ir.Op;

/**
 * One line of a fused cluster's register program, evaluated at every index of a domain. The program
 * is in static single assignment: instruction number i defines value number i.
 */
public sealed interface Instruction {
  /** Type of the value defined. */
  DType dtype();

  /** Reads memory; the view's strides run over the domain's axes. */
  record Load(View view) implements Instruction {
    @Override
    public DType dtype() {
      return view.slot().dtype();
    }
  }

  /** The same number everywhere. */
  record Constant(DType dtype, double value) implements Instruction {}

  /** An I32 index: {@code Σ iₐ · strides[a]} over the domain's axes. */
  record Index(long[] strides) implements Instruction {
    @Override
    public DType dtype() {
      return DType.I32;
    }
  }

  /**
   * Applies {@link Op.Unary}, {@link Op.Binary}, {@link Op.Compare}, {@link Op.Select} or {@link
   * Op.Cast} to earlier values.
   *
   * @param dtype type of the result
   * @param arguments numbers of earlier instructions, in the primitive's order
   */
  record Apply(Op op, DType dtype, List<Integer> arguments) implements Instruction {}
}
