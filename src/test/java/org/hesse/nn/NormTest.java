package org.hesse.nn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.hesse.Autodiff;
import org.hesse.DType;
import org.hesse.Tensor;
import org.hesse.Tree;
import org.junit.jupiter.api.Test;

/** Normalising layers as part of models. */
class NormTest {
  private static final Tensor X = Tensor.of(new double[] {1, 2, 3, 4, -2, 0, 0, 2}, 2, 4);

  @Test
  void layerNormHasMeanZeroAndVarianceOne() {
    LayerNorm layer = LayerNorm.init(4, DType.F64);
    Tensor y = layer.apply(X);
    assertArrayEquals(new double[2], y.mean(1).toDoubleArray(), 1e-15);
    // σ²/(σ² + ε) for variances 5/4 and 2.
    double[] expected = {1.25 / 1.25001, 2 / 2.00001};
    assertArrayEquals(expected, y.square().mean(1).toDoubleArray(), 1e-14);
    assertEquals(List.of("weight", "bias"), Tree.of(layer).paths());
  }

  @Test
  void rmsNormHasMeanSquareOne() {
    RmsNorm layer = RmsNorm.init(4, DType.F64);
    double[] expected = {7.5 / 7.50001, 2 / 2.00001};
    assertArrayEquals(expected, layer.apply(X).square().mean(1).toDoubleArray(), 1e-14);
  }

  /** Scaling the input changes nothing, so the gradient is orthogonal to it (with ε = 0). */
  @Test
  void gradientIsOrthogonalToTheInput() {
    RmsNorm layer = new RmsNorm(Tensor.of(new double[] {1, -2, 3, 0.5}), 0);
    Tensor g = Autodiff.grad((Tensor x) -> layer.apply(x).sin().sum()).apply(X);
    assertArrayEquals(new double[2], g.mul(X).sum(1).toDoubleArray(), 1e-15);
  }
}
