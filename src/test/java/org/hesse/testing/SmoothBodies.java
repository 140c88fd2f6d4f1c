package org.hesse.testing;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.hesse.Shape;
import org.hesse.fused.Norms;
import org.hesse.fused.Softmaxes;
import org.hesse.ir.Axes;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.UnaryKind;
import org.hesse.ops.Elementwise;
import org.hesse.ops.Programs;
import org.hesse.ops.Programs.Binding;
import org.hesse.ops.Programs.Operands;
import org.hesse.ops.Reductions;
import org.hesse.ops.Shapes;

/** Draws primitives with a body, smooth ones throughout: recurrences, calls and composites. */
final class SmoothBodies {
  private final Random random;

  SmoothBodies(Random random) {
    this.random = random;
  }

  /**
   * A draw.
   *
   * @param other any node
   * @param like of the shape of {@code other}
   */
  Node next(Node x, Node other, Node like) {
    return switch (random.nextInt(4)) {
      case 0, 1 -> x.shape().rank() == 0 ? call(x, other, like) : scan(x, other, like);
      case 2 -> call(x, other, like);
      default -> x.shape().rank() == 0 ? null : composite(x);
    };
  }

  private static Node inside(Node like, Shape shape) {
    return new Node(new Op.Placeholder(), List.of(), shape, like.dtype());
  }

  private static Node sum(Node x) {
    return Reductions.sum(x, Axes.range(0, x.shape().rank()));
  }

  private static Node spread(Node scalar, Node like) {
    return Shapes.broadcast(scalar, like.shape(), Axes.of());
  }

  /** The first axis of x is time. One state or two, with and without the constant. */
  private Node scan(Node x, Node initial, Node constant) {
    Node s = inside(initial, initial.shape());
    Node slice = inside(x, x.shape().remove(0));
    Node u = spread(sum(slice), s);
    Node c = random.nextBoolean() ? constant : s;
    Node next = Elementwise.unary(UnaryKind.TANH, Elementwise.add(Elementwise.mul(s, c), u));
    Node output = Elementwise.mul(spread(sum(s), slice), Elementwise.unary(UnaryKind.SIN, slice));
    List<Binding> states = new ArrayList<>(List.of(new Binding(s, initial)));
    List<Node> news = new ArrayList<>(List.of(next));
    if (random.nextBoolean()) {
      Node second = inside(constant, constant.shape());
      states.add(new Binding(second, constant));
      Node mixed = Elementwise.add(Elementwise.scale(0.5, second), Elementwise.mul(u, s));
      news.add(Elementwise.unary(UnaryKind.SIN, mixed));
      news.set(0, Elementwise.add(next, Elementwise.scale(0.3, second)));
    }
    Operands operands =
        new Operands(states, List.of(new Binding(slice, x)), List.of(Binding.same(constant)));
    int length = x.shape().dim(0);
    Node scan = Programs.scan(operands, news, List.of(output), length, random.nextBoolean());
    return Programs.result(scan, random.nextInt(((Op.Scan) scan.op()).results()));
  }

  /** What reverse mode computes again; sometimes one within another. */
  private Node call(Node x, Node a, Node b) {
    Node s = inside(x, x.shape());
    Node p = inside(a, a.shape());
    Node q = inside(b, b.shape());
    Node product = Elementwise.unary(UnaryKind.SIN, Elementwise.mul(p, q));
    Node first = Elementwise.unary(UnaryKind.TANH, Elementwise.mul(s, spread(sum(product), s)));
    Node inner = random.nextInt(3) == 0 ? call(first, product, q) : first;
    List<Binding> inputs = List.of(new Binding(s, x), new Binding(p, a), new Binding(q, b));
    Node call = Programs.call(List.of(), inputs, List.of(inner, product));
    return Programs.result(call, random.nextInt(2));
  }

  /**
   * Not log-sum-exp, whose largest element is stopped and yet part of what is differentiated, so
   * that difference quotients with stopped values kept are not its derivative.
   */
  private Node composite(Node x) {
    return switch (random.nextInt(4)) {
      case 0 -> Softmaxes.softmax(x);
      case 1 -> Softmaxes.logSoftmax(x);
      case 2 -> Norms.layerNorm(x, 0.3);
      default -> Norms.rmsNorm(x, 0.3);
    };
  }
}
