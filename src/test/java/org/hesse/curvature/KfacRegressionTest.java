package org.hesse.curvature;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import org.hesse.DType;
import org.hesse.Matrices;
import org.hesse.RngKey;
import org.hesse.Shape;
import org.hesse.Tensor;
import org.hesse.Tree;
import org.hesse.io.DataException;
import org.hesse.io.Dataset;
import org.hesse.linalg.ConjugateGradients;
import org.hesse.linalg.NumericalException;
import org.hesse.linalg.Solution;
import org.hesse.nn.Linear;
import org.hesse.nn.Loss;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Linear regression, whose Hessian is one Kronecker product. */
class KfacRegressionTest {
  private static final int SAMPLES = 50;

  /** Inputs of very different scales, so that the problem is ill-conditioned. */
  private static Dataset data() {
    RngKey[] keys = RngKey.of(3).split(2);
    Tensor scales = Tensor.of(new double[] {10, 1, 0.1, 0.01}, 4);
    Tensor x = keys[0].normal(DType.F64, SAMPLES, 4).mul(scales);
    return Dataset.regression("lines", x, keys[1].normal(DType.F64, SAMPLES, 3));
  }

  private static Linear model() {
    return Linear.init(RngKey.of(1), 4, 3, DType.F64);
  }

  private static Objective<Linear> objective() {
    return Objective.of(model(), Loss.MSE, data().batches(20));
  }

  /** G = (2/3) I, A = the mean of outer products of inputs with a 1 for the bias. */
  private static Kfac kfac(Objective<Linear> f) {
    Tensor x = Tensor.concat(1, data().x(), Tensor.ones(DType.F64, SAMPLES, 1));
    Tensor input = x.transpose().matmul(x).div(SAMPLES);
    Tensor output = Tensor.eye(DType.F64, 3).mul(2.0 / 3);
    List<ParameterPart> parts =
        List.of(
            ParameterPart.matrix("weight", Shape.of(3, 4)),
            ParameterPart.column("bias", Shape.of(3)));
    return new Kfac(ParameterLayout.of(f), List.of(new KroneckerBlock(parts, output, input)));
  }

  @Test
  void theHessianIsTheKroneckerProduct() {
    Objective<Linear> f = objective();
    double[] expected = Hessian.of(f).toDense().toDoubleArray();
    assertArrayEquals(expected, kfac(f).toDense().toDoubleArray(), 1e-12);
  }

  /** The first step of preconditioned conjugate gradients, and Newton's, end at the solution. */
  @Test
  void oneStepSolvesTheProblem() {
    Objective<Linear> f = objective();
    Hessian<Linear> hessian = Hessian.of(f);
    Tensor gradient = f.lossAndGradient().gradient();
    for (Damping.Scheme scheme : Damping.Scheme.values()) {
      BlockCurvature inverse = kfac(f).inverse(new Damping(scheme, 0));
      Tensor direction = inverse.apply(gradient);
      Tensor product = hessian.apply(direction);
      double length = dot(gradient, direction) / dot(direction, product);
      assertEquals(1, length, 1e-12);
      Tensor residual = gradient.sub(product.mul(length));
      assertTrue(dot(residual, residual) < 1e-20 * dot(gradient, gradient));
      List<Tensor> next = f.unravel(f.ravel(f.leaves()).sub(direction));
      Tensor there = f.at(f.with(f.model(), next)).lossAndGradient().gradient();
      assertTrue(dot(there, there) < 1e-20 * dot(gradient, gradient));
    }
  }

  @Test
  void preconditionedConjugateGradientsTakeOneStep() {
    Objective<Linear> f = objective();
    Tensor gradient = f.lossAndGradient().gradient();
    ConjugateGradients plain = ConjugateGradients.of(Hessian.of(f)).tolerance(1e-9);
    Solution without = plain.run(gradient).orThrow();
    assertTrue(without.iterations() >= 5, without.toString());
    double[] x = Matrices.solve(Hessian.of(f).toDense(), gradient).toDoubleArray();
    for (Kfac kfac : List.of(kfac(f), Kfac.of(f).run())) {
      BlockCurvature inverse = kfac.inverse(Damping.NONE);
      Solution with = plain.preconditioner(inverse).run(gradient).orThrow();
      assertEquals(1, with.iterations(), with.toString());
      assertArrayEquals(x, with.solution().toDoubleArray(), 1e-9);
    }
  }

  @Test
  void dataThatAreNotFiniteAreTracedToTheLayer() {
    Dataset good = data();
    Tensor x = good.x().mul(Tensor.of(new double[] {1, 1, Double.NaN, 1}, 4));
    Dataset bad = Dataset.regression("lines", x, good.y());
    Objective<Linear> f = Objective.of(model(), Loss.MSE, bad.batches(20));
    String message = assertThrows(NumericalException.class, () -> Kfac.of(f).run()).getMessage();
    assertTrue(message.contains("input of the KroneckerBlock of weight, bias"), message);
    assertTrue(message.contains("NaN at [0, 2]") && message.contains("finite"), message);
  }

  /** A feature that is always 0 is nothing that rounding hides. */
  @Test
  void featuresThatAreZeroNeedDamping() {
    Dataset good = data();
    Tensor x = good.x().mul(Tensor.of(new double[] {1, 1, 0, 1}, 4));
    Dataset flat = Dataset.regression("lines", x, good.y());
    Objective<Linear> f = Objective.of(model(), Loss.MSE, flat.batches(20));
    Kfac kfac = Kfac.of(f).run();
    String message =
        assertThrows(NumericalException.class, () -> kfac.inverse(Damping.NONE)).getMessage();
    assertTrue(message.contains("input factor A") && message.contains("1 of its 5"), message);
    Tensor damped = Hessian.of(f).toDense().add(Tensor.eye(DType.F64, 15).mul(0.1));
    assertArrayEquals(
        Matrices.inverse(damped).toDoubleArray(),
        kfac.inverse(Damping.exact(0.1)).toDense().toDoubleArray(),
        1e-10);
  }

  private static double dot(Tensor a, Tensor b) {
    return a.mul(b).sum().item();
  }

  @Test
  void filesAreCheckedAgainstTheObjective(@TempDir Path folder) throws DataException {
    Path file = folder.resolve("kfac.safetensors");
    Objective<Linear> f = objective();
    kfac(f).save(file);
    assertArrayEquals(
        kfac(f).toDense().toDoubleArray(), Kfac.load(file, f).toDense().toDoubleArray());
    kfac(f).eigen().save(file);
    assertEquals(kfac(f).trace(), Ekfac.load(file, f).trace(), 1e-12);
    Objective<Linear> part = f.parameters("weight");
    String other = assertThrows(DataException.class, () -> Ekfac.load(file, part)).getMessage();
    assertTrue(other.contains("bias is none"), other);
    Objective<Linear> single =
        Objective.of(
            Tree.map(model(), t -> t.cast(DType.F32)),
            Loss.MSE,
            Tree.map(data(), t -> t.cast(DType.F32)).batches(20));
    String dtype = assertThrows(DataException.class, () -> Ekfac.load(file, single)).getMessage();
    assertTrue(dtype.contains("F64") && dtype.contains("F32") && dtype.contains("cast"), dtype);
  }
}
