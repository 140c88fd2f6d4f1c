package org.hesse.curvature;

import java.util.ArrayList;
import java.util.List;
import org.hesse.Shape;
import org.hesse.ir.Axes;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.jspecify.annotations.Nullable;

/**
 * Where the elements of a value that rearranges another one come from. Each axis is a row of parts,
 * the outer one first; axes of extent 1 have none.
 */
record Strides(List<List<Part>> axes) {
  /**
   * Elements of the other value at equal distances, in row-major order.
   *
   * @param step 0 where one element is repeated
   */
  record Part(int extent, int step) {}

  /** A value as a rearrangement of itself. */
  static Strides of(Shape shape) {
    List<List<Part>> axes = new ArrayList<>();
    int step = 1;
    for (int a = shape.rank() - 1; a >= 0; a--) {
      int extent = shape.dim(a);
      axes.addFirst(extent == 1 ? List.of() : List.of(new Part(extent, step)));
      step *= extent;
    }
    return new Strides(axes);
  }

  /** The value of a node that rearranges this one; null if it is no whole axis of parts of it. */
  @Nullable Strides through(Node n) {
    return switch (n.op()) {
      case Op.Reshape _ -> reshaped(n.shape());
      case Op.Permute(Axes order) -> {
        List<List<Part>> permuted = new ArrayList<>();
        for (int i = 0; i < order.size(); i++) {
          permuted.add(axes.get(order.get(i)));
        }
        yield new Strides(permuted);
      }
      case Op.Broadcast(Axes to) -> {
        List<List<Part>> all = new ArrayList<>();
        for (int a = 0; a < n.shape().rank(); a++) {
          int extent = n.shape().dim(a);
          all.add(
              to.contains(a)
                  ? axes.get(to.indexOf(a))
                  : extent == 1 ? List.of() : List.of(new Part(extent, 0)));
        }
        yield new Strides(all);
      }
      default -> this;
    };
  }

  private @Nullable Strides reshaped(Shape shape) {
    List<Part> rest = new ArrayList<>();
    axes.forEach(rest::addAll);
    List<List<Part>> all = new ArrayList<>();
    for (int a = 0; a < shape.rank(); a++) {
      List<Part> axis = new ArrayList<>();
      for (int need = shape.dim(a); need > 1; ) {
        Part p = rest.removeFirst();
        if (need % p.extent == 0) {
          axis.add(p);
          need /= p.extent;
        } else if (p.extent % need == 0) {
          axis.add(new Part(need, p.step * (p.extent / need)));
          rest.addFirst(new Part(p.extent / need, p.step));
          need = 1;
        } else {
          return null;
        }
      }
      all.add(axis);
    }
    return new Strides(all);
  }

  /** The place in the other value of each element, in row-major order. */
  int[] places() {
    int[] places = {0};
    for (List<Part> axis : axes) {
      for (Part p : axis) {
        int[] longer = new int[places.length * p.extent];
        for (int i = 0; i < longer.length; i++) {
          longer[i] = places[i / p.extent] + i % p.extent * p.step;
        }
        places = longer;
      }
    }
    return places;
  }
}
