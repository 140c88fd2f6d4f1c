package org.hesse.curvature;

import static org.hesse.curvature.DenseReferences.EMPIRICAL_SCORES;
import static org.hesse.curvature.DenseReferences.assertBlocks;
import static org.hesse.curvature.DenseReferences.assertCorrected;
import static org.hesse.curvature.DenseReferences.gaussNewton;
import static org.hesse.curvature.DenseReferences.largest;
import static org.hesse.curvature.DenseReferences.normal;
import static org.hesse.curvature.DenseReferences.sandwich;
import static org.hesse.curvature.DenseReferences.softmaxHessian;
import static org.hesse.testing.Close.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.hesse.DType;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.hesse.Tree;
import org.hesse.io.Dataset;
import org.hesse.nn.Loss;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import org.hesse.testing.Arr;
import org.junit.jupiter.api.Test;

/** Kronecker factors found from traced networks, beside dense curvature. */
class KroneckerEstimatorTest {
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
    Tensor drawn = Kfac.of(f).fisher(FisherType.MONTE_CARLO).samples(3000).seed(1).run().toDense();
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
        "last layer",
        all.slice(0, from, n).slice(1, from, n),
        Kfac.of(last).run().toDense(),
        1e-12);
    Mlp m = Tree.map(f.model(), t -> t.cast(DType.F32));
    Dataset d = labelled(5, 3, 4).cast(DType.F32);
    Tensor single = Kfac.of(Objective.of(m, Loss.CROSS_ENTROPY, d.batches(2))).run().toDense();
    assertEquals(DType.F32, single.dtype());
    assertEquals(0, largest(all.sub(single.cast(DType.F64))) / largest(all), 1e-5);
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
