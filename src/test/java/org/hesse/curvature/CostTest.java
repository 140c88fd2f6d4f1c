package org.hesse.curvature;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.function.Function;
import org.hesse.Autodiff;
import org.hesse.DType;
import org.hesse.Graphs;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.hesse.Tree;
import org.hesse.backend.Step;
import org.hesse.io.Dataset;
import org.hesse.nn.Loss;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import org.junit.jupiter.api.Test;

/**
 * How much derivatives cost, counted in multiplications of the products that a plan runs. A network
 * of l layers has l products; its gradient needs two more for each layer but the first, which needs
 * one more; a Hessian product runs the tangent of each of them.
 */
class CostTest {
  private static final int LAYERS = 3;

  private record Arguments(Mlp model, Mlp direction) {}

  private static Arguments arguments() {
    MlpShape shape = MlpShape.parse("mlp:20-30-30-10:tanh");
    Mlp m = Mlp.init(RngKey.of(1), shape, DType.F32);
    return new Arguments(m, Mlp.init(RngKey.of(2), shape, DType.F32));
  }

  private static Function<Mlp, Tensor> loss() {
    Tensor x = RngKey.of(3).normal(DType.F32, 64, 20);
    Tensor y = Tensor.zeros(DType.I32, 64);
    return m -> Loss.CROSS_ENTROPY.apply(m.apply(x), y);
  }

  private static List<Step.Dot> products(Function<Arguments, ?> f) {
    return Graphs.steps(f, arguments()).stream()
        .filter(Step.Dot.class::isInstance)
        .map(Step.Dot.class::cast)
        .toList();
  }

  private static double work(List<Step.Dot> products) {
    return products.stream().mapToDouble(d -> (double) d.batch() * d.m() * d.n() * d.k()).sum();
  }

  @Test
  void productsOfDerivatives() {
    Function<Mlp, Tensor> f = loss();
    List<Step.Dot> value = products(a -> f.apply(a.model()));
    List<Step.Dot> gradient = products(a -> Autodiff.valueAndGrad(f).apply(a.model()));
    List<Step.Dot> product = products(a -> Autodiff.hvp(f, a.model(), a.direction()));
    assertEquals(LAYERS, value.size());
    assertEquals(3 * LAYERS - 1, gradient.size());
    assertTrue(product.size() <= 3 * gradient.size(), "Hessian product: " + product.size());
    assertTrue(work(gradient) <= 3 * work(value), "gradient " + work(gradient) / work(value));
    assertTrue(work(product) <= 3 * work(gradient), "hvp " + work(product) / work(gradient));
  }

  /** A block of directions shares the pass over the model, and none of its products is batched. */
  @Test
  void blocksOfDirectionsShareTheirPrimalPass() {
    Function<Mlp, Tensor> f = loss();
    Tree<Mlp> tree = Tree.of(arguments().model());
    List<Step.Dot> one = products(a -> Autodiff.hvp(f, a.model(), a.direction()));
    int size = 8;
    List<Step.Dot> block =
        products(a -> {
          Tensor v = tree.ravel(a.direction());
          Tensor vs =
              v.broadcastTo(size, v.dim(0)).mul(Tensor.arange(DType.F32, size).insertAxis(1));
          return Autodiff.vmap((Tensor u) -> Autodiff.hvp(f, a.model(), tree.unravel(u, a.model())))
              .apply(vs);
        });
    // Weights' gradients take as much as the value; a Hessian product does not need them.
    Function<Arguments, ?> gradient = a -> Autodiff.valueAndGrad(f).apply(a.model());
    double shared = work(products(gradient)) - work(products(a -> f.apply(a.model())));
    assertEquals(one.size(), block.size());
    assertEquals(size * (work(one) - shared) + shared, work(block));
  }

  private static List<ObjectiveOperator<Mlp>> operators() {
    Tensor x = RngKey.of(3).normal(DType.F32, 64, 20);
    Dataset data = new Dataset("test", x, Tensor.zeros(DType.I32, 64), 0);
    Objective<Mlp> f = Objective.of(arguments().model(), Loss.CROSS_ENTROPY, List.of(data));
    return List.of(
        GaussNewton.of(f), Fisher.exact(f), Fisher.empirical(f), Fisher.monteCarlo(f, 1, 0));
  }

  private static Tensor product(ObjectiveOperator<Mlp> a, Mlp at, Tensor v) {
    Dataset data = a.objective().batches().iterator().next();
    return a.product(a.objective(), at, data, Tensor.scalar(0, DType.I32), v);
  }

  /**
   * The network once; its tangent, two products for each layer but the first; and its gradient in
   * the weights, likewise.
   */
  @Test
  void productsOfGaussNewtonAndFisher() {
    double value = work(products(a -> loss().apply(a.model())));
    Tree<Mlp> tree = Tree.of(arguments().model());
    for (ObjectiveOperator<Mlp> operator : operators()) {
      List<Step.Dot> one = products(a -> product(operator, a.model(), tree.ravel(a.direction())));
      assertEquals(5 * LAYERS - 2, one.size(), operator.toString());
      assertTrue(work(one) <= 5 * value, operator + ": " + work(one) / value);
    }
  }

  /** Each vector more adds its tangent and its gradient, and nothing of the network. */
  @Test
  void blocksShareTheNetwork() {
    double value = work(products(a -> loss().apply(a.model())));
    Tree<Mlp> tree = Tree.of(arguments().model());
    int size = 8;
    for (ObjectiveOperator<Mlp> operator : operators()) {
      List<Step.Dot> one = products(a -> product(operator, a.model(), tree.ravel(a.direction())));
      List<Step.Dot> block =
          products(a -> {
            Tensor v = tree.ravel(a.direction());
            Tensor vs =
                v.broadcastTo(size, v.dim(0)).mul(Tensor.arange(DType.F32, size).insertAxis(1));
            return Autodiff.vmap((Tensor u) -> product(operator, a.model(), u)).apply(vs);
          });
      assertEquals(one.size(), block.size(), operator.toString());
      assertEquals(size * (work(one) - value) + value, work(block), operator.toString());
    }
  }
}
