package org.hesse.plan;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.backend.Instruction;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.ir.Axes;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.ReduceKind;
import org.jspecify.annotations.Nullable;

/**
 * Reductions over a few elements that are not far apart, as those of pooling windows are, written
 * as elementwise operations on slices: these are fused with what is around them, and their loops
 * are as long as the result.
 */
final class Unrolled {
  /** With more terms a reduction is as good. */
  private static final int MOST = 9;

  /** Where so many kept elements lie side by side, a reduction walks along these. */
  private static final int WIDE = 64;

  /** Results of a size for which it is worth the longer program. */
  private static final int LEAST = 1 << 10;

  /**
   * The same for up to {@link #SHORT} terms, as of two classes: one map instead of several steps.
   */
  private static final int LEAST_SHORT = 1 << 4;

  static final List<Rule> RULES =
      List.of(new Rule("reduce over few", Op.Reduce.class, Unrolled::overFew));

  /** Axes of so few elements are unrolled where some operand is the same along them. */
  private static final int SHORT = 3;

  private static final int MAX_STORES = 16;

  private Unrolled() {}

  /**
   * A map whose short fine axes, along which it repeats operands, have become several stores: what
   * is repeated is then read once, and not in stretches as short as the axis.
   */
  static Step unrolled(Step step) {
    if (!(step instanceof Step.Map map)) {
      return step;
    }
    long inner = 1;
    for (int a = map.domain().length - 1; a >= 0 && inner < WIDE; a--) {
      int extent = map.domain()[a];
      if (repeats(map, a) && extent * map.stores().size() <= MAX_STORES) {
        Step.Map one = without(map, a);
        if (one.code().size() <= Clusters.MAX_SIZE) {
          map = one;
          continue;
        }
      }
      inner *= extent;
    }
    return map.equals(step) ? step : Domains.collapse(map);
  }

  private static boolean repeats(Step.Map map, int axis) {
    long size = Arrays.stream(map.domain()).asLongStream().reduce(1, (a, b) -> a * b);
    int extent = map.domain()[axis];
    boolean any = false;
    for (Instruction i : map.code()) {
      if (i instanceof Instruction.Index(long[] s) && s[axis] != 0 && !isOnly(s, axis)) {
        return false;
      }
      any |=
          i instanceof Instruction.Load(View v)
              && v.strides()[axis] == 0
              && Arrays.stream(v.strides()).anyMatch(s -> s != 0);
    }
    return any && extent <= SHORT && size / extent >= LEAST_SHORT;
  }

  /** Whether indices are those of an axis alone, and so the same wherever it is at one place. */
  private static boolean isOnly(long[] strides, int axis) {
    return Arrays.stream(strides).filter(s -> s != 0).count() == 1 && strides[axis] != 0;
  }

  /** The same with the code once for each index of an axis. */
  private static Step.Map without(Step.Map map, int axis) {
    Axes kept = Axes.of(axis).complement(map.domain().length);
    Code code = new Code();
    List<Step.Store> stores = new ArrayList<>();
    for (int i = 0; i < map.domain()[axis]; i++) {
      int[] numbers = new int[map.code().size()];
      for (int j = 0; j < numbers.length; j++) {
        Instruction moved =
            switch (map.code().get(j)) {
              case Instruction.Load(View v) -> new Instruction.Load(at(v, axis, i, kept));
              case Instruction.Index(long[] s) when s[axis] != 0 ->
                  new Instruction.Constant(DType.I32, i * s[axis]);
              case Instruction.Index(long[] s) -> new Instruction.Index(kept(s, kept));
              case Instruction other -> other;
            };
        numbers[j] = code.add(Code.renumbered(moved, numbers));
      }
      for (Step.Store s : map.stores()) {
        stores.add(new Step.Store(numbers[s.value()], at(s.view(), axis, i, kept)));
      }
    }
    int[] domain = Arrays.stream(kept.toArray()).map(a -> map.domain()[a]).toArray();
    return new Step.Map(domain, code.instructions(), List.copyOf(stores));
  }

  private static View at(View v, int axis, int index, Axes kept) {
    return new View(v.slot(), v.offset() + index * v.strides()[axis], kept(v.strides(), kept));
  }

  private static long[] kept(long[] strides, Axes kept) {
    return Arrays.stream(kept.toArray()).mapToLong(a -> strides[a]).toArray();
  }

  private static @Nullable Node overFew(Node n, Rewriter to) {
    Op.Reduce op = (Op.Reduce) n.op();
    Node x = n.input(0);
    int last = op.axes().size() == 0 ? 0 : op.axes().get(op.axes().size() - 1);
    long terms = x.shape().size() / Math.max(1, n.shape().size());
    long inner = 1;
    for (int a = last + 1; a < x.shape().rank(); a++) {
      inner *= x.shape().dim(a);
    }
    if (n.shape().size() < (terms <= SHORT ? LEAST_SHORT : LEAST)
        || terms < 2
        || terms > MOST
        || inner >= WIDE) {
      return null;
    }
    List<Node> parts = new ArrayList<>();
    for (int i = 0; i < terms; i++) {
      parts.add(part(n, x, op.axes(), i, to));
    }
    BinaryKind kind = op.kind() == ReduceKind.SUM ? BinaryKind.ADD : BinaryKind.MAX;
    // In pairs, so that the error of a sum grows with the logarithm of its length only.
    while (parts.size() > 1) {
      List<Node> half = new ArrayList<>();
      for (int i = 0; i < parts.size(); i += 2) {
        Node a = parts.get(i);
        half.add(i + 1 == parts.size() ? a : to.binary(kind, a, parts.get(i + 1)));
      }
      parts = half;
    }
    return parts.get(0);
  }

  /** The elements with the given row-major number along the reduced axes. */
  private static Node part(Node n, Node x, Axes axes, int number, Rewriter to) {
    int[] start = new int[x.shape().rank()];
    Shape shape = x.shape();
    int rest = number;
    for (int i = axes.size() - 1; i >= 0; i--) {
      int extent = x.shape().dim(axes.get(i));
      start[axes.get(i)] = rest % extent;
      rest /= extent;
      shape = shape.with(axes.get(i), 1);
    }
    int[] ones = new int[start.length];
    Arrays.fill(ones, 1);
    Op slice = new Op.Slice(Axes.of(start), Axes.of(ones));
    return to.reshape(to.make(slice, List.of(x), shape, n.dtype()), n.shape());
  }
}
