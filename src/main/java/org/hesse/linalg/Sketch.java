package org.hesse.linalg;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.hesse.Tensor;
import org.jspecify.annotations.Nullable;

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

  /** What an interrupted run has of {@link #q} and {@link #z}, for as long as it is needed. */
  private @Nullable Basis savedQ;

  private @Nullable Basis savedZ;

  /**
   * Nothing yet.
   *
   * @param left products with the operator that Q is multiplied by: A or its adjoint
   */
  Sketch(Probing probing, Products left) {
    this.probing = probing;
    this.left = left;
    this.samples = new Hutchinson(probing);
    State saved = probing.journal().vectors(this::save);
    if (saved != null) {
      savedQ = Basis.load(saved.in("q"));
      savedZ = Basis.load(saved.in("z"));
    }
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
      int count = Math.min(to, from + probing.together()) - from;
      Basis saved = probing.journal().written() ? savedQ : null;
      double[][] numbers = probing.journal().next(count, () -> sketched(from, count));
      for (int i = 0; i < count; i++) {
        samples.take(numbers[i][0], numbers[i][1]);
        if (saved != null) {
          take(Arrays.copyOfRange(numbers[i], 2, numbers[i].length));
          q.append(saved.rows(from + i, from + i + 1).select(0, 0));
        }
      }
      savedQ = probing.journal().written() ? savedQ : null;
      probing.report();
    }
  }

  /** For each vector from this number on vᵀAv, ‖Av‖² and the column of R. */
  private double[][] sketched(int from, int count) {
    Tensor[] vs = probing.draw(from, from + count);
    int number = probing.products().count();
    Tensor[] products = probing.products().applyEach(vs);
    double[][] numbers = new double[count][];
    for (int i = 0; i < count; i++) {
      double[] own = probing.measured(vs[i], products[i], number + i + 1);
      append(products[i]);
      double[] column = r.getLast();
      numbers[i] = Arrays.copyOf(own, 2 + column.length);
      System.arraycopy(column, 0, numbers[i], 2, column.length);
    }
    return numbers;
  }

  private void save(State state) {
    q.save(state.in("q"));
    z.save(state.in("z"));
  }

  private void take(double[] column) {
    largest = Math.max(largest, Math.sqrt(Arrays.stream(column).map(x -> x * x).sum()));
    r.add(column);
  }

  private void append(Tensor y) {
    int i = rank();
    Basis.Projection p = Basis.project(y, q);
    double[] column = Arrays.copyOf(p.coefficients()[0], i + 1);
    column[i] = p.norm();
    take(column);
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
      int to = Math.min(rank(), from + probing.together());
      Basis saved = probing.journal().written() ? savedZ : null;
      var _ = probing.journal().next(to - from, () -> multiplied(q.rows(from, to)));
      for (int i = from; saved != null && i < to; i++) {
        z.append(saved.rows(i, i + 1).select(0, 0));
      }
      savedZ = probing.journal().written() ? savedZ : null;
      probing.report();
    }
  }

  /** The norms of products, which are appended. */
  private double[][] multiplied(Tensor rows) {
    Tensor[] products = left.applyEach(split(rows));
    double[][] norms = new double[products.length][];
    for (int i = 0; i < norms.length; i++) {
      double norm = Basis.norm(products[i]);
      left.requireFinite(norm, products[i], left.count() - norms.length + i + 1);
      z.append(products[i]);
      norms[i] = new double[] {norm};
    }
    return norms;
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
