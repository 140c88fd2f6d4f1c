package org.hesse.plan;

import static org.hesse.plan.ConstantRules.isExactly;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.hesse.Shape;
import org.hesse.ir.Axes;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of the derivative of something that was cut in parts, as queries, keys and values or
 * the gates of a recurrence are: a sum of parts with zeros around them.
 */
final class ConcatRules {
  static final List<Rule> RULES =
      List.of(
          new Rule("sum of disjoint pads", Op.Binary.class, ConcatRules::sumOfPads),
          new Rule("reshape of permuted concat", Op.Reshape.class, ConcatRules::ofPermuted));

  /** Sums of more parts stay, as each further one goes through all before it. */
  private static final int MAX_PARTS = 64;

  /** Elements and where among zeros they begin. */
  private record Part(int at, Node elements) {
    int end(int axis) {
      return at + elements.shape().dim(axis);
    }
  }

  private ConcatRules() {}

  /** The parts are put side by side, rather than each among zeros of its own that are added up. */
  private static @Nullable Node sumOfPads(Node n, Rewriter to) {
    Node a = n.input(0);
    Node b = n.input(1);
    int axis = axis(a);
    if (((Op.Binary) n.op()).kind() != BinaryKind.ADD
        || axis < 0
        || axis != axis(b)
        || !to.usedOnce(a)
        || !to.usedOnce(b)) {
      return null;
    }
    List<Part> parts = new ArrayList<>(parts(a, axis));
    parts.addAll(parts(b, axis));
    if (parts.size() > MAX_PARTS) {
      return null;
    }
    parts.sort(Comparator.comparingInt(Part::at));
    List<Node> all = new ArrayList<>();
    int end = 0;
    for (Part p : parts) {
      if (p.at < end) {
        return null;
      }
      addZeros(all, n, axis, p.at - end, to);
      all.add(plusZero(p.elements, to));
      end = p.end(axis);
    }
    addZeros(all, n, axis, n.shape().dim(axis) - end, to);
    return to.make(new Op.Concat(axis), List.copyOf(all), n.shape(), n.dtype());
  }

  private static void addZeros(List<Node> all, Node n, int axis, int count, Rewriter to) {
    if (count > 0) {
      all.add(to.full(0, n.shape().with(axis, count), n.dtype()));
    }
  }

  /** The axis along which a node is put together from parts; −1 if it is not, or along several. */
  private static int axis(Node n) {
    if (n.op() instanceof Op.Concat(int axis)) {
      return axis;
    }
    if (!(n.op() instanceof Op.Pad(Axes low, Axes interior)) || !interior.equals(zeros(n))) {
      return -1;
    }
    Shape part = n.input(0).shape();
    int[] padded =
        IntStream.range(0, part.rank()).filter(a -> part.dim(a) != n.shape().dim(a)).toArray();
    return padded.length == 1 ? padded[0] : -1;
  }

  private static Axes zeros(Node n) {
    return Axes.of(new int[n.shape().rank()]);
  }

  /** What is not zero for all that is known. */
  private static List<Part> parts(Node n, int axis) {
    if (n.op() instanceof Op.Pad(Axes low, Axes interior)) {
      return List.of(new Part(low.get(axis), n.input(0)));
    }
    List<Part> parts = new ArrayList<>();
    int at = 0;
    for (Node in : n.inputs()) {
      Part p = new Part(at, in);
      if (!isExactly(in, 0)) {
        parts.add(p);
      }
      at = p.end(axis);
    }
    return parts;
  }

  /** −0 becomes 0 when zeros are added, and stays 0 when more of them are. */
  private static Node plusZero(Node n, Rewriter to) {
    // A sum with a number is a sum before it is repeated.
    Node sum = n.op() instanceof Op.Broadcast ? n.input(0) : n;
    boolean done =
        sum.op() instanceof Op.Binary(BinaryKind kind)
            && kind == BinaryKind.ADD
            && sum.inputs().stream().anyMatch(in -> isExactly(in, 0));
    return done ? n : to.binary(BinaryKind.ADD, n, to.full(0, n.shape(), n.dtype()));
  }

  /**
   * Where elements have to be moved after they were put side by side, they are moved at once. Not
   * so single elements: they may be read where they are, and would be written far from each other.
   */
  private static @Nullable Node ofPermuted(Node n, Rewriter to) {
    Node moved = n.input(0);
    if (!(moved.op() instanceof Op.Permute(Axes axes))
        || !(moved.input(0).op() instanceof Op.Concat(int axis))
        || axes.get(axes.size() - 1) != axes.size() - 1
        || n.shape().size() == 0
        || !to.usedOnce(moved)
        || !to.usedOnce(moved.input(0))
        || Products.strides(n, moved.input(0)) != null) {
      return null;
    }
    List<Node> parts = moved.input(0).inputs().stream().map(p -> to.permute(p, axes)).toList();
    Op concat = new Op.Concat(axes.inverse().get(axis));
    return to.reshape(to.make(concat, parts, moved.shape(), n.dtype()), n.shape());
  }
}
