package org.hesse.plan;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.hesse.Shape;
import org.hesse.backend.Backend;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.ir.CompositeKind;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.jspecify.annotations.Nullable;

/** Puts the bodies of composites in their place, or lowers them to {@link Step.Composite}. */
final class Composites {
  private final Backend backend;
  private final Map<Node, Node> copies = new HashMap<>();

  private Composites(Backend backend) {
    this.backend = backend;
  }

  /** The same program, and those it runs, with only composites that the backend has kernels for. */
  static Program expand(Backend backend, Program program) {
    if (!holdsAny(program)) {
      return program;
    }
    Composites c = new Composites(backend);
    Set<Node> inputs = new HashSet<>(program.inputs());
    for (Node n : program.nodes()) {
      c.copies.put(n, inputs.contains(n) ? n : c.copy(n, c.mapped(n.inputs())));
    }
    return Program.capture(program.inputs(), c.mapped(program.outputs()));
  }

  private static boolean holdsAny(Program program) {
    return program.nodes().stream()
        .anyMatch(n ->
            n.op() instanceof Op.Composite
                || n.op() instanceof Op.Nested nested
                    && nested.programs().stream().anyMatch(Composites::holdsAny));
  }

  private List<Node> mapped(List<Node> nodes) {
    return nodes.stream().map(n -> copies.getOrDefault(n, n)).toList();
  }

  /** A fresh node, so that all keep their order. A body may hold composites in its turn. */
  private Node copy(Node n, List<Node> inputs) {
    if (n.op() instanceof Op.Nested nested) {
      List<Program> programs =
          nested.programs().stream().map(p -> expand(backend, p).withParameters()).toList();
      return new Node(nested.with(programs), inputs, n.shape(), n.dtype());
    }
    if (!(n.op() instanceof Op.Composite(var kind, Program body)) || hasKernel(n)) {
      return new Node(n.op(), inputs, n.shape(), n.dtype());
    }
    Map<Node, Node> inner = new HashMap<>();
    for (int i = 0; i < inputs.size(); i++) {
      inner.put(body.inputs().get(i), inputs.get(i));
    }
    for (Node b : body.nodes()) {
      if (!inner.containsKey(b)) {
        List<Node> in = b.inputs().stream().map(x -> inner.getOrDefault(x, x)).toList();
        inner.put(b, copy(b, in));
      }
    }
    Node out = body.outputs().get(0);
    return inner.getOrDefault(out, out);
  }

  private boolean hasKernel(Node n) {
    return n.inputs().stream().allMatch(in -> in.shape().size() > 0) && backend.hasKernel(n);
  }

  /** The node over operands that can be read in place: strided views with contiguous rows. */
  static Node arranged(
      Node n,
      CompositeKind kind,
      List<Node> ins,
      Function<Node, IndexMap.@Nullable Linear> strides,
      UnaryOperator<Node> dense) {
    List<Node> operands = new ArrayList<>(ins);
    for (int i = 0; i < ins.size(); i++) {
      Shape shape = n.input(i).shape();
      IndexMap.Linear l = strides.apply(n.input(i));
      int last = shape.rank() - 1;
      boolean rows = kind.itemAxes(i) > 0;
      if (l == null || rows && shape.dim(last) != 1 && l.strides()[last] != 1) {
        operands.set(i, dense.apply(ins.get(i)));
      }
    }
    return operands.equals(n.inputs()) ? n : new Node(n.op(), operands, n.shape(), n.dtype());
  }

  static Step.Composite step(Node n, CompositeKind kind, Function<Node, View> operand, Slot slot) {
    int rank = n.shape().rank() - kind.resultAxes();
    int[] batch = Arrays.copyOf(n.shape().dims(), rank);
    int count = n.inputs().size();
    List<View> views = new ArrayList<>(n.inputs().stream().map(operand).toList());
    views.add(new View(slot, 0, IndexMap.identity(n.shape()).linear(n.shape()).strides()));
    long[][] outer = new long[count + 1][];
    for (int i = 0; i <= count; i++) {
      outer[i] = Arrays.copyOf(views.get(i).strides(), rank);
    }
    Loops loops = Loops.merged(batch, new int[] {rank}, outer);
    List<Step.Items> items = new ArrayList<>();
    for (int i = 0; i <= count; i++) {
      Shape shape = i == count ? n.shape() : n.input(i).shape();
      View v = views.get(i);
      int[] item = Arrays.copyOfRange(shape.dims(), rank, shape.rank());
      int merged = loops.domain().length;
      long[] all = Arrays.copyOf(loops.strides()[i], merged + item.length);
      System.arraycopy(v.strides(), rank, all, merged, item.length);
      items.add(new Step.Items(item, new View(v.slot(), v.offset(), all)));
    }
    return new Step.Composite(
        kind, loops.domain(), List.copyOf(items.subList(0, count)), items.get(count));
  }
}
