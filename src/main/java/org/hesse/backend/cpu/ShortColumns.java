package org.hesse.backend.cpu;

import static jdk.incubator.vector.VectorOperators.D2F;
import static jdk.incubator.vector.VectorOperators.F2D;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.hesse.DType;
import org.hesse.backend.Instruction;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.ir.ReduceKind;
import org.jspecify.annotations.Nullable;

/**
 * Sums of a small matrix's columns, such as the gradient of a bias: sixteen rows at a time are
 * added by halves, and these sums in double, all of it in registers. On vectors only.
 */
final class ShortColumns implements Prepared {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();
  private static final int GROUP = 16;

  /** Larger matrices are for {@link ReduceStep}, whose work threads share. */
  private static final int MOST = 1 << 14;

  private final Slot from;
  private final Slot to;
  private final int at;
  private final int toAt;
  private final int rows;
  private final int columns;
  private final int row;

  private ShortColumns(Step.Reduce step, View in) {
    this.from = in.slot();
    this.to = step.out().slot();
    this.at = (int) (from.offset() + in.offset());
    this.toAt = (int) (to.offset() + step.out().offset());
    this.rows = step.domain()[0];
    this.columns = step.domain()[1];
    this.row = (int) in.strides()[0];
  }

  /** This way, if the reduction is of that kind. */
  static @Nullable Prepared of(Step.Reduce step) {
    int[] domain = step.domain();
    boolean fits =
        step.kind() == ReduceKind.SUM
            && step.dtype() == DType.F32
            && domain.length == 2
            && step.outer() == 0
            && step.reduced() == 1
            && domain[1] >= LANES
            && BlockProgram.size(domain) <= MOST
            && step.out().strides()[0] == 1;
    return fits
            && step.code().size() == 1
            && step.code().getFirst() instanceof Instruction.Load(View in)
            && in.strides()[1] == 1
        ? new ShortColumns(step, in)
        : null;
  }

  @Override
  public void run(Memory memory) {
    float[] x = (float[]) memory.array(from);
    float[] y = (float[]) memory.array(to);
    for (int j = 0; j < columns; j += LANES) {
      // Some of the last columns are added up twice, to the same bits.
      int column = Math.min(j, columns - LANES);
      add(x, at + column, row, rows, y, toAt + column);
    }
  }

  private static void add(float[] x, int at, int row, int rows, float[] y, int to) {
    DoubleVector low = DoubleVector.zero(VectorMath.SPECIES);
    DoubleVector high = low;
    int full = rows - rows % GROUP;
    int p = at;
    for (int i = 0; i < full; i += GROUP) {
      FloatVector s0 = four(x, p, row);
      FloatVector s1 = four(x, p + 4 * row, row);
      FloatVector s2 = four(x, p + 8 * row, row);
      FloatVector s3 = four(x, p + 12 * row, row);
      FloatVector s = s0.add(s1).add(s2.add(s3));
      low = low.add(s.convertShape(F2D, VectorMath.SPECIES, 0));
      high = high.add(s.convertShape(F2D, VectorMath.SPECIES, 1));
      p += GROUP * row;
    }
    for (int i = full; i < rows; i++) {
      FloatVector s = FloatVector.fromArray(SPECIES, x, p);
      low = low.add(s.convertShape(F2D, VectorMath.SPECIES, 0));
      high = high.add(s.convertShape(F2D, VectorMath.SPECIES, 1));
      p += row;
    }
    FloatVector first = (FloatVector) low.convertShape(D2F, SPECIES, 0);
    first.add(high.convertShape(D2F, SPECIES, -1)).intoArray(y, to);
  }

  private static FloatVector four(float[] x, int p, int row) {
    FloatVector s0 = FloatVector.fromArray(SPECIES, x, p);
    FloatVector s1 = FloatVector.fromArray(SPECIES, x, p + row);
    FloatVector s2 = FloatVector.fromArray(SPECIES, x, p + 2 * row);
    FloatVector s3 = FloatVector.fromArray(SPECIES, x, p + 3 * row);
    return s0.add(s1).add(s2.add(s3));
  }
}
