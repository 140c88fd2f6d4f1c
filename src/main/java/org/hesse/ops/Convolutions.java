package org.hesse.ops;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.ir.Axes;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.CompareKind;
import org.hesse.ir.Node;
import org.hesse.ir.Op;

/**
 * Convolution and pooling over any number of spatial axes, [N, C, spatial…], put together from
 * padding, windows and products, whose derivatives are theirs.
 */
public final class Convolutions {
  private Convolutions() {}

  /**
   * How a window slides; one number for each spatial axis.
   *
   * @param stride steps between positions
   * @param padding elements added at both ends
   * @param dilation steps between neighbours in the window
   */
  public record Slide(int[] stride, int[] padding, int[] dilation) {}

  /**
   * Convolution in the sense of neural networks: no flip of the weights.
   *
   * @param x [N, C, spatial…]
   * @param weight [O, C / groups, window…]
   * @param groups parts of the channels that have nothing to do with each other; a divisor of C, O
   * @return [N, O, positions…]
   */
  public static Node convolve(Node x, Node weight, Slide slide, int groups) {
    Shape w = weight.shape();
    requireFit(x, weight, groups);
    int spatial = x.shape().rank() - 2;
    int[] size = Arrays.copyOfRange(w.dims(), 2, w.rank());
    Node windows = windows(pad(x, slide.padding(), 0), size, slide);
    // Channels and outputs as [groups, each].
    Node input = split(windows, 1, groups);
    Node kernel = split(weight, 0, groups);
    int[] places = IntStream.range(0, spatial).map(i -> 4 + 2 * i).toArray();
    Axes inputContract = Axes.of(2).then(Axes.of(places));
    Axes kernelContract = Axes.range(2, 3 + spatial);
    Op.Dot dot = new Op.Dot(kernelContract, inputContract, Axes.of(0), Axes.of(1));
    // [groups, O / groups, N, positions…] as [N, O, positions…].
    Node result = Products.dot(dot, kernel, input, x.dtype());
    Node ordered = Shapes.moveAxis(result, 2, 0);
    int[] dims = ordered.shape().dims();
    int[] joined =
        IntStream.concat(IntStream.of(dims[0], w.dim(0)), Arrays.stream(dims, 3, dims.length))
            .toArray();
    return Shapes.reshape(ordered, Shape.of(joined));
  }

  private static void requireFit(Node x, Node weight, int groups) {
    Shape s = x.shape();
    Shape w = weight.shape();
    boolean ok =
        s.rank() >= 3
            && w.rank() == s.rank()
            && groups >= 1
            && s.dim(1) == (long) w.dim(1) * groups
            && w.dim(0) % groups == 0;
    if (!ok) {
      throw new IllegalArgumentException(
          "convolve: input "
              + Elementwise.type(x)
              + ", weights "
              + Elementwise.type(weight)
              + ", groups "
              + groups
              + "; expected [N, C, spatial…], [O, C / groups, window…] and a divisor of C and O");
    }
  }

  /** An axis of extent n as two of extents groups and n / groups. */
  private static Node split(Node x, int axis, int groups) {
    Shape s = x.shape();
    return Shapes.reshape(x, s.with(axis, s.dim(axis) / groups).insert(axis, groups));
  }

  /** [N, C, spatial…] as [N, C, positions, window, positions, window, …]. */
  private static Node windows(Node x, int[] size, Slide slide) {
    Node y = x;
    for (int i = 0; i < size.length; i++) {
      int stride = slide.stride()[i];
      y = Windows.window(y, 2 + 2 * i, size[i], stride, slide.dilation()[i]);
    }
    return y;
  }

  /**
   * The spatial axes longer at both ends.
   *
   * @param value what the new elements are
   */
  private static Node pad(Node x, int[] padding, double value) {
    int rank = x.shape().rank();
    int[] low = new int[rank];
    Shape shape = x.shape();
    for (int i = 0; i < padding.length; i++) {
      low[2 + i] = padding[i];
      shape = shape.with(2 + i, Math.addExact(shape.dim(2 + i), 2 * padding[i]));
    }
    if (shape.equals(x.shape())) {
      return x;
    }
    Node y = Slices.pad(x, Axes.of(low), Axes.of(new int[rank]), shape);
    return value == 0
        ? y
        : Elementwise.select(inside(x.shape(), shape, low), y, Sources.fullLike(value, y));
  }

  /** Where a padded shape has elements of what was padded. */
  private static Node inside(Shape from, Shape to, int[] low) {
    Node all = Sources.full(1, to, DType.BOOL);
    for (int a = 0; a < low.length; a++) {
      if (low[a] > 0) {
        Node i = Sources.iota(to, a);
        Node first = Sources.fullLike(low[a], i);
        Node end = Sources.fullLike(low[a] + from.dim(a), i);
        Node begun = Elementwise.compare(CompareKind.GE, i, first);
        Node open = Elementwise.compare(CompareKind.LT, i, end);
        Node both = Elementwise.binary(BinaryKind.AND, begun, open);
        all = Elementwise.binary(BinaryKind.AND, all, both);
      }
    }
    return all;
  }

  /**
   * The largest element in each window, [N, C, positions…]; padding counts as −∞.
   *
   * @param x [N, C, spatial…]
   */
  public static Node maxPool(Node x, int[] size, Slide slide) {
    requirePool(x, size, slide);
    Node windows = windows(pad(x, slide.padding(), Double.NEGATIVE_INFINITY), size, slide);
    return Reductions.max(windows, places(size.length));
  }

  /**
   * The mean of each window, [N, C, positions…]; padding counts as zeros.
   *
   * @param x [N, C, spatial…]
   */
  public static Node averagePool(Node x, int[] size, Slide slide) {
    requirePool(x, size, slide);
    Node sum =
        Reductions.sum(windows(pad(x, slide.padding(), 0), size, slide), places(size.length));
    double count = 1;
    for (int s : size) {
      count *= s;
    }
    return Elementwise.div(sum, Sources.fullLike(count, sum));
  }

  /** The axes in the windows. */
  private static Axes places(int spatial) {
    return Axes.of(IntStream.range(0, spatial).map(i -> 3 + 2 * i).toArray());
  }

  /** Padding of at most half a window, so that none lies in it altogether. */
  private static void requirePool(Node x, int[] size, Slide slide) {
    boolean ok = x.dtype().isReal() && x.shape().rank() == size.length + 2;
    for (int i = 0; ok && i < size.length; i++) {
      ok = 2 * slide.padding()[i] <= size[i];
    }
    if (!ok) {
      throw new IllegalArgumentException(
          "pool: "
              + Elementwise.type(x)
              + " with windows "
              + Arrays.toString(size)
              + " and padding "
              + Arrays.toString(slide.padding())
              + "; expected real [N, C, spatial…], an extent for each spatial axis, and padding of"
              + " at most half of it");
    }
  }
}
