package org.hesse.plan;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.ir.Axes;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.ReduceKind;
import org.jspecify.annotations.Nullable;

/** Identities of sums, maxima and products. */
final class ReductionRules {
  static final List<Rule> RULES =
      List.of(
          new Rule("reduce over nothing", Op.Reduce.class, ReductionRules::overNothing),
          new Rule("reduce over extents 1", Op.Reduce.class, ReductionRules::overOnes),
          new Rule("reduce of broadcast", Op.Reduce.class, ReductionRules::ofBroadcast),
          new Rule("reduce of reduce", Op.Reduce.class, ReductionRules::ofReduce),
          new Rule("reduce of permute", Op.Reduce.class, ReductionRules::ofPermute),
          new Rule("cumsum over extent 1", Op.Cumsum.class, ReductionRules::cumsumOfOne),
          new Rule("dot over nothing", Op.Dot.class, ReductionRules::dotOverNothing),
          new Rule("dot of permute", Op.Dot.class, ReductionRules::dotOfPermute),
          new Rule("permute of dot", Op.Permute.class, ReductionRules::permuteOfDot),
          new Rule("dot of casts", Op.Dot.class, ReductionRules::dotOfCasts),
          new Rule("dot over extents 1", Op.Dot.class, ReductionRules::dotOverOnes));

  private ReductionRules() {}

  private static Node reduce(Rewriter to, ReduceKind kind, Node x, Axes axes, Node result) {
    Op op = new Op.Reduce(kind, axes);
    return to.make(op, List.of(x), result.shape(), result.dtype());
  }

  /** No axes at all, or an axis without elements. */
  private static @Nullable Node overNothing(Node n, Rewriter to) {
    Op.Reduce op = (Op.Reduce) n.op();
    Node x = n.input(0);
    if (op.axes().size() == 0) {
      return x;
    }
    if (Arrays.stream(op.axes().toArray()).noneMatch(a -> x.shape().dim(a) == 0)) {
      return null;
    }
    double value = op.kind() == ReduceKind.SUM ? 0 : Scalars.lowest(n.dtype());
    return to.full(value, n.shape(), n.dtype());
  }

  private static @Nullable Node overOnes(Node n, Rewriter to) {
    Op.Reduce op = (Op.Reduce) n.op();
    Shape from = n.input(0).shape();
    int[] ones = Arrays.stream(op.axes().toArray()).filter(a -> from.dim(a) == 1).toArray();
    if (ones.length == 0) {
      return null;
    }
    Axes left = Axes.of(ones).complement(from.rank());
    int[] dims = Arrays.stream(left.toArray()).map(from::dim).toArray();
    int[] axes =
        IntStream.range(0, left.size()).filter(i -> op.axes().contains(left.get(i))).toArray();
    return reduce(to, op.kind(), to.reshape(n.input(0), Shape.of(dims)), Axes.of(axes), n);
  }

  /** Over repeated elements a sum is a product with their count, and a maximum is the element. */
  private static @Nullable Node ofBroadcast(Node n, Rewriter to) {
    Op.Reduce op = (Op.Reduce) n.op();
    Node x = n.input(0);
    if (!(x.op() instanceof Op.Broadcast(Axes axes)) || x.shape().size() == 0) {
      return null;
    }
    Axes kept = op.axes().complement(x.shape().rank());
    long count = 1;
    for (int a : op.axes().toArray()) {
      count *= axes.contains(a) ? 1 : x.shape().dim(a);
    }
    boolean repeats = Arrays.stream(op.axes().toArray()).anyMatch(a -> !axes.contains(a));
    if (!repeats || count > Integer.MAX_VALUE) {
      return null;
    }
    Node small = x.input(0);
    // Axes of the operand that are reduced, and where the others end up in the result.
    int[] inner =
        IntStream.range(0, axes.size()).filter(i -> !kept.contains(axes.get(i))).toArray();
    int[] outer = IntStream.range(0, axes.size()).filter(i -> kept.contains(axes.get(i))).toArray();
    int[] place = Arrays.stream(outer).map(i -> kept.indexOf(axes.get(i))).toArray();
    int[] dims = Arrays.stream(outer).map(small.shape()::dim).toArray();
    Node core =
        to.make(
            new Op.Reduce(op.kind(), Axes.of(inner)), List.of(small), Shape.of(dims), n.dtype());
    if (op.kind() == ReduceKind.SUM) {
      core = to.binary(BinaryKind.MUL, core, to.full((double) count, core.shape(), n.dtype()));
    }
    return to.broadcast(core, Axes.of(place), n.shape());
  }

  private static @Nullable Node ofReduce(Node n, Rewriter to) {
    Node x = n.input(0);
    if (!(n.op() instanceof Op.Reduce(var kind, Axes axes))
        || !(x.op() instanceof Op.Reduce(var innerKind, Axes innerAxes))
        || kind != innerKind
        || !to.usedOnce(x)) {
      return null;
    }
    Axes left = innerAxes.complement(x.input(0).shape().rank());
    int[] all = innerAxes.then(ShapeRules.map(axes, left)).toArray();
    Arrays.sort(all);
    return reduce(to, kind, x.input(0), Axes.of(all), n);
  }

  /** Where the axes that stay keep their order, a permutation before a reduction has no effect. */
  private static @Nullable Node ofPermute(Node n, Rewriter to) {
    Node x = n.input(0);
    if (!(n.op() instanceof Op.Reduce(var kind, Axes axes))
        || !(x.op() instanceof Op.Permute(Axes order))
        || !ShapeRules.map(axes.complement(order.size()), order).isAscending()) {
      return null;
    }
    int[] mapped = ShapeRules.map(axes, order).toArray();
    Arrays.sort(mapped);
    return reduce(to, kind, x.input(0), Axes.of(mapped), n);
  }

  private static @Nullable Node cumsumOfOne(Node n, Rewriter to) {
    return n.shape().dim(((Op.Cumsum) n.op()).axis()) == 1 ? n.input(0) : null;
  }

  private static long contracted(Node n) {
    long k = 1;
    for (int a : ((Op.Dot) n.op()).lhsContract().toArray()) {
      k *= n.input(0).shape().dim(a);
    }
    return k;
  }

  private static @Nullable Node dotOverNothing(Node n, Rewriter to) {
    return contracted(n) == 0 ? to.full(0, n.shape(), n.dtype()) : null;
  }

  /** The transpose of a product, as a weight's gradient is, is the product of the other two. */
  private static @Nullable Node permuteOfDot(Node n, Rewriter to) {
    Node x = n.input(0);
    if (!(n.op() instanceof Op.Permute(Axes axes))
        || !(x.op() instanceof Op.Dot dot)
        || !to.usedOnce(x)) {
      return null;
    }
    int batch = dot.lhsBatch().size();
    int left = x.input(0).shape().rank() - batch - dot.lhsContract().size();
    int rank = axes.size();
    Axes turned =
        Axes.range(0, batch)
            .then(Axes.range(batch + left, rank))
            .then(Axes.range(batch, batch + left));
    if (!axes.equals(turned)) {
      return null;
    }
    Op op = new Op.Dot(dot.rhsContract(), dot.lhsContract(), dot.rhsBatch(), dot.lhsBatch());
    return to.make(op, List.of(x.input(1), x.input(0)), n.shape(), n.dtype());
  }

  /** A product names its axes, so a permuted operand needs other names only. */
  private static @Nullable Node dotOfPermute(Node n, Rewriter to) {
    Op.Dot op = (Op.Dot) n.op();
    Node a = n.input(0);
    Node b = n.input(1);
    if (a.op() instanceof Op.Permute(Axes order)
        && keepsOrder(order, op.lhsContract().then(op.lhsBatch()))) {
      op =
          new Op.Dot(
              ShapeRules.map(op.lhsContract(), order),
              op.rhsContract(),
              ShapeRules.map(op.lhsBatch(), order),
              op.rhsBatch());
      a = a.input(0);
    }
    if (b.op() instanceof Op.Permute(Axes order)
        && keepsOrder(order, op.rhsContract().then(op.rhsBatch()))) {
      op =
          new Op.Dot(
              op.lhsContract(),
              ShapeRules.map(op.rhsContract(), order),
              op.lhsBatch(),
              ShapeRules.map(op.rhsBatch(), order));
      b = b.input(0);
    }
    boolean same = a == n.input(0) && b == n.input(1);
    return same ? null : to.make(op, List.of(a, b), n.shape(), n.dtype());
  }

  private static boolean keepsOrder(Axes order, Axes named) {
    return ShapeRules.map(named.complement(order.size()), order).isAscending();
  }

  /** A product of F32 operands may itself form products and sums in F64. */
  private static @Nullable Node dotOfCasts(Node n, Rewriter to) {
    for (Node in : n.inputs()) {
      if (!(in.op() instanceof Op.Cast)
          || in.dtype() != DType.F64
          || in.input(0).dtype() != DType.F32) {
        return null;
      }
    }
    return to.rebuild(n, List.of(n.input(0).input(0), n.input(1).input(0)));
  }

  /** With one term to each sum, a product is elementwise. */
  private static @Nullable Node dotOverOnes(Node n, Rewriter to) {
    if (contracted(n) != 1 || n.shape().size() == 0) {
      return null;
    }
    Op.Dot op = (Op.Dot) n.op();
    int batch = op.lhsBatch().size();
    int m = n.input(0).shape().rank() - batch - op.lhsContract().size();
    int rank = n.shape().rank();
    Node a = ordered(to, n.input(0), op.lhsBatch(), op.lhsContract());
    Node b = ordered(to, n.input(1), op.rhsBatch(), op.rhsContract());
    a = to.broadcast(to.cast(a, n.dtype()), Axes.range(0, batch + m), n.shape());
    Axes right = Axes.range(0, batch).then(Axes.range(batch + m, rank));
    b = to.broadcast(to.cast(b, n.dtype()), right, n.shape());
    return to.binary(BinaryKind.MUL, a, b);
  }

  /** An operand with its axes as batch, then free; the contracted ones, of extent 1, dropped. */
  private static Node ordered(Rewriter to, Node x, Axes batch, Axes contract) {
    Axes free = batch.then(contract).complement(x.shape().rank());
    Node p = to.permute(x, batch.then(free).then(contract));
    int[] dims = Arrays.copyOf(p.shape().dims(), batch.size() + free.size());
    return to.reshape(p, Shape.of(dims));
  }
}
