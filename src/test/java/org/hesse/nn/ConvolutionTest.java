package org.hesse.nn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.hesse.Autodiff;
import org.hesse.DType;
import org.hesse.RngKey;
import org.hesse.Sliding;
import org.hesse.Tensor;
import org.hesse.Tree;
import org.hesse.testing.Derivatives;
import org.junit.jupiter.api.Test;

/** A small convolutional network as a record of layers. */
class ConvolutionTest {
  private record Net(Convolution first, Pool pool, Convolution depthwise, Linear out)
      implements Layer {
    static Net init(RngKey key) {
      RngKey[] k = key.split(3);
      return new Net(
          Convolution.init(k[0], 1, 4, new int[] {3, 3}, Sliding.by(1).padded(1), 1, DType.F64),
          Pool.max(2, 2),
          Convolution.init(k[1], 4, 4, new int[] {2, 2}, Sliding.by(1), 4, DType.F64),
          Linear.init(k[2], 16, 2, DType.F64));
    }

    @Override
    public Tensor apply(Tensor x) {
      Tensor h = depthwise.apply(pool.apply(first.apply(x).tanh())).tanh();
      return out.apply(h.reshape(h.dim(0), -1));
    }
  }

  @Test
  void isARecordLikeAnyOther() {
    Net net = Net.init(RngKey.of(1));
    List<String> paths =
        List.of(
            "first.weight",
            "first.bias",
            "depthwise.weight",
            "depthwise.bias",
            "out.weight",
            "out.bias");
    assertEquals(paths, Tree.of(net).paths());
    assertEquals(List.of(4, 1, 3, 3), boxed(net.first.weight()));
    assertTrue(net.first.weight().abs().max().item() <= 1 / 3.0);
    assertTrue(net.first.weight().abs().max().item() > 0.2);
  }

  private static List<Integer> boxed(Tensor t) {
    return Arrays.stream(t.shape().dims()).boxed().toList();
  }

  @Test
  void addsABiasToEachChannel() {
    Tensor weight = Tensor.ones(DType.F64, 2, 1, 1, 1);
    Convolution c = new Convolution(weight, Tensor.of(new double[] {1, -1}), Sliding.by(1), 1);
    Tensor y = c.apply(Tensor.of(new double[] {5, 7}, 1, 1, 1, 2));
    Derivatives.close(Tensor.of(new double[] {6, 8, 4, 6}, 1, 2, 1, 2), y);
  }

  @Test
  void averagesWindowsSideBySide() {
    Tensor x = Tensor.of(new double[] {1, 3, 5, 7, 9}, 1, 1, 5);
    Derivatives.close(Tensor.of(new double[] {2, 6}, 1, 1, 2), Pool.average(2).apply(x));
  }

  @Test
  void trainsAndHasCurvature() {
    Tensor x = Derivatives.normal(2, DType.F64, 6, 1, 6, 6);
    Tensor labels = Tensor.of(new int[] {0, 1, 1, 0, 1, 0});
    Function<Net, Tensor> loss = m -> Loss.CROSS_ENTROPY.apply(m.apply(x), labels);
    Net net = Net.init(RngKey.of(3));
    assertTrue(Autodiff.checkGradients(loss, net, 2).passed());
    double before = loss.apply(net).item();
    Tree<Net> tree = Tree.of(net);
    var step = Autodiff.compile(Autodiff.grad(loss));
    for (int i = 0; i < 30; i++) {
      Tensor moved = tree.ravel(net).sub(tree.ravel(step.apply(net)).mul(0.5));
      net = tree.unravel(moved, net);
    }
    assertTrue(loss.apply(net).item() < before / 2);
  }

  @Test
  void groupsMustDivide() {
    int[] window = {3};
    Sliding s = Sliding.by(1);
    assertThrows(
        IllegalArgumentException.class,
        () -> Convolution.init(RngKey.of(1), 3, 4, window, s, 2, DType.F32));
  }
}
