package org.hesse.curvature;

import static org.hesse.testing.Close.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import org.hesse.DType;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.hesse.io.Dataset;
import org.hesse.linalg.LinearMap;
import org.hesse.nn.Loss;
import org.hesse.nn.Mlp;
import org.hesse.testing.Arr;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Jacobians of all outputs, and the kernels made of them, against those written out. */
class JacobianTest {
  private static Arr rows(Problem p) {
    Arr j = p.jacobian();
    return j.reshape(j.dims()[0] * j.dims()[1], j.dims()[2]);
  }

  private static Arr transposed(Arr m) {
    return Arr.build(DType.F64, new int[] {m.dims()[1], m.dims()[0]}, i -> m.at(i[1], i[0]));
  }

  private static Arr product(Arr a, Arr b) {
    return Arr.build(
        DType.F64,
        new int[] {a.dims()[0], b.dims()[1]},
        i -> {
          double sum = 0;
          for (int k = 0; k < b.dims()[0]; k++) {
            sum += a.at(i[0], k) * b.at(k, i[1]);
          }
          return sum;
        });
  }

  @Test
  void productsWithItAndItsAdjoint() {
    Problem.all()
        .forEach(p -> {
          Arr expected = rows(p);
          Jacobian<Mlp> j = Jacobian.of(p.objective());
          assertArrayEquals(expected.dims(), new int[] {j.rows(), j.columns()});
          assertClose("J", expected, Arr.of(j.toDense()), 1e-13);
          assertClose("J'", transposed(expected), Arr.of(j.adjoint().toDense()), 1e-13);
          assertEquals(j, j.adjoint().adjoint());
          Tensor v = RngKey.of(1).normal(DType.F64, j.columns());
          Tensor u = RngKey.of(2).normal(DType.F64, j.rows());
          Tensor jv = j.apply(v);
          assertArrayEquals(jv.toDoubleArray(), j.apply(v).toDoubleArray());
          double left = jv.mul(u).sum().item();
          double right = j.adjoint().apply(u).mul(v).sum().item();
          assertEquals(left, right, 1e-12 * Math.abs(left));
        });
  }

  /** Of one layer, in pieces of another size, and a few vectors at a time. */
  @Test
  void partsAndPieces() {
    Problem p = Problem.of(Loss.MSE, 2);
    Arr all = rows(p);
    Objective<Mlp> f = p.objective(p.data().batches(5));
    Objective<Mlp> second = f.parameters("2").reduction(Reduction.SUM);
    int from = f.layout().offset("layers.2.weight");
    Arr expected =
        Arr.build(
            DType.F64, new int[] {all.dims()[0], second.size()}, i -> all.at(i[0], from + i[1]));
    Jacobian<Mlp> j = Jacobian.of(second);
    assertClose("layer", expected, Arr.of(j.toDense()), 1e-13);
    Tensor vs = RngKey.of(3).normal(DType.F64, 5, j.columns());
    Tensor us = RngKey.of(4).normal(DType.F64, 5, j.rows());
    LinearMap two = j.block(2);
    assertClose("Jv", j.applyAll(vs), two.applyAll(vs), 1e-14);
    assertClose("J'u", j.adjoint().applyAll(us), two.adjoint().applyAll(us), 1e-14);
    for (int i = 0; i < 5; i++) {
      assertClose("Jv", j.apply(vs.select(0, i)), j.applyAll(vs).select(0, i), 1e-13);
    }
  }

  @Test
  void kernels() {
    Problem.all()
        .forEach(p -> {
          Arr j = rows(p);
          Arr expected = product(j, transposed(j));
          NeuralTangentKernel<Mlp> k = NeuralTangentKernel.of(p.objective());
          assertEquals(expected.dims()[0], k.size());
          assertTrue(k.symmetric());
          assertClose("K", expected, Arr.of(k.toDense()), 1e-13);
          assertClose("K in small blocks", expected, Arr.of(k.block(4).toDense()), 1e-13);
          Arr u = Arr.normal(new Random(5), 3, k.size());
          Arr products = product(u, expected);
          assertClose("Ku", products, Arr.of(k.applyAll(u.tensor())), 1e-12);
          assertClose("Ku", products, Arr.of(k.block(2).applyAll(u.tensor())), 1e-12);
          Tensor one = k.apply(u.tensor().select(0, 1));
          assertClose("Ku", k.applyAll(u.tensor()).select(0, 1), one, 1e-13);
        });
  }

  /** Sequences of several lengths have several numbers of outputs. */
  @Test
  void batchesOfSeveralShapes() {
    Problem two = Problem.of(Loss.MSE, 2);
    Problem three = Problem.of(Loss.MSE, 3);
    List<Dataset> data = List.of(two.data(), three.data(), two.data().take(0, 1));
    Jacobian<Mlp> j = Jacobian.of(Objective.of(two.model(), Loss.MSE, data));
    assertEquals((16 + 24 + 2) * Problem.OUTPUTS, j.rows());
    Arr dense = Arr.of(j.toDense());
    Arr expected = rows(three);
    int skip = 16 * Problem.OUTPUTS;
    Arr middle = Arr.build(DType.F64, expected.dims(), i -> dense.at(skip + i[0], i[1]));
    assertClose("the batch in between", expected, middle, 1e-13);
    assertClose("J'", transposed(dense), Arr.of(j.adjoint().toDense()), 1e-13);
  }

  @Test
  void argumentsThatDoNotFit() {
    Jacobian<Mlp> j = Jacobian.of(Problem.of(Loss.MSE, 0).objective());
    refused(() -> j.apply(Tensor.zeros(DType.F64, j.rows())), "[" + j.columns() + "]");
    refused(() -> j.apply(Tensor.zeros(DType.F32, j.columns())), "F32");
    refused(() -> j.adjoint().apply(Tensor.zeros(DType.F64, 1)), "[" + j.rows() + "]");
    refused(() -> j.applyAll(Tensor.zeros(DType.F64, j.columns())), "apply");
    refused(() -> j.block(0), "block: 0");
    refused(() -> Hessian.of(j.objective()).block(0), "block: 0");
  }

  private static void refused(Executable body, String part) {
    String message = assertThrows(IllegalArgumentException.class, body).getMessage();
    assertTrue(message.contains(part), "'" + part + "' is not in: " + message);
  }
}
