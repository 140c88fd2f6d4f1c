package org.hesse.backend.cuda;

import java.util.ArrayList;
import java.util.List;
import org.hesse.DType;
import org.hesse.backend.Step;
import org.hesse.backend.View;

/**
 * Products over any axes: each block makes a tile of the result. Where there are fewer tiles than
 * the device has room for and many terms, these are shared out too, and the parts added up.
 */
final class CudaContract extends Launches {
  private static final String FILE = "contract.cu";
  private static final int THREADS = 256;

  /** Up to so many rows, or columns, are few. */
  private static final int FEW = 32;

  /** Terms are taken so many at once, {@code HESSE_DEPTH}. */
  private static final int DEPTH = 16;

  /** A part has so many terms, at least. */
  private static final int MIN_PART = 256;

  CudaContract(CudaContext context, Step.Contract step) {
    super(launches(context, step));
  }

  private static Launches launches(CudaContext context, Step.Contract step) {
    int[] axes = firstAxes(step);
    long m = size(step, axes, 1);
    long n = size(step, axes, 2);
    // The fewer of the two are the rows of tiles.
    boolean swapped = n < m && n <= FEW;
    int[] groups = swapped ? new int[] {0, 2, 1, 3} : new int[] {0, 1, 2, 3};
    View lhs = swapped ? step.rhs() : step.lhs();
    View rhs = swapped ? step.lhs() : step.rhs();
    DType dtype = step.out().slot().dtype();
    long batch = size(step, axes, 0);
    long k = size(step, axes, 3);
    Tile tile = Tile.of(context, dtype, batch, swapped ? n : m, swapped ? m : n);
    int parts = parts(context, tile.blocks, k);
    long part = Math.ceilDiv(Math.ceilDiv(k, parts), DEPTH) * DEPTH;
    parts = Math.toIntExact(Math.ceilDiv(k, part));

    Argument places = places(step, axes, groups);
    Argument strides = strides(step, axes, groups, lhs, rhs);
    Argument shape =
        new Argument.I64s(
            batch,
            swapped ? n : m,
            swapped ? m : n,
            k,
            parts,
            part,
            along(step, axes, lhs, groups[1]),
            along(step, axes, rhs, groups[2]));
    Argument out = new Argument.Address(step.out());
    Argument sums = new Argument.Scratch(0);
    List<Launch> all = new ArrayList<>();
    all.add(
        new Launch(
            context.kernel(FILE, "contract" + Domains.suffix(dtype) + tile.name()),
            Launch.Grid.of(Math.multiplyExact(tile.blocks, parts), THREADS),
            new Argument.Address(lhs),
            new Argument.Address(rhs),
            out,
            sums,
            places,
            strides,
            shape));
    long size = batch * m * n;
    if (parts > 1) {
      all.add(
          new Launch(
              context.kernel(FILE, "contract_parts" + Domains.suffix(dtype)),
              Launch.Grid.of(Math.ceilDiv(size, THREADS), THREADS),
              sums,
              out,
              places,
              strides,
              shape));
    }
    return new Launches(all, parts > 1 ? size * parts * Domains.bytes(dtype) : 0);
  }

  /** Rows and columns that a block makes, and how many blocks there are for all. */
  private record Tile(int rows, int columns, long blocks) {
    static Tile of(CudaContext context, DType dtype, long batch, long m, long n) {
      if (m <= FEW) {
        return sized(32, 128, batch, m, n);
      }
      Tile large = sized(128, 128, batch, m, n);
      boolean fits = dtype == DType.F32 && m > 64 && n > 64;
      return fits && large.blocks >= context.multiprocessors() ? large : sized(64, 64, batch, m, n);
    }

    private static Tile sized(int rows, int columns, long batch, long m, long n) {
      return new Tile(rows, columns, batch * Math.ceilDiv(m, rows) * Math.ceilDiv(n, columns));
    }

    String name() {
      return "_" + rows + "x" + columns;
    }
  }

  /** Where the axes of b, m, n and k begin, and where they end. */
  private static int[] firstAxes(Step.Contract step) {
    int[] first = new int[5];
    for (int g = 0; g < 4; g++) {
      first[g + 1] = first[g] + step.groups()[g];
    }
    return first;
  }

  private static long size(Step.Contract step, int[] axes, int group) {
    return Domains.size(Domains.range(step.domain(), axes[group], axes[group + 1]));
  }

  private static int parts(CudaContext context, long blocks, long k) {
    long wanted = Math.ceilDiv(2L * context.multiprocessors(), blocks);
    return (int) Math.max(1, Math.min(wanted, k / MIN_PART));
  }

  /** {@code HesseContractAxes}. */
  private static Argument places(Step.Contract step, int[] axes, int[] groups) {
    int[][] domains = new int[4][];
    for (int g = 0; g < 4; g++) {
      domains[g] = Domains.range(step.domain(), axes[groups[g]], axes[groups[g] + 1]);
    }
    return Domains.axes(domains);
  }

  /** {@code HesseContractStrides}. */
  private static Argument strides(
      Step.Contract step, int[] axes, int[] groups, View lhs, View rhs) {
    View[] views = {lhs, rhs, step.out(), lhs, step.out(), rhs, step.out(), lhs, rhs};
    int[] group = {0, 0, 0, 1, 1, 2, 2, 3, 3};
    long[][] strides = new long[views.length][];
    for (int i = 0; i < views.length; i++) {
      int g = groups[group[i]];
      strides[i] = Domains.range(views[i].strides(), axes[g], axes[g + 1]);
    }
    return Domains.strides(strides);
  }

  /** 1 if longer stretches of an operand lie along k than along its other axes, else 0. */
  private static long along(Step.Contract step, int[] axes, View operand, int group) {
    return stretch(step, axes, operand, 3) >= stretch(step, axes, operand, group) ? 1 : 0;
  }

  private static int stretch(Step.Contract step, int[] axes, View operand, int group) {
    int last = axes[group + 1] - 1;
    return last >= axes[group] && Math.abs(operand.strides()[last]) == 1 ? step.last(group) : 0;
  }
}
