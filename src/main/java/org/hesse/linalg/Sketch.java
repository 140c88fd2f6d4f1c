package org.hesse.linalg;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.hesse.Tensor;

/**
 * What an operator does to random vectors: AΩ = QR with orthonormal Q, vector by vector, and where
 * asked for the products with Q as well.
 *
 * <p>Leaving out vector i, the range of AΩ is that of Q less one direction, Qsᵢ with the unit
 * vector sᵢ along R⁻ᵀeᵢ (Epperly, Tropp and Webber 2024, section 2.1): so an estimate that must not
 * use a vector twice is had for each of them from one factorisation. The part of Aωᵢ beyond the
 * range of the others is 1/‖R⁻ᵀeᵢ‖, and its square an unbiased estimate of ‖(I − PP*)A‖_F², which
 * shows how fast the spectrum falls.
 */
final class Sketch {
  /** A remainder below this many roundings is noise: the product lies in the range so far. */
  private static final double NOISE = 64;

  private static final double HUGE = 0x1p400;

  private final Probing probing;
  private final Products left;
  private final Hutchinson samples;
  private final Basis q = new Basis();
  private final Basis z = new Basis();
  private final List<double[]> r = new ArrayList<>();
  private double largest;

  /**
   * Nothing yet.
   *
   * @param left products with the operator that Q is multiplied by: A or its adjoint
   */
  Sketch(Probing probing, Products left) {
    this.probing = probing;
    this.left = left;
    this.samples = new Hutchinson(probing);
  }

  /** The number of random vectors so far. */
  int rank() {
    return r.size();
  }

  /** Q as rows. */
  Basis q() {
    return q;
  }

  /** The products of Q's rows, as rows, as far as {@link #multiply} has made them. */
  Basis z() {
    return z;
  }

  /** Column i of R, i + 1 numbers: Aωᵢ over Q. */
  double[] column(int i) {
    return r.get(i);
  }

  /** What Hutchinson's estimator makes of the same vectors. */
  Hutchinson samples() {
    return samples;
  }

  /** Goes on to so many random vectors, at most n. */
  void extend(int to) {
    while (rank() < to) {
      int from = rank();
      Tensor[] vs = probing.draw(from, Math.min(to, from + probing.together()));
      int number = probing.products().count();
      Tensor[] products = probing.products().applyEach(vs);
      for (int i = 0; i < vs.length; i++) {
        samples.take(vs[i], products[i], number + i + 1);
        append(products[i]);
      }
      probing.report();
    }
  }

  private void append(Tensor y) {
    int i = rank();
    Basis.Projection p = Basis.project(y, q);
    double[] column = Arrays.copyOf(p.coefficients()[0], i + 1);
    column[i] = p.norm();
    largest = Math.max(largest, Math.sqrt(Arrays.stream(column).map(x -> x * x).sum()));
    r.add(column);
    if (p.norm() > NOISE * epsilon() * largest) {
      q.append(Basis.divide(p.remainder(), p.norm()));
    } else {
      q.append(Basis.unit(Basis.project(probing.another(i), q).remainder()));
    }
  }

  private double epsilon() {
    return probing.operator().dtype().epsilon();
  }

  /** Multiplies the rows of Q that have not been. */
  void multiply() {
    while (z.size() < rank()) {
      int from = z.size();
      Tensor rows = q.rows(from, Math.min(rank(), from + probing.together()));
      Tensor[] products = left.applyEach(split(rows));
      for (Tensor product : products) {
        left.requireFinite(Basis.norm(product), product, left.count());
        z.append(product);
      }
      probing.report();
    }
  }

  static Tensor[] split(Tensor rows) {
    Tensor[] vs = new Tensor[rows.dim(0)];
    Arrays.setAll(vs, i -> rows.select(0, i));
    return vs;
  }

  /**
   * The direction over Q that only one random vector contributed.
   *
   * @param s unit, over Q
   * @param distance sᵢᵀrᵢ, how far its product reaches beyond the range of the others'
   */
  record Direction(double[] s, double distance) {}

  /** The direction of vector i, by solving Rᵀz = eᵢ from the top. */
  Direction direction(int i) {
    int m = rank();
    double floor = largest > 0 ? epsilon() * largest : 1;
    double[] s = new double[m];
    double scale = 1;
    for (int j = i; j < m; j++) {
      double[] column = r.get(j);
      double sum = j == i ? 1 : 0;
      for (int l = i; l < j; l++) {
        sum -= column[l] * s[l];
      }
      s[j] = sum / Math.max(column[j], floor);
      if (Math.abs(s[j]) > HUGE) {
        divide(s, HUGE);
        scale *= HUGE;
      }
    }
    double norm = Math.sqrt(LeaveOneOut.dot(s, s));
    divide(s, norm);
    return new Direction(s, largest > 0 ? 1 / norm / scale : 0);
  }

  private static void divide(double[] x, double by) {
    for (int k = 0; k < x.length; k++) {
      x[k] /= by;
    }
  }

  /** The mean over the vectors of what each product has beyond the range of the others, squared. */
  double missed() {
    double sum = 0;
    for (int i = 0; i < rank(); i++) {
      double d = direction(i).distance;
      sum += d * d;
    }
    return sum / rank();
  }
}
