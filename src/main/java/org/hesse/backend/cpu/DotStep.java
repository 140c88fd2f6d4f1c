package org.hesse.backend.cpu;

import java.util.List;
import org.hesse.DType;
import org.hesse.backend.Instruction;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.Op;
import org.hesse.ir.ReduceKind;
import org.jspecify.annotations.Nullable;

/**
 * Picks the way to compute a product. One with a single row or column is a reduction of an
 * elementwise product, one over a single pair is an elementwise product: both read each operand
 * once, which is all that matters there. Few rows or columns may be for {@link NarrowF32}; the rest
 * goes to {@link GemmF32} and its twin.
 */
final class DotStep {
  /** Up to here scalar loops are done before vectors have got going. */
  private static final long TINY = 2048;

  private DotStep() {}

  static Prepared prepare(Step.Dot dot) {
    return prepare(dot, null);
  }

  /**
   * A product, each finished part of whose result goes to the tail. Where a product is computed as
   * something else, the whole result is one part.
   */
  static Prepared prepare(Step.Dot dot, @Nullable Tail tail) {
    Prepared other = simple(dot);
    if (other == null) {
      Gemm gemm = Gemm.of(dot, tail);
      long products = (long) dot.batch() * dot.m() * dot.n() * dot.k();
      if (products <= TINY || !Simd.PRESENT) {
        return new ScalarGemm(gemm);
      }
      boolean f32 = gemm.dtype() == DType.F32;
      Prepared narrow = f32 ? NarrowF32.of(gemm) : NarrowF64.of(gemm);
      return narrow != null ? narrow : f32 ? new GemmF32(gemm) : new GemmF64(gemm);
    }
    if (tail == null) {
      return other;
    }
    return memory -> {
      other.run(memory);
      Gemm.finish(dot, tail, memory);
    };
  }

  /** Whether several threads run the tail of a product, each over what it has computed. */
  static boolean sharesTail(Step.Dot dot) {
    return Simd.PRESENT
        && simple(dot) == null
        && dot.k() <= GemmF32.UNCUT
        && (long) dot.batch() * dot.m() * dot.n() * dot.k() >= GemmF32.PARALLEL;
  }

  /** The product as a step of another kind, if it is one. */
  private static @Nullable Prepared simple(Step.Dot dot) {
    DType operands = dot.lhs().slot().dtype();
    if (dot.k() == 1) {
      return outer(dot);
    }
    // A class that names vectors must not be met without them.
    Prepared wide = Simd.PRESENT ? WideDot.of(dot) : null;
    if (wide != null) {
      return wide;
    }
    if (dot.n() == 1) {
      return matrixVector(dot, dot.m(), dot.lhs(), dot.rhs(), strides(dot.out(), 0, 1));
    }
    if (dot.m() == 1) {
      return matrixVector(dot, dot.n(), dot.rhs(), dot.lhs(), strides(dot.out(), 0, 2));
    }
    return operands.isReal() ? null : general(dot);
  }

  /** With one pair in each sum there is nothing to add. */
  private static Prepared outer(Step.Dot dot) {
    int[] domain = {dot.batch(), dot.m(), dot.n()};
    List<Instruction> code =
        product(
            dot,
            strides(dot.lhs(), new int[] {0, 1, -1}),
            strides(dot.rhs(), new int[] {0, -1, 1}));
    return new MapStep(
        new Step.Map(domain, code, List.of(new Step.Store(code.size() - 1, dot.out()))));
  }

  /** Reduces along the rows of the matrix, or across them if its columns are what is contiguous. */
  private static Prepared matrixVector(Step.Dot dot, int rows, View matrix, View vector, View out) {
    boolean alongRows = Math.abs(matrix.strides()[2]) <= Math.abs(matrix.strides()[1]) || rows == 1;
    int[] order = alongRows ? new int[] {0, 1, 2} : new int[] {0, 2, 1};
    int[] vectorOrder = alongRows ? new int[] {0, -1, 2} : new int[] {0, 2, -1};
    int[] domain =
        alongRows ? new int[] {dot.batch(), rows, dot.k()} : new int[] {dot.batch(), dot.k(), rows};
    List<Instruction> code = product(dot, strides(matrix, order), strides(vector, vectorOrder));
    return new ReduceStep(new Step.Reduce(ReduceKind.SUM, domain, alongRows ? 2 : 1, 1, code, out));
  }

  /** Any dtype and any shape, slowly. */
  private static Prepared general(Step.Dot dot) {
    List<Instruction> code =
        product(
            dot,
            strides(dot.lhs(), new int[] {0, 1, -1, 2}),
            strides(dot.rhs(), new int[] {0, -1, 1, 2}));
    int[] domain = {dot.batch(), dot.m(), dot.n(), dot.k()};
    return new ReduceStep(new Step.Reduce(ReduceKind.SUM, domain, 3, 1, code, dot.out()));
  }

  private static List<Instruction> product(Step.Dot dot, View lhs, View rhs) {
    DType from = lhs.slot().dtype();
    DType to = dot.out().slot().dtype();
    Op mul = new Op.Binary(BinaryKind.MUL);
    if (from == to) {
      return List.of(
          new Instruction.Load(lhs),
          new Instruction.Load(rhs),
          new Instruction.Apply(mul, to, List.of(0, 1)));
    }
    return List.of(
        new Instruction.Load(lhs),
        new Instruction.Load(rhs),
        new Instruction.Apply(new Op.Cast(), to, List.of(0)),
        new Instruction.Apply(new Op.Cast(), to, List.of(1)),
        new Instruction.Apply(mul, to, List.of(2, 3)));
  }

  /** The view with its strides in another order; −1 stands for an axis that it does not have. */
  private static View strides(View view, int... order) {
    long[] s = new long[order.length];
    for (int i = 0; i < s.length; i++) {
      s[i] = order[i] < 0 ? 0 : view.strides()[order[i]];
    }
    return new View(view.slot(), view.offset(), s);
  }
}
