package org.hesse.plan;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.hesse.Shape;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.ir.Axes;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.jspecify.annotations.Nullable;

/**
 * Products of windows that are never copied, which is what convolutions and their derivatives are
 * made of. Three rewritings lead there: overlapping windows of a product that are added up become a
 * product with the windows of a padded operand, so that there is nothing to add up; padding goes
 * before windows; and where a product's axes are wanted in another order, those in front become a
 * batch, along which the other operand is repeated.
 *
 * <p>The first one multiplies zeros with weights, so weights that are not finite make all of the
 * derivative NaN that they reach, not only what they have to do with.
 */
final class Contractions {
  /** Shorter rows of a picture do not fill vectors: their windows are copied, into longer rows. */
  private static final int LONG = 8;

  private static final List<Rule> FOLDS =
      List.of(
          new Rule("fold of product", Op.Fold.class, Contractions::foldOfProduct),
          new Rule("pad of window", Op.Pad.class, Contractions::padOfWindow),
          new Rule("pad of pad", Op.Pad.class, ShapeRules::padOfPad),
          new Rule("permute of permute", Op.Permute.class, ShapeRules::permuteOfPermute),
          new Rule("reshape of reshape", Op.Reshape.class, ShapeRules::reshapeOfReshape));

  private static final List<Rule> ORDERS =
      List.of(new Rule("permute of product", Op.Permute.class, Contractions::permuteOfProduct));

  private Contractions() {}

  /** An equivalent program with products in place of sums and orders that need copies. */
  static Program arrange(Program program) {
    boolean any = program.nodes().stream().anyMatch(n -> n.op() instanceof Op.Dot);
    return any ? Simplify.simplify(Simplify.simplify(program, FOLDS), ORDERS) : program;
  }

  /** Whether a product is to read these views in place, although they are no matrices. */
  static boolean inPlace(Node n, Op.Dot dot, IndexMap.Linear lhs, IndexMap.Linear rhs) {
    Node left = n.input(0);
    return left.dtype().isReal()
        && left.dtype() == n.dtype()
        && Math.max(columns(dot, n.input(1).shape(), rhs), pairs(dot, left.shape(), lhs, rhs)[1])
            >= LONG;
  }

  /** How many columns of the result lie one after another, in the right operand and the result. */
  private static int columns(Op.Dot dot, Shape shape, IndexMap.Linear view) {
    int[] free = free(dot.rhsBatch(), dot.rhsContract(), shape.rank());
    int last = free.length - 1;
    while (last >= 0 && shape.dim(free[last]) == 1) {
      last--;
    }
    return last >= 0 && view.strides()[free[last]] == 1 ? shape.dim(free[last]) : 1;
  }

  /**
   * The contracted axis with most pairs that lie one after another in both operands, and how many.
   */
  private static int[] pairs(Op.Dot dot, Shape shape, IndexMap.Linear lhs, IndexMap.Linear rhs) {
    int[] best = {-1, 1};
    for (int i = 0; i < dot.lhsContract().size(); i++) {
      int a = dot.lhsContract().get(i);
      boolean dense = lhs.strides()[a] == 1 && rhs.strides()[dot.rhsContract().get(i)] == 1;
      if (dense && shape.dim(a) > best[1]) {
        best = new int[] {i, shape.dim(a)};
      }
    }
    return best;
  }

  private static int[] free(Axes batch, Axes contract, int rank) {
    return batch.then(contract).complement(rank).toArray();
  }

  /** A product over views of its operands, with one stride for each axis. */
  static Step step(Op.Dot dot, Shape ls, View lhs, Shape rs, View rhs, Slot slot) {
    IndexMap.Linear l = new IndexMap.Linear(lhs.offset(), lhs.strides());
    IndexMap.Linear r = new IndexMap.Linear(rhs.offset(), rhs.strides());
    int[] lhsFree = free(dot.lhsBatch(), dot.lhsContract(), ls.rank());
    int[] rhsFree = free(dot.rhsBatch(), dot.rhsContract(), rs.rank());
    int last = pairs(dot, ls, l, r)[0];
    List<int[]> axes = new ArrayList<>();
    pair(axes, dot.lhsBatch(), dot.rhsBatch());
    Arrays.stream(lhsFree).forEach(a -> axes.add(new int[] {a, -1}));
    Arrays.stream(rhsFree).forEach(a -> axes.add(new int[] {-1, a}));
    int kept = axes.size();
    pair(axes, dot.lhsContract(), dot.rhsContract());
    if (last >= 0) {
      axes.add(axes.remove(kept + last));
    }
    int[] domain = axes.stream().mapToInt(p -> p[0] >= 0 ? ls.dim(p[0]) : rs.dim(p[1])).toArray();
    int batch = dot.lhsBatch().size();
    int[] ends = {batch, batch + lhsFree.length, kept, axes.size()};
    Loops loops =
        Loops.merged(
            domain,
            ends,
            strides(axes, 0, lhs.strides()),
            strides(axes, 1, rhs.strides()),
            Arrays.copyOf(Indexing.dense(Shape.of(Arrays.copyOf(domain, kept))), axes.size()));
    Step.Contract step =
        new Step.Contract(
            loops.domain(),
            loops.groups(),
            new View(lhs.slot(), lhs.offset(), loops.strides()[0]),
            new View(rhs.slot(), rhs.offset(), loops.strides()[1]),
            new View(slot, 0, loops.strides()[2]));
    Step.Dot matrices = matrices(step);
    return matrices == null ? step : matrices;
  }

  /**
   * The same as products of matrices, if at most one axis is left of each group when one of the
   * rows or columns is taken for a batch.
   */
  private static Step.@Nullable Dot matrices(Step.Contract c) {
    int[] g = c.groups();
    int rank = c.domain().length;
    if (g[3] > 1 || g[0] + Math.max(0, g[1] - 1) + Math.max(0, g[2] - 1) > 1) {
      return null;
    }
    int rows = g[0] + (g[1] == 2 ? 1 : 0);
    int columns = g[0] + g[1] + (g[2] == 2 ? 1 : 0);
    int batch = g[0] == 1 || g[1] == 2 ? 0 : g[2] == 2 ? g[1] : -1;
    int m = g[1] > 0 ? rows : -1;
    int n = g[2] > 0 ? columns : -1;
    int k = g[3] > 0 ? rank - 1 : -1;
    return new Step.Dot(
        extent(c, batch),
        extent(c, m),
        extent(c, n),
        extent(c, k),
        along(c.lhs(), batch, m, k),
        along(c.rhs(), batch, n, k),
        along(c.out(), batch, m, n));
  }

  private static int extent(Step.Contract c, int axis) {
    return axis < 0 ? 1 : c.domain()[axis];
  }

  private static View along(View view, int... axes) {
    long[] strides = Arrays.stream(axes).mapToLong(a -> a < 0 ? 0 : view.strides()[a]).toArray();
    return new View(view.slot(), view.offset(), strides);
  }

  private static void pair(List<int[]> axes, Axes left, Axes right) {
    for (int i = 0; i < left.size(); i++) {
      axes.add(new int[] {left.get(i), right.get(i)});
    }
  }

  private static long[] strides(List<int[]> axes, int side, long[] strides) {
    return axes.stream().mapToLong(p -> p[side] < 0 ? 0 : strides[p[side]]).toArray();
  }

  /** Padding that leaves the axes of windows alone goes before them. */
  private static @Nullable Node padOfWindow(Node n, Rewriter to) {
    Op.Pad pad = (Op.Pad) n.op();
    Node x = n.input(0);
    if (!(x.op() instanceof Op.Window w) || !to.usedOnce(x)) {
      return null;
    }
    for (int a = w.axis(); a <= w.axis() + 1; a++) {
      // Between the elements of a single one there is no padding, but before the window there is.
      if (pad.low().get(a) != 0
          || pad.interior().get(a) != 0
          || n.shape().dim(a) != x.shape().dim(a)) {
        return null;
      }
    }
    Axes inner = Axes.of(w.axis() + 1).complement(n.shape().rank());
    Shape from = x.input(0).shape();
    Shape shape = n.shape().remove(w.axis() + 1).with(w.axis(), from.dim(w.axis()));
    Op before = new Op.Pad(ShapeRules.map(inner, pad.low()), ShapeRules.map(inner, pad.interior()));
    Node padded = to.make(before, x.inputs(), shape, n.dtype());
    return to.make(w, List.of(padded), n.shape(), n.dtype());
  }

  /**
   * With positions in one operand and places in the other, Σ over p + w · dilation = i of Σₖ L[w,k]
   * · R[p,k] is the sum over k and w of L[w,k] · R[i − w · dilation,k], R being 0 outside.
   */
  private static @Nullable Node foldOfProduct(Node n, Rewriter to) {
    Op.Fold fold = (Op.Fold) n.op();
    Node v = n.input(0);
    Node d = v;
    while ((d.op() instanceof Op.Permute || d.op() instanceof Op.Reshape) && to.usedOnce(d)) {
      d = d.input(0);
    }
    boolean wide =
        fold.stride() == 1 && v.shape().size() != 0 && n.shape().dim(n.shape().rank() - 1) >= LONG;
    if (!wide || !(d.op() instanceof Op.Dot dot) || !to.usedOnce(d)) {
      return null;
    }
    int[] shown = shown(v, d);
    if (shown == null) {
      return null;
    }
    Sides sides = Sides.of(d, dot, shown, fold.axis());
    return sides == null ? null : sides.product(n, fold, to);
  }

  /**
   * For each axis of a node the axis of a view of it that shows just this one; null if none does.
   */
  private static int @Nullable [] shown(Node view, Node base) {
    IndexMap map = IndexMap.identity(view.shape());
    for (Node at = view; at != base; at = at.input(0)) {
      IndexMap next = map.through(at);
      if (next == null) {
        return null;
      }
      map = next;
    }
    int[] shown = new int[base.shape().rank()];
    for (int a = 0; a < shown.length; a++) {
      IndexMap.Linear along = map.along(a);
      int[] axes =
          IntStream.range(0, along.strides().length).filter(j -> along.strides()[j] != 0).toArray();
      boolean one = axes.length == 1 && along.strides()[axes[0]] == 1;
      if (along.offset() != 0
          || axes.length > 0 && !(one && view.shape().dim(axes[0]) == base.shape().dim(a))) {
        return null;
      }
      shown[a] = one ? axes[0] : -1;
    }
    return shown;
  }

  /**
   * The operands of a product, one of which has the axis of positions and the other that of places.
   *
   * @param shown for each axis of the product the one that it is in what is folded, or −1
   * @param positions axis of the operand that has them, which is the right one if {@code turned} is
   *     false
   */
  private record Sides(
      Node product, Op.Dot dot, int[] shown, boolean turned, int positions, int places) {
    static @Nullable Sides of(Node d, Op.Dot dot, int[] shown, int axis) {
      int[] lhs = free(dot.lhsBatch(), dot.lhsContract(), d.input(0).shape().rank());
      int[] rhs = free(dot.rhsBatch(), dot.rhsContract(), d.input(1).shape().rank());
      int p = indexOf(shown, axis) - dot.lhsBatch().size();
      int w = indexOf(shown, axis + 1) - dot.lhsBatch().size();
      if (p < 0 || w < 0 || p < lhs.length == w < lhs.length) {
        return null;
      }
      return p < lhs.length
          ? new Sides(d, dot, shown, true, lhs[p], rhs[w - lhs.length])
          : new Sides(d, dot, shown, false, rhs[p - lhs.length], lhs[w]);
    }

    private static int indexOf(int[] list, int value) {
      return IntStream.range(0, list.length).filter(i -> list[i] == value).findFirst().orElse(-1);
    }

    private Node left() {
      return product.input(turned ? 1 : 0);
    }

    private Node right() {
      return product.input(turned ? 0 : 1);
    }

    /** The axes of the product that come from an operand, free ones only. */
    private IntStream fromOperand(boolean first) {
      int batch = dot.lhsBatch().size();
      int rank = product.input(0).shape().rank();
      int end = batch + rank - batch - dot.lhsContract().size();
      return first ? IntStream.range(batch, end) : IntStream.range(end, product.shape().rank());
    }

    Node product(Node n, Op.Fold fold, Rewriter to) {
      int size = left().shape().dim(places);
      int margin = (size - 1) * fold.dilation();
      int extent = n.shape().dim(fold.axis());
      Node reversed =
          to.make(new Op.Reverse(Axes.of(places)), List.of(left()), left().shape(), left().dtype());
      int rank = right().shape().rank();
      int[] low = new int[rank];
      low[positions] = margin;
      Node padded =
          to.make(
              new Op.Pad(Axes.of(low), Axes.of(new int[rank])),
              List.of(right()),
              right().shape().with(positions, extent + margin),
              right().dtype());
      Node windows =
          to.make(
              new Op.Window(positions, 1, fold.dilation()),
              List.of(padded),
              padded.shape().with(positions, extent).insert(positions + 1, size),
              right().dtype());
      Axes leftBatch = turned ? dot.rhsBatch() : dot.lhsBatch();
      Axes rightBatch = turned ? dot.lhsBatch() : dot.rhsBatch();
      Axes leftContract = (turned ? dot.rhsContract() : dot.lhsContract()).then(Axes.of(places));
      Axes rightContract =
          shifted(turned ? dot.lhsContract() : dot.rhsContract()).then(Axes.of(positions + 1));
      Op.Dot op = new Op.Dot(leftContract, rightContract, leftBatch, shifted(rightBatch));
      return ordered(n, fold, to, op, reversed, windows);
    }

    private Axes shifted(Axes axes) {
      return Axes.of(IntStream.of(axes.toArray()).map(a -> a > positions ? a + 1 : a).toArray());
    }

    /** The product with its axes as the fold has them. */
    private Node ordered(
        Node n, Op.Fold fold, Rewriter to, Op.Dot op, Node reversed, Node windows) {
      int gone = fold.axis() + 1;
      IntStream batch = IntStream.range(0, dot.lhsBatch().size());
      int[] shownBy =
          Stream.of(batch, fromOperand(!turned), fromOperand(turned))
              .flatMapToInt(s -> s)
              .map(a -> shown[a])
              .filter(a -> a != gone)
              .toArray();
      int[] extents =
          Arrays.stream(shownBy)
              .map(a -> a < 0 ? 1 : n.shape().dim(a > gone ? a - 1 : a))
              .toArray();
      Node result = to.make(op, List.of(reversed, windows), Shape.of(extents), n.dtype());
      int[] order =
          IntStream.range(0, shownBy.length)
              .boxed()
              .sorted(Comparator.comparingInt(i -> shownBy[i]))
              .mapToInt(i -> i)
              .toArray();
      return to.reshape(to.permute(result, Axes.of(order)), n.shape());
    }
  }

  /** Axes in front become a batch, along which the operand that has none of them is repeated. */
  private static @Nullable Node permuteOfProduct(Node n, Rewriter to) {
    Node d = n.input(0);
    if (!(n.op() instanceof Op.Permute(Axes order))
        || !(d.op() instanceof Op.Dot dot)
        || !to.usedOnce(d)
        || d.inputs().stream().anyMatch(in -> in.shape().size() == 0)
        || isMatrix(d.input(1), dot.rhsBatch(), dot.rhsContract())) {
      return null;
    }
    int batch = dot.lhsBatch().size();
    int columns = batch + d.input(0).shape().rank() - batch - dot.lhsContract().size();
    int t = order.size();
    while (t > 0 && order.get(t - 1) >= columns && ascends(order, t)) {
      t--;
    }
    int kept = t;
    while (t > 0
        && order.get(t - 1) >= batch
        && order.get(t - 1) < columns
        && ascends(order, t, kept)) {
      t--;
    }
    if (kept == order.size() || t == 0) {
      return null;
    }
    return batched(n, d, dot, order.toArray(), t, to);
  }

  private static boolean ascends(Axes order, int at) {
    return ascends(order, at, order.size());
  }

  private static boolean ascends(Axes order, int at, int end) {
    return at == end || order.get(at - 1) < order.get(at);
  }

  private static @Nullable Node batched(
      Node n, Node d, Op.Dot dot, int[] order, int count, Rewriter to) {
    Node lhs = d.input(0);
    Node rhs = d.input(1);
    int batch = dot.lhsBatch().size();
    int[] lhsFree = free(dot.lhsBatch(), dot.lhsContract(), lhs.shape().rank());
    int[] rhsFree = free(dot.rhsBatch(), dot.rhsContract(), rhs.shape().rank());
    int columns = batch + lhsFree.length;
    int[] front = Arrays.copyOf(order, count);
    int[] repeatLeft = Arrays.stream(front).filter(a -> a >= columns).toArray();
    int[] repeatRight = Arrays.stream(front).filter(a -> a >= batch && a < columns).toArray();
    int[] lb = new int[count];
    int[] rb = new int[count];
    for (int i = 0, newLeft = 0, newRight = 0; i < count; i++) {
      int a = front[i];
      if (a < batch) {
        lb[i] = dot.lhsBatch().get(a) + repeatLeft.length;
        rb[i] = dot.rhsBatch().get(a) + repeatRight.length;
      } else if (a < columns) {
        lb[i] = lhsFree[a - batch] + repeatLeft.length;
        rb[i] = newRight++;
      } else {
        lb[i] = newLeft++;
        rb[i] = rhsFree[a - columns] + repeatRight.length;
      }
    }
    Op.Dot op =
        new Op.Dot(
            dot.lhsContract().plus(repeatLeft.length),
            dot.rhsContract().plus(repeatRight.length),
            Axes.of(lb),
            Axes.of(rb));
    Node left = repeated(lhs, repeatLeft, d, to);
    Node right = repeated(rhs, repeatRight, d, to);
    Node product = new Node(op, List.of(left, right), n.shape(), n.dtype());
    IndexMap.Linear l = strides(left);
    IndexMap.Linear r = strides(right);
    boolean fits =
        isMatrix(left, op.lhsBatch(), op.lhsContract())
            && isMatrix(right, op.rhsBatch(), op.rhsContract());
    return fits || l != null && r != null && inPlace(product, op, l, r)
        ? to.make(op, product.inputs(), n.shape(), n.dtype())
        : null;
  }

  private static Node repeated(Node x, int[] axes, Node product, Rewriter to) {
    Shape shape = x.shape();
    for (int i = 0; i < axes.length; i++) {
      shape = shape.insert(i, product.shape().dim(axes[i]));
    }
    return to.broadcast(x, Axes.range(axes.length, shape.rank()), shape);
  }

  private static IndexMap.@Nullable Linear strides(Node operand) {
    Node base = operand;
    while (IndexMap.isView(base.op())) {
      base = base.input(0);
    }
    return Products.strides(operand, base);
  }

  /** Whether each group of axes of an operand has a single stride. */
  private static boolean isMatrix(Node x, Axes batch, Axes contract) {
    IndexMap.Linear view = strides(x);
    Axes free = Axes.of(free(batch, contract, x.shape().rank()));
    return view != null
        && Stream.of(batch, free, contract)
            .allMatch(g -> Domains.stride(x.shape(), g, view) != null);
  }
}
