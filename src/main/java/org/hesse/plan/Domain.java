package org.hesse.plan;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.hesse.Shape;

/**
 * The indices of a shape as a cluster walks over them: axes of extent 1 dropped, some others split
 * in two so that every view inside is affine.
 *
 * @param shape the shape
 * @param extents extents of the domain's axes, outermost first
 * @param axes for each of them the axis of the shape that it is a part of
 */
record Domain(Shape shape, int[] extents, int[] axes) {
  static Domain of(Shape shape) {
    int[] axes = IntStream.range(0, shape.rank()).filter(a -> shape.dim(a) != 1).toArray();
    return new Domain(shape, Arrays.stream(axes).map(shape::dim).toArray(), axes);
  }

  Domain split(IndexMap.Split s) {
    int n = extents.length;
    int[] e = new int[n + 1];
    int[] a = new int[n + 1];
    for (int j = 0; j <= n; j++) {
      int from = j <= s.axis() ? j : j - 1;
      e[j] = extents[from];
      a[j] = axes[from];
    }
    e[s.axis()] = extents[s.axis()] / s.inner();
    e[s.axis() + 1] = s.inner();
    return new Domain(shape, e, a);
  }

  /** Every index of the shape. */
  IndexMap identity() {
    long[][] c = new long[shape.rank()][extents.length];
    long[] step = new long[shape.rank()];
    Arrays.fill(step, 1);
    for (int j = extents.length - 1; j >= 0; j--) {
      c[axes[j]][j] = step[axes[j]];
      step[axes[j]] *= extents[j];
    }
    return new IndexMap(extents, new long[shape.rank()], c);
  }
}
