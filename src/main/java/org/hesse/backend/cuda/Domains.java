package org.hesse.backend.cuda;

import java.util.Arrays;
import org.hesse.DType;
import org.hesse.backend.View;

/** Domains and strides as {@code index.cuh} has them. */
final class Domains {
  /** {@code HESSE_RANK}. */
  private static final int MOST_AXES = 12;

  private Domains() {}

  /** The number of elements. */
  static long size(int... domain) {
    long size = 1;
    for (int n : domain) {
      size = Math.multiplyExact(size, n);
    }
    return size;
  }

  /** The axes from one on and before another. */
  static int[] range(int[] domain, int from, int to) {
    return Arrays.copyOfRange(domain, from, to);
  }

  static long[] range(long[] strides, int from, int to) {
    return Arrays.copyOfRange(strides, from, to);
  }

  /** {@code HesseAxes}, as many of them as there are domains. */
  static Argument.I32s axes(int[]... domains) {
    int each = 1 + 3 * MOST_AXES;
    int[] all = new int[domains.length * each];
    for (int i = 0; i < domains.length; i++) {
      int[] domain = domains[i];
      if (domain.length > MOST_AXES) {
        throw new UnsupportedOperationException(
            "domain: "
                + Arrays.toString(domain)
                + " has more than the "
                + MOST_AXES
                + " axes that kernels for CUDA go over; merge axes that are next to each other in"
                + " memory, or run it on the CPU");
      }
      int at = i * each;
      all[at] = domain.length;
      for (int a = 0; a < domain.length; a++) {
        int shift = 32 - Integer.numberOfLeadingZeros(domain[a] - 1);
        all[at + 1 + a] = domain[a];
        all[at + 1 + MOST_AXES + a] = factor(domain[a], shift);
        all[at + 1 + 2 * MOST_AXES + a] = shift;
      }
    }
    return new Argument.I32s(all);
  }

  /** ⌊2³² (2ˢ − d) / d⌋ + 1: what a number below 2³¹ is multiplied by to divide it by d. */
  private static int factor(int d, int shift) {
    return (int) (((1L << shift) - d << 32) / d + 1);
  }

  /** {@code HesseStrides}, one or more of them in a row, of operands over axes. */
  static Argument.I64s strides(long[]... operands) {
    long[] all = new long[operands.length * MOST_AXES];
    for (int v = 0; v < operands.length; v++) {
      System.arraycopy(operands[v], 0, all, v * MOST_AXES, operands[v].length);
    }
    return new Argument.I64s(all);
  }

  static int bytes(DType dtype) {
    return switch (dtype) {
      case F32, I32 -> 4;
      case F64 -> 8;
      case BOOL -> 1;
    };
  }

  /** The end of a kernel's name. */
  static String suffix(DType dtype) {
    return "_" + dtype.name().toLowerCase(java.util.Locale.ROOT);
  }

  /** Whether all elements that a view has before its last axis stand at multiples of a number. */
  static boolean isAligned(View view, int[] domain, int axes, long multiple) {
    boolean aligned = (view.slot().offset() + view.offset()) % multiple == 0;
    for (int a = 0; a < axes; a++) {
      aligned &= domain[a] == 1 || view.strides()[a] % multiple == 0;
    }
    return aligned;
  }

  /** The least power of two that is not less. */
  static int powerOfTwo(long n) {
    return n <= 1 ? 1 : Math.toIntExact(Long.highestOneBit(n - 1) << 1);
  }
}
