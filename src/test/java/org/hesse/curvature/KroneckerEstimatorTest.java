package org.hesse.curvature;

import static org.hesse.testing.Close.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

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

  private static Dataset labelled(int n, int features, int classes) {
    Arr y = Arr.build(DType.I32, new int[] {n}, i -> i[0] * 5 / 2 % classes);
    return Dataset.classification("test", normal(3, n, features), y.tensor(), classes);
  }

  private static Objective<Mlp> classifier(int n) {
    Mlp m = Mlp.init(RngKey.of(4), MlpShape.parse("mlp:3-5-4:tanh"), DType.F64);
    return Objective.of(m, Loss.CROSS_ENTROPY, labelled(n, 3, 4).batches(3));
  }

  @Test
  void oneDatumHasExactBlocks() {
    Objective<Mlp> f = classifier(1);
    assertBlocks(Kfac.of(f).run(), gaussNewton(f), 1e-12);
    assertBlocks(
        Kfac.of(f).fisher(FisherType.MONTE_CARLO).samples(3).seed(5).run(),
        Fisher.monteCarlo(f, 3, 5).toDense(),
        1e-12);
    assertBlocks(
        Kfac.of(f).fisher(FisherType.EMPIRICAL).run(), sandwich(f, EMPIRICAL_SCORES), 1e-12);
  }

  private static final BiFunction<Tensor, Tensor, Tensor> EMPIRICAL_SCORES =
      (o, t) -> {
        Tensor unit = Tensor.arange(DType.I32, o.dim(0)).eq(t).cast(DType.F64);
        Tensor s = o.softmax(0).sub(unit);
        return s.insertAxis(1).mul(s);
      };

  /** A and G of both layers from their definitions, G by the chain rule on paper. */
  @Test
  void factorsOfManyDataAreMeans() {
    Objective<Mlp> f = classifier(7);
    Mlp m = f.model();
    List<Tensor> w = f.leaves();
    Tensor a0 = Tensor.zeros(DType.F64, 4, 4);
    Tensor a1 = Tensor.zeros(DType.F64, 6, 6);
    Tensor g0 = Tensor.zeros(DType.F64, 5, 5);
    Tensor g1 = Tensor.zeros(DType.F64, 4, 4);
    Tensor one = Tensor.ones(DType.F64, 1);
    Tensor x = labelled(7, 3, 4).x();
    for (int n = 0; n < 7; n++) {
      Tensor in = x.select(0, n);
      Tensor hidden = w.get(0).matmul(in).add(w.get(1)).tanh();
      Tensor h = softmaxHessian(m.apply(x.slice(0, n, n + 1)).select(0, 0));
      Tensor slope = hidden.square().neg().add(1);
      Tensor back = w.get(2).transpose().mul(slope.insertAxis(1));
      Tensor xa = Tensor.concat(0, in, one);
      Tensor ha = Tensor.concat(0, hidden, one);
      a0 = a0.add(xa.insertAxis(1).mul(xa).div(7));
      a1 = a1.add(ha.insertAxis(1).mul(ha).div(7));
      g1 = g1.add(h.div(7));
      g0 = g0.add(back.matmul(h).matmul(back.transpose()).div(7));
    }
    List<CurvatureBlock> blocks = Kfac.of(f).run().blocks();
    KroneckerBlock first = (KroneckerBlock) blocks.get(0);
    KroneckerBlock second = (KroneckerBlock) blocks.get(1);
    assertClose("A0", a0, first.input(), 1e-12);
    assertClose("A1", a1, second.input(), 1e-12);
    assertClose("G0", g0, first.output(), 1e-12);
    assertClose("G1", g1, second.output(), 1e-12);
  }

  @Test
  void nothingDependsOnHowTheDataIsCut() {
    for (FisherType type : FisherType.values()) {
      Objective<Mlp> f = classifier(7);
      Dataset d = labelled(7, 3, 4);
      Objective<Mlp> whole = Objective.of(f.model(), Loss.CROSS_ENTROPY, List.of(d));
      Kfac expected = Kfac.of(whole).fisher(type).samples(3).seed(9).run();
      Tensor dense = expected.toDense();
      assertClose(
          "batches", dense, Kfac.of(f).fisher(type).samples(3).seed(9).run().toDense(), 1e-12);
      for (int columns : new int[] {1, 2, 3}) {
        assertClose(
            "columns",
            dense,
            Kfac.of(f).fisher(type).samples(3).seed(9).columns(columns).run().toDense(),
            1e-12);
      }
    }
  }

  @Test
  void monteCarloComesNearTheExactFactors() {
    Objective<Mlp> f = classifier(3);
    Tensor exact = Kfac.of(f).run().toDense();
    Tensor drawn =
        Kfac.of(f).fisher(FisherType.MONTE_CARLO).samples(3000).seed(1).run().toDense();
    assertEquals(0, largest(exact.sub(drawn)) / largest(exact), 0.1);
  }

  @Test
  void someParametersOrSinglePrecision() {
    Objective<Mlp> f = classifier(5);
    Tensor all = Kfac.of(f).run().toDense();
    Objective<Mlp> last = f.parameters("2");
    int n = f.size();
    int from = n - last.size();
    assertClose(
        "last layer", all.slice(0, from, n).slice(1, from, n), Kfac.of(last).run().toDense(), 1e-12);
    Mlp m = org.hesse.Tree.map(f.model(), t -> t.cast(DType.F32));
    Dataset d = labelled(5, 3, 4).cast(DType.F32);
    Tensor single =
        Kfac.of(Objective.of(m, Loss.CROSS_ENTROPY, d.batches(2))).run().toDense();
    assertEquals(DType.F32, single.dtype());
    assertEquals(0, largest(all.sub(single.cast(DType.F64))) / largest(all), 1e-5);
  }

  // ---- EKFAC

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
        System.arraycopy(
            numbers.select(0, i).toDoubleArray(), 0, vectors[i], start, part.size());
      }
    }
    double[] flat = java.util.Arrays.stream(vectors).flatMapToDouble(java.util.Arrays::stream).toArray();
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
      Tensor diagonal = org.hesse.Matrices.diagonal(f);
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

  @Test
  void correctedEigenvaluesAreTheDiagonalInTheBasis() {
    Objective<Mlp> f = classifier(7);
    assertCorrected(Kfac.of(f), Ekfac.of(f), gaussNewton(f));
    assertCorrected(
        Kfac.of(f).fisher(FisherType.MONTE_CARLO).samples(2).seed(3),
        Ekfac.of(f).fisher(FisherType.MONTE_CARLO).samples(2).seed(3),
        Fisher.monteCarlo(f, 2, 3).toDense());
    assertCorrected(
        Kfac.of(f).fisher(FisherType.EMPIRICAL),
        Ekfac.of(f).fisher(FisherType.EMPIRICAL),
        sandwich(f, EMPIRICAL_SCORES));
    Objective<Mlp> sum = f.reduction(Reduction.SUM);
    assertCorrected(Kfac.of(sum), Ekfac.of(sum), gaussNewton(sum));
  }
}
