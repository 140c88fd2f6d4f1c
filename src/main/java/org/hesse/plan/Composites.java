package org.hesse.plan;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.hesse.Shape;
import org.hesse.backend.Backend;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.ir.CompositeKind;
import org.hesse.ir.Node;
import org.jspecify.annotations.Nullable;

/** Lowers those composites that the backend has a kernel for to {@link Step.Composite}. */
final class Composites {
  private Composites() {}

  /** Whether a backend computes a composite itself. */
  static boolean hasKernel(Backend backend, Node composite) {
    return composite.inputs().stream().allMatch(in -> in.shape().size() > 0)
        && backend.hasKernel(composite);
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
