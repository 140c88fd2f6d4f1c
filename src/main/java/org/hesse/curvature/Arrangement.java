package org.hesse.curvature;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.hesse.Shape;
import org.hesse.Tensor;

/**
 * A tensor with its elements ordered by what they are to a layer: its axes cut into parts, these
 * permuted, and those of one role joined to one axis.
 *
 * @param cut extents of the parts, in the tensor's own order
 * @param order the parts in the new order
 * @param joined extents of the roles
 */
record Arrangement(List<Integer> cut, List<Integer> order, List<Integer> joined) {
  /** What an axis of a value counts. */
  enum Role {
    /** Layers side by side that share nothing, such as the groups of a convolution. */
    GROUP,
    /** Elements of the layer's output. */
    OUTPUT,
    /** Places at which the layer is applied. */
    SHARED,
    /** Elements of the layer's input. */
    INPUT
  }

  /**
   * A part of an axis.
   *
   * @param rank where it stands among those of its role
   */
  record Part(Role role, int rank, int extent) {}

  /** The arrangement of parts that brings them into the order of some roles. */
  static Arrangement of(List<Part> parts, Role... roles) {
    List<Integer> order = new ArrayList<>();
    List<Integer> joined = new ArrayList<>();
    for (Role role : roles) {
      List<Integer> own =
          IntStream.range(0, parts.size())
              .filter(i -> parts.get(i).role == role)
              .boxed()
              .sorted(Comparator.comparingInt(i -> parts.get(i).rank))
              .toList();
      order.addAll(own);
      joined.add(own.stream().mapToInt(i -> parts.get(i).extent).reduce(1, Math::multiplyExact));
    }
    if (order.size() != parts.size()) {
      throw new IllegalStateException(parts + " have other roles than " + Arrays.toString(roles));
    }
    return new Arrangement(parts.stream().map(Part::extent).toList(), order, List.copyOf(joined));
  }

  /** How many elements one of the joined axes has. */
  int extent(int axis) {
    return joined.get(axis);
  }

  /**
   * The tensor arranged.
   *
   * @param t [leading…, own axes…]
   * @return [leading…, joined…]
   */
  Tensor apply(Tensor t, int leading) {
    int[] front = Arrays.copyOf(t.shape().dims(), leading);
    return t.reshape(concat(front, cut))
        .permute(concat(IntStream.range(0, leading).toArray(), shifted(order, leading)))
        .reshape(concat(front, joined));
  }

  /**
   * The reverse of {@link #apply}.
   *
   * @param t [leading…, joined…]
   * @param own the axes of the tensor that was arranged
   */
  Tensor undo(Tensor t, int leading, Shape own) {
    int[] front = Arrays.copyOf(t.shape().dims(), leading);
    int[] back = new int[order.size()];
    List<Integer> ordered = new ArrayList<>();
    for (int i = 0; i < back.length; i++) {
      back[order.get(i)] = leading + i;
      ordered.add(cut.get(order.get(i)));
    }
    return t.reshape(concat(front, ordered))
        .permute(IntStream.concat(IntStream.range(0, leading), IntStream.of(back)).toArray())
        .reshape(IntStream.concat(IntStream.of(front), IntStream.of(own.dims())).toArray());
  }

  /** For each element of the tensor, in row-major order, its place among the arranged ones. */
  int[] places() {
    int[] steps = new int[cut.size()];
    int step = 1;
    for (int i = cut.size() - 1; i >= 0; i--) {
      steps[order.get(i)] = step;
      step *= cut.get(order.get(i));
    }
    List<Strides.Part> parts = new ArrayList<>();
    for (int i = 0; i < steps.length; i++) {
      parts.add(new Strides.Part(cut.get(i), steps[i]));
    }
    return new Strides(List.of(parts)).places();
  }

  private static List<Integer> shifted(List<Integer> axes, int by) {
    return axes.stream().map(a -> a + by).toList();
  }

  private static int[] concat(int[] a, List<Integer> b) {
    return IntStream.concat(IntStream.of(a), b.stream().mapToInt(i -> i)).toArray();
  }
}
