package org.hesse.nn;

import static org.hesse.testing.Close.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import org.hesse.Autodiff;
import org.hesse.DType;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.hesse.Tree;
import org.hesse.testing.Arr;
import org.hesse.testing.Scalars;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Layers and networks: shapes, names, values. */
class MlpTest {
  private static final MlpShape SHAPE = MlpShape.parse("mlp:4-3-2:relu");

  private static Mlp model() {
    return Mlp.init(RngKey.of(1), SHAPE, DType.F64);
  }

  private static void refused(Executable body, String... parts) {
    String message = assertThrows(IllegalArgumentException.class, body).getMessage();
    for (String p : parts) {
      assertTrue(message.contains(p), "'" + p + "' is not in: " + message);
    }
  }

  @Test
  void parametersAreNamedAndLaidOutAsPyTorchDoes() {
    Map<String, Tensor> state = model().state();
    assertEquals(List.of("0.weight", "0.bias", "2.weight", "2.bias"), List.copyOf(state.keySet()));
    assertArrayEquals(new int[] {3, 4}, state.get("0.weight").shape().dims());
    assertArrayEquals(new int[] {3}, state.get("0.bias").shape().dims());
    assertArrayEquals(new int[] {2, 3}, state.get("2.weight").shape().dims());
    assertArrayEquals(new int[] {2}, state.get("2.bias").shape().dims());
  }

  @Test
  void initialValuesAreUniformInTheirBounds() {
    Linear l = Linear.init(RngKey.of(2), 100, 300, DType.F32);
    double[] w = l.weight().toDoubleArray();
    double largest = 0;
    double square = 0;
    for (double v : w) {
      largest = Math.max(largest, Math.abs(v));
      square += v * v / w.length;
    }
    assertTrue(largest <= 0.1 && largest > 0.0999, "largest " + largest);
    assertEquals(0.01 / 3, square, 5 * 0.01 / 3 / Math.sqrt(w.length));
    assertEquals(DType.F32, l.bias().dtype());
  }

  @Test
  void appliesLayerAfterLayer() {
    for (Activation a : Activation.values()) {
      Mlp m = Mlp.init(RngKey.of(3), new MlpShape(List.of(4, 3, 2), a), DType.F64);
      List<Tensor> p = Tree.leavesOf(m);
      Arr x = Arr.normal(new Random(4), 5, 4);
      Arr hidden = affine(x, Arr.of(p.get(0)), Arr.of(p.get(1))).map(scalar(a));
      Arr expected = affine(hidden, Arr.of(p.get(2)), Arr.of(p.get(3)));
      assertClose(a.toString(), expected, Arr.of(m.apply(x.tensor())), 1e-14);
    }
  }

  /** Φ(x) far below 0 is a small number, not the difference of 1 and almost 1. */
  @Test
  void geluKeepsItsDigitsInTheTail() {
    for (double x : new double[] {-1, -4, -6, -9, -15, -30, 8}) {
      Tensor at = Tensor.scalar(x, DType.F64);
      double cdf = Scalars.erfc(-x / Math.sqrt(2)) / 2;
      double density = Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
      // The rounding of x/√2 is amplified x² times, whatever one does.
      double bound = (2 + x * x) * 4e-16;
      double y = Activation.GELU.apply(at).item();
      assertEquals(x * cdf, y, bound * Math.abs(x * cdf), "gelu(" + x + ")");
      double slope = Autodiff.grad(Activation.GELU::apply).apply(at).item();
      double expected = cdf + x * density;
      assertEquals(expected, slope, bound * Math.abs(expected), "gelu'(" + x + ")");
    }
  }

  private static Arr affine(Arr x, Arr w, Arr b) {
    return Arr.build(
        DType.F64,
        new int[] {x.dims()[0], w.dims()[0]},
        i -> {
          double total = b.at(i[1]);
          for (int k = 0; k < w.dims()[1]; k++) {
            total += x.at(i[0], k) * w.at(i[1], k);
          }
          return total;
        });
  }

  private static DoubleUnaryOperator scalar(Activation a) {
    return switch (a) {
      case RELU -> x -> Math.max(x, 0);
      case TANH -> Math::tanh;
      case SIGMOID -> Scalars::sigmoid;
      case GELU -> x -> x * Scalars.erfc(-x / Math.sqrt(2)) / 2;
      case SILU -> x -> x * Scalars.sigmoid(x);
      case SOFTPLUS -> Scalars::softplus;
      case IDENTITY -> x -> x;
    };
  }

  @Test
  void savedStateLoads() {
    Mlp m = model();
    assertEquals(m, Mlp.load(SHAPE, m.state()));
  }

  @Test
  void stateThatDoesNotFit() {
    Map<String, Tensor> lacking = new LinkedHashMap<>(model().state());
    lacking.remove("2.bias");
    refused(() -> Mlp.load(SHAPE, lacking), "'2.bias'", "mlp:4-3-2:relu");
    Map<String, Tensor> extra = new LinkedHashMap<>(model().state());
    extra.put("4.weight", Tensor.zeros(DType.F64, 1));
    refused(() -> Mlp.load(SHAPE, extra), "4.weight");
    Map<String, Tensor> flat = new LinkedHashMap<>(model().state());
    flat.put("0.weight", Tensor.zeros(DType.F64, 4, 3));
    refused(() -> Mlp.load(SHAPE, flat), "'0.weight'", "[4, 3]", "[3, 4]");
    Map<String, Tensor> whole = new LinkedHashMap<>(model().state());
    whole.put("0.bias", Tensor.zeros(DType.I32, 3));
    refused(() -> Mlp.load(SHAPE, whole), "'0.bias'", "I32");
    Map<String, Tensor> mixed = new LinkedHashMap<>(model().state());
    mixed.put("0.bias", Tensor.zeros(DType.F32, 3));
    refused(() -> Mlp.load(SHAPE, mixed), "'0.bias'", "F32", "F64");
  }

  @Test
  void architecturesAreRead() {
    assertEquals(
        new MlpShape(List.of(64, 32, 10), Activation.TANH), MlpShape.parse("mlp:64-32-10"));
    MlpShape s = MlpShape.parse("mlp:5-3:GELU");
    assertEquals("mlp:5-3:gelu", s.toString());
    assertEquals(1, s.depth());
    assertEquals(5, s.inputs());
    assertEquals(3, s.outputs());
    for (String bad :
        new ArrayList<>(
            List.of(
                "",
                "mlp",
                "mlp:",
                "mlp:3",
                "mlp:3-x",
                "mlp:3-0",
                "mlp:3--2",
                "cnn:3-2",
                "mlp:3-2:nosuch",
                "mlp:3-2:tanh:x",
                "mlp:3-99999999999"))) {
      refused(() -> MlpShape.parse(bad), "arch: '" + bad + "'");
    }
  }
}
