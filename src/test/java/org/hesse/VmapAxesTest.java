package org.hesse;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.grad;
import static org.hesse.Autodiff.vmap;
import static org.hesse.Expect.close;
import static org.hesse.Expect.illegalArgument;
import static org.hesse.Expect.normal;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** Batch axes anywhere, against loops. */
class VmapAxesTest {
  private static final VmapAxes NONE = VmapAxes.unmapped();

  private static Tensor loop(Function<Tensor, Tensor> f, Tensor x, int in, int out) {
    List<Tensor> parts = new ArrayList<>();
    for (int i = 0; i < x.dim(in); i++) {
      parts.add(f.apply(x.select(in, i)));
    }
    return Tensor.stack(out, parts.toArray(Tensor[]::new));
  }

  @Test
  void everyPairOfAxes() {
    Tensor w = normal(1, 5, 3, 4);
    Function<Tensor, Tensor> f = x -> x.exp().div(x.sum(0)).transpose();
    for (int in = 0; in < 3; in++) {
      for (int out = 0; out < 3; out++) {
        Tensor expected = loop(f, w, in, out);
        close(expected, vmap(f, VmapAxes.of(in), VmapAxes.of(out)).apply(w), 1e-14);
        Tensor negative = vmap(f, VmapAxes.of(in - 3), VmapAxes.of(out - 3)).apply(w);
        close(expected, negative, 1e-14);
      }
    }
  }

  record Linear(Tensor weight, Tensor bias) {
    Tensor apply(Tensor x) {
      return weight.matmul(x).add(bias);
    }
  }

  private static final Linear MODEL = new Linear(normal(2, 3, 4), normal(3, 3));

  @Test
  void anUnmappedModel() {
    Tensor x = normal(4, 4, 6);
    BiFunction<Linear, Tensor, Tensor> f =
        vmap((Linear m, Tensor t) -> m.apply(t), NONE, VmapAxes.of(1), VmapAxes.of(-1));
    close(loop(MODEL::apply, x, 1, 1), f.apply(MODEL, x), 1e-14);
  }

  @Test
  void oneLeafMappedByName() {
    Tensor x = normal(5, 4);
    Linear m = new Linear(MODEL.weight(), normal(6, 3, 5));
    Tensor expected = loop(b -> new Linear(MODEL.weight(), b).apply(x), m.bias(), 1, 0);
    Function<Linear, Tensor> f = l -> l.apply(x);
    close(expected, vmap(f, NONE.with("bias", 1)).apply(m), 1e-14);
    close(expected, vmap(f, VmapAxes.of(1).without("weight")).apply(m), 1e-14);
  }

  record Net(Linear hidden, Linear out) {}

  /** A name covers all leaves below it, and a later entry goes before an earlier one. */
  @Test
  void prefixesCoverSubtrees() {
    Tensor w = normal(7, 3, 4, 5);
    Net net = new Net(new Linear(w, normal(8, 3, 5)), MODEL);
    Tensor x = normal(9, 4);
    Function<Net, Tensor> f = n -> n.hidden().apply(x).add(n.out().apply(x));
    Tensor expected =
        loop(
            i -> {
              int k = (int) i.item();
              Linear h = new Linear(w.select(2, k), net.hidden().bias().select(1, k));
              return f.apply(new Net(h, MODEL));
            },
            Tensor.arange(DType.I32, 5),
            0,
            0);
    close(expected, vmap(f, NONE.with("hidden", -1)).apply(net), 1e-14);
    close(expected, vmap(f, VmapAxes.of(-1).without("out")).apply(net), 1e-14);
  }

  record Both(Tensor each, Tensor shared) {}

  @Test
  void unmappedResults() {
    Tensor c = normal(10, 4);
    Function<Tensor, Both> f = x -> new Both(x.add(c), c.exp());
    Both b = vmap(f, VmapAxes.of(0), VmapAxes.of(0).without("shared")).apply(normal(11, 3, 4));
    assertEquals(Shape.of(3, 4), b.each().shape());
    assertEquals(Shape.of(4), b.shared().shape());
    Both repeated = vmap(f).apply(normal(11, 3, 4));
    assertEquals(Shape.of(3, 4), repeated.shared().shape());
  }

  @Test
  void nestedWithDifferentAxes() {
    Tensor a = normal(12, 4, 3);
    Tensor b = normal(13, 4, 5);
    BiFunction<Tensor, Tensor, Tensor> dot = (x, y) -> x.mul(y).sum();
    BiFunction<Tensor, Tensor, Tensor> gram =
        vmap(vmap(dot, NONE, VmapAxes.of(1)), VmapAxes.of(1), NONE);
    close(a.transpose().matmul(b), gram.apply(a, b), 1e-14);
  }

  @Test
  void perSampleGradientsInsideCompileAndUnderGrad() {
    Tensor x = normal(14, 4, 6);
    Function<Linear, Tensor> loss =
        m ->
            vmap((Linear l, Tensor t) -> l.apply(t).tanh().sum(), NONE, VmapAxes.of(1))
                .apply(m, x)
                .sum();
    Linear expected =
        grad((Linear m) -> m.weight().matmul(x).add(m.bias().insertAxis(1)).tanh().sum())
            .apply(MODEL);
    close(expected.weight(), grad(loss).apply(MODEL).weight(), 1e-13);
    close(expected.bias(), compile(grad(loss)).apply(MODEL).bias(), 1e-13);
  }

  @Test
  void misuseIsExplained() {
    Tensor x = normal(15, 3, 4);
    Function<Tensor, Tensor> f = t -> t.exp();
    illegalArgument(() -> vmap(f, VmapAxes.of(2)).apply(x), "no axis 2", "[3, 4]", "-2 to 1");
    illegalArgument(() -> vmap(f).apply(Tensor.scalar(1, DType.F64)), "[]", "no axis 0");
    illegalArgument(() -> vmap(f, VmapAxes.of(0), VmapAxes.of(5)).apply(x), "result", "no axis 5");
    illegalArgument(() -> vmap(f, VmapAxes.of(0), NONE).apply(x), "depends on the batch");
    illegalArgument(() -> vmap(f, NONE).apply(x), "no tensor to map over");
    illegalArgument(
        () -> vmap((Linear m) -> m.bias(), NONE.with("bais", 0)).apply(MODEL), "'bais'", "bias");
    Linear odd = new Linear(normal(16, 2, 4), normal(17, 3));
    illegalArgument(() -> vmap((Linear m) -> m.bias()).apply(odd), "'bias'", "[3]", "extent of 2");
    illegalArgument(
        () -> vmap((Tensor a, Tensor b) -> a.add(b)).apply(x, normal(18, 2, 4)), "'second'", "3");
  }
}
