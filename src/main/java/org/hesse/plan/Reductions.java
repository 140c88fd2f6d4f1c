package org.hesse.plan;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.hesse.Shape;
import org.hesse.backend.Instruction;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.ir.Axes;
import org.hesse.ir.Op;

/** Writes reductions and products as steps. */
final class Reductions {
  private Reductions() {}

  /** Reduces an expansion of the operand. */
  static Step step(Op.Reduce op, Expander.Expansion e, Slot slot) {
    Domain domain = e.domain();
    int n = domain.extents().length;
    boolean[] reduced = new boolean[n];
    long[] out = new long[n];
    long step = 1;
    for (int j = n - 1; j >= 0; j--) {
      reduced[j] = op.axes().contains(domain.axes()[j]);
      if (!reduced[j]) {
        out[j] = step;
        step *= domain.extents()[j];
      }
    }
    List<Instruction> code = lastIs(e.value(), e.code());
    int[] order = order(domain.extents(), reduced, primary(code, domain.extents()));
    int outer = 0;
    while (outer < n && !reduced[order[outer]]) {
      outer++;
    }
    int count = 0;
    while (outer + count < n && reduced[order[outer + count]]) {
      count++;
    }
    int[] extents = Arrays.stream(order).map(j -> domain.extents()[j]).toArray();
    List<Instruction> ordered = code.stream().map(i -> permuted(i, order)).toList();
    if (count == 0) {
      View view = new View(slot, 0, permuted(out, order));
      Step.Store store = new Step.Store(code.size() - 1, view);
      return Domains.collapse(new Step.Map(extents, ordered, List.of(store)));
    }
    long[] kept = Arrays.stream(order).filter(j -> !reduced[j]).mapToLong(j -> out[j]).toArray();
    View view = new View(slot, 0, kept);
    return Domains.collapse(new Step.Reduce(op.kind(), extents, outer, count, ordered, view));
  }

  /** The program up to the value wanted, which is what a reduction takes. */
  private static List<Instruction> lastIs(int value, Code code) {
    return code.instructions().subList(0, value + 1);
  }

  private static long[] permuted(long[] strides, int[] order) {
    return Arrays.stream(order).mapToLong(j -> strides[j]).toArray();
  }

  private static Instruction permuted(Instruction i, int[] order) {
    return switch (i) {
      case Instruction.Load(View v) ->
          new Instruction.Load(new View(v.slot(), v.offset(), permuted(v.strides(), order)));
      case Instruction.Index(long[] s) -> new Instruction.Index(permuted(s, order));
      default -> i;
    };
  }

  /** The strides of the load that touches most elements; row-major ones where there is none. */
  private static long[] primary(List<Instruction> code, int[] extents) {
    long[] best = new long[extents.length];
    long step = 1;
    for (int j = extents.length - 1; j >= 0; j--) {
      best[j] = step;
      step *= extents[j];
    }
    long most = 0;
    for (Instruction i : code) {
      if (i instanceof Instruction.Load(View v)) {
        long touched = 1;
        for (int j = 0; j < extents.length; j++) {
          touched *= v.strides()[j] == 0 ? 1 : extents[j];
        }
        if (touched > most) {
          most = touched;
          best = v.strides();
        }
      }
    }
    return best;
  }

  /**
   * Kept axes, reduced ones, then those kept ones that are finer than any reduced one in memory, so
   * that a column sum walks along the rows.
   */
  private static int[] order(int[] extents, boolean[] reduced, long[] primary) {
    long finest = Long.MAX_VALUE;
    for (int j = 0; j < extents.length; j++) {
      if (reduced[j] && primary[j] != 0) {
        finest = Math.min(finest, Math.abs(primary[j]));
      }
    }
    List<Integer> outer = new ArrayList<>();
    List<Integer> middle = new ArrayList<>();
    List<Integer> inner = new ArrayList<>();
    for (int j = 0; j < extents.length; j++) {
      if (reduced[j]) {
        middle.add(j);
      } else if (primary[j] != 0 && Math.abs(primary[j]) < finest && finest != Long.MAX_VALUE) {
        inner.add(j);
      } else {
        outer.add(j);
      }
    }
    middle.sort((a, b) -> Long.compare(Math.abs(primary[b]), Math.abs(primary[a])));
    outer.addAll(middle);
    outer.addAll(inner);
    return outer.stream().mapToInt(j -> j).toArray();
  }

  /** A product of operands each of whose groups of axes has a single stride. */
  static Step.Dot dot(Op.Dot op, Shape ls, View lhs, Shape rs, View rhs, Slot slot) {
    Axes lhsFree = op.lhsBatch().then(op.lhsContract()).complement(ls.rank());
    Axes rhsFree = op.rhsBatch().then(op.rhsContract()).complement(rs.rank());
    int batch = extent(ls, op.lhsBatch());
    int m = extent(ls, lhsFree);
    int n = extent(rs, rhsFree);
    int k = extent(ls, op.lhsContract());
    View a = grouped(lhs, ls, op.lhsBatch(), lhsFree, op.lhsContract());
    View b = grouped(rhs, rs, op.rhsBatch(), rhsFree, op.rhsContract());
    View out = new View(slot, 0, new long[] {(long) m * n, n, 1});
    long rows = a.strides()[1];
    boolean shared = batch > 1 && b.strides()[0] == 0;
    if (shared && (m == 1 || a.strides()[0] == m * rows)) {
      // The right operand is the same throughout the batch: one larger product.
      long stride = m == 1 ? a.strides()[0] : rows;
      a = new View(a.slot(), a.offset(), new long[] {0, stride, a.strides()[2]});
      out = new View(slot, 0, new long[] {0, n, 1});
      m *= batch;
      batch = 1;
    }
    return new Step.Dot(batch, m, n, k, a, b, out);
  }

  private static int extent(Shape shape, Axes axes) {
    int extent = 1;
    for (int a : axes.toArray()) {
      extent = Math.multiplyExact(extent, shape.dim(a));
    }
    return extent;
  }

  private static View grouped(View view, Shape shape, Axes batch, Axes free, Axes contract) {
    IndexMap.Linear l = new IndexMap.Linear(view.offset(), view.strides());
    long[] strides = new long[3];
    List<Axes> groups = List.of(batch, free, contract);
    for (int i = 0; i < 3; i++) {
      Long stride = Domains.stride(shape, groups.get(i), l);
      if (stride == null) {
        throw new IllegalStateException("axes " + groups.get(i) + " of " + view + " do not merge");
      }
      strides[i] = stride;
    }
    // Strides over a single element are free to choose: as in row-major memory.
    int k = extent(shape, contract);
    if (k == 1) {
      strides[2] = 1;
    }
    int rows = extent(shape, free);
    if (rows == 1) {
      strides[1] = k * strides[2];
    }
    if (extent(shape, batch) == 1) {
      strides[0] = rows * strides[1];
    }
    return new View(view.slot(), view.offset(), strides);
  }

  /** The index of the maximum along one axis of a view of the operand. */
  static Step.ArgMax argMax(Shape shape, int axis, View in, Slot slot) {
    List<Integer> extents = new ArrayList<>();
    List<Long> from = new ArrayList<>();
    for (int a = 0; a < shape.rank(); a++) {
      if (a == axis || shape.dim(a) == 1) {
        continue;
      }
      int last = extents.size() - 1;
      if (last >= 0 && from.get(last) == in.strides()[a] * shape.dim(a)) {
        extents.set(last, extents.get(last) * shape.dim(a));
        from.set(last, in.strides()[a]);
      } else {
        extents.add(shape.dim(a));
        from.add(in.strides()[a]);
      }
    }
    long[] to = new long[extents.size()];
    long step = 1;
    for (int j = to.length - 1; j >= 0; j--) {
      to[j] = step;
      step *= extents.get(j);
    }
    extents.add(shape.dim(axis));
    from.add(in.strides()[axis]);
    View view =
        new View(in.slot(), in.offset(), from.stream().mapToLong(Long::longValue).toArray());
    int[] domain = extents.stream().mapToInt(Integer::intValue).toArray();
    return new Step.ArgMax(domain, view, new View(slot, 0, to));
  }
}
