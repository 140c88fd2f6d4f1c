package org.hesse.testing;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.ir.Axes;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ops.Elementwise;
import org.hesse.ops.Indexing;
import org.hesse.ops.Products;
import org.hesse.ops.Scans;
import org.hesse.ops.Shapes;
import org.hesse.ops.Slices;
import org.hesse.ops.Sources;
import org.hesse.ops.Windows;

/**
 * Draws nodes over earlier ones: the primitives that move elements or combine them along axes,
 * which mean the same whatever the program is drawn for. Null where a draw does not fit.
 */
abstract class RandomNodes {
  final Random random;
  final List<Node> nodes = new ArrayList<>();

  RandomNodes(long seed) {
    random = new Random(seed);
  }

  <T> T pick(T[] from) {
    return from[random.nextInt(from.length)];
  }

  /** An earlier node, rather a recent one. */
  Node any() {
    int back = random.nextInt(Math.min(nodes.size(), random.nextBoolean() ? 4 : nodes.size()));
    return nodes.get(nodes.size() - 1 - back);
  }

  Node spread(Node y, Shape to) {
    int[] axes = new int[y.shape().rank()];
    int next = 0;
    for (int a = 0; a < to.rank() && next < axes.length; a++) {
      if (to.dim(a) == y.shape().dim(next)) {
        axes[next++] = a;
      }
    }
    return next == axes.length ? Shapes.broadcast(y, to, Axes.of(axes)) : null;
  }

  Node reshape(Node x) {
    int size = (int) x.shape().size();
    if (size == 0) {
      return Shapes.reshape(x, Shape.of(0, 2));
    }
    List<Integer> dims = new ArrayList<>();
    int rest = size;
    while (rest > 1 && dims.size() < 4) {
      int[] divisors = IntStream.rangeClosed(2, rest).filter(d -> size % d == 0).toArray();
      int left = rest;
      divisors = Arrays.stream(divisors).filter(d -> left % d == 0).toArray();
      int d = divisors[random.nextInt(divisors.length)];
      dims.add(d);
      rest /= d;
    }
    dims.add(rest);
    if (rest == 1 && random.nextBoolean()) {
      dims.removeLast();
    } else {
      Collections.shuffle(dims, random);
    }
    return Shapes.reshape(x, Shape.of(dims.stream().mapToInt(i -> i).toArray()));
  }

  private int[] shuffled(int n) {
    List<Integer> list = new ArrayList<>(IntStream.range(0, n).boxed().toList());
    Collections.shuffle(list, random);
    return list.stream().mapToInt(i -> i).toArray();
  }

  Node permute(Node x) {
    return Shapes.permute(x, Axes.of(shuffled(x.shape().rank())));
  }

  Axes subset(int rank) {
    return Axes.of(IntStream.range(0, rank).filter(a -> random.nextBoolean()).toArray());
  }

  Node broadcast(Node x) {
    Shape s = x.shape();
    if (s.rank() >= 4) {
      return x;
    }
    int at = random.nextInt(s.rank() + 1);
    Shape to = s.insert(at, random.nextInt(20) == 0 ? 0 : 1 + random.nextInt(3));
    int[] axes = IntStream.range(0, to.rank()).filter(a -> a != at).toArray();
    return Shapes.broadcast(x, to, Axes.of(axes));
  }

  Node slice(Node x) {
    int rank = x.shape().rank();
    int[] start = new int[rank];
    int[] stride = new int[rank];
    int[] dims = new int[rank];
    for (int a = 0; a < rank; a++) {
      int extent = x.shape().dim(a);
      start[a] = extent == 0 ? 0 : random.nextInt(extent);
      start[a] = random.nextBoolean() ? 0 : start[a];
      stride[a] = random.nextBoolean() ? 1 : 1 + random.nextInt(3);
      int most = extent == 0 ? 0 : (extent - 1 - start[a]) / stride[a] + 1;
      dims[a] = most == 0 ? 0 : 1 + random.nextInt(most);
    }
    return Slices.slice(x, Axes.of(start), Axes.of(stride), Shape.of(dims));
  }

  Node pad(Node x) {
    int rank = x.shape().rank();
    int[] low = new int[rank];
    int[] interior = new int[rank];
    int[] dims = new int[rank];
    for (int a = 0; a < rank; a++) {
      int extent = x.shape().dim(a);
      low[a] = random.nextInt(2);
      interior[a] = random.nextInt(3) == 0 ? 1 : 0;
      dims[a] = low[a] + Math.max(0, extent + (extent - 1) * interior[a]) + random.nextInt(2);
    }
    return Slices.pad(x, Axes.of(low), Axes.of(interior), Shape.of(dims));
  }

  Node concat(Node x) {
    int rank = x.shape().rank();
    if (rank == 0) {
      return null;
    }
    int axis = random.nextInt(rank);
    List<Node> parts = new ArrayList<>(List.of(x));
    for (Node y : nodes) {
      boolean fits =
          y.dtype() == x.dtype()
              && y.shape().rank() == rank
              && y.shape().with(axis, 0).equals(x.shape().with(axis, 0));
      if (fits && random.nextInt(3) == 0) {
        parts.add(y);
      }
    }
    return Slices.concat(parts, axis);
  }

  /** The primitives that work along one axis. */
  Node along(Node x) {
    int rank = x.shape().rank();
    if (rank == 0 || x.dtype() == DType.BOOL) {
      return null;
    }
    int axis = random.nextInt(rank);
    return switch (random.nextInt(6)) {
      case 2, 3 -> window(x, axis);
      case 4 -> fold(x, axis);
      case 0 -> Scans.cumsum(x, axis, random.nextBoolean());
      case 1 -> gather(x, axis);
      default -> scatterAdd(x, axis);
    };
  }

  private Node window(Node x, int axis) {
    int extent = x.shape().dim(axis);
    int dilation = 1 + random.nextInt(2);
    int stride = 1 + random.nextInt(3);
    int most = (extent - 1) / dilation + 1;
    if (extent == 0 || x.shape().rank() > 4) {
      return null;
    }
    int size = 1 + random.nextInt(most);
    int positions = (extent - 1 - (size - 1) * dilation) / stride + 1;
    positions = random.nextBoolean() ? positions : 1 + random.nextInt(positions);
    return Windows.window(x, axis, size, stride, dilation, positions);
  }

  private Node fold(Node x, int axis) {
    if (axis + 1 >= x.shape().rank()) {
      return null;
    }
    int stride = 1 + random.nextInt(3);
    int dilation = 1 + random.nextInt(2);
    int last = (x.shape().dim(axis) - 1) * stride + (x.shape().dim(axis + 1) - 1) * dilation;
    return Windows.fold(x, axis, Math.max(0, last + 1) + random.nextInt(2), stride, dilation);
  }

  private Node gather(Node x, int axis) {
    int extent = x.shape().dim(axis);
    int batch = random.nextBoolean() ? 0 : random.nextInt(axis + 1);
    if (extent == 0) {
      return null;
    }
    for (Node y : nodes) {
      if (y.dtype() == DType.I32 && agree(x, y, batch) && random.nextBoolean()) {
        return Indexing.gather(x, within(y, extent), batch, axis);
      }
    }
    int[] dims = Arrays.copyOf(x.shape().dims(), batch + 1);
    dims[batch] = 1 + random.nextInt(4);
    return Indexing.gather(x, within(indices(dims), extent), batch, axis);
  }

  private Node scatterAdd(Node x, int axis) {
    int batch = random.nextBoolean() ? 0 : random.nextInt(axis + 1);
    int extent = 1 + random.nextInt(4);
    int[] dims = Arrays.copyOf(x.shape().dims(), batch + 1);
    dims[batch] = x.shape().dim(axis);
    return Indexing.scatterAdd(x, within(indices(dims), extent), batch, axis, extent);
  }

  private static boolean agree(Node x, Node y, int batch) {
    return y.shape().rank() >= batch
        && y.shape().rank() < 4
        && Arrays.equals(x.shape().dims(), 0, batch, y.shape().dims(), 0, batch);
  }

  /** Whole numbers of a shape, small ones of either sign. */
  Node indices(int[] dims) {
    Node iota = Sources.iota(Shape.of(dims), random.nextInt(dims.length));
    return Elementwise.sub(Sources.fullLike(random.nextInt(5), iota), iota);
  }

  /** Numbers moved into 0 … extent−1. */
  private static Node within(Node y, int extent) {
    Node low = Elementwise.binary(BinaryKind.MAX, y, Sources.fullLike(0, y));
    return Elementwise.binary(BinaryKind.MIN, low, Sources.fullLike(extent - 1.0, y));
  }

  /** Pairs axes of equal extent; each pair is contracted, a batch, or left alone. */
  Node dot(Node x) {
    Node y = any();
    if (!x.dtype().isReal() || y.dtype() != x.dtype()) {
      return null;
    }
    List<List<Integer>> lists = List.of(list(), list(), list(), list());
    List<Integer> used = new ArrayList<>();
    for (int a : shuffled(x.shape().rank())) {
      for (int b : shuffled(y.shape().rank())) {
        if (x.shape().dim(a) == y.shape().dim(b) && !used.contains(b) && !usedLeft(lists, a)) {
          int what = random.nextInt(4);
          if (what < 3) {
            lists.get(what < 2 ? 0 : 2).add(a);
            lists.get(what < 2 ? 1 : 3).add(b);
            used.add(b);
          }
        }
      }
    }
    Op.Dot op =
        new Op.Dot(axes(lists.get(0)), axes(lists.get(1)), axes(lists.get(2)), axes(lists.get(3)));
    return Products.dot(op, x, y, random.nextInt(4) == 0 ? DType.F64 : x.dtype());
  }

  private static boolean usedLeft(List<List<Integer>> lists, int a) {
    return lists.get(0).contains(a) || lists.get(2).contains(a);
  }

  private static List<Integer> list() {
    return new ArrayList<>();
  }

  private static Axes axes(List<Integer> list) {
    return Axes.of(list.stream().mapToInt(i -> i).toArray());
  }
}
