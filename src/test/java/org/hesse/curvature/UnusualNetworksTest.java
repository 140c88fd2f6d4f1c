package org.hesse.curvature;

import static org.hesse.curvature.DenseReferences.assertBlocks;
import static org.hesse.curvature.DenseReferences.assertCorrected;
import static org.hesse.curvature.DenseReferences.gaussNewton;
import static org.hesse.curvature.DenseReferences.normal;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import java.util.stream.Stream;
import org.hesse.DType;
import org.hesse.RngKey;
import org.hesse.Sliding;
import org.hesse.Tensor;
import org.hesse.io.Dataset;
import org.hesse.nn.Linear;
import org.hesse.nn.Loss;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Kronecker factors where weights are used in other ways than usual, beside dense Gauss–Newton
 * matrices. Where the whole block is known to be a Kronecker product it must be that.
 */
class UnusualNetworksTest {
  private record Pair(Tensor a, Tensor b) {}

  record Net(Objective<?> objective, boolean exact) {}

  private final List<Named<Net>> nets = new ArrayList<>();

  private void add(String name, boolean exact, Objective<?> f) {
    nets.add(Named.of(name, new Net(f, exact)));
  }

  /** Squared error of a network on examples in batches of two, the last of one. */
  private static <M> Objective<M> of(
      M model, BiFunction<M, Tensor, Tensor> network, Tensor x, int... target) {
    Dataset d = new Dataset("test", x, normal(9, target), 0);
    return Objective.of(model, network, Loss.MSE, d.batches(2));
  }

  private static Linear linear(int in, int out) {
    return Linear.init(RngKey.of(1), in, out, DType.F64);
  }

  private static Tensor convolved(Pair m, Tensor x, Sliding by, int groups) {
    return x.convolve(m.a, by, groups).tanh().mean(2, 3).matmul(m.b);
  }

  private void dense() {
    Tensor x = normal(2, 5, 3);
    Linear l = linear(3, 2);
    add("one layer", true, of(l, Linear::apply, x, 5, 2));
    add("one output", true, of(linear(3, 1), Linear::apply, x, 5, 1));
    add("one example", true, of(l, Linear::apply, normal(3, 1, 3), 1, 2));
    add("frozen bias", true, of(l, Linear::apply, x, 5, 2).parameters("weight"));
    add("frozen weight", true, of(l, Linear::apply, x, 5, 2).parameters("bias"));
    add(
        "weight as [inputs, outputs]",
        true,
        of(new Pair(normal(4, 3, 2), normal(5, 2)), (m, in) -> in.matmul(m.a).add(m.b), x, 5, 2));
    add(
        "weight from the left",
        true,
        of(
            new Pair(normal(4, 2, 3), normal(5, 2, 1)),
            (m, in) -> m.a.matmul(in.transpose()).add(m.b).transpose(),
            x,
            5,
            2));
    add(
        "bias less a product",
        true,
        of(l, (m, in) -> m.bias().sub(in.matmul(m.weight().transpose())), x, 5, 2));
    add(
        "scaled bias",
        true,
        of(l, (m, in) -> in.matmul(m.weight().transpose()).add(m.bias().mul(3)), x, 5, 2));
    add("no weight", true, of(normal(4, 3), (m, in) -> in.mul(m), x, 5, 3));
    add("residual", true, of(linear(3, 3), (m, in) -> in.add(m.apply(in)), x, 5, 3));
    add("twice in a row", false, of(linear(3, 3), (m, in) -> m.apply(m.apply(in)), x, 5, 3));
    add("beside itself", false, of(l, (m, in) -> m.apply(in).add(m.apply(in.tanh())), x, 5, 2));
    add(
        "transposed for the way back",
        false,
        of(
            new Pair(normal(4, 2, 3), normal(5, 3)),
            (m, in) -> in.matmul(m.a.transpose()).tanh().matmul(m.a).add(m.b),
            x,
            5,
            3));
    Dataset longer = new Dataset("a", normal(1, 4, 5, 3), normal(2, 4, 5, 2), 0);
    Dataset last = new Dataset("b", normal(3, 1, 2, 3), normal(4, 1, 2, 2), 0);
    add(
        "ragged sequences",
        false,
        Objective.of(
            l, (Linear m, Tensor in) -> m.apply(in).tanh(), Loss.MSE, List.of(longer, last)));
  }

  private void convolutions() {
    Tensor image = normal(3, 3, 4, 5, 6);
    Tensor out = normal(6, 4, 2);
    Pair w = new Pair(normal(7, 4, 4, 1, 1), out);
    add("1×1", false, of(w, (m, x) -> convolved(m, x, Sliding.by(1, 1), 1), image, 3, 2));
    Pair groups = new Pair(normal(7, 4, 2, 2, 2), out);
    Sliding wide = Sliding.by(2, 1).dilated(2, 3).padded(1, 2);
    add("dilated groups", false, of(groups, (m, x) -> convolved(m, x, wide, 2), image, 3, 2));
    Pair depth = new Pair(normal(7, 4, 1, 2, 2), out);
    add("by depth", false, of(depth, (m, x) -> convolved(m, x, Sliding.by(3, 3), 4), image, 3, 2));
    add(
        "convolution and dense layer",
        false,
        of(
            normal(8, 4, 4, 1, 1),
            (m, x) ->
                x.convolve(m, Sliding.by(1, 1), 1)
                    .tanh()
                    .mean(2, 3)
                    .matmul(m.reshape(4, 4).transpose()),
            image,
            3,
            4));
  }

  static Stream<Named<Net>> networks() {
    UnusualNetworksTest all = new UnusualNetworksTest();
    all.dense();
    all.convolutions();
    return all.nets.stream();
  }

  @ParameterizedTest
  @MethodSource("networks")
  void factorsAndEigenvalues(Net net) {
    Objective<?> f = net.objective;
    Tensor dense = gaussNewton(f);
    for (Sharing s : Sharing.values()) {
      if (net.exact) {
        assertBlocks(Kfac.of(f).sharing(s).run(), dense, 1e-12);
      }
      compare(f, s, dense);
    }
  }

  private static <M> void compare(Objective<M> f, Sharing s, Tensor dense) {
    assertCorrected(Kfac.of(f).sharing(s), Ekfac.of(f).sharing(s), dense);
  }
}
