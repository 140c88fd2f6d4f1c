package org.hesse;

import org.hesse.ir.Axes;
import org.hesse.ir.Node;
import org.hesse.ops.Shapes;
import org.hesse.ops.Sources;

/**
 * Numbers as nodes: part of the program inside a trace, data outside, where programs with other
 * numbers in the same place should share one plan.
 */
final class Constants {
  private Constants() {}

  /** A scalar. */
  static Node of(double value, DType dtype, Device device) {
    Sources.requireValue(value, Misuse.given("Tensor", "dtype", dtype, "such as DType.F32"));
    if (Trace.current() != null) {
      return Sources.constant(value, dtype);
    }
    Object array = HostArrays.single(value, dtype);
    return Tensor.fresh(Backends.of(device).upload(array), Shape.scalar()).node();
  }

  /** The same number everywhere. */
  static Node filled(double value, Shape shape, DType dtype, Device device) {
    return Shapes.broadcast(of(value, dtype, device), shape, Axes.of());
  }

  /** The same number everywhere, of a tensor's shape and dtype, where it is. */
  static Node filledLike(double value, Tensor t) {
    return filled(value, t.shape(), t.dtype(), t.device());
  }

  /** Zeros of a tensor's shape and dtype, where it is. */
  static Tensor zerosLike(Tensor t) {
    return Tensor.finish(filledLike(0, t));
  }
}
