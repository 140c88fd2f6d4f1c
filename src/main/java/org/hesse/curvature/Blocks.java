package org.hesse.curvature;

import java.util.List;
import java.util.Map;
import org.hesse.DType;
import org.hesse.Hesse;
import org.hesse.Matrices;
import org.hesse.Shape;
import org.hesse.Tensor;

/**
 * What kinds of blocks share: symmetric matrices as tensors, [n, n], or [n] where there is nothing
 * but a diagonal; and checks.
 */
final class Blocks {
  private Blocks() {}

  /** X·M. */
  static Tensor right(Tensor x, Tensor m) {
    return m.rank() == 1 ? x.mul(m) : x.matmul(m);
  }

  /** M·X of a symmetric M. */
  static Tensor left(Tensor m, Tensor x) {
    return m.rank() == 1 ? x.mul(m.insertAxis(1)) : x.transpose().matmul(m).transpose();
  }

  static double trace(Tensor m) {
    Tensor diagonal = m.rank() == 1 ? m : Matrices.diagonal(m);
    return diagonal.cast(DType.F64).sum().item();
  }

  static double frobeniusNorm(Tensor m) {
    Tensor all = m.reshape(-1);
    return Math.sqrt(all.matmul(all, DType.F64).item());
  }

  /** A number where a tensor is, of its dtype: data, and no part of the program that runs. */
  static Tensor scalar(double value, Tensor like) {
    return Hesse.on(like.device(), () -> Tensor.scalar(value, like.dtype()));
  }

  /** Numbers where a tensor is, of its dtype. */
  static Tensor vector(double[] values, Tensor like) {
    return Hesse.on(like.device(), () -> Tensor.of(values, values.length).cast(like.dtype()));
  }

  static List<ParameterPart> requireParts(List<ParameterPart> parts) {
    if (parts.isEmpty()) {
      throw new IllegalArgumentException("parts: none; expected at least one parameter");
    }
    int rows = parts.getFirst().rows();
    for (ParameterPart part : parts) {
      if (part.rows() != rows) {
        throw new IllegalArgumentException(
            "parts: " + parts + "; expected the same number of rows, as they are side by side");
      }
    }
    return List.copyOf(parts);
  }

  /** A symmetric [n, n], or its diagonal [n]. */
  static void requireSymmetric(List<ParameterPart> parts, String name, Tensor m, int n) {
    Shape diagonal = Shape.of(n);
    Shape square = Shape.of(n, n);
    boolean fits = m.shape().equals(diagonal) || m.shape().equals(square);
    require(parts, name, m, fits, square + " or " + diagonal);
  }

  static void requireShape(List<ParameterPart> parts, String name, Tensor m, int... dims) {
    Shape expected = Shape.of(dims);
    require(parts, name, m, m.shape().equals(expected), expected.toString());
  }

  private static void require(
      List<ParameterPart> parts, String name, Tensor m, boolean fits, String expected) {
    if (!fits || !m.dtype().isReal()) {
      throw new IllegalArgumentException(
          name
              + ": "
              + m.dtype()
              + m.shape()
              + " for "
              + parts
              + "; expected F32 or F64 of shape "
              + expected);
    }
  }

  /** Throws unless two statistics have one dtype. */
  static void requireSame(List<ParameterPart> parts, String a, Tensor x, String b, Tensor y) {
    if (x.dtype() != y.dtype()) {
      throw new IllegalArgumentException(
          a
              + ": "
              + x.dtype()
              + " for "
              + parts
              + "; expected the dtype of "
              + b
              + ", "
              + y.dtype()
              + "; cast one of them");
    }
  }

  /** X as one row, which dense and diagonal blocks are over. */
  static void requireOneRow(List<ParameterPart> parts) {
    if (parts.getFirst().rows() != 1) {
      throw new IllegalArgumentException(
          "parts: " + parts + "; expected a single row; make them by ParameterPart.entries");
    }
  }

  /** The statistic of some name. */
  static Tensor get(CurvatureBlock block, Map<String, Tensor> statistics, String name) {
    Tensor t = statistics.get(name);
    if (t == null || statistics.size() != block.statistics().size()) {
      throw new IllegalArgumentException(
          "statistics: "
              + statistics.keySet()
              + " for the "
              + block.name()
              + "; expected "
              + block.statistics().keySet());
    }
    return t;
  }
}
