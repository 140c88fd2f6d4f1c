package org.hesse.curvature;

import static org.hesse.testing.Close.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.hesse.DType;
import org.hesse.Tensor;
import org.hesse.Tree;
import org.hesse.io.Dataset;
import org.hesse.io.Datasets;
import org.hesse.io.Safetensors;
import org.hesse.io.Task;
import org.hesse.linalg.Eigenpairs;
import org.hesse.linalg.Estimate;
import org.hesse.linalg.Lanczos;
import org.hesse.linalg.LinearOperator;
import org.hesse.linalg.TraceEstimator;
import org.hesse.nn.Loss;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Operators of a network trained by PyTorch, against matrices formed there in F64. */
class ReferenceModelTest {
  private static final Path SHARED = Path.of("..", "shared");

  private static JsonNode reference;
  private static Dataset digits;
  private static Objective<Mlp> objective;

  @BeforeAll
  static void read() throws Exception {
    Path models = SHARED.resolve("models");
    Path data = SHARED.resolve("data/digits.csv");
    assumeTrue(
        Files.isRegularFile(data) && Files.isDirectory(models),
        "there is no folder " + SHARED + " with data and models");
    reference = new ObjectMapper().readTree(models.resolve("digits-mlp.reference.json").toFile());
    Mlp stored =
        Mlp.load(
            MlpShape.parse("mlp:64-32-10:tanh"),
            Safetensors.read(models.resolve("digits-mlp.safetensors")).tensors());
    digits = Datasets.open(data.toString(), DType.F64, Task.CLASSIFICATION);
    objective =
        Objective.of(
            Tree.map(stored, t -> t.cast(DType.F64)), Loss.CROSS_ENTROPY, digits.batches(600));
  }

  @Test
  void lossAndGradient() {
    Objective.LossGradient at = objective.lossAndGradient();
    assertRelative(reference.at("/loss"), at.loss().item(), 1e-12);
    double norm = Math.sqrt(at.gradient().square().sum().item());
    assertRelative(reference.at("/gradientNorm"), norm, 1e-10);
  }

  @Test
  void hessianProduct() {
    Hessian<Mlp> h = Hessian.of(objective);
    Tensor v = Tensor.arange(DType.F64, h.size()).cos();
    Tensor hv = h.apply(v);
    JsonNode expected = reference.at("/hvp_cos");
    assertRelative(expected.at("/norm"), Math.sqrt(hv.square().sum().item()), 1e-10);
    assertRelative(expected.at("/quad"), hv.mul(v).sum().item(), 1e-10);
    double[] first = hv.slice(0, 0, 5).toDoubleArray();
    for (int i = 0; i < 5; i++) {
      assertEquals(expected.at("/first5/" + i).asDouble(), first[i], 1e-12);
    }
  }

  @Test
  void spectrumOfTheHessian() {
    assertSpectrum("/hessian", Hessian.of(objective));
  }

  @Test
  void spectrumOfTheGaussNewtonMatrix() {
    assertSpectrum("/ggn", GaussNewton.of(objective));
  }

  @Test
  void exactFisherIsGaussNewton() {
    Tensor v = Tensor.arange(DType.F64, objective.size()).cos();
    Tensor expected = GaussNewton.of(objective).apply(v);
    assertClose("product", expected, Fisher.exact(objective).apply(v), 1e-12);
  }

  /** Of matrices formed in single precision. */
  @Test
  void normsAndTraces() {
    Mlp single = Tree.map(objective.model(), t -> t.cast(DType.F32));
    Objective<Mlp> f = Objective.of(single, Loss.CROSS_ENTROPY, List.of(digits.cast(DType.F32)));
    assertNorms("/hessian", Hessian.of(f).toDense());
    assertNorms("/ggn", GaussNewton.of(f).toDense());
  }

  private static void assertNorms(String name, Tensor matrix) {
    JsonNode expected = reference.at(name);
    Tensor diagonal = matrix.mul(Tensor.eye(DType.F32, matrix.dim(0)));
    assertRelative(expected.at("/frobenius"), Math.sqrt(matrix.square().sum().item()), 1e-5);
    assertRelative(expected.at("/trace"), diagonal.sum().item(), 1e-5);
  }

  private static void assertSpectrum(String name, LinearOperator a) {
    JsonNode expected = reference.at(name);
    Eigenpairs top = Lanczos.of(a).largest(40).run();
    assertTrue(top.converged());
    for (int i = 0; i < 40; i++) {
      double value = top.values()[i];
      JsonNode known = expected.at("/eigenvalues/" + i);
      assertRelative(known, value, 1e-6);
      double error = Math.abs(value - known.asDouble());
      assertTrue(error <= top.residuals()[i] + 1e-14, "eigenvalue " + i + " is off by " + error);
    }
    Estimate trace = TraceEstimator.hutchinson(a).probes(100).seed(1).run().trace();
    assertEquals(expected.at("/trace").asDouble(), trace.value(), 2 * trace.standardError());
    assertTrue(trace.relativeError() < 0.1, trace.toString());
  }

  private static void assertRelative(JsonNode expected, double actual, double tolerance) {
    double value = expected.asDouble();
    assertEquals(value, actual, tolerance * Math.abs(value));
  }
}
