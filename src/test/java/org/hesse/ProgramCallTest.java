package org.hesse;

import static org.hesse.testing.Close.assertClose;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.function.Function;
import org.hesse.ir.Program;
import org.junit.jupiter.api.Test;

/** Programs as functions of tensors. */
class ProgramCallTest {
  private static final Tensor X = RngKey.of(1).normal(DType.F64, 3, 4);
  private static final Tensor W = RngKey.of(2).normal(DType.F64, 4, 2);

  /** With a captured tensor, a composite, a loop and numbers. */
  private static Tensor f(Tensor x) {
    Tensor y = x.matmul(W).softmax(-1);
    return ControlFlow.forLoop(3, (Tensor s, Tensor i) -> s.sin().mul(2), y).add(x.sum());
  }

  @Test
  void aProgramIsTheFunctionThatItCameFrom() {
    Program p = Autodiff.program(ProgramCallTest::f, X);
    Function<Tensor, Tensor> g = x -> Hesse.run(p, List.of(x)).getFirst();
    assertClose("value", f(X), g.apply(X), 1e-14);
    assertClose("all inputs", f(X), Hesse.run(p, List.of(X, W)).getFirst(), 1e-14);
    assertClose(
        "gradient",
        Autodiff.grad((Tensor x) -> f(x).sum()).apply(X),
        Autodiff.grad((Tensor x) -> g.apply(x).sum()).apply(X),
        1e-14);
    Tensor batch = RngKey.of(3).normal(DType.F64, 2, 3, 4);
    Function<Tensor, Tensor> mapped = Autodiff.compile(Autodiff.vmap(g));
    assertClose(
        "mapped", Autodiff.vmap(ProgramCallTest::f).apply(batch), mapped.apply(batch), 1e-14);
  }

  /** An output may be an input, a constant or the same as another. */
  @Test
  void outputsOfAnyKind() {
    Program p =
        Autodiff.program((Tensor x) -> List.of(x, Tensor.ones(DType.F64, 2), x.exp(), W), X);
    List<Tensor> out = Hesse.run(p, List.of(X));
    assertEquals(4, out.size());
    assertClose("input", X, out.get(0), 0);
    assertClose("constant", Tensor.ones(DType.F64, 2), out.get(1), 0);
    assertClose("computed", X.exp(), out.get(2), 0);
    assertClose("captured", W, out.get(3), 0);
  }

  @Test
  void argumentsMustFit() {
    Program p = Autodiff.program(ProgramCallTest::f, X);
    for (List<Tensor> bad : List.of(List.<Tensor>of(), List.of(X, W, X))) {
      String message =
          assertThrows(IllegalArgumentException.class, () -> Hesse.run(p, bad)).getMessage();
      assertTrue(message.contains(bad.size() + " arguments; the program has 2 inputs"), message);
    }
    String message =
        assertThrows(IllegalArgumentException.class, () -> Hesse.run(p, List.of(W))).getMessage();
    assertTrue(message.contains("'0' is F64[4, 2]; expected F64[3, 4]"), message);
  }
}
