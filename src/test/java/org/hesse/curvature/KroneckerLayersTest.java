package org.hesse.curvature;

import static org.hesse.curvature.DenseReferences.EMPIRICAL_SCORES;
import static org.hesse.curvature.DenseReferences.assertBlocks;
import static org.hesse.curvature.DenseReferences.assertCorrected;
import static org.hesse.curvature.DenseReferences.gaussNewton;
import static org.hesse.curvature.DenseReferences.largest;
import static org.hesse.curvature.DenseReferences.normal;
import static org.hesse.curvature.DenseReferences.sandwich;
import static org.hesse.testing.Close.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.function.BiFunction;
import org.hesse.DType;
import org.hesse.Functions;
import org.hesse.Matrices;
import org.hesse.RngKey;
import org.hesse.Sliding;
import org.hesse.Tensor;
import org.hesse.io.Dataset;
import org.hesse.nn.Convolution;
import org.hesse.nn.LayerNorm;
import org.hesse.nn.Linear;
import org.hesse.nn.Loss;
import org.hesse.nn.RmsNorm;
import org.junit.jupiter.api.Test;

/** Kronecker factors of each kind of layer, beside dense curvature. */
class KroneckerLayersTest {
  private static Linear linear(int seed, int in, int out) {
    return Linear.init(RngKey.of(seed), in, out, DType.F64);
  }

  private static Dataset data(Tensor x, Tensor y) {
    return new Dataset("test", x, y, 0);
  }

  private record Two(Linear first, Linear second) {}

  // ---- sequences: acceptance 12

  @Test
  void expandIsExactWhereEachPositionHasATerm() {
    Dataset d = data(normal(1, 5, 4, 3), normal(2, 5, 4, 2));
    Objective<Two> f =
        Objective.of(
            new Two(linear(3, 3, 4), linear(4, 4, 2)),
            (m, x) -> m.second.apply(m.first.apply(x)),
            Loss.MSE,
            List.of(d.take(0, 4), d.take(4, 5)));
    for (Reduction r : Reduction.values()) {
      assertBlocks(Kfac.of(f.reduction(r)).run(), gaussNewton(f.reduction(r)), 1e-12);
    }
    // Sequences of several lengths: each position counts as much as any other.
    Dataset shorter = data(normal(5, 2, 3, 3), normal(6, 2, 3, 2));
    Objective<Two> ragged =
        Objective.of(
            f.model(), (m, x) -> m.second.apply(m.first.apply(x)), Loss.MSE, List.of(d, shorter));
    assertBlocks(Kfac.of(ragged).run(), gaussNewton(ragged), 1e-12);
  }

  @Test
  void reduceIsExactWhereTheOutputIsAMean() {
    Dataset d = data(normal(1, 5, 4, 3), normal(2, 5, 2));
    Objective<Two> f =
        Objective.of(
            new Two(linear(3, 3, 4), linear(4, 4, 2)),
            (m, x) -> m.second.apply(m.first.apply(x).mean(1)),
            Loss.MSE,
            d.batches(3));
    for (Reduction r : Reduction.values()) {
      Objective<Two> g = f.reduction(r);
      assertBlocks(Kfac.of(g).sharing(Sharing.REDUCE).run(), gaussNewton(g), 1e-12);
    }
  }

  // ---- convolutions

  private record Net(Convolution conv, Linear out) {}

  private static Net net(int groups) {
    Sliding slide = Sliding.by(2, 1).padded(1, 0);
    return new Net(
        Convolution.init(RngKey.of(7), 2, 4, new int[] {3, 2}, slide, groups, DType.F64),
        linear(8, 4, 2));
  }

  @Test
  void reduceIsExactForConvolutionsBeforeAMean() {
    for (int groups : new int[] {1, 2}) {
      Dataset d = data(normal(1, 5, 2, 5, 4), normal(2, 5, 2));
      Objective<Net> f =
          Objective.of(
              net(groups),
              (m, x) -> m.out.apply(m.conv.apply(x).mean(2, 3)),
              Loss.MSE,
              d.batches(3));
      Kfac k = Kfac.of(f).sharing(Sharing.REDUCE).run();
      assertEquals(groups + 1, k.blocks().size());
      assertBlocks(k, gaussNewton(f), 1e-12);
    }
  }

  @Test
  void expandIsExactForAConvolutionWhosePositionsHaveTerms() {
    Convolution c = net(1).conv;
    Dataset d = data(normal(1, 5, 2, 5, 4), normal(2, 5, 9, 4));
    Objective<Convolution> f =
        Objective.of(
            c, (m, x) -> m.apply(x).reshape(x.dim(0), 4, 9).transpose(), Loss.MSE, d.batches(2));
    assertBlocks(Kfac.of(f).run(), gaussNewton(f), 1e-12);
  }

  private record LeNet(Convolution first, Convolution second, Linear third, Linear last) {
    Tensor apply(Tensor x) {
      int[] two = {2, 2};
      Tensor h = first.apply(x).tanh().averagePool(two, Sliding.by(2, 2));
      h = second.apply(h).relu().maxPool(two, Sliding.by(2, 2));
      return last.apply(third.apply(h.reshape(x.dim(0), -1)).tanh());
    }
  }

  @Test
  void convolutionalNetwork() {
    int[] window = {3, 3};
    LeNet m =
        new LeNet(
            Convolution.init(
                RngKey.of(1), 1, 2, window, Sliding.by(1, 1).padded(1, 1), 1, DType.F64),
            Convolution.init(RngKey.of(2), 2, 3, window, Sliding.by(1, 1), 1, DType.F64),
            linear(3, 3, 4),
            linear(4, 4, 3));
    Tensor labels = Tensor.of(new int[] {0, 2, 1}, 3);
    Dataset d = Dataset.classification("test", normal(5, 3, 1, 8, 8), labels, 3);
    Objective<LeNet> f = Objective.of(m, LeNet::apply, Loss.CROSS_ENTROPY, d.batches(2));
    Tensor dense = gaussNewton(f);
    for (Sharing s : Sharing.values()) {
      assertCorrected(Kfac.of(f).sharing(s), Ekfac.of(f).sharing(s), dense);
    }
  }

  // ---- transformer

  private record Block(
      Tensor embedding,
      Tensor position,
      LayerNorm before,
      Linear qkv,
      Linear out,
      RmsNorm between,
      Linear up,
      Linear down,
      Tensor logitBias) {
    Tensor apply(Tensor tokens) {
      int n = tokens.dim(0);
      int t = tokens.dim(1);
      Tensor x = embedding.take(0, tokens).add(position.slice(0, 0, t));
      Tensor all = qkv.apply(before.apply(x)).reshape(n, t, 3, 2, 2).permute(2, 0, 3, 1, 4);
      Tensor y = Functions.attention(all.select(0, 0), all.select(0, 1), all.select(0, 2));
      x = x.add(out.apply(y.permute(0, 2, 1, 3).reshape(n, t, 4)));
      x = x.add(down.apply(Functions.gelu(up.apply(between.apply(x)))));
      return x.matmul(embedding.transpose()).add(logitBias);
    }
  }

  private static Objective<Block> transformer() {
    Block m =
        new Block(
            normal(1, 5, 4),
            normal(2, 6, 4),
            LayerNorm.init(4, DType.F64),
            linear(3, 4, 12),
            linear(4, 4, 4),
            RmsNorm.init(4, DType.F64),
            linear(5, 4, 6),
            linear(6, 6, 4),
            normal(7, 5));
    Tensor tokens = Tensor.of(new int[] {0, 3, 4, 1, 1, 2, 4, 4, 0}, 3, 3);
    Tensor next = Tensor.of(new int[] {3, 4, 2, 1, 2, 0, 4, 0, 3}, 3, 3);
    return Objective.of(m, Block::apply, Loss.CROSS_ENTROPY, data(tokens, next).batches(2));
  }

  @Test
  void transformerBlock() {
    Objective<Block> f = transformer();
    Tensor dense = gaussNewton(f);
    for (Sharing s : Sharing.values()) {
      assertCorrected(Kfac.of(f).sharing(s), Ekfac.of(f).sharing(s), dense);
    }
    // Gradients of each position by itself.
    assertCorrected(
        Kfac.of(f).fisher(FisherType.EMPIRICAL).columns(2),
        Ekfac.of(f).fisher(FisherType.EMPIRICAL).columns(2),
        sandwich(f, EMPIRICAL_SCORES));
  }

  /** All positions are drawn at once: products between them vanish in the mean. */
  @Test
  void monteCarloOfSequences() {
    Objective<Two> f =
        Objective.of(
            new Two(linear(3, 3, 4), linear(4, 4, 2)),
            (m, x) -> m.second.apply(m.first.apply(x)),
            Loss.MSE,
            data(normal(1, 2, 4, 3), normal(2, 2, 4, 2)).batches(2));
    Tensor exact = Kfac.of(f).run().toDense();
    Tensor drawn = Kfac.of(f).fisher(FisherType.MONTE_CARLO).samples(3000).seed(1).run().toDense();
    assertEquals(0, largest(exact.sub(drawn)) / largest(exact), 0.1);
  }

  @Test
  void parametersWithoutAWeightHaveExactBlocks() {
    Objective<Block> f = transformer().parameters("position", "before", "between", "logitBias");
    Kfac k = Kfac.of(f).run();
    Tensor dense = gaussNewton(f);
    assertEquals(4, k.blocks().size());
    k.blocks().forEach(b -> assertInstanceOf(DenseBlock.class, b));
    assertBlocks(k, dense, 1e-12);
    Kfac diagonal = Kfac.of(f).dense(5).run();
    assertInstanceOf(DiagonalBlock.class, diagonal.blocks().getFirst());
    assertClose("diagonal", Matrices.diagonal(dense), Matrices.diagonal(diagonal.toDense()), 1e-12);
  }

  /** G ⊗ A of the rows that are looked up, and A' ⊗ G' of the products with the transpose. */
  @Test
  void tiedEmbeddingHasTheTraceOfBothUses() {
    record Tied(Tensor in, Tensor out) {}
    Objective<Block> f = transformer();
    BiFunction<Tied, Tensor, Tensor> network =
        (m, tokens) -> m.in.take(0, tokens).mul(0.3).tanh().matmul(m.out.transpose());
    Tensor e = f.model().embedding;
    Objective<Tied> apart = Objective.of(new Tied(e, e), network, Loss.CROSS_ENTROPY, f.batches());
    Objective<Tensor> tied =
        Objective.of(
            e, (m, x) -> network.apply(new Tied(m, m), x), Loss.CROSS_ENTROPY, f.batches());
    for (Sharing s : Sharing.values()) {
      List<CurvatureBlock> two = Kfac.of(apart).sharing(s).run().blocks();
      List<CurvatureBlock> one = Kfac.of(tied).sharing(s).run().blocks();
      double sum = two.get(0).trace() + two.get(1).trace();
      assertEquals(1, one.size());
      assertEquals(sum, one.getFirst().trace(), 1e-12 * sum);
      assertCorrected(Kfac.of(tied).sharing(s), Ekfac.of(tied).sharing(s), gaussNewton(tied));
    }
  }

  @Test
  void embeddingsHaveADiagonalFactor() {
    Tensor e = normal(1, 5, 3);
    Tensor tokens = Tensor.of(new int[] {0, 3, 3, 1}, 4);
    Dataset d = data(tokens, normal(2, 4, 3));
    Objective<Tensor> f = Objective.of(e, (m, x) -> m.take(0, x), Loss.MSE, List.of(d));
    Kfac k = Kfac.of(f).run();
    KroneckerBlock block = (KroneckerBlock) k.blocks().getFirst();
    assertClose("A", Tensor.of(new double[] {0.25, 0.25, 0, 0.5, 0}, 5), block.input(), 1e-15);
    assertBlocks(k, gaussNewton(f), 1e-12);
    // As sequences, whose positions all have a term: the same factors.
    Dataset sequences = data(tokens.reshape(2, 2), normal(2, 4, 3).reshape(2, 2, 3));
    Objective<Tensor> g = Objective.of(e, (m, x) -> m.take(0, x), Loss.MSE, List.of(sequences));
    assertClose("sequences", k.toDense(), Kfac.of(g).run().toDense(), 1e-12);
    assertCorrected(Kfac.of(f), Ekfac.of(f), gaussNewton(f));
    assertCorrected(Kfac.of(g), Ekfac.of(g), gaussNewton(g));
  }

  /** One weight at two places of one network: both count as examples. */
  @Test
  void aLayerUsedTwice() {
    Linear l = linear(1, 3, 3);
    Dataset d = data(normal(2, 4, 3), normal(3, 4, 3));
    Objective<Linear> tied =
        Objective.of(l, (m, x) -> m.apply(m.apply(x).tanh()), Loss.MSE, List.of(d));
    Objective<Two> apart =
        Objective.of(
            new Two(l, l), (m, x) -> m.second.apply(m.first.apply(x).tanh()), Loss.MSE, List.of(d));
    KroneckerBlock both = (KroneckerBlock) Kfac.of(tied).run().blocks().getFirst();
    List<CurvatureBlock> each = Kfac.of(apart).run().blocks();
    KroneckerBlock one = (KroneckerBlock) each.get(0);
    KroneckerBlock two = (KroneckerBlock) each.get(1);
    assertClose("A", one.input().add(two.input()).div(2), both.input(), 1e-12);
    assertClose("G", one.output().add(two.output()), both.output(), 1e-12);
    for (Sharing s : Sharing.values()) {
      assertCorrected(Kfac.of(tied).sharing(s), Ekfac.of(tied).sharing(s), gaussNewton(tied));
    }
  }

  // ---- what is refused

  @Test
  void examplesThatDependOnEachOtherAreRefused() {
    record Normalised(Linear first, Tensor scale, Tensor shift) {}
    Normalised m =
        new Normalised(linear(1, 3, 2), Tensor.ones(DType.F64, 2), Tensor.zeros(DType.F64, 2));
    Dataset d = data(normal(2, 4, 3), normal(3, 4, 2));
    Objective<Normalised> f =
        Objective.of(
            m,
            (n, x) -> Functions.batchNorm(n.first.apply(x), n.scale, n.shift, 1e-5).output(),
            Loss.MSE,
            List.of(d));
    var e = assertThrows(IllegalArgumentException.class, () -> Kfac.of(f).run());
    assertTrue(e.getMessage().contains("depend on the others of its batch"), e.getMessage());
  }

  @Test
  void lossesAndParametersThatHaveNoFactorsAreRefused() {
    Dataset d = data(normal(2, 4, 3), normal(3, 4, 2));
    Two m = new Two(linear(1, 3, 4), linear(2, 4, 2));
    BiFunction<Two, Tensor, Tensor> network = (n, x) -> n.second.apply(n.first.apply(x));
    Objective<Two> f = Objective.of(m, network, (o, t) -> o.sub(t).abs().mean(), List.of(d));
    assertTrue(
        assertThrows(IllegalArgumentException.class, () -> Kfac.of(f).run())
            .getMessage()
            .contains("no org.hesse.nn.Likelihood"));
    // Gradients at the data's targets need no distribution.
    assertTrue(largest(Kfac.of(f).fisher(FisherType.EMPIRICAL).run().toDense()) > 0);
    Objective<Two> g =
        Objective.of(
            m,
            (n, x) -> n.second.apply(x.matmul(n.first.weight().exp().transpose())),
            Loss.MSE,
            List.of(d));
    String message =
        assertThrows(IllegalArgumentException.class, () -> Kfac.of(g).run()).getMessage();
    assertTrue(message.contains("'first.weight', F64[4, 3], is an operand of"), message);
    assertThrows(IllegalArgumentException.class, () -> Kfac.of(f).columns(0));
    assertThrows(IllegalArgumentException.class, () -> Kfac.of(f).samples(0));
    assertThrows(IllegalArgumentException.class, () -> Kfac.of(f).dense(-1));
  }
}
