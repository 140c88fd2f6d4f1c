package org.hesse.testing;

import java.util.List;
import org.hesse.testing.OpRow.Sample;

/**
 * What must hold of every operation. Each is checked by a test of this package for every row of
 * {@link OpDb}; a row that cannot be checked says why ({@link OpRow#without}).
 */
public enum Property {
  /** In F64 and F32, immediately, it gives what plain loops give. */
  VALUES(0, Which.ALL),
  /** The same on scalar loops, without the Vector API; first derivatives too. */
  SCALAR_LOOPS(0, Which.ALL),
  /** Compiled, and replayed with other inputs, it gives what it gives immediately. */
  COMPILED(0, Which.ALL),
  /** Planned, it gives what the interpreter gives, which plans nothing. */
  INTERPRETED(0, Which.SMALL),
  /** Between operations that fuse with it, it gives what they give one by one. */
  FUSED(0, Which.SMALL),
  /** Every operand mapped, or one alone, is a loop over the batch. */
  VMAP(0, Which.SMALL),
  /** So it is with the batch axis anywhere in operands and result. */
  VMAP_AXES(0, Which.SMALL),
  /** Two maps in each other are two loops. */
  VMAP_NESTED(0, Which.SMALL),
  /**
   * Forward mode gives difference quotients of the reference; ⟨u, J v⟩ = ⟨Jᵀ u, v⟩; transposed
   * twice it is the same linear map.
   */
  FIRST_ORDER(1, Which.SMOOTH),
  /** Derivatives compiled, and replayed with other inputs, are the immediate ones. */
  DERIVATIVES_REPLAYED(1, Which.SMOOTH),
  /** Mapped derivatives, and derivatives of what is mapped, are loops over the batch. */
  VMAP_OF_DERIVATIVES(1, Which.SMOOTH),
  /** In F32, first and second derivatives are difference quotients with a step for F32. */
  SINGLE_PRECISION(2, Which.SMOOTH),
  /**
   * The Hessian gives difference quotients of the gradient, is symmetric, and is the same by all
   * four pairs of modes.
   */
  SECOND_ORDER(2, Which.SMOOTH),
  /** Third derivatives are difference quotients of second ones, forward and in reverse. */
  THIRD_ORDER(3, Which.SMOOTH);

  private enum Which {
    ALL,
    SMALL,
    SMOOTH;

    boolean has(Sample s) {
      return switch (this) {
        case ALL -> true;
        case SMALL -> s.operands().stream().allMatch(a -> a.size() <= 64);
        case SMOOTH -> s.smooth();
      };
    }
  }

  private final int order;
  private final Which samples;

  Property(int order, Which samples) {
    this.order = order;
    this.samples = samples;
  }

  /** The order of the derivatives that it is about; 0 is values. */
  int order() {
    return order;
  }

  /** The samples of a row on which it is checked: none where the row is without it. */
  List<Sample> samples(OpRow row) {
    return row.isWithout(this) ? List.of() : row.samples().stream().filter(samples::has).toList();
  }
}
