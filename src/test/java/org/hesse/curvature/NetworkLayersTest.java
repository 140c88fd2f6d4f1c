package org.hesse.curvature;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiFunction;
import org.hesse.Autodiff;
import org.hesse.ControlFlow;
import org.hesse.DType;
import org.hesse.Functions;
import org.hesse.RngKey;
import org.hesse.Sliding;
import org.hesse.Tensor;
import org.hesse.Tree;
import org.hesse.ir.Node;
import org.hesse.ir.Program;
import org.hesse.nn.Convolution;
import org.hesse.nn.LayerNorm;
import org.hesse.nn.Linear;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import org.hesse.nn.RmsNorm;
import org.junit.jupiter.api.Test;

/** Which parameters of a traced network are found to be what. */
class NetworkLayersTest {
  private record Arguments<M>(M model, Tensor x) {}

  private static Tensor normal(int seed, int... dims) {
    return RngKey.of(seed).normal(DType.F64, dims);
  }

  private static <M> NetworkLayers find(M model, BiFunction<M, Tensor, Tensor> network, Tensor x) {
    Program p =
        Rewrites.withoutCalls(
            Autodiff.program(
                (Arguments<M> a) -> network.apply(a.model, a.x), new Arguments<>(model, x)));
    List<String> paths = Tree.of(model).paths();
    int n = paths.size();
    List<Node> inputs = p.inputs();
    return NetworkLayers.find(p, inputs.subList(0, n), paths, inputs.subList(n, n + 1));
  }

  /** Each layer as weight+bias: groups x rows x columns and the uses; then what is alone. */
  private static <M> String describe(M model, BiFunction<M, Tensor, Tensor> network, Tensor x) {
    NetworkLayers found = find(model, network, x);
    List<String> paths = Tree.of(model).paths();
    List<String> all = new ArrayList<>();
    for (NetworkLayers.Layer l : found.layers()) {
      LayerUse like = l.like();
      StringBuilder s = new StringBuilder(paths.get(l.weight()));
      l.bias().ifPresent(b -> s.append('+').append(paths.get(b)));
      s.append(' ').append(like.groups()).append('x').append(like.rows()).append('x');
      s.append(like.columns());
      for (NetworkLayers.Use u : l.uses()) {
        s.append(u.transposed() ? " t" : " ").append(u.product().shared());
        s.append(u.product().lookup() ? "lookup" : "").append(u.biased() ? "+b" : "");
      }
      all.add(s.toString());
    }
    found
        .alone()
        .forEach(group -> all.add(String.join("+", group.stream().map(paths::get).toList())));
    return String.join("; ", all);
  }

  @Test
  void denseLayersWithBias() {
    Mlp m = Mlp.init(RngKey.of(1), MlpShape.parse("mlp:3-4-2:tanh"), DType.F64);
    assertEquals(
        "layers.0.weight+layers.0.bias 1x4x3 1+b; layers.2.weight+layers.2.bias 1x2x4 1+b",
        describe(m, Mlp::apply, normal(1, 1, 3)));
    Linear l = Linear.init(RngKey.of(1), 3, 1, DType.F64);
    assertEquals("weight+bias 1x1x3 5+b", describe(l, Linear::apply, normal(1, 1, 5, 3)));
  }

  @Test
  void weightsThatAreStoredOtherwise() {
    record Stored(Tensor w, Tensor b) {}
    Stored columns = new Stored(normal(1, 3, 4), normal(2, 4));
    assertEquals(
        "w+b 1x4x3 5+b", describe(columns, (m, x) -> x.matmul(m.w).add(m.b), normal(3, 1, 5, 3)));
    Stored heads = new Stored(normal(1, 2, 4, 3), normal(2, 2, 4));
    assertEquals(
        "w+b 1x8x3 5+b",
        describe(
            heads,
            (m, x) -> {
              Tensor y = x.matmul(m.w.reshape(8, 3).transpose());
              return y.reshape(1, 5, 2, 4).add(m.b).permute(0, 2, 1, 3);
            },
            normal(3, 1, 5, 3)));
    // Scores with a learned query: a matrix of one row.
    record Query(Tensor q) {}
    assertEquals(
        "q 1x1x3 5",
        describe(new Query(normal(1, 3)), (m, x) -> x.matmul(m.q), normal(3, 1, 5, 3)));
  }

  @Test
  void convolutions() {
    for (int groups : new int[] {1, 2}) {
      Convolution c =
          Convolution.init(
              RngKey.of(1),
              4,
              6,
              new int[] {3, 2},
              Sliding.by(2, 1).padded(1, 0),
              groups,
              DType.F64);
      assertEquals(
          "weight+bias " + groups + "x" + 6 / groups + "x" + 4 / groups * 6 + " 42+b",
          describe(c, Convolution::apply, normal(1, 1, 4, 8, 8)).replaceAll(" \\d+\\+b", " 42+b"));
    }
  }

  @Test
  void normsAndOtherParametersAlone() {
    record Norms(LayerNorm a, RmsNorm b, Tensor position, Tensor gain, Tensor shift) {}
    Norms m =
        new Norms(
            LayerNorm.init(3, DType.F64),
            RmsNorm.init(3, DType.F64),
            normal(1, 7, 3),
            normal(2, 3),
            normal(3));
    assertEquals(
        "a.weight+a.bias; b.weight; position; gain; shift",
        describe(
            m,
            (n, x) ->
                n.b
                    .apply(n.a.apply(x.add(n.position.slice(0, 0, 5))))
                    .mul(n.gain.add(1))
                    .sub(n.shift),
            normal(1, 1, 5, 3)));
  }

  @Test
  void embeddingTiedToTheOutput() {
    record Tied(Tensor e, Tensor bias) {}
    Tensor x = Tensor.of(new int[] {0, 3, 4, 3}, 1, 4);
    assertEquals(
        "e 1x3x6 4lookup t4; bias",
        describe(
            new Tied(normal(1, 6, 3), normal(2, 6)),
            (m, t) -> m.e.take(0, t).tanh().matmul(m.e.transpose()).add(m.bias),
            x));
  }

  @Test
  void layersUsedTwice() {
    Linear l = Linear.init(RngKey.of(1), 3, 3, DType.F64);
    assertEquals(
        "weight+bias 1x3x3 1+b 1+b",
        describe(l, (m, x) -> m.apply(m.apply(x).tanh()), normal(1, 1, 3)));
    // Without the bias the second time, and a bias that is also used alone.
    assertEquals(
        "weight+bias 1x3x3 1+b 1",
        describe(l, (m, x) -> m.apply(x).matmul(m.weight().transpose()), normal(1, 1, 3)));
    assertEquals(
        "weight 1x3x3 1; bias",
        describe(l, (m, x) -> m.apply(x).tanh().add(m.bias()), normal(1, 1, 3)));
    // What reads the product before the bias is added sees another derivative.
    assertEquals(
        "weight 1x3x3 1; bias",
        describe(
            l,
            (m, x) -> {
              Tensor y = x.matmul(m.weight().transpose());
              return y.add(m.bias()).mul(y);
            },
            normal(1, 1, 3)));
  }

  @Test
  void throughCheckpointsCastsAndCompiledFunctions() {
    Linear l = Linear.init(RngKey.of(1), 3, 2, DType.F64);
    var compiled = Autodiff.compile((Arguments<Linear> a) -> a.model.apply(a.x));
    assertEquals(
        "weight+bias 1x2x3 1+b",
        describe(
            l,
            (m, x) ->
                Autodiff.checkpoint((Tensor t) -> compiled.apply(new Arguments<>(m, t))).apply(x),
            normal(1, 1, 3)));
    assertEquals(
        "weight+bias 1x2x3 1+b",
        describe(
            new Linear(l.weight().cast(DType.F32), l.bias()),
            (m, x) -> x.matmul(m.weight().cast(DType.F64).transpose()).add(m.bias()),
            normal(1, 1, 3)));
  }

  @Test
  void attentionHasDenseProjections() {
    record Attention(Linear qkv, Linear out) {
      Tensor apply(Tensor x) {
        int t = x.dim(1);
        Tensor all = qkv.apply(x).reshape(x.dim(0), t, 3, 2, 2).permute(2, 0, 3, 1, 4);
        Tensor y = Functions.attention(all.select(0, 0), all.select(0, 1), all.select(0, 2));
        return out.apply(y.permute(0, 2, 1, 3).reshape(x.dim(0), t, 4));
      }
    }
    Attention m =
        new Attention(
            Linear.init(RngKey.of(1), 4, 12, DType.F64),
            Linear.init(RngKey.of(2), 4, 4, DType.F64));
    assertEquals(
        "qkv.weight+qkv.bias 1x12x4 5+b; out.weight+out.bias 1x4x4 5+b",
        describe(m, Attention::apply, normal(1, 1, 5, 4)));
  }

  private static void assertUncovered(
      BiFunction<Linear, Tensor, Tensor> network, String... expected) {
    Linear l = Linear.init(RngKey.of(1), 3, 3, DType.F64);
    var e = assertThrows(IllegalArgumentException.class, () -> find(l, network, normal(1, 1, 3)));
    assertTrue(Arrays.stream(expected).allMatch(e.getMessage()::contains), e.getMessage());
  }

  @Test
  void usesThatAreNotCoveredAreNamed() {
    String path = "parameter 'weight', F64[3, 3],";
    assertUncovered(
        (m, x) -> x.matmul(m.weight().exp()).add(m.bias()),
        path,
        "an operand of",
        "exp",
        "Covered");
    assertUncovered((m, x) -> x.matmul(m.weight().mul(2)).add(m.bias()), path, "dot");
    assertUncovered(
        (m, x) -> x.matmul(m.weight().slice(0, 0, 2).reshape(3, 2)).sum().add(m.bias()), path);
    assertUncovered(
        (m, x) -> x.matmul(m.weight().matmul(m.weight().transpose())).add(m.bias()), path, "dot");
    assertUncovered(
        (m, x) -> x.matmul(m.weight()).add(m.weight().sum()).add(m.bias()), path, "reduce_sum");
    assertUncovered(
        (m, x) -> x.matmul(m.weight()).insertAxis(-1).mul(m.weight()).add(m.bias()),
        path,
        "element by element");
    assertUncovered((m, x) -> x.add(m.bias()), "do not depend on parameter 'weight'");
    assertUncovered((m, x) -> ControlFlow.forLoop(2, (h, i) -> m.apply(h).tanh(), x), path, "scan");
  }
}
