package org.hesse;

import static org.hesse.Autodiff.argminDerivative;
import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.grad;
import static org.hesse.Autodiff.hessian;
import static org.hesse.Autodiff.jacfwd;
import static org.hesse.Autodiff.jacobian;
import static org.hesse.Autodiff.jacrev;
import static org.hesse.Autodiff.rootDerivative;
import static org.hesse.Autodiff.vmap;
import static org.hesse.Expect.close;
import static org.hesse.Expect.illegalArgument;
import static org.hesse.Expect.normal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

class ImplicitTest {
  private static final Tensor A = normal(1, 8, 3);
  private static final Tensor B = normal(2, 8);
  private static final Tensor GRAM = A.transpose().matmul(A);
  private static final Tensor MOMENT = A.transpose().matmul(B);
  private static final Tensor LAMBDA = Tensor.scalar(0.7, DType.F64);

  /** (AᵀA + λI)⁻¹. */
  private static Tensor regularized(Tensor lambda) {
    return Matrices.inverse(GRAM.add(Tensor.eye(DType.F64, 3).mul(lambda)));
  }

  private static final Function<Tensor, Tensor> RIDGE =
      rootDerivative(
          (Tensor l) -> regularized(l).matmul(MOMENT).stopGradient(),
          (Tensor w, Tensor l) -> GRAM.matmul(w).add(w.mul(l)).sub(MOMENT));

  /** dw/dλ = −(AᵀA + λI)⁻¹ w, d²w/dλ² = 2 (AᵀA + λI)⁻² w. */
  @Test
  void ridge() {
    Tensor inverse = regularized(LAMBDA);
    Tensor w = inverse.matmul(MOMENT);
    close(w, RIDGE.apply(LAMBDA), 1e-12);
    Tensor first = inverse.matmul(w).neg();
    close(first, jacfwd(RIDGE, LAMBDA), 1e-11);
    close(first, jacrev(RIDGE, LAMBDA), 1e-11);
    close(first, compile((Tensor l) -> jacrev(RIDGE, l)).apply(LAMBDA), 1e-11);
    Tensor second = inverse.matmul(inverse.matmul(w)).mul(2);
    close(second, jacfwd(l -> jacfwd(RIDGE, l), LAMBDA), 1e-10);
    close(second, jacrev(l -> jacfwd(RIDGE, l), LAMBDA), 1e-10);
  }

  @Test
  void mapped() {
    Tensor lambdas = Tensor.of(new double[] {0.3, 0.7, 2});
    Tensor inside = vmap((Tensor l) -> jacobian(RIDGE, l)).apply(lambdas);
    Tensor outside = grad((Tensor l) -> vmap(RIDGE).apply(l).sum()).apply(lambdas);
    for (int i = 0; i < 3; i++) {
      Tensor one = jacfwd(RIDGE, lambdas.select(0, i));
      close(one, inside.select(0, i), 1e-12);
      assertEquals(one.sum().item(), outside.select(0, i).item(), 1e-11);
    }
  }

  /** A solution found outside any trace. */
  @Test
  void aSolverThatReadsValues() {
    double x = 1;
    for (int i = 0; i < 50; i++) {
      x -= (x * x - 3) / (2 * x);
    }
    Tensor found = Tensor.scalar(x, DType.F64);
    Function<Tensor, Tensor> root = rootDerivative(p -> found, (z, p) -> z.square().sub(p));
    Tensor three = Tensor.scalar(3, DType.F64);
    assertEquals(0.5 / Math.sqrt(3), grad(root).apply(three).item(), 1e-13);
    assertEquals(-0.25 / Math.pow(3, 1.5), grad(grad(root)).apply(three).item(), 1e-13);
    assertEquals(0.375 / Math.pow(3, 2.5), grad(grad(grad(root))).apply(three).item(), 1e-12);
  }

  record Model(Tensor w, Tensor b) {}

  /** Logistic regression by gradient descent: through the minimum as through every step. */
  @Test
  void implicitEqualsUnrolled() {
    Tensor y = B.gt(Tensor.scalar(0, DType.F64)).cast(DType.F64);
    BiFunction<Model, Tensor, Tensor> objective =
        (m, l) -> {
          Tensor z = A.matmul(m.w()).add(m.b());
          Tensor fit = z.softplus().sub(z.mul(y)).mean();
          return fit.add(m.w().square().sum().add(m.b().square()).mul(l));
        };
    Function<Tensor, Model> descent =
        l -> {
          Model m = new Model(Tensor.zeros(DType.F64, 3), Tensor.zeros(DType.F64));
          for (int i = 0; i < 60; i++) {
            Model g = grad((Model k) -> objective.apply(k, l)).apply(m);
            m = new Model(m.w().sub(g.w().mul(0.6)), m.b().sub(g.b().mul(0.6)));
          }
          return m;
        };
    Function<Tensor, Model> implicit = argminDerivative(descent, objective);
    Function<Function<Tensor, Model>, Function<Tensor, Tensor>> loss =
        solve -> l -> solve.apply(l).w().exp().sum().add(solve.apply(l).b());
    double unrolled = grad(loss.apply(descent)).apply(LAMBDA).item();
    assertEquals(unrolled, grad(loss.apply(implicit)).apply(LAMBDA).item(), 1e-8);
    double second = hessian(loss.apply(descent), LAMBDA).item();
    assertEquals(second, hessian(loss.apply(implicit), LAMBDA).item(), 1e-6);
  }

  @Test
  void misuseIsExplained() {
    Function<Tensor, Tensor> few = rootDerivative(p -> B, (x, p) -> x.sum().sub(p));
    illegalArgument(() -> jacfwd(few, LAMBDA), "residual", "F64[]", "F64[8]");
    Function<Tensor, List<Tensor>> tree =
        rootDerivative(p -> List.of(B), (x, p) -> List.of(x.get(0), p));
    illegalArgument(() -> jacfwd(tree, LAMBDA), "residual", "structure", "equations");
    Tensor many = Tensor.zeros(DType.F64, LinearSolver.Dense.LIMIT + 1);
    Function<Tensor, Tensor> large = rootDerivative(p -> many, (x, p) -> x.sub(p));
    illegalArgument(() -> jacfwd(large, LAMBDA), "4097", "4096");
  }

  /** 2x − 2x + p = 0 has no unique solution: the derivative must not be a number. */
  @Test
  void singularProblemsFail() {
    Function<Tensor, Tensor> flat = rootDerivative(p -> B, (x, p) -> x.sub(x).add(p));
    assertThrows(
        ArithmeticException.class,
        () -> {
          jacfwd(flat, LAMBDA);
          Hesse.synchronize(); // a GPU says so when it is waited for
        });
  }
}
