package org.hesse.ir;

import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntFunction;
import org.hesse.DType;
import org.hesse.Shape;

/**
 * One value of a computation: a primitive, the nodes it reads, and the result's shape and dtype.
 * Immutable, so a graph of nodes has no cycles; equal only to itself.
 */
public final class Node {
  private static final AtomicLong COUNTER = new AtomicLong();

  private final long id;
  private final Op op;
  private final List<Node> inputs;
  private final Shape shape;
  private final DType dtype;

  /** A node; its shape and dtype are what the primitive's rule in {@code org.hesse.ops} says. */
  public Node(Op op, List<Node> inputs, Shape shape, DType dtype) {
    this(COUNTER.incrementAndGet(), op, inputs, shape, dtype);
  }

  private Node(long id, Op op, List<Node> inputs, Shape shape, DType dtype) {
    this.id = id;
    this.op = op;
    this.inputs = List.copyOf(inputs);
    this.shape = shape;
    this.dtype = dtype;
  }

  /**
   * A leaf for each value. They get their numbers together, as each look at the counter, which all
   * threads share, takes its time.
   */
  public static Node[] leaves(Object[] values, IntFunction<DType> dtypes, List<Shape> shapes) {
    Node[] leaves = new Node[values.length];
    long first = COUNTER.getAndAdd(leaves.length) + 1;
    for (int i = 0; i < leaves.length; i++) {
      Op leaf = new Op.Leaf(values[i]);
      leaves[i] = new Node(first + i, leaf, List.of(), shapes.get(i), dtypes.apply(i));
    }
    return leaves;
  }

  /** Larger than the number of every input: ascending numbers are a topological order. */
  public long id() {
    return id;
  }

  /** The primitive. */
  public Op op() {
    return op;
  }

  /** The nodes read, in the primitive's order. */
  public List<Node> inputs() {
    return inputs;
  }

  /** The input at a position. */
  public Node input(int i) {
    return inputs.get(i);
  }

  /** The result's shape. */
  public Shape shape() {
    return shape;
  }

  /** The result's dtype. */
  public DType dtype() {
    return dtype;
  }

  /** A placeholder of this shape and dtype, for a value that somebody else will supply. */
  public Node placeholder() {
    return placeholder(shape);
  }

  /** A placeholder of this dtype and another shape: for a slice of this value, or a batch of it. */
  public Node placeholder(Shape other) {
    return new Node(new Op.Placeholder(), List.of(), other, dtype);
  }

  /** Nodes are looked up in tables all the time, and an object's own hash takes long to make. */
  @Override
  public int hashCode() {
    return Long.hashCode(id);
  }

  @Override
  public String toString() {
    return "%" + id + " = " + op.mnemonic() + " " + dtype + shape;
  }
}
