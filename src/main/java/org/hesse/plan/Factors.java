package org.hesse.plan;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.ir.Axes;
import org.hesse.ir.FactorKind;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.jspecify.annotations.Nullable;

/** Lowers dense linear algebra to {@link Step.Factor}. */
final class Factors {
  /** A part of a packed factorisation is a slice of it; what is left of the matrix may go. */
  static final Rule PARTS =
      new Rule(
          "part of a factorisation",
          Op.Factor.class,
          (n, to) ->
              n.op() instanceof Op.Factor(FactorKind.Part(var factor))
                  ? part(n, factor, n.input(0), to::make)
                  : null);

  private Factors() {}

  private interface Maker {
    Node make(Op op, List<Node> inputs, Shape shape, DType dtype);
  }

  private static Node part(Node n, FactorKind.Factor factor, Node packed, Maker to) {
    Shape matrix = n.input(1).shape();
    int axis = matrix.rank() - 2;
    int m = matrix.dim(axis);
    int k = matrix.dim(axis + 1);
    int[] start = new int[matrix.rank()];
    Axes stride = Axes.of(start).plus(1);
    start[axis] = factor.firstRow(m, k);
    Shape rows = packed.shape().with(axis, factor.rows(m, k));
    Node slice = to.make(new Op.Slice(Axes.of(start), stride), List.of(packed), rows, n.dtype());
    return factor.isVector()
        ? to.make(new Op.Reshape(), List.of(slice), n.shape(), n.dtype())
        : slice;
  }

  /**
   * The node over operands that can be read in place: strided views whose batch axes merge.
   *
   * @param strides how an operand, as it was before arrangement, lies in memory
   * @param dense makes a copy of an operand
   */
  static Node arranged(
      Node n,
      FactorKind kind,
      List<Node> ins,
      Function<Node, IndexMap.@Nullable Linear> strides,
      UnaryOperator<Node> dense) {
    if (kind instanceof FactorKind.Part(var factor)) {
      return part(n, factor, ins.get(0), Node::new);
    }
    List<Node> operands = new ArrayList<>(ins);
    for (int i = 0; i < kind.reads(); i++) {
      Shape shape = n.input(i).shape();
      IndexMap.Linear l = strides.apply(n.input(i));
      if (l == null || Domains.stride(shape, batch(kind, shape), l) == null) {
        operands.set(i, dense.apply(ins.get(i)));
      }
    }
    return operands.equals(n.inputs()) ? n : new Node(n.op(), operands, n.shape(), n.dtype());
  }

  private static Axes batch(FactorKind kind, Shape operand) {
    return Axes.range(0, operand.rank() - (kind instanceof FactorKind.Gaps ? 1 : 2));
  }

  static Step.Factor step(Node n, FactorKind kind, Function<Node, View> operand, Slot slot) {
    List<Step.Matrices> operands = new ArrayList<>();
    long count = 1;
    for (Node in : n.inputs().subList(0, kind.reads())) {
      Axes batch = batch(kind, in.shape());
      operands.add(matrices(in.shape(), batch, operand.apply(in)));
      count = in.shape().size() / operands.getLast().rows() / operands.getLast().columns();
    }
    boolean vector = kind instanceof FactorKind.Determinant;
    int columns = n.shape().dim(n.shape().rank() - 1);
    int rows = vector ? 1 : n.shape().dim(n.shape().rank() - 2);
    View out = new View(slot, 0, new long[] {(long) rows * columns, columns, 1});
    Step.Matrices result = new Step.Matrices(rows, columns, out);
    return new Step.Factor(kind, Math.toIntExact(count), operands, result);
  }

  /** A view with its batch axes merged; a vector becomes one row. */
  private static Step.Matrices matrices(Shape shape, Axes batch, View view) {
    IndexMap.Linear l = new IndexMap.Linear(view.offset(), view.strides());
    Long stride = Domains.stride(shape, batch, l);
    if (stride == null) {
      throw new IllegalStateException("axes " + batch + " of " + view + " do not merge");
    }
    int last = shape.rank() - 1;
    int rows = batch.size() == last ? 1 : shape.dim(last - 1);
    long down = batch.size() == last ? 0 : view.strides()[last - 1];
    long[] strides = {stride, down, view.strides()[last]};
    return new Step.Matrices(rows, shape.dim(last), new View(view.slot(), view.offset(), strides));
  }
}
