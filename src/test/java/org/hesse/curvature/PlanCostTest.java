package org.hesse.curvature;

import static org.hesse.Autodiff.grad;
import static org.hesse.Autodiff.hvp;
import static org.hesse.Autodiff.valueAndGrad;
import static org.hesse.Autodiff.vmap;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.Stream;
import org.hesse.DType;
import org.hesse.Graphs;
import org.hesse.RngKey;
import org.hesse.Sliding;
import org.hesse.Tensor;
import org.hesse.ir.Program;
import org.hesse.nn.Activation;
import org.hesse.nn.Loss;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import org.hesse.plan.Simplify;
import org.hesse.testing.Arithmetic;
import org.hesse.testing.Redundancy;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * What derivatives of networks cost: nothing in their plans is computed in vain or twice, and a
 * gradient takes at most four times the arithmetic of the function (Griewank and Walther,
 * Evaluating Derivatives, 2nd ed., section 3.3), a Hessian product at most three times a
 * gradient's.
 */
class PlanCostTest {
  private static final int EXAMPLES = 6;

  /** A model and its loss on a batch, [n, …] and [n]. */
  private record Network<M>(String name, M model, Tensor x, BiFunction<M, Tensor, Tensor> logits) {
    Tensor loss(M m, Tensor images, Tensor labels) {
      return Loss.CROSS_ENTROPY.apply(logits.apply(m, images), labels);
    }
  }

  record Dense(Tensor weight, Tensor bias) {
    static Dense init(long seed, int in, int out) {
      RngKey key = RngKey.of(seed);
      return new Dense(key.normal(DType.F64, in, out).mul(0.3), key.fold(1).normal(DType.F64, out));
    }

    Tensor apply(Tensor x) {
      return x.matmul(weight).add(bias);
    }
  }

  record ConvNet(Tensor first, Tensor second, Dense out) {
    Tensor apply(Tensor x) {
      Tensor a = x.convolve(first, Sliding.by(1, 1).padded(1, 1), 1).tanh();
      Tensor b = a.averagePool(new int[] {2, 2}, Sliding.by(2, 2));
      Tensor c = b.convolve(second, Sliding.by(1, 1), 1).tanh();
      return out.apply(c.reshape(x.dim(0), -1));
    }
  }

  record Normalized(Dense in, Tensor scale, Tensor shift, Dense out) {
    Tensor apply(Tensor x) {
      Tensor h = in.apply(x);
      Tensor centred = h.sub(h.mean(-1).insertAxis(-1));
      Tensor variance = centred.square().mean(-1).insertAxis(-1);
      Tensor normal = centred.mul(variance.add(1e-5).rsqrt()).mul(scale).add(shift);
      return out.apply(Activation.GELU.apply(normal));
    }
  }

  private static Tensor normal(long seed, int... dims) {
    return RngKey.of(seed).normal(DType.F64, dims).mul(0.3);
  }

  private static List<Network<?>> networks() {
    Mlp mlp = Mlp.init(RngKey.of(1), MlpShape.parse("mlp:7-9-8-5:tanh"), DType.F64);
    ConvNet conv = new ConvNet(normal(2, 3, 2, 3, 3), normal(3, 4, 3, 2, 2), Dense.init(4, 16, 5));
    Normalized norm =
        new Normalized(Dense.init(5, 7, 10), normal(6, 10), normal(7, 10), Dense.init(8, 10, 5));
    return List.of(
        new Network<>("mlp", mlp, normal(9, EXAMPLES, 7), Mlp::apply),
        new Network<>("conv net", conv, normal(10, EXAMPLES, 2, 6, 6), ConvNet::apply),
        new Network<>("layer norm", norm, normal(11, EXAMPLES, 7), Normalized::apply));
  }

  private static Tensor labels() {
    return Tensor.zeros(DType.I32, EXAMPLES);
  }

  private record Pair<M>(M model, M direction) {}

  /** The functions of a model and a direction whose plans are looked at. */
  private static <M> List<Function<Pair<M>, ?>> functions(Network<M> n) {
    Tensor y = labels();
    Function<M, Tensor> loss = m -> n.loss(m, n.x, y);
    BiFunction<M, List<Tensor>, M> one =
        (m, e) -> grad((M z) -> n.loss(z, e.get(0).insertAxis(0), e.get(1).insertAxis(0))).apply(m);
    return List.of(
        a -> loss.apply(a.model()),
        a -> valueAndGrad(loss).apply(a.model()),
        a -> hvp(loss, a.model(), a.direction()),
        a -> vmap((List<Tensor> e) -> one.apply(a.model(), e)).apply(List.of(n.x, y)));
  }

  private static final List<String> NAMES = List.of("value", "gradient", "hvp", "vmap(grad)");

  @TestFactory
  Stream<DynamicTest> nothingIsComputedInVainOrTwice() {
    return networks().stream().map(n -> dynamicTest(n.name(), () -> checkPrograms(n)));
  }

  private static <M> void checkPrograms(Network<M> n) {
    Pair<M> at = new Pair<>(n.model, n.model);
    for (int i = 0; i < NAMES.size(); i++) {
      Program simple = Simplify.simplify(Graphs.program(functions(n).get(i), at).detach());
      String what = n.name + ": " + NAMES.get(i);
      Redundancy.assertNoNodeIsDeadOrTwice(what, simple);
      assertTrue(Redundancy.assertNoProductIsRepeated(what, simple) > 1, what);
    }
  }

  @TestFactory
  Stream<DynamicTest> arithmeticOfDerivatives() {
    return networks().stream().map(n -> dynamicTest(n.name(), () -> checkArithmetic(n)));
  }

  private static <M> void checkArithmetic(Network<M> n) {
    Pair<M> at = new Pair<>(n.model, n.model);
    double[] work =
        functions(n).stream().mapToDouble(f -> Arithmetic.of(Graphs.steps(f, at))).toArray();
    assertTrue(work[1] <= 4 * work[0], n.name + ": gradient " + work[1] / work[0]);
    assertTrue(work[2] <= 3 * work[1], n.name + ": Hessian product " + work[2] / work[1]);
    assertTrue(work[3] <= 1.5 * work[1], n.name + ": gradients by example " + work[3] / work[1]);
  }

  /** So that the checks above mean something. */
  @Test
  void repetitionsAreFound() {
    Function<List<Tensor>, Tensor> transposed =
        in -> {
          Tensor a = in.get(0);
          Tensor b = in.get(1);
          Tensor other = b.transpose().matmul(a.transpose()).transpose();
          return a.matmul(b).sin().add(other.reshape(6).reshape(2, 3));
        };
    Program hidden = Graphs.program(transposed, List.of(normal(1, 2, 4), normal(2, 4, 3)));
    assertThrows(
        AssertionError.class, () -> Redundancy.assertNoProductIsRepeated("transposed", hidden));
    Function<Tensor, Tensor> same = x -> x.sin().mul(x.sin());
    Program twice = Graphs.program(same, normal(3, 2));
    assertThrows(AssertionError.class, () -> Redundancy.assertNoNodeIsDeadOrTwice("same", twice));
    Redundancy.assertNoNodeIsDeadOrTwice("same, simplified", Simplify.simplify(twice));
  }
}
