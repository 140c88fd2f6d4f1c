package org.hesse.curvature;

import java.util.function.UnaryOperator;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.Tensor;

/** Checks vectors and cuts blocks of them. */
final class Vectors {
  private Vectors() {}

  static void require(String name, Tensor v, DType dtype, Shape shape) {
    if (!v.shape().equals(shape) || v.dtype() != dtype) {
      throw new IllegalArgumentException(
          name + ": " + v.dtype() + v.shape() + "; expected " + dtype + shape);
    }
  }

  static void requireBlock(Tensor vs, DType dtype, int size) {
    if (vs.rank() != 2 || vs.dim(0) == 0) {
      throw new IllegalArgumentException(
          "vs: "
              + vs.dtype()
              + vs.shape()
              + "; expected a block of vectors, "
              + dtype
              + "[k, "
              + size
              + "] with k of 1 or more; a single vector goes to apply");
    }
    require("vs", vs, dtype, Shape.of(vs.dim(0), size));
  }

  /** Applies f to at most {@code most} rows at a time. */
  static Tensor inBlocks(Tensor vs, int most, UnaryOperator<Tensor> f) {
    int k = vs.dim(0);
    if (k <= most) {
      return f.apply(vs);
    }
    Tensor[] parts = new Tensor[(k + most - 1) / most];
    for (int i = 0; i < parts.length; i++) {
      parts[i] = f.apply(vs.slice(0, i * most, Math.min(k, (i + 1) * most)));
    }
    return Tensor.concat(0, parts);
  }
}
