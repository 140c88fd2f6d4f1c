package org.hesse.curvature;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.hesse.DType;
import org.hesse.Device;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.hesse.Tree;
import org.hesse.io.Dataset;
import org.hesse.io.Datasets;
import org.hesse.linalg.Eigenpairs;
import org.hesse.linalg.Estimate;
import org.hesse.linalg.Lanczos;
import org.hesse.linalg.LanczosDecomposition;
import org.hesse.linalg.LinearOperator;
import org.hesse.linalg.PowerIteration;
import org.hesse.linalg.ProbeDistribution;
import org.hesse.linalg.Quadrature;
import org.hesse.linalg.StochasticLanczosQuadrature;
import org.hesse.linalg.TraceEstimator;
import org.hesse.nn.Loss;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import org.hesse.testing.SimulatedDevice;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Spectra of a model that is on a GPU, which is not the current device, against the CPU's. */
class CurvatureOnDeviceTest {
  private static final Device GPU = Device.cuda(0);

  private static Hessian<Mlp> there;
  private static Hessian<Mlp> here;

  @BeforeAll
  static void device() {
    SimulatedDevice.require();
    here = hessian(Device.CPU);
    there = hessian(GPU);
  }

  /** Of 25 parameters over 30 samples, in two batches. */
  private static Hessian<Mlp> hessian(Device device) {
    return Hessian.of(objective(device));
  }

  private static Objective<Mlp> objective(Device device) {
    Mlp model = Mlp.init(RngKey.of(2), MlpShape.parse("mlp:2-4-3:tanh"), DType.F64);
    Dataset data = Datasets.spirals(30, 1, 3, 0.1, DType.F64);
    return Objective.of(
        Tree.map(model, t -> t.to(device)),
        Loss.CROSS_ENTROPY,
        Tree.map(data, t -> t.to(device)).batches(20));
  }

  @Test
  void gradientAndMatrixAreThoseOfTheCpu() {
    assertEquals(GPU, there.device());
    assertEquals(GPU, there.objective().lossAndGradient().gradient().device());
    assertArrayEquals(
        here.objective().lossAndGradient().gradient().toDoubleArray(),
        there.objective().lossAndGradient().gradient().toDoubleArray(),
        1e-13);
    Tensor matrix = there.toDense();
    assertEquals(GPU, matrix.device());
    assertArrayEquals(here.toDense().toDoubleArray(), matrix.toDoubleArray(), 1e-13);
  }

  @Test
  void eigenpairsAreThoseOfTheCpu() {
    Eigenpairs expected = Lanczos.of(here).largest(4).vectors(true).seed(1).run();
    Eigenpairs actual = Lanczos.of(there.counting()).largest(4).vectors(true).seed(1).run();
    assertTrue(actual.converged());
    for (int i = 0; i < 4; i++) {
      double bound = expected.residuals()[i] + actual.residuals()[i];
      assertEquals(expected.values()[i], actual.values()[i], bound);
    }
    assertEquals(GPU, actual.vectors().device());
  }

  /** A basis of a few vectors, so that there are restarts. */
  @Test
  void restartsStayOnTheDevice() {
    Eigenpairs expected = Lanczos.of(here.shift(0.5)).smallestAlgebraic(1).basis(4).run();
    Eigenpairs actual = Lanczos.of(there.shift(0.5)).smallestAlgebraic(1).basis(4).run();
    double bound = expected.residuals()[0] + actual.residuals()[0];
    assertEquals(expected.values()[0], actual.values()[0], bound);
  }

  /** Both ends by blocks, cancelled on the way and continued from a file. */
  @Test
  void blocksAndCheckpointsStayOnTheDevice(@TempDir Path folder) {
    Eigenpairs expected = Lanczos.of(here).bothEnds(2).block(3).basis(12).run();
    int[] calls = {0};
    Lanczos cancelled =
        Lanczos.of(there)
            .bothEnds(2)
            .block(3)
            .basis(12)
            .checkpoint(folder.resolve("search"), 3)
            .progress((stage, done, total) -> ++calls[0] < 4);
    assertThrows(CancellationException.class, cancelled::run);
    Eigenpairs actual = cancelled.progress((stage, done, total) -> true).vectors(true).run();
    assertTrue(actual.converged() && actual.complete());
    assertEquals(GPU, actual.vectors().device());
    for (int i = 0; i < 4; i++) {
      double bound = expected.residuals()[i] + actual.residuals()[i];
      assertEquals(expected.values()[i], actual.values()[i], bound);
    }
  }

  @Test
  void powerIterationIsThatOfTheCpu() {
    Eigenpairs expected = PowerIteration.of(here).largest(2).run();
    Eigenpairs actual = PowerIteration.of(there).largest(2).vectors(true).run();
    assertArrayEquals(expected.values(), actual.values(), 1e-9);
    assertEquals(GPU, actual.vectors().device());
  }

  @Test
  void tridiagonalMatricesAreThoseOfTheCpu() {
    LanczosDecomposition d = Lanczos.of(there).seed(3).decompose(6);
    assertEquals(GPU, d.basis().device());
    Quadrature expected = quadrature(here);
    Quadrature actual = quadrature(there);
    for (int p = 0; p < expected.probes(); p++) {
      assertArrayEquals(expected.nodes(p), actual.nodes(p), 1e-9);
      assertArrayEquals(expected.weights(p), actual.weights(p), 1e-9);
    }
  }

  private static Quadrature quadrature(LinearOperator a) {
    return StochasticLanczosQuadrature.of(a.scale(2)).probes(3).steps(6).seed(9).run();
  }

  /** From the same random numbers. */
  @Test
  void tracesAreThoseOfTheCpu() {
    for (ProbeDistribution distribution : ProbeDistribution.values()) {
      Estimate expected = trace(here, distribution);
      Estimate actual = trace(there, distribution);
      assertEquals(expected.value(), actual.value(), 1e-12 * Math.abs(expected.value()));
      assertEquals(expected.standardError(), actual.standardError(), 1e-12);
    }
  }

  private static Estimate trace(LinearOperator a, ProbeDistribution distribution) {
    return TraceEstimator.hutchinson(a).distribution(distribution).probes(6).seed(4).run().trace();
  }

  @Test
  void operatorsOfTensorsAreWhereTheseAre() {
    Tensor x = Tensor.of(new double[] {3, -1, 2, 0.5, 0}).to(GPU);
    double[] top = {3, 2};
    assertArrayEquals(
        top, Lanczos.of(LinearOperator.ofDiagonal(x)).largest(2).run().values(), 1e-12);
    LinearOperator dense =
        LinearOperator.ofDense(Tensor.of(new double[] {2, 1, 1, 2}, 2, 2).to(GPU));
    assertEquals(3, Lanczos.of(dense.plus(dense.scale(0))).run().values()[0], 1e-12);
  }

  /** Of the same targets where they are drawn. */
  @Test
  void otherMatricesAreThoseOfTheCpu() {
    List<Function<Objective<Mlp>, LinearOperator>> kinds =
        List.of(
            GaussNewton::of,
            Fisher::exact,
            Fisher::empirical,
            f -> Fisher.monteCarlo(f, 3, 1),
            NeuralTangentKernel::of);
    for (Function<Objective<Mlp>, LinearOperator> kind : kinds) {
      LinearOperator expected = kind.apply(here.objective());
      LinearOperator actual = kind.apply(there.objective());
      assertEquals(GPU, actual.device());
      Tensor matrix = actual.toDense();
      assertEquals(GPU, matrix.device());
      assertArrayEquals(expected.toDense().toDoubleArray(), matrix.toDoubleArray(), 1e-12);
      Tensor v = RngKey.of(3).normal(DType.F64, actual.size()).to(Device.CPU);
      Tensor product = actual.apply(v.to(GPU));
      assertEquals(GPU, product.device());
      assertArrayEquals(expected.apply(v).toDoubleArray(), product.toDoubleArray(), 1e-12);
    }
  }

  /** Whose batches are made on the device in each pass. */
  @Test
  void streamsAreCheckedThere() {
    Dataset data = Datasets.spirals(30, 1, 3, 0.1, DType.F64);
    AtomicInteger passes = new AtomicInteger();
    Iterable<Dataset> stream =
        () ->
            Tree.map(data.shuffled(passes.getAndIncrement() < 2 ? 0 : 1), t -> t.to(GPU))
                .batches(20)
                .iterator();
    Objective<Mlp> f = Objective.of(there.objective().model(), Loss.CROSS_ENTROPY, stream);
    Hessian<Mlp> h = Hessian.of(f);
    Tensor v = RngKey.of(3).normal(DType.F64, h.size()).to(GPU);
    assertEquals(GPU, h.apply(v).device());
    assertThrows(IllegalStateException.class, () -> h.apply(v));
  }
}
