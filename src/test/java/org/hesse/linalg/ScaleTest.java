package org.hesse.linalg;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.Stream;
import org.hesse.DType;
import org.hesse.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Operators of extreme scale: what is computed of 2ᵏA follows from what is computed of A, where A
 * is a matrix of known spectrum, and no square of a norm over- or underflows in silence.
 */
class ScaleTest {
  private static final int N = 24;

  /** A of known eigenvalues 1 … 24 with random eigenvectors. */
  private static final double[] SPECTRUM = spectrum();

  private static final Tensor A =
      Matrices.tensor(Matrices.withSpectrum(SPECTRUM, new Random(3)), DType.F64);
  private static final Tensor GENERAL =
      Matrices.tensor(Matrices.gaussian(N, 10, new Random(4)), DType.F64);
  private static final Tensor B = Tensor.of(new Random(5).doubles(N, -1, 1).toArray(), N);

  private static double[] spectrum() {
    double[] s = new double[N];
    Arrays.setAll(s, i -> i + 1);
    return s;
  }

  /** A at a scale, with what else has one. */
  record Scaled(DType dtype, double scale) {
    LinearOperator a() {
      return LinearOperator.ofDense(of(A));
    }

    LinearMap general() {
      return LinearMap.ofDense(of(GENERAL));
    }

    Tensor b() {
      return B.cast(dtype);
    }

    Tensor of(Tensor x) {
      return x.mul(scale).cast(dtype);
    }
  }

  /** Numbers that scale as the operator does to this power. */
  private record Case(int degree, Function<Scaled, double[]> numbers) {}

  private static double[] numbers(Tensor x) {
    return x.toDoubleArray();
  }

  private static double[] numbers(Estimate e) {
    return new double[] {e.value(), e.standardError()};
  }

  private static double[] numbers(SpectralNorms.Bound b) {
    return new double[] {b.value()};
  }

  private static double[] numbers(LeastSquares s) {
    return new double[] {s.residualNorm(), s.operatorNorm()};
  }

  private static double[] numbers(DiagonalEstimator e) {
    DiagonalEstimate d = e.probes(10).run();
    Tensor error = Tensor.of(new double[] {d.error(), d.norm()}, 2).cast(d.value().dtype());
    return Tensor.concat(0, d.value(), d.standardError(), error).toDoubleArray();
  }

  private static Quadrature quadrature(Scaled s) {
    return StochasticLanczosQuadrature.of(s.a()).probes(3).steps(8).run();
  }

  private static TraceEstimate trace(TraceEstimator e) {
    return e.probes(12).run();
  }

  private static double[] lanczos(Scaled s) {
    return Lanczos.of(s.a()).bothEnds(2).run().values();
  }

  private static final Map<String, Case> CASES = new LinkedHashMap<>();

  private static void put(String name, int degree, Function<Scaled, double[]> numbers) {
    CASES.put(name, new Case(degree, numbers));
  }

  static {
    put("Lanczos", 1, ScaleTest::lanczos);
    put("Lanczos, blocks", 1, s -> Lanczos.of(s.a()).largest(3).block(2).run().values());
    put("Lanczos, restarts", 1, s -> Lanczos.of(s.a()).largest(2).basis(8).run().values());
    put("power iteration", 1, s -> PowerIteration.of(s.a()).largest(2).run().values());
    put(
        "conjugate gradients",
        -1,
        s -> numbers(ConjugateGradients.of(s.a()).run(s.b()).orThrow().solution()));
    put(
        "conjugate gradients of b",
        0,
        s -> numbers(ConjugateGradients.of(s.a()).run(s.of(B)).orThrow().solution()));
    put("LSMR", -1, s -> numbers(Lsmr.of(s.general()).run(s.b()).orThrow().solution()));
    put(
        "LSMR of b",
        0,
        s -> numbers(Lsmr.of(s.general()).damping(s.scale).run(s.of(B)).orThrow().solution()));
    put("LSMR residual", 1, s -> numbers(Lsmr.of(s.general()).run(s.of(B))));
    put(
        "Neumann",
        -1,
        s -> numbers(NeumannSeries.of(s.a()).damping(s.scale).run(s.b()).orThrow().solution()));
    put("dense inverse", -1, s -> numbers(Inverse.dense(s.a()).apply(s.b())));
    put("Hutchinson", 1, s -> numbers(trace(TraceEstimator.hutchinson(s.a())).trace()));
    put("Hutch++", 1, s -> numbers(trace(TraceEstimator.hutchPlusPlus(s.a())).trace()));
    put(
        "Hutch++ to an error",
        1,
        s ->
            numbers(
                TraceEstimator.hutchPlusPlus(s.a()).probes(60).relativeError(0.02).run().trace()));
    put("XTrace", 1, s -> numbers(trace(TraceEstimator.xTrace(s.a())).trace()));
    put("trace, chosen", 1, s -> numbers(TraceEstimator.of(s.a()).probes(20).run().trace()));
    put("trace, all", 1, s -> numbers(TraceEstimator.of(s.a()).probes(30).run().trace()));
    put("Frobenius", 1, s -> numbers(trace(TraceEstimator.xTrace(s.a())).frobenius()));
    put("Hutchinson's diagonal", 1, s -> numbers(DiagonalEstimator.hutchinson(s.a())));
    put("XDiag", 1, s -> numbers(DiagonalEstimator.xDiag(s.a())));
    put("quadrature", 1, s -> quadrature(s).nodes(1));
    put("weights", 0, s -> quadrature(s).weights(1));
    put("quadrature's trace", 1, s -> numbers(quadrature(s).trace()));
    put("nuclear norm", 1, s -> numbers(quadrature(s).nuclearNorm()));
    put("entropy", 0, s -> numbers(quadrature(s).entropy()));
    put("effective dimension", 0, s -> numbers(quadrature(s).effectiveDimension(s.scale)));
    put(
        "log-determinant",
        0,
        s -> numbers(quadrature(s).logDeterminant(s.scale).plus(-N * Math.log(s.scale))));
    put("density's grid", 1, s -> quadrature(s).density().grid());
    put("density", -1, s -> quadrature(s).density().value());
    put("band", -1, s -> quadrature(s).density().high());
    put("norm", 1, s -> numbers(SpectralNorms.operatorNorm(s.a())));
    put("condition", 0, s -> numbers(SpectralNorms.conditionNumber(s.a())));
    put("norm of a map", 1, s -> numbers(SpectralNorms.operatorNorm(s.general())));
    put("condition of a map", 0, s -> numbers(SpectralNorms.conditionNumber(s.general())));
  }

  static Stream<Arguments> scales() {
    return Stream.of(
        Arguments.of(DType.F64, 500),
        Arguments.of(DType.F64, -500),
        Arguments.of(DType.F64, 700),
        Arguments.of(DType.F64, -700),
        Arguments.of(DType.F32, 60),
        Arguments.of(DType.F32, -60),
        Arguments.of(DType.F32, 116),
        Arguments.of(DType.F32, -110));
  }

  @ParameterizedTest
  @MethodSource("scales")
  void resultsFollowTheOperator(DType dtype, int exponent) {
    Scaled one = new Scaled(dtype, 1);
    Scaled scaled = new Scaled(dtype, Math.scalb(1.0, exponent));
    double rounding = dtype == DType.F64 ? 1e-9 : 1e-6;
    CASES.forEach((name, c) -> {
      double[] expected = c.numbers.apply(one);
      double[] actual = c.numbers.apply(scaled);
      double largest = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
      assertTrue(largest > 0 && expected.length == actual.length, name);
      for (int i = 0; i < actual.length; i++) {
        double back = Math.scalb(actual[i], -exponent * c.degree);
        assertEquals(expected[i], back, rounding * largest, name + " " + i);
      }
    });
  }

  /** Of all that is compared above, eigenvalues are known beforehand. */
  @Test
  void eigenvaluesAreThose() {
    assertArrayEquals(new double[] {1, 2, 23, 24}, lanczos(new Scaled(DType.F64, 1)), 1e-9);
  }

  @Test
  void whatCannotBeHeldIsAnError() {
    double scale = Math.scalb(1.0, -700);
    TraceEstimate e = trace(TraceEstimator.xTrace(new Scaled(DType.F64, scale).a()));
    assertThrows(NumericalException.class, e::frobeniusSquared);
    Scaled small = new Scaled(DType.F32, Math.scalb(1.0, -110));
    Tensor large = small.b().mul(Math.scalb(1.0, 30));
    assertThrows(NumericalException.class, () -> ConjugateGradients.of(small.a()).run(large));
    assertThrows(NumericalException.class, () -> Lsmr.of(small.general()).run(large));
  }
}
