package org.hesse.linalg;

import java.util.ArrayList;
import java.util.List;
import org.hesse.DType;
import org.hesse.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Orthonormal vectors as rows, held in blocks so that a projection is a few matrix-vector products.
 */
final class Basis {
  private static final int OPEN_ROWS = 16;
  private static final int MOST_ROWS = 128;
  private static final int NUMBERS = 1 << 18;
  private static final int MAX_PASSES = 5;

  private final List<Tensor> full = new ArrayList<>();
  private @Nullable Tensor open;
  private int size;

  static Basis of(List<Tensor> vectors) {
    Basis basis = new Basis();
    vectors.forEach(basis::append);
    return basis;
  }

  int size() {
    return size;
  }

  void append(Tensor v) {
    Tensor row = v.reshape(1, v.dim(0));
    open = open == null ? row : Tensor.concat(0, open, row);
    size++;
    if (open.dim(0) == OPEN_ROWS) {
      close(open);
      open = null;
    }
  }

  /** Joins the block to the last full one while that stays small, as fewer blocks cost less. */
  private void close(Tensor block) {
    int most = Math.min(MOST_ROWS, NUMBERS / block.dim(1));
    if (full.isEmpty() || full.getLast().dim(0) + OPEN_ROWS > most) {
      full.add(block);
    } else {
      full.add(Tensor.concat(0, full.removeLast(), block));
    }
  }

  List<Tensor> blocks() {
    List<Tensor> blocks = new ArrayList<>(full);
    if (open != null) {
      blocks.add(open);
    }
    return blocks;
  }

  /** All vectors, [size, n]. */
  Tensor rows() {
    return Tensor.concat(0, blocks().toArray(Tensor[]::new));
  }

  /** Row c of the result is Σᵢ coefficients[c][i]·(vector i), [k, n]. */
  Tensor combine(double[][] coefficients) {
    Tensor sum = null;
    int from = 0;
    for (Tensor block : blocks()) {
      int rows = block.dim(0);
      Tensor part = slice(coefficients, from, rows, block.dtype()).matmul(block);
      sum = sum == null ? part : sum.add(part);
      from += rows;
    }
    if (sum == null) {
      throw new IllegalStateException("combine: the basis is empty");
    }
    return sum;
  }

  private static Tensor slice(double[][] coefficients, int from, int rows, DType dtype) {
    double[] c = new double[coefficients.length * rows];
    for (int k = 0; k < coefficients.length; k++) {
      System.arraycopy(coefficients[k], from, c, k * rows, rows);
    }
    return Tensor.of(c, coefficients.length, rows).cast(dtype);
  }

  /** ⟨u, v⟩, summed in F64. */
  static double dot(Tensor u, Tensor v) {
    return u.matmul(v, DType.F64).item();
  }

  /** ‖v‖, summed in F64. */
  static double norm(Tensor v) {
    return Math.sqrt(dot(v, v));
  }

  /** v/‖v‖. */
  static Tensor unit(Tensor v) {
    return divide(v, norm(v));
  }

  /** v/c, where c is data and not, as a Java number would be, part of the program that runs. */
  static Tensor divide(Tensor v, double c) {
    return v.div(Tensor.of(new double[] {c}, 1).cast(v.dtype()));
  }

  /**
   * What is left of a vector after projecting it on orthonormal rows.
   *
   * @param remainder w − QᵀQw
   * @param norm ‖remainder‖
   * @param coefficients Qw
   */
  record Projection(Tensor remainder, double norm, double[] coefficients) {}

  /**
   * Removes from w its components along the rows of the blocks, block by block, at least twice and
   * until the norm stays above 0.7 of what it was: then the remainder is orthogonal to rounding
   * (Parlett, section 6.9, "twice is enough"). Inner products are summed in F64.
   */
  static Projection project(Tensor w, List<Tensor> blocks) {
    int rows = blocks.stream().mapToInt(b -> b.dim(0)).sum();
    double[] coefficients = new double[rows];
    if (rows == 0) {
      return new Projection(w, norm(w), coefficients);
    }
    Tensor remainder = w;
    double norm = Double.POSITIVE_INFINITY;
    for (int pass = 1; pass <= MAX_PASSES; pass++) {
      Tensor[] parts = new Tensor[blocks.size()];
      for (int b = 0; b < parts.length; b++) {
        parts[b] = blocks.get(b).matmul(remainder, DType.F64);
        remainder = remainder.sub(parts[b].cast(w.dtype()).matmul(blocks.get(b)));
      }
      Tensor all = parts.length == 1 ? parts[0] : Tensor.concat(0, parts);
      add(coefficients, all.toDoubleArray());
      double before = norm;
      norm = norm(remainder);
      if (Double.isNaN(norm) || (pass > 1 && norm >= 0.7 * before)) {
        break;
      }
    }
    return new Projection(remainder, norm, coefficients);
  }

  private static void add(double[] to, double[] x) {
    for (int i = 0; i < to.length; i++) {
      to[i] += x[i];
    }
  }
}
