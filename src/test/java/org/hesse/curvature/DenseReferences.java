package org.hesse.curvature;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import java.util.function.BiFunction;
import org.hesse.Autodiff;
import org.hesse.DType;
import org.hesse.Matrices;
import org.hesse.Tensor;
import org.hesse.io.Dataset;
import org.hesse.nn.Loss;
import org.hesse.testing.Arr;

/** Dense curvature of small networks from Jacobians of single examples, and comparisons with it. */
final class DenseReferences {
  private DenseReferences() {}

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
    return f.reduction() == Reduction.SUM ? sum : sum.div((double) f.terms());
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

  /** s sᵀ with the gradient s of the cross-entropy of a label. */
  static final BiFunction<Tensor, Tensor, Tensor> EMPIRICAL_SCORES =
      (o, t) -> {
        Tensor unit = Tensor.arange(DType.I32, o.dim(0)).eq(t).cast(DType.F64);
        Tensor s = o.softmax(0).sub(unit);
        return s.insertAxis(1).mul(s);
      };

  /** Each column of a block's basis as a vector of all parameters, [q·p, n]. */
  private static Tensor basis(EigenBlock block, ParameterLayout layout) {
    int size = block.size();
    int q = block.rows();
    Tensor units = Tensor.eye(DType.F64, size).reshape(size, q, block.columns());
    Tensor x = block.fromBasis(units);
    double[][] vectors = new double[size][layout.size()];
    int column = 0;
    for (ParameterPart part : block.parts()) {
      Tensor numbers = part.toNumbers(x.slice(2, column, column + part.columns()));
      column += part.columns();
      int start = layout.offset(part.path()) + part.from();
      for (int i = 0; i < size; i++) {
        System.arraycopy(numbers.select(0, i).toDoubleArray(), 0, vectors[i], start, part.size());
      }
    }
    double[] flat = Arrays.stream(vectors).flatMapToDouble(Arrays::stream).toArray();
    return Tensor.of(flat, size, layout.size());
  }

  /** Acceptance 13, block by block. */
  static <M> void assertCorrected(
      KroneckerEstimator<M, Kfac> kfac, KroneckerEstimator<M, Ekfac> ekfac, Tensor dense) {
    Kfac k = kfac.run();
    Ekfac e = ekfac.run();
    for (int i = 0; i < e.blocks().size(); i++) {
      EigenBlock block = (EigenBlock) e.blocks().get(i);
      String what = block.parts().toString();
      Tensor v = basis(block, e.layout());
      Tensor f = v.matmul(dense).matmul(v.transpose());
      Tensor diagonal = Matrices.diagonal(f);
      Tensor values = block.eigenvalues().reshape(-1);
      double scale = largest(diagonal);
      assertEquals(0, largest(diagonal.sub(values)) / scale, 1e-10, what);
      assertEquals(diagonal.sum().item(), block.trace(), 1e-12 * diagonal.sum().item(), what);
      // In the basis, in which Frobenius norms are the same.
      Tensor kron = v.matmul(k.applyAll(v).transpose());
      Tensor corrected = Tensor.eye(DType.F64, block.size()).mul(values);
      double toKron = f.sub(kron).square().sum().item();
      double toCorrected = f.sub(corrected).square().sum().item();
      assertTrue(toCorrected <= toKron * (1 + 1e-9) + 1e-20 * scale, what);
    }
  }
}
