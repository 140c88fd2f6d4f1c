package org.hesse.backend.cpu;

import java.lang.reflect.Array;
import org.hesse.DType;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;

/**
 * A {@link Step.Contract} with tables of where everything is: for each batch index, row (m), column
 * (n) and pair (k) the distance from the first element of an operand, whatever axes these are made
 * of. Of columns and pairs only the stretches that lie one after another have an entry.
 */
record Contraction(Operand lhs, Operand rhs, Operand out, int[] counts, int columns, int pairs) {
  /**
   * Where an operand's elements are.
   *
   * @param at for each of b, m, n and k the distances of its indices
   * @param last the last element, or the beginning of the last stretch
   */
  record Operand(Slot slot, int origin, int[][] at, long last) {
    static Operand of(Step.Contract step, View view, int[] inner) {
      int[][] at = new int[4][];
      int begin = 0;
      for (int g = 0; g < 4; g++) {
        int end = begin + step.groups()[g];
        boolean stretch = inner[g] > 1;
        at[g] = distances(step.domain(), view.strides(), begin, stretch ? end - 1 : end);
        begin = end;
      }
      int origin = Math.toIntExact(view.slot().offset() + view.offset());
      long last = origin;
      for (int[] distances : at) {
        last += java.util.Arrays.stream(distances).max().orElse(0);
      }
      return new Operand(view.slot(), origin, at, last);
    }

    Object array(Memory memory) {
      return memory.array(slot);
    }

    /** The array, or a longer copy if what is read beyond the last stretch were outside of it. */
    Object readable(Memory memory, int beyond) {
      Object array = memory.array(slot);
      int length = Array.getLength(array);
      return last + beyond <= length ? array : Arrays.longer(array, Math.addExact(length, beyond));
    }

    int batch(int index) {
      return origin + at[0][index];
    }
  }

  /** Tables in which the last axis of columns or of pairs, or neither, is a stretch. */
  static Contraction of(Step.Contract step, boolean columns, boolean pairs) {
    int[] inner = {1, 1, columns ? step.last(2) : 1, pairs ? step.last(3) : 1};
    Operand lhs = Operand.of(step, step.lhs(), inner);
    Operand rhs = Operand.of(step, step.rhs(), inner);
    Operand out = Operand.of(step, step.out(), inner);
    int[] counts = {lhs.at[0].length, lhs.at[1].length, rhs.at[2].length, rhs.at[3].length};
    return new Contraction(lhs, rhs, out, counts, inner[2], inner[3]);
  }

  /** The distances of all indices of some axes, in row-major order. */
  private static int[] distances(int[] domain, long[] strides, int begin, int end) {
    int[] all = {0};
    for (int a = begin; a < end; a++) {
      int[] more = new int[Math.multiplyExact(all.length, domain[a])];
      for (int i = 0; i < more.length; i++) {
        more[i] = Math.toIntExact(all[i / domain[a]] + i % domain[a] * strides[a]);
      }
      all = more;
    }
    return all;
  }

  /** The way to compute it that suits it. */
  static Prepared prepare(Step.Contract step) {
    int n = step.groups()[0] + step.groups()[1] + step.groups()[2] - 1;
    int k = step.domain().length - 1;
    long[] lhs = step.lhs().strides();
    long[] rhs = step.rhs().strides();
    boolean columns = step.groups()[2] > 0 && rhs[n] == 1 && step.out().strides()[n] == 1;
    boolean pairs = step.groups()[3] > 0 && lhs[k] == 1 && rhs[k] == 1;
    boolean f32 = step.out().slot().dtype() == DType.F32;
    if (!Simd.PRESENT || !columns && !pairs) {
      return new ScalarContract(of(step, false, false));
    }
    if (columns && (!pairs || step.last(2) >= step.last(3))) {
      Contraction c = of(step, true, false);
      return f32 ? new ContractColumnsF32(c) : new ContractColumnsF64(c);
    }
    Contraction c = of(step, false, true);
    return f32 ? new ContractPairsF32(c) : new ContractPairsF64(c);
  }
}
