package org.hesse.curvature;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Random;
import java.util.function.BiFunction;
import org.hesse.Autodiff;
import org.hesse.DType;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.hesse.io.Dataset;
import org.hesse.nn.Loss;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import org.hesse.testing.Arr;
import org.junit.jupiter.api.Test;

/** Kronecker factors found from traced networks, beside dense curvature. */
class KroneckerEstimatorTest {
  static Tensor normal(int seed, int... dims) {
    return Arr.normal(new Random(seed), dims).tensor();
  }

  /** Σ Jᵀ H J over all terms of all examples, from dense Jacobians; H by a term and its outputs. */
  static <M> Tensor sandwich(Objective<M> f, BiFunction<Tensor, Tensor, Tensor> hessian) {
    Tensor at = f.ravel(f.leaves());
    Tensor sum = Tensor.zeros(DType.F64, f.size(), f.size());
    for (Dataset batch : f.batches()) {
      for (int i = 0; i < batch.size(); i++) {
        Tensor x = batch.x().slice(0, i, i + 1);
        Tensor y = batch.y().slice(0, i, i + 1);
        int k = f.outputs(f.model(), x).dim(-1);
        Tensor jacobian =
            Autodiff.jacrev(
                (Tensor v) -> f.outputs(f.with(f.model(), f.unravel(v)), x).reshape(-1, k), at);
        Tensor outputs = f.outputs(f.model(), x).reshape(-1, k);
        Tensor targets = y.dtype() == DType.I32 ? y.reshape(-1) : y.reshape(-1, k);
        for (int t = 0; t < outputs.dim(0); t++) {
          Tensor j = jacobian.select(0, t);
          Tensor h = hessian.apply(outputs.select(0, t), targets.select(0, t));
          sum = sum.add(j.transpose().matmul(h).matmul(j));
        }
      }
    }
    return f.reduction() == Reduction.SUM ? sum : sum.div(f.terms());
  }

  static Tensor softmaxHessian(Tensor logits) {
    Tensor p = logits.softmax(0);
    return Tensor.eye(DType.F64, p.dim(0)).mul(p).sub(p.insertAxis(1).mul(p));
  }

  static <M> Tensor gaussNewton(Objective<M> f) {
    return f.lossFunction() == Loss.MSE
        ? sandwich(f, (o, t) -> Tensor.eye(DType.F64, o.dim(0)).mul(2.0 / o.dim(0)))
        : sandwich(f, (o, t) -> softmaxHessian(o));
  }

  static double largest(Tensor t) {
    return t.abs().reshape(-1).max(0).item();
  }

  /** The blocks of all parameters that one block of the curvature covers beside a dense one. */
  static void assertBlocks(BlockCurvature k, Tensor dense, double tolerance) {
    Tensor actual = k.toDense();
    for (CurvatureBlock block : k.blocks()) {
      for (ParameterPart a : block.parts()) {
        for (ParameterPart b : block.parts()) {
          int i = k.layout().offset(a.path()) + a.from();
          int j = k.layout().offset(b.path()) + b.from();
          Tensor want = dense.slice(0, i, i + a.size()).slice(1, j, j + b.size());
          Tensor got = actual.slice(0, i, i + a.size()).slice(1, j, j + b.size());
          double by = largest(want.sub(got)) / largest(dense);
          assertEquals(0, by, tolerance, a + " and " + b);
        }
      }
    }
  }

  @Test
  void type2IsGaussNewtonOfDeepLinearNetworks() {
    Mlp m = Mlp.init(RngKey.of(1), MlpShape.parse("mlp:3-4-2:identity"), DType.F64);
    Dataset d = Dataset.regression("test", normal(1, 8, 3), normal(2, 8, 2));
    Objective<Mlp> f = Objective.of(m, Loss.MSE, List.of(d.take(0, 7), d.take(7, 8)));
    for (Reduction r : Reduction.values()) {
      for (Sharing s : Sharing.values()) {
        Kfac k = Kfac.of(f.reduction(r)).sharing(s).run();
        assertEquals(2, k.blocks().size());
        assertBlocks(k, gaussNewton(f.reduction(r)), 1e-12);
      }
    }
  }
}
