package org.hesse.curvature.landscape;

import java.util.List;
import java.util.Locale;
import org.hesse.Tensor;
import org.hesse.nn.Layer;

/**
 * Singular values of a function's Jacobian at a point: how much it stretches small changes of its
 * input, along the directions that it stretches most and least.
 *
 * <pre>{@code
 * List<JacobianSpectrum> spectra = JacobianSpectrum.of(network, x).run();    // one for each sample
 * spectra.get(0).largest();                  // the spectral norm, with a bound on its error
 * spectra.get(0).condition();                // largest over smallest, from its least to its most
 * }</pre>
 *
 * @param rows m, how many outputs a sample has
 * @param columns n, how many inputs a sample has
 * @param values singular values, descending: all min(m, n) of them, or the largest and, last, the
 *     smallest
 * @param complete whether they are all of them
 */
public record JacobianSpectrum(
    int rows, int columns, List<SingularValue> values, boolean complete) {
  /** Copies the list. */
  public JacobianSpectrum {
    values = List.copyOf(values);
  }

  /**
   * A singular value.
   *
   * @param value an estimate of it
   * @param residual a bound on the error
   */
  public record SingularValue(double value, double residual) {
    /** The least that it may be. */
    public double low() {
      return Math.max(0, value - residual);
    }

    /** The most that it may be. */
    public double high() {
      return value + residual;
    }
  }

  /**
   * A condition number, the ratio of the largest singular value to the smallest.
   *
   * @param value the ratio, infinite if the smallest is 0, as it is where the Jacobian is zero
   * @param low the least that it may be
   * @param high the most that it may be, infinite if the smallest singular value may be 0
   */
  public record Condition(double value, double low, double high) {}

  /**
   * Asks for the Jacobians of a layer or network at each sample of a batch.
   *
   * @param f from [batch, …] to [batch, …], each sample for itself
   * @param x samples, [batch, …], F32 or F64
   */
  public static JacobianSpectra of(Layer f, Tensor x) {
    return new JacobianSpectra(f, x);
  }

  /** The largest singular value, the spectral norm. */
  public SingularValue largest() {
    return values.getFirst();
  }

  /** The smallest of the min(m, n) singular values. */
  public SingularValue smallest() {
    return values.getLast();
  }

  /** Largest over smallest singular value. */
  public Condition condition() {
    return new Condition(
        ratio(largest().value(), smallest().value()),
        Math.max(1, ratio(largest().low(), smallest().high())),
        ratio(largest().high(), smallest().low()));
  }

  private static double ratio(double a, double b) {
    return b == 0 ? Double.POSITIVE_INFINITY : a / b;
  }

  /**
   * √(mean σ²) over all singular values: by how much a random direction is stretched.
   *
   * @throws IllegalStateException if not all singular values are there
   */
  public double rootMeanSquare() {
    if (!complete) {
      throw new IllegalStateException(
          "rootMeanSquare: only "
              + values.size()
              + " of "
              + Math.min(rows, columns)
              + " singular values were computed; ask for all with dense(n)");
    }
    double sum = values.stream().mapToDouble(s -> s.value() * s.value()).sum();
    return Math.sqrt(sum / values.size());
  }

  @Override
  public String toString() {
    Condition c = condition();
    return String.format(
        Locale.ROOT,
        "%d×%d, largest %.6g ± %.2g, smallest %.6g ± %.2g, condition %.6g (%.6g to %.6g)",
        rows,
        columns,
        largest().value(),
        largest().residual(),
        smallest().value(),
        smallest().residual(),
        c.value(),
        c.low(),
        c.high());
  }
}
