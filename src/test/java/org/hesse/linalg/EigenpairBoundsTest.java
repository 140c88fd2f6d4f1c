package org.hesse.linalg;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Residual bounds are bounds, for each solver, on random matrices of all kinds. */
class EigenpairBoundsTest {
  /** Finds k eigenvalues to a tolerance. */
  private interface Solver {
    Eigenpairs solve(LinearOperator a, int k, double tolerance, long seed);
  }

  /** A solver and whether it looks at the ends of the spectrum, and not at magnitudes. */
  record Named(String name, boolean ends, Solver solver) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Named> solvers() {
    return Stream.of(
        new Named(
            "power",
            false,
            (a, k, t, s) ->
                PowerIteration.of(a)
                    .largest(k)
                    .tolerance(t)
                    .maxSteps(200)
                    .seed(s)
                    .vectors(true)
                    .run()),
        new Named(
            "blocks of 3",
            false,
            (a, k, t, s) ->
                Lanczos.of(a)
                    .largest(k)
                    .tolerance(t)
                    .seed(s)
                    .block(Math.min(3, a.size()))
                    .vectors(true)
                    .run()),
        new Named(
            "restarted",
            false,
            (a, k, t, s) ->
                Lanczos.of(a).largest(k).tolerance(t).seed(s).basis(k + 5).vectors(true).run()),
        new Named(
            "both ends",
            true,
            (a, k, t, s) -> Lanczos.of(a).bothEnds(k).tolerance(t).seed(s).vectors(true).run()),
        new Named(
            "both ends by blocks of 2",
            true,
            (a, k, t, s) ->
                Lanczos.of(a)
                    .bothEnds(k)
                    .tolerance(t)
                    .seed(s)
                    .block(Math.min(2, a.size()))
                    .vectors(true)
                    .run()));
  }

  @ParameterizedTest
  @MethodSource("solvers")
  void residualsAreBounds(Named named) {
    Random random = new Random(11);
    for (int trial = 0; trial < 100; trial++) {
      int n = 1 + random.nextInt(40);
      int k = 1 + random.nextInt(Math.min(n, 6));
      double tolerance = Math.pow(10, -1 - random.nextInt(11));
      double[][] a = matrix(trial, n, random);
      double[] truth = Matrices.eigenvalues(a);
      LinearOperator op = Matrices.operator(a);
      Eigenpairs pairs = named.solver.solve(op, k, tolerance, trial);
      String where = "trial " + trial + ": " + pairs;
      double[][] v = Matrices.rows(pairs.vectors());
      for (int i = 0; i < pairs.size(); i++) {
        double value = pairs.values()[i];
        double error = Arrays.stream(truth).map(x -> Math.abs(x - value)).min().orElseThrow();
        assertTrue(error <= pairs.residuals()[i], where);
        assertTrue(residual(a, v[i], value) <= pairs.residuals()[i] + 1e-14, where);
      }
      if (pairs.converged() && tolerance < 1e-6) {
        assertWanted(named.ends ? ends(truth, k) : Matrices.byMagnitude(truth), pairs, where);
      }
    }
  }

  /** In turn Wishart, indefinite, with multiple eigenvalues, of low rank. */
  private static double[][] matrix(int trial, int n, Random random) {
    double[] spectrum = new double[n];
    Arrays.setAll(
        spectrum,
        i ->
            switch (trial % 4) {
              case 0 -> 1 + 4 * random.nextDouble();
              case 1 -> random.nextGaussian();
              case 2 -> random.nextInt(4) - 1.5;
              default -> i < 3 ? random.nextGaussian() : 0;
            });
    return trial % 4 == 0
        ? Matrices.wishart(n, n + 5, random)
        : Matrices.withSpectrum(spectrum, random);
  }

  private static double residual(double[][] a, double[] y, double value) {
    double sum = 0;
    for (int i = 0; i < y.length; i++) {
      double r = Matrices.dot(a[i], y) - value * y[i];
      sum += r * r;
    }
    return Math.sqrt(sum / Matrices.dot(y, y));
  }

  private static double[] ends(double[] ascending, int k) {
    int n = ascending.length;
    double[] ends = Arrays.copyOf(ascending, Math.min(n, 2 * k));
    int high = Math.min(k, n - ends.length / 2);
    System.arraycopy(ascending, n - high, ends, ends.length - high, high);
    return ends;
  }

  private static void assertWanted(double[] expected, Eigenpairs pairs, String where) {
    for (int i = 0; i < pairs.size(); i++) {
      double value = pairs.values()[i];
      double bound = pairs.residuals()[i] + 1e-13;
      // Of two with one magnitude either may come first.
      boolean swapped = Math.abs(Math.abs(expected[i]) - Math.abs(value)) <= bound;
      if (!swapped) {
        assertEquals(expected[i], value, bound, where);
      }
    }
  }
}
