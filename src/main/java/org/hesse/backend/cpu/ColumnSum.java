package org.hesse.backend.cpu;

import java.util.EnumMap;
import java.util.List;
import java.util.Objects;
import org.hesse.DType;
import org.hesse.backend.Instruction;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.Op;
import org.hesse.ir.ReduceKind;
import org.jspecify.annotations.Nullable;

/**
 * Sums of columns of what is little more than its operands: rows, products of two, rows times
 * numbers, as in the product of a vector and a matrix, and, as in the gradient of a norm's scale,
 * {@code (x − a) b z} with numbers a and b of each row. No block is evaluated for these; rows are
 * read where they lie. On vectors only.
 */
final class ColumnSum {
  /** In shorter rows there is more to do between them than along them. */
  private static final int MIN_WIDTH = 64;

  private static final EnumMap<ColumnTerm, ColumnKernel> F32 = new EnumMap<>(ColumnTerm.class);
  private static final EnumMap<ColumnTerm, ColumnKernel> F64 = new EnumMap<>(ColumnTerm.class);

  static {
    for (ColumnTerm term : ColumnTerm.values()) {
      F32.put(term, Specialized.copy(ColumnPassF32.class, ColumnKernel.class, term));
      F64.put(term, Specialized.copy(ColumnPassF64.class, ColumnKernel.class, term));
    }
  }

  /** What stands for numbers that there are none of. */
  private static final double[] NONE = {};

  /**
   * An operand of the reduction.
   *
   * @param rows where each row begins, for views that are not even
   * @param begin where row 0 begins, and {@code step} how far behind it row 1; else 0
   */
  private record Operand(Slot slot, @Nullable Strided rows, long begin, long step) {
    static Operand of(int[] domain, View view, long inner) {
      Strided all = Strided.of(domain, view);
      long[] first = all.firstOf(BlockProgram.size(domain) / inner);
      return first != null && first[0] == all.position(0)
          ? new Operand(view.slot(), null, first[0], first[2])
          : new Operand(view.slot(), all, 0, 0);
    }
  }

  private final Operand x;
  private final @Nullable Operand z;
  private final @Nullable Operand a;
  private final @Nullable Operand b;
  private final ColumnKernel kernel;
  private final long inner;

  private ColumnSum(Parser parser, long inner) {
    this.x = parser.rows(parser.top);
    this.z = parser.z;
    this.a = parser.a;
    this.b = parser.b;
    this.inner = inner;
    this.kernel = Objects.requireNonNull((x.slot.dtype() == DType.F32 ? F32 : F64).get(term()));
  }

  private ColumnTerm term() {
    if (z != null) {
      return b == null ? ColumnTerm.PRODUCT : ColumnTerm.STANDARD;
    }
    return b == null ? ColumnTerm.PLAIN : ColumnTerm.SCALED;
  }

  /** The kernel for a reduction over columns of {@code inner} elements; null if there is none. */
  static @Nullable ColumnSum of(Step.Reduce step, long inner) {
    boolean floats = step.dtype() == DType.F32 || step.dtype() == DType.F64;
    if (!floats || step.kind() != ReduceKind.SUM || inner < MIN_WIDTH) {
      return null;
    }
    Parser parser = new Parser(step, inner);
    return parser.parse() ? new ColumnSum(parser, inner) : null;
  }

  /** Adds columns i0 … i0+width−1 of consecutive rows to the sums of the frame. */
  void add(Frame frame, Memory memory, long row, int rows, long i0, int width) {
    Object from = memory.array(x.slot);
    Object other = z == null ? from : memory.array(z.slot);
    int[] xAt = positions(x, row, rows, i0);
    int[] zAt = z == null ? xAt : positions(z, row, rows, i0);
    boolean plain = a == null && b == null;
    double[] shift = plain ? NONE : numbers(a, memory, row, rows, 0);
    double[] factor = plain ? NONE : numbers(b, memory, row, rows, 1);
    kernel.run(frame, from, xAt, other, zAt, shift, factor, rows, width);
  }

  private int[] positions(Operand operand, long row, int rows, long i0) {
    int[] at = new int[rows];
    Strided uneven = operand.rows;
    for (int r = 0; r < rows; r++) {
      long begin =
          uneven == null
              ? operand.begin + (row + r) * operand.step + i0
              : uneven.position((row + r) * inner + i0);
      at[r] = (int) begin;
    }
    return at;
  }

  private double[] numbers(
      @Nullable Operand operand, Memory memory, long row, int rows, double absent) {
    double[] numbers = new double[rows];
    if (operand == null) {
      java.util.Arrays.fill(numbers, absent);
      return numbers;
    }
    Object from = memory.array(operand.slot);
    int[] at = positions(operand, row, rows, 0);
    for (int r = 0; r < rows; r++) {
      numbers[r] = from instanceof float[] f ? f[at[r]] : ((double[]) from)[at[r]];
    }
    return numbers;
  }

  /** Takes a program apart from its last value on, which {@link #top} is what is left of. */
  private static final class Parser {
    private final List<Instruction> code;
    private final int[] domain;
    private final int keptFrom;
    private final DType dtype;
    private final long inner;
    private int top;
    private @Nullable Operand z;
    private @Nullable Operand a;
    private @Nullable Operand b;

    Parser(Step.Reduce step, long inner) {
      this.code = step.code();
      this.domain = step.domain();
      this.keptFrom = step.outer() + step.reduced();
      this.dtype = step.dtype();
      this.inner = inner;
      this.top = code.size() - 1;
    }

    boolean parse() {
      b = product(true);
      if (b == null) {
        z = product(false);
        b = z == null ? null : product(true);
        a = b == null ? null : shift();
      }
      return isRows(top);
    }

    /** Takes off a factor that is rows, or numbers of rows, if that is what the top is. */
    private @Nullable Operand product(boolean numbers) {
      if (!(code.get(top) instanceof Instruction.Apply f)
          || !f.op().equals(new Op.Binary(BinaryKind.MUL))) {
        return null;
      }
      for (int i = 1; i >= 0; i--) {
        int factor = f.arguments().get(i);
        if (numbers ? isNumbers(factor) : isRows(factor)) {
          top = f.arguments().get(1 - i);
          return rows(factor);
        }
      }
      return null;
    }

    private @Nullable Operand shift() {
      if (!(code.get(top) instanceof Instruction.Apply f)
          || !f.op().equals(new Op.Binary(BinaryKind.SUB))
          || !isNumbers(f.arguments().get(1))) {
        return null;
      }
      top = f.arguments().get(0);
      return rows(f.arguments().get(1));
    }

    private Operand rows(int v) {
      View view = ((Instruction.Load) code.get(v)).view();
      return Operand.of(domain, view, inner);
    }

    /** Whether a value's rows lie in memory element by element. */
    private boolean isRows(int v) {
      if (!(code.get(v) instanceof Instruction.Load load) || load.dtype() != dtype) {
        return false;
      }
      long expected = 1;
      for (int axis = domain.length - 1; axis >= keptFrom; axis--) {
        if (domain[axis] != 1 && load.view().strides()[axis] != expected) {
          return false;
        }
        expected *= domain[axis];
      }
      return expected == inner;
    }

    /** Whether a value is the same all along a row. */
    private boolean isNumbers(int v) {
      if (!(code.get(v) instanceof Instruction.Load load) || load.dtype() != dtype) {
        return false;
      }
      for (int axis = keptFrom; axis < domain.length; axis++) {
        if (domain[axis] != 1 && load.view().strides()[axis] != 0) {
          return false;
        }
      }
      return true;
    }
  }
}
