package org.hesse.examples;

import static org.hesse.Autodiff.grad;
import static org.hesse.Autodiff.hvp;

import java.util.function.Function;
import org.hesse.Tensor;

/** First and second derivatives with respect to a record of tensors. */
public final class GradientExample {
  private GradientExample() {}

  /** The parameters of a straight line. */
  public record Line(Tensor slope, Tensor offset) {}

  /** Prints a gradient and a product with the Hessian. */
  public static void main(String[] args) {
    Tensor x = Tensor.of(new double[] {0, 1, 2, 3});
    Tensor y = Tensor.of(new double[] {1, 3, 5, 7});
    Line line = new Line(Tensor.of(new double[] {0.5}), Tensor.of(new double[] {0}));

    Function<Line, Tensor> loss = l -> x.mul(l.slope()).add(l.offset()).sub(y).square().mean();
    System.out.println(grad(loss).apply(line));
    System.out.println(hvp(loss, line, line));
  }
}
