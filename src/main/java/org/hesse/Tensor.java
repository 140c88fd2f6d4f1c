package org.hesse;

import java.lang.reflect.Array;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.hesse.backend.Buffer;
import org.hesse.fused.Softmaxes;
import org.hesse.ir.Axes;
import org.hesse.ir.CompareKind;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ops.Convolutions;
import org.hesse.ops.Elementwise;
import org.hesse.ops.Indexing;
import org.hesse.ops.Products;
import org.hesse.ops.Reductions;
import org.hesse.ops.Scans;
import org.hesse.ops.Shapes;
import org.hesse.ops.Slices;
import org.hesse.ops.Sources;
import org.hesse.ops.Windows;
import org.jspecify.annotations.Nullable;

/**
 * An immutable array of numbers or truth values on a device.
 *
 * <p>Outside a transform every operation runs at once. Inside a function given to {@link Autodiff}
 * (grad, jvp, vmap, compile …) operations only describe the computation, and the whole of it runs
 * as one plan; values cannot be read there.
 *
 * <p>Operands of arithmetic broadcast as NumPy's do. Dtypes never convert by themselves: mixing
 * them is an {@link IllegalArgumentException}, and {@link #cast} converts. Axes are counted from 0;
 * −1 is the last.
 */
public final class Tensor extends ElementwiseTensor {
  private final Node node;
  private final @Nullable Trace trace;

  /** Where a traced tensor was made, if that is kept. */
  private final String made;

  private Tensor(Node node, @Nullable Trace trace) {
    this.node = node;
    this.trace = trace;
    this.made = CallSite.DEBUG && trace != null ? CallSite.here() : "";
  }

  // ---- making tensors

  /** An F32 tensor with a copy of the values in row-major order; no dims make a vector. */
  public static Tensor of(float[] values, int... dims) {
    return upload(values, dims);
  }

  /** An F64 tensor with a copy of the values in row-major order; no dims make a vector. */
  public static Tensor of(double[] values, int... dims) {
    return upload(values, dims);
  }

  /** An I32 tensor with a copy of the values in row-major order; no dims make a vector. */
  public static Tensor of(int[] values, int... dims) {
    return upload(values, dims);
  }

  /** A BOOL tensor with a copy of the values in row-major order; no dims make a vector. */
  public static Tensor of(boolean[] values, int... dims) {
    return upload(values, dims);
  }

  private static Tensor upload(Object array, int[] dims) {
    int length = Array.getLength(Misuse.given("Tensor.of", "values", array, "an array"));
    Misuse.given("Tensor.of", "dims", dims, "extents, or none for a vector");
    Shape shape = dims.length == 0 ? Shape.of(length) : Shape.of(dims);
    if (shape.size() != length) {
      throw new IllegalArgumentException(
          "dims: " + shape + " has " + shape.size() + " elements, but values has " + length);
    }
    return fresh(Hesse.backend().upload(array), shape);
  }

  /** A tensor whose buffer nobody else has yet: the current scope's. */
  static Tensor fresh(Buffer buffer, Shape shape) {
    Scope.own(buffer);
    return of(buffer, shape);
  }

  /** The same of many. */
  static Tensor[] fresh(Buffer[] buffers, List<Shape> shapes) {
    Scope.own(buffers);
    Node[] leaves = Node.leaves(buffers, i -> buffers[i].dtype(), shapes);
    Tensor[] tensors = new Tensor[leaves.length];
    for (int i = 0; i < tensors.length; i++) {
      tensors[i] = new Tensor(leaves[i], null);
    }
    return tensors;
  }

  static Tensor of(Buffer buffer, Shape shape) {
    return new Tensor(new Node(new Op.Leaf(buffer), List.of(), shape, buffer.dtype()), null);
  }

  /** A scalar, shape []. */
  public static Tensor scalar(double value, DType dtype) {
    return finish(Constants.of(value, dtype, Hesse.device()));
  }

  /** The same number everywhere. */
  public static Tensor full(double value, DType dtype, int... dims) {
    return finish(Constants.filled(value, Shape.of(dims), dtype, Hesse.device()));
  }

  /** Zeros. */
  public static Tensor zeros(DType dtype, int... dims) {
    return full(0, dtype, dims);
  }

  /** Ones. */
  public static Tensor ones(DType dtype, int... dims) {
    return full(1, dtype, dims);
  }

  /** The vector 0, 1, …, n−1. */
  public static Tensor arange(DType dtype, int n) {
    return finish(Elementwise.cast(Sources.iota(Shape.of(n), 0), dtype));
  }

  /** The n×n identity matrix. */
  public static Tensor eye(DType dtype, int n) {
    Shape s = Shape.of(n, n);
    Node diagonal = Elementwise.compare(CompareKind.EQ, Sources.iota(s, 0), Sources.iota(s, 1));
    return finish(Elementwise.cast(diagonal, dtype));
  }

  // ---- between tensors and nodes

  /** The tensor of a finished description: its value, or inside a trace the description itself. */
  static Tensor finish(Node node) {
    Trace current = Trace.current();
    return current == null ? Hesse.evaluate(List.of(node)).get(0) : new Tensor(node, current);
  }

  /** A tensor that stands for a node of the current trace. */
  static Tensor traced(Node node) {
    return new Tensor(node, Trace.current());
  }

  /**
   * The node to build on.
   *
   * @throws IllegalStateException if this tensor belongs to a trace that has ended, or was donated
   */
  @Override
  Node node() {
    if (trace == null) {
      Misuse.requirePresent(this, node);
    } else {
      Misuse.requireOpen(this, trace, made);
    }
    return node;
  }

  private Buffer value(String call) {
    if (node().op() instanceof Op.Leaf leaf) {
      return (Buffer) leaf.value();
    }
    throw Misuse.reading(call, this, trace == null ? "a trace" : trace.transform(), made);
  }

  // ---- what it is

  /** Extents of the axes. */
  @Override
  public Shape shape() {
    return node.shape();
  }

  /** Element type. */
  @Override
  public DType dtype() {
    return node.dtype();
  }

  /** Where the elements are, or will be once the traced function runs. */
  @Override
  public Device device() {
    return node.op() instanceof Op.Leaf leaf ? ((Buffer) leaf.value()).device() : Hesse.device();
  }

  /**
   * The same values on another device; this tensor if it is there already.
   *
   * @throws org.hesse.backend.DeviceUnavailableException if the device is not there or cannot be
   *     used
   * @throws IllegalStateException inside a transform, if the transformed function runs elsewhere
   */
  public Tensor to(Device device) {
    Misuse.given("to", "device", device, "such as Device.CPU or Device.cuda(0)");
    if (device.equals(device())) {
      return this;
    }
    if (Trace.current() != null) {
      throw Misuse.moving(device, this, trace);
    }
    return fresh(Backends.of(device).upload(value("to(" + device + ")").toArray()), shape());
  }

  /**
   * Frees the memory now, where the garbage collector would later. Reading this tensor, or another
   * one with the same memory, is an error from then on. A second call does nothing.
   *
   * @throws IllegalStateException on a tensor of a transform, which has no memory
   */
  public void close() {
    if (trace != null || !(node.op() instanceof Op.Leaf leaf)) {
      throw Misuse.reading("close()", this, trace == null ? "a trace" : trace.transform(), made);
    }
    ((Buffer) leaf.value()).close("it was closed" + CallSite.here());
  }

  /** Number of elements. */
  public long size() {
    return node.shape().size();
  }

  /** Number of axes. */
  public int rank() {
    return node.shape().rank();
  }

  /** Extent along an axis. */
  public int dim(int axis) {
    return node.shape().dim(axis);
  }

  /** Dtype and shape. */
  String type() {
    return dtype().toString() + shape();
  }

  // ---- reading values

  /** The only element as a double; truth values give 0 or 1. */
  public double item() {
    if (size() != 1) {
      throw new IllegalStateException(
          "item()"
              + CallSite.here()
              + " on a tensor "
              + type()
              + ": expected a single element (reduce it, or take toDoubleArray())");
    }
    return HostArrays.toDouble(value("item()").toArray())[0];
  }

  /** The elements in row-major order; any dtype, F64 rounded to nearest. */
  public float[] toFloatArray() {
    return HostArrays.toFloat(value("toFloatArray()").toArray());
  }

  /** The elements in row-major order; any dtype. */
  public double[] toDoubleArray() {
    return HostArrays.toDouble(value("toDoubleArray()").toArray());
  }

  /** The elements of an I32 or BOOL tensor in row-major order. */
  public int[] toIntArray() {
    return HostArrays.toInt(value("toIntArray()").toArray());
  }

  /** The elements of a BOOL tensor in row-major order. */
  public boolean[] toBooleanArray() {
    if (value("toBooleanArray()").toArray() instanceof boolean[] values) {
      return values;
    }
    throw new IllegalStateException("toBooleanArray() on " + type() + "; expected BOOL");
  }

  /** Dtype and shape, and the elements where there are few and they exist. */
  @Override
  public String toString() {
    boolean readable =
        node.op() instanceof Op.Leaf leaf
            && ((Buffer) leaf.value()).given() == null
            && size() <= 64;
    return readable ? type() + " " + Arrays.toString(toDoubleArray()) : type();
  }

  // ---- reductions

  /** Sum over the axes, which disappear; over all where none is named. */
  public Tensor sum(int... axes) {
    return finish(Reductions.sum(node(), Reductions.axes(shape(), axes)));
  }

  /** Mean over the axes, which disappear; over all where none is named. */
  public Tensor mean(int... axes) {
    Axes a = Reductions.axes(shape(), axes);
    double count = 1;
    for (int i = 0; i < a.size(); i++) {
      count *= dim(a.get(i));
    }
    Node sum = Reductions.sum(node(), a);
    return finish(Elementwise.div(sum, Sources.fullLike(count, sum)));
  }

  /** Maximum over the axes, which disappear; ties split the derivative equally. */
  public Tensor max(int... axes) {
    return finish(Reductions.max(node(), Reductions.axes(shape(), axes)));
  }

  /** I32 index of the first maximum along an axis, which disappears. */
  public Tensor argMax(int axis) {
    return finish(Reductions.argMax(node(), axis));
  }

  /** Running sums along an axis: element i is the sum of the elements 0 … i; real or I32. */
  public Tensor cumsum(int axis) {
    return finish(Scans.cumsum(node(), axis, false));
  }

  /** Running sums from the end of an axis: element i is the sum of the elements i … last. */
  public Tensor cumsumFromEnd(int axis) {
    return finish(Scans.cumsum(node(), axis, true));
  }

  /**
   * log Σ eˣ along an axis, which disappears; without overflow, and −∞ where every element is −∞ or
   * there is none. The derivative is the softmax; of elements all of which are −∞ it has no limit,
   * and is NaN.
   */
  public Tensor logSumExp(int axis) {
    return finish(Softmaxes.logSumExp(lastAxis("logSumExp", axis)));
  }

  /** x − log Σ eˣ along an axis. */
  public Tensor logSoftmax(int axis) {
    return alongLast("logSoftmax", axis, Softmaxes::logSoftmax);
  }

  /** eˣ / Σ eˣ along an axis. Subnormal results may be 0. */
  public Tensor softmax(int axis) {
    return alongLast("softmax", axis, Softmaxes::softmax);
  }

  private Node lastAxis(String function, int axis) {
    Functions.requireReal(function, this);
    return Shapes.moveAxis(node(), shape().axis(axis), rank() - 1);
  }

  private Tensor alongLast(String function, int axis, UnaryOperator<Node> f) {
    return finish(
        Shapes.moveAxis(f.apply(lastAxis(function, axis)), rank() - 1, shape().axis(axis)));
  }

  // ---- shape

  /** The same elements in memory of their own, to give away with {@link Donate}. */
  public Tensor copy() {
    return finish(Elementwise.copy(node()));
  }

  /** The same elements under another shape; one extent may be −1 and is worked out. */
  public Tensor reshape(int... dims) {
    int[] d = dims.clone();
    int open = Axes.of(d).indexOf(-1);
    if (open >= 0) {
      d[open] = 1;
      long rest = Shape.of(d).size();
      d[open] = rest == 0 ? 0 : (int) (size() / rest);
    }
    return finish(Shapes.reshape(node(), Shape.of(d)));
  }

  /** A matrix's transpose; of higher ranks the last two axes are exchanged. */
  public Tensor transpose() {
    if (rank() < 2) {
      throw new IllegalStateException(
          "transpose() on shape " + shape() + "; expected at least two axes");
    }
    int[] axes = IntStream.range(0, rank()).toArray();
    axes[rank() - 2] = rank() - 1;
    axes[rank() - 1] = rank() - 2;
    return permute(axes);
  }

  /** Result axis i is axis {@code axes[i]} of this tensor. */
  public Tensor permute(int... axes) {
    int[] counted = IntStream.of(axes).map(shape()::axis).toArray();
    return finish(Shapes.permute(node(), Axes.of(counted)));
  }

  /** An axis moved to another place. */
  public Tensor moveAxis(int from, int to) {
    return finish(Shapes.moveAxis(node(), shape().axis(from), shape().axis(to)));
  }

  /** A new axis of extent 1, which becomes axis number {@code axis} of the result. */
  public Tensor insertAxis(int axis) {
    return finish(withAxis(axis));
  }

  private Node withAxis(int axis) {
    Shape result = shape();
    int a = axis < 0 ? axis + result.rank() + 1 : axis;
    if (a < 0 || a > result.rank()) {
      throw new IllegalArgumentException(
          "axis: "
              + axis
              + " is no place for a new axis of shape "
              + result
              + "; expected "
              + -(result.rank() + 1)
              + " to "
              + result.rank());
    }
    return Shapes.reshape(node(), result.insert(a, 1));
  }

  /** Repeated along axes of extent 1 and new leading axes. */
  public Tensor broadcastTo(int... dims) {
    return finish(Shapes.broadcastTo(node(), Shape.of(dims)));
  }

  /** Elements {@code from} (inclusive) to {@code to} (exclusive) along an axis. */
  public Tensor slice(int axis, int from, int to) {
    return finish(Slices.slice(node(), axis, from, to));
  }

  /** The part at one index of an axis, which disappears. */
  public Tensor select(int axis, int index) {
    int a = shape().axis(axis);
    Node part = Slices.slice(node(), a, index, index + 1);
    return finish(Shapes.reshape(part, shape().remove(a)));
  }

  /**
   * The parts at some indices of an axis, which gives way to the axes of the indices: rows of a
   * table, for one. [P…, n, T…] and indices [I…] give [P…, I…, T…].
   *
   * @param indices I32, each 0 … n−1
   * @throws IndexOutOfBoundsException when run, if an index is outside; so does every result that
   *     depends on it
   */
  public Tensor take(int axis, Tensor indices) {
    return finish(
        Indexing.gather(node(), given("take", "indices", indices).node(), 0, shape().axis(axis)));
  }

  /**
   * Along an axis, for each place of the other axes, the elements at that place's own indices.
   *
   * @param indices I32 of this tensor's shape but for the axis, each 0 … n−1
   * @throws IndexOutOfBoundsException when run, if an index is outside
   */
  public Tensor takeAlong(int axis, Tensor indices) {
    return finish(
        Indexing.gatherAlong(
            node(), given("takeAlong", "indices", indices).node(), shape().axis(axis)));
  }

  /**
   * The transpose of {@link #take}: adds each part of this tensor to the one of {@code extent}
   * parts that its index says, in the order of the indices. [P…, I…, T…] and indices [I…] give [P…,
   * extent, T…]; {@code axis} is the place of the first of I.
   *
   * @param indices I32, each 0 … extent−1
   * @throws IndexOutOfBoundsException when run, if an index is outside
   */
  public Tensor scatterAdd(int axis, Tensor indices, int extent) {
    return finish(
        Indexing.scatterAdd(
            node(), given("scatterAdd", "indices", indices).node(), 0, axis, extent));
  }

  /**
   * The transpose of {@link #takeAlong}: along an axis, for each place of the other axes, adds
   * elements up at that place's own indices. The axis then has the given extent.
   *
   * @param indices I32 of this tensor's shape, each 0 … extent−1
   * @throws IndexOutOfBoundsException when run, if an index is outside
   */
  public Tensor scatterAddAlong(int axis, Tensor indices, int extent) {
    int a = shape().axis(axis);
    Node at = given("scatterAddAlong", "indices", indices).node();
    return finish(Indexing.scatterAddAlong(node(), at, a, extent));
  }

  /**
   * A window that slides along an axis, which becomes two: [P…, n, T…] gives [P…, positions, size,
   * T…], element (p, w) being element p·stride + w·dilation. There are as many positions as fit: a
   * remainder shorter than the stride is left out.
   *
   * @throws IllegalArgumentException if no window fits, or a number is below 1
   */
  public Tensor window(int axis, int size, int stride, int dilation) {
    return finish(Windows.window(node(), shape().axis(axis), size, stride, dilation));
  }

  /**
   * The transpose of {@link #window}: adds overlapping windows up. [P…, positions, size, T…], where
   * positions are axis {@code axis}, gives [P…, extent, T…].
   *
   * @throws IllegalArgumentException if the last window does not lie inside the extent
   */
  public Tensor fold(int axis, int extent, int stride, int dilation) {
    return finish(Windows.fold(node(), shape().axis(axis), extent, stride, dilation));
  }

  /** The order reversed along axes. */
  public Tensor reverse(int... axes) {
    return finish(Shapes.reverse(node(), Reductions.axes(shape(), axes)));
  }

  /** Tensors side by side along an axis. */
  public static Tensor concat(int axis, Tensor... parts) {
    List<Node> nodes = new ArrayList<>();
    for (int i = 0; i < parts.length; i++) {
      nodes.add(given("concat", "parts[" + i + "]", parts[i]).node());
    }
    return finish(Slices.concat(nodes, axis));
  }

  /** Tensors of one shape side by side along a new axis. */
  public static Tensor stack(int axis, Tensor... parts) {
    List<Node> nodes = new ArrayList<>();
    for (int i = 0; i < parts.length; i++) {
      nodes.add(given("stack", "parts[" + i + "]", parts[i]).withAxis(axis));
    }
    return finish(Slices.concat(nodes, axis));
  }

  // ---- products

  /**
   * Convolution over one or more spatial axes, as neural networks and PyTorch understand it: [N, C,
   * spatial…] with weights [O, C / groups, window…] gives [N, O, positions…].
   *
   * @param groups parts that the channels fall into, each seen by its part of the outputs only; C
   *     of them is a depthwise convolution
   * @throws IllegalArgumentException if shapes or dtypes do not fit, or a window is larger than the
   *     padded input
   */
  public Tensor convolve(Tensor weight, Sliding sliding, int groups) {
    Node w = given("convolve", "weight", weight).node();
    return finish(Convolutions.convolve(node(), w, sliding.over(rank()), groups));
  }

  /**
   * The largest element in each window: [N, C, spatial…] gives [N, C, positions…]. Padding is never
   * the largest; ties split the derivative equally.
   *
   * @param size extents of the window, one for each spatial axis
   */
  public Tensor maxPool(int[] size, Sliding sliding) {
    return finish(Convolutions.maxPool(node(), size.clone(), sliding.over(rank())));
  }

  /**
   * The mean of each window: [N, C, spatial…] gives [N, C, positions…]. Padding counts as zeros.
   *
   * @param size extents of the window, one for each spatial axis
   */
  public Tensor averagePool(int[] size, Sliding sliding) {
    return finish(Convolutions.averagePool(node(), size.clone(), sliding.over(rank())));
  }

  /**
   * Matrix product as NumPy defines it for ranks 1 and 2; with more axes in front of this tensor's
   * last two, which are kept, and the same axes or none in front of the other's.
   */
  public Tensor matmul(Tensor other) {
    return matmul(other, dtype());
  }

  /**
   * The same with products and sums formed in another dtype, which is the result's.
   *
   * @param accumulate this tensor's dtype, or F64 where this is F32
   */
  public Tensor matmul(Tensor other, DType accumulate) {
    if (rank() == 0 || given("matmul", "other", other).rank() == 0) {
      throw new IllegalArgumentException(
          "matmul: shapes "
              + shape()
              + " and "
              + other.shape()
              + "; a scalar has no matrix product");
    }
    if (other.rank() > 2 && rank() < other.rank()) {
      throw new IllegalArgumentException(
          "matmul: shapes "
              + shape()
              + " and "
              + other.shape()
              + "; the axes in front of the other's last two must lead this tensor's shape too"
              + " (repeat it with broadcastTo)");
    }
    int batch = Math.max(0, other.rank() - 2);
    Axes shared = Axes.range(0, batch);
    Axes left = Axes.of(rank() - 1);
    Axes right = Axes.of(Math.max(0, other.rank() - 2));
    Op.Dot dot = new Op.Dot(left, right, shared, shared);
    return finish(Products.dot(dot, node(), other.node(), accumulate));
  }
}
