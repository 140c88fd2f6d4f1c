package org.hesse.plan;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.ir.Axes;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.jspecify.annotations.Nullable;

/** Identities of primitives that only move elements. */
final class ShapeRules {
  static final List<Rule> RULES =
      List.of(
          new Rule("identity view", Op.class, ShapeRules::identity),
          new Rule("reshape of reshape", Op.Reshape.class, ShapeRules::reshapeOfReshape),
          new Rule("permute of permute", Op.Permute.class, ShapeRules::permuteOfPermute),
          new Rule("permute of extents 1", Op.Permute.class, ShapeRules::permuteOfOnes),
          new Rule("permute of product", Op.Permute.class, ShapeRules::permuteOfProduct),
          new Rule("permute of products", Op.Permute.class, ShapeRules::permuteOfProducts),
          new Rule("broadcast of broadcast", Op.Broadcast.class, ShapeRules::broadcastOfBroadcast),
          new Rule("broadcast to extents 1", Op.Broadcast.class, ShapeRules::broadcastToOnes),
          new Rule("slice of slice", Op.Slice.class, ShapeRules::sliceOfSlice),
          new Rule("slice of pad", Op.Slice.class, ShapeRules::sliceOfPad),
          new Rule("slice of padding", Op.Slice.class, ShapeRules::sliceOfPadding),
          new Rule("slice of broadcast", Op.Slice.class, ShapeRules::sliceOfBroadcast),
          new Rule("slice of concat", Op.Slice.class, ShapeRules::sliceOfConcat),
          new Rule("window without overlap", Op.Window.class, ShapeRules::tiles),
          new Rule("fold without overlap", Op.Fold.class, ShapeRules::ofTiles),
          new Rule("pad of pad", Op.Pad.class, ShapeRules::padOfPad),
          new Rule("reverse of extents 1", Op.Reverse.class, ShapeRules::reverseOfOnes),
          new Rule("reverse of reverse", Op.Reverse.class, ShapeRules::reverseOfReverse),
          new Rule("concat of nothing", Op.Concat.class, ShapeRules::concatOfNothing));

  private ShapeRules() {}

  private static boolean all(Axes axes, int value) {
    return Arrays.stream(axes.toArray()).allMatch(v -> v == value);
  }

  private static @Nullable Node identity(Node n, Rewriter to) {
    if (n.inputs().size() != 1 || !n.shape().equals(n.input(0).shape())) {
      return null;
    }
    boolean same =
        switch (n.op()) {
          case Op.Reshape r -> true;
          case Op.Broadcast b -> true;
          case Op.Concat c -> true;
          case Op.Permute(Axes axes) -> axes.isAscending();
          // Equal shapes leave a slice or a pad nothing to drop or to add, if they have elements;
          // between the elements of an extent 1 there is nothing, whatever the interior.
          case Op.Slice(Axes start, Axes stride) -> all(start, 0) && all(stride, 1);
          case Op.Pad(Axes low, var _) -> all(low, 0);
          case Op.Reverse(Axes axes) -> axes.size() == 0;
          default -> false;
        };
    return same ? n.input(0) : null;
  }

  static @Nullable Node reshapeOfReshape(Node n, Rewriter to) {
    Node x = n.input(0);
    return x.op() instanceof Op.Reshape ? to.reshape(x.input(0), n.shape()) : null;
  }

  static @Nullable Node permuteOfPermute(Node n, Rewriter to) {
    Node x = n.input(0);
    if (!(n.op() instanceof Op.Permute(Axes outer))
        || !(x.op() instanceof Op.Permute(Axes inner))) {
      return null;
    }
    return to.permute(x.input(0), map(outer, inner));
  }

  /** Each number of a list looked up in another. */
  static Axes map(Axes positions, Axes in) {
    return Axes.of(Arrays.stream(positions.toArray()).map(in::get).toArray());
  }

  /** Where the axes longer than 1 keep their order, a permutation moves no element. */
  private static @Nullable Node permuteOfOnes(Node n, Rewriter to) {
    Axes axes = ((Op.Permute) n.op()).axes();
    Shape from = n.input(0).shape();
    int[] moved = Arrays.stream(axes.toArray()).filter(a -> from.dim(a) != 1).toArray();
    return Axes.of(moved).isAscending() ? to.reshape(n.input(0), n.shape()) : null;
  }

  /** The transpose of a product is the product of its operands in the other order. */
  private static @Nullable Node permuteOfProduct(Node n, Rewriter to) {
    return turned(n.input(0), ((Op.Permute) n.op()).axes(), to);
  }

  /** The same of a sum or difference of two products. */
  private static @Nullable Node permuteOfProducts(Node n, Rewriter to) {
    Node x = n.input(0);
    Axes axes = ((Op.Permute) n.op()).axes();
    if (!(x.op() instanceof Op.Binary(BinaryKind kind))
        || kind != BinaryKind.ADD && kind != BinaryKind.SUB
        || !to.usedOnce(x)) {
      return null;
    }
    Node a = turned(x.input(0), axes, to);
    Node b = a == null ? null : turned(x.input(1), axes, to);
    return a == null || b == null ? null : to.binary(kind, a, b);
  }

  /** A product that nothing else reads with the axes of its operands exchanged; null if not. */
  private static @Nullable Node turned(Node x, Axes axes, Rewriter to) {
    if (!(x.op() instanceof Op.Dot dot) || !to.usedOnce(x)) {
      return null;
    }
    int rank = x.shape().rank();
    int batch = dot.lhsBatch().size();
    int columns = x.input(0).shape().rank() - dot.lhsContract().size();
    Axes exchanged =
        Axes.range(0, batch).then(Axes.range(columns, rank)).then(Axes.range(batch, columns));
    if (!axes.equals(exchanged)) {
      return null;
    }
    Op other = new Op.Dot(dot.rhsContract(), dot.lhsContract(), dot.rhsBatch(), dot.lhsBatch());
    int[] dims = Arrays.stream(axes.toArray()).map(x.shape()::dim).toArray();
    return to.make(other, List.of(x.input(1), x.input(0)), Shape.of(dims), x.dtype());
  }

  private static @Nullable Node broadcastOfBroadcast(Node n, Rewriter to) {
    Node x = n.input(0);
    if (!(n.op() instanceof Op.Broadcast(Axes outer))
        || !(x.op() instanceof Op.Broadcast(Axes inner))) {
      return null;
    }
    return to.broadcast(x.input(0), map(inner, outer), n.shape());
  }

  private static @Nullable Node broadcastToOnes(Node n, Rewriter to) {
    Axes fresh = ((Op.Broadcast) n.op()).axes().complement(n.shape().rank());
    boolean ones = Arrays.stream(fresh.toArray()).allMatch(a -> n.shape().dim(a) == 1);
    // A broadcast constant stays one, so that it is plain to see.
    return ones && ConstantRules.uniform(n) == null ? to.reshape(n.input(0), n.shape()) : null;
  }

  private static @Nullable Node sliceOfSlice(Node n, Rewriter to) {
    Node x = n.input(0);
    if (!(n.op() instanceof Op.Slice(Axes start, Axes stride))
        || !(x.op() instanceof Op.Slice(Axes start0, Axes stride0))) {
      return null;
    }
    int[] s = new int[start.size()];
    int[] d = new int[start.size()];
    for (int a = 0; a < s.length; a++) {
      s[a] = start0.get(a) + start.get(a) * stride0.get(a);
      // The stride over a single element is arbitrary, and the product might overflow.
      d[a] = n.shape().dim(a) <= 1 ? 1 : Math.multiplyExact(stride.get(a), stride0.get(a));
    }
    Op slice = new Op.Slice(Axes.of(s), Axes.of(d));
    return to.make(slice, List.of(x.input(0)), n.shape(), n.dtype());
  }

  /** A slice that takes exactly what the pad put in. */
  private static @Nullable Node sliceOfPad(Node n, Rewriter to) {
    Node x = n.input(0);
    if (!(n.op() instanceof Op.Slice(Axes start, Axes stride))
        || !(x.op() instanceof Op.Pad(Axes low, Axes interior))
        || !n.shape().equals(x.input(0).shape())) {
      return null;
    }
    for (int a = 0; a < start.size(); a++) {
      boolean one = n.shape().dim(a) == 1;
      if (start.get(a) != low.get(a) || (!one && stride.get(a) != interior.get(a) + 1)) {
        return null;
      }
    }
    return x.input(0);
  }

  /** A slice that along some axis takes nothing of what the zeros were put around. */
  private static @Nullable Node sliceOfPadding(Node n, Rewriter to) {
    Node x = n.input(0);
    if (!(n.op() instanceof Op.Slice(Axes start, Axes stride))
        || !(x.op() instanceof Op.Pad(Axes low, Axes interior))
        || n.shape().size() == 0
        || n.dtype() == DType.BOOL) {
      return null;
    }
    for (int a = 0; a < start.size(); a++) {
      boolean padding = true;
      for (int i = 0; i < n.shape().dim(a) && padding; i++) {
        long at = start.get(a) + (long) i * stride.get(a) - low.get(a);
        int step = interior.get(a) + 1;
        padding = at < 0 || at % step != 0 || at / step >= x.input(0).shape().dim(a);
      }
      if (padding) {
        return to.full(0, n.shape(), n.dtype());
      }
    }
    return null;
  }

  /** A slice along new axes only. */
  private static @Nullable Node sliceOfBroadcast(Node n, Rewriter to) {
    Node x = n.input(0);
    if (!(n.op() instanceof Op.Slice slice) || !(x.op() instanceof Op.Broadcast(Axes axes))) {
      return null;
    }
    for (int a : axes.toArray()) {
      if (slice.start().get(a) != 0
          || slice.stride().get(a) != 1
          || n.shape().dim(a) != x.shape().dim(a)) {
        return null;
      }
    }
    return to.broadcast(x.input(0), axes, n.shape());
  }

  /** A slice that stays inside one operand. */
  private static @Nullable Node sliceOfConcat(Node n, Rewriter to) {
    Node x = n.input(0);
    if (!(n.op() instanceof Op.Slice(Axes start, Axes stride))
        || !(x.op() instanceof Op.Concat(int axis))
        || n.shape().size() == 0) {
      return null;
    }
    int first = start.get(axis);
    int last = first + (n.shape().dim(axis) - 1) * stride.get(axis);
    int begin = 0;
    for (Node part : x.inputs()) {
      int end = begin + part.shape().dim(axis);
      if (first >= begin && last < end) {
        int[] s = start.toArray();
        s[axis] = first - begin;
        Op slice = new Op.Slice(Axes.of(s), stride);
        return to.make(slice, List.of(part), n.shape(), n.dtype());
      }
      begin = end;
    }
    return null;
  }

  /** Windows side by side are a reshape, and windows of a single element a slice. */
  private static @Nullable Node tiles(Node n, Rewriter to) {
    Op.Window op = (Op.Window) n.op();
    Node x = n.input(0);
    int size = n.shape().dim(op.axis() + 1);
    boolean dense = op.dilation() == 1 && op.stride() == size;
    if (!dense && size != 1 || n.shape().size() == 0) {
      return null;
    }
    int[] stride = ones(x.shape().rank());
    stride[op.axis()] = dense ? 1 : op.stride();
    Shape part = x.shape().with(op.axis(), n.shape().dim(op.axis()) * size);
    Op slice = new Op.Slice(Axes.of(new int[stride.length]), Axes.of(stride));
    return to.reshape(to.make(slice, List.of(x), part, n.dtype()), n.shape());
  }

  /** The transpose of {@link #tiles}. */
  private static @Nullable Node ofTiles(Node n, Rewriter to) {
    Op.Fold op = (Op.Fold) n.op();
    Node x = n.input(0);
    int size = x.shape().dim(op.axis() + 1);
    boolean dense = op.dilation() == 1 && op.stride() == size;
    if (!dense && size != 1 || x.shape().size() == 0) {
      return null;
    }
    int[] interior = new int[n.shape().rank()];
    interior[op.axis()] = dense ? 0 : op.stride() - 1;
    Node joined = to.reshape(x, n.shape().with(op.axis(), x.shape().dim(op.axis()) * size));
    Op pad = new Op.Pad(Axes.of(new int[interior.length]), Axes.of(interior));
    return to.make(pad, List.of(joined), n.shape(), n.dtype());
  }

  private static int[] ones(int n) {
    return Axes.of(new int[n]).plus(1).toArray();
  }

  static @Nullable Node padOfPad(Node n, Rewriter to) {
    Node x = n.input(0);
    if (!(n.op() instanceof Op.Pad(Axes low, Axes interior))
        || !(x.op() instanceof Op.Pad(Axes low0, Axes interior0))
        || !all(interior, 0)) {
      return null;
    }
    int[] sum = IntStream.range(0, low.size()).map(a -> low.get(a) + low0.get(a)).toArray();
    Op pad = new Op.Pad(Axes.of(sum), interior0);
    return to.make(pad, List.of(x.input(0)), n.shape(), n.dtype());
  }

  private static @Nullable Node reverseOfOnes(Node n, Rewriter to) {
    Axes axes = ((Op.Reverse) n.op()).axes();
    int[] kept = Arrays.stream(axes.toArray()).filter(a -> n.shape().dim(a) > 1).toArray();
    if (kept.length == axes.size()) {
      return null;
    }
    return to.make(new Op.Reverse(Axes.of(kept)), n.inputs(), n.shape(), n.dtype());
  }

  private static @Nullable Node reverseOfReverse(Node n, Rewriter to) {
    Node x = n.input(0);
    if (!(n.op() instanceof Op.Reverse(Axes a)) || !(x.op() instanceof Op.Reverse(Axes b))) {
      return null;
    }
    int[] once =
        IntStream.range(0, n.shape().rank()).filter(i -> a.contains(i) != b.contains(i)).toArray();
    return to.make(new Op.Reverse(Axes.of(once)), x.inputs(), n.shape(), n.dtype());
  }

  private static @Nullable Node concatOfNothing(Node n, Rewriter to) {
    int axis = ((Op.Concat) n.op()).axis();
    List<Node> parts = new ArrayList<>();
    for (Node in : n.inputs()) {
      if (in.shape().dim(axis) != 0) {
        parts.add(in);
      }
    }
    if (parts.isEmpty() || parts.size() == n.inputs().size()) {
      return null;
    }
    return to.make(n.op(), List.copyOf(parts), n.shape(), n.dtype());
  }
}
