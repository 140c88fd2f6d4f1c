package org.hesse;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.grad;
import static org.hesse.Autodiff.hvp;
import static org.hesse.Autodiff.jvp;
import static org.hesse.Autodiff.vjp;
import static org.hesse.Autodiff.vmap;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Mistakes that are easy to make with traced functions: each gets an error that names it. */
class FootGunTest {
  private static final Tensor X = Tensor.of(new double[] {1, 2, 3});
  private static final Tensor ONE = Tensor.scalar(1, DType.F64);

  private static void refused(
      Class<? extends RuntimeException> type, Executable body, String... parts) {
    String message = String.valueOf(assertThrows(type, body).getMessage());
    for (String p : parts) {
      assertTrue(message.contains(p), "'" + p + "' is not in: " + message);
    }
  }

  private static void illegalState(Executable body, String... parts) {
    refused(IllegalStateException.class, body, parts);
  }

  private static void illegalArgument(Executable body, String... parts) {
    refused(IllegalArgumentException.class, body, parts);
  }

  // ---- values inside a trace

  @Test
  void readingAValueInsideATransform() {
    Function<Tensor, Tensor> item = x -> x.mul(x.sum().item());
    illegalState(() -> grad((Tensor x) -> item.apply(x).sum()).apply(X), "item()", "grad", "F64[]");
    illegalState(() -> jvp(item, X, X), "item()", "jvp");
    illegalState(() -> vjp(item, X), "item()", "vjp");
    illegalState(() -> vmap((Tensor x) -> x.mul(x.item())).apply(X), "item()", "vmap");
    illegalState(() -> compile(item).apply(X), "item()", "compile", "select");
    illegalState(
        () -> compile((Tensor x) -> Tensor.of(x.toDoubleArray())).apply(X),
        "toDoubleArray()",
        "F64[3]");
    illegalState(
        () -> compile((Tensor x) -> Tensor.of(x.toFloatArray())).apply(X), "toFloatArray()");
    illegalState(
        () -> compile((Tensor x) -> x.mul(x.gt(0).toIntArray()[0])).apply(X), "toIntArray()");
    illegalState(
        () -> compile((Tensor x) -> x.gt(0).toBooleanArray()[0] ? x : x.neg()).apply(X),
        "toBooleanArray()",
        "BOOL[3]");
  }

  @Test
  void aValueThatWasThereBeforeCanBeRead() {
    Tensor two = Tensor.scalar(2, DType.F64);
    assertEquals(6, compile((Tensor x) -> x.mul(two.item())).apply(X).select(0, 2).item());
  }

  @Test
  void printingATracedTensorDoesNotReadIt() {
    List<String> seen = new ArrayList<>();
    Function<Tensor, Tensor> f =
        x -> {
          seen.add(x.add(1).toString());
          return x;
        };
    assertEquals(3, compile(f).apply(X).size());
    assertEquals(List.of("F64[3]"), seen);
  }

  @Test
  void aTensorLeakedFromATrace() {
    List<Tensor> leaked = new ArrayList<>();
    Function<Tensor, Tensor> f =
        x -> {
          leaked.add(x.square());
          return x.sum();
        };
    assertEquals(3, grad(f).apply(X).size());
    illegalState(() -> leaked.getFirst().add(1), "grad", "returned", "F64[3]");
    illegalState(() -> leaked.getFirst().toDoubleArray(), "grad");
    illegalState(() -> Tensor.concat(0, X, leaked.getFirst()), "grad");
    illegalState(() -> compile((Tensor x) -> x.add(leaked.getFirst())).apply(X), "grad");
    leaked.clear();
    assertEquals(1, compile(f).apply(X).size());
    illegalState(() -> X.mul(leaked.getFirst()), "compile");
    leaked.clear();
    assertEquals(3, vmap((Tensor x) -> f.apply(x.insertAxis(0))).apply(X).size());
    illegalState(() -> leaked.getFirst().sum(), "vmap");
  }

  @Test
  void aTensorLeakedFromAnInnerTrace() {
    List<Tensor> leaked = new ArrayList<>();
    Function<Tensor, Tensor> outer =
        x -> {
          Function<Tensor, Tensor> inner =
              y -> {
                leaked.add(y.square());
                return y.sum();
              };
          return grad(inner).apply(x).mul(leaked.getFirst());
        };
    illegalState(() -> compile(outer).apply(X), "grad", "returned");
  }

  @Test
  void aTraceEndsWhenTheFunctionThrows() {
    assertThrows(
        UnsupportedOperationException.class,
        () ->
            compile(
                    (Tensor x) -> {
                      throw new UnsupportedOperationException("the function's own");
                    })
                .apply(X));
    assertEquals(2, X.add(1).select(0, 0).item());
  }

  // ---- wrong arguments of transforms

  @Test
  void aLossThatIsNoScalar() {
    illegalArgument(() -> grad((Tensor x) -> x.square()).apply(X), "F64[3]", "scalar", "sum");
    illegalArgument(() -> grad((Tensor x) -> x.argMax(0)).apply(X), "I32[]");
    illegalArgument(() -> hvp((Tensor x) -> x, X, X), "F64[3]");
    illegalArgument(() -> Autodiff.checkGradients((Tensor x) -> x, X, 1), "F64[3]");
  }

  @Test
  void aLeafWithoutDerivatives() {
    record Model(Tensor weight, Tensor steps) {}
    Model m = new Model(X, Tensor.of(new int[] {1}));
    Function<Model, Tensor> f = p -> p.weight().sum();
    illegalArgument(() -> grad(f).apply(m), "'steps'", "I32");
    illegalArgument(() -> vjp(f, m), "'steps'", "I32");
    illegalArgument(() -> Autodiff.checkGradients(f, m, 1), "'steps'", "I32");
    // Forward mode ignores it.
    Model v = new Model(X, m.steps());
    assertEquals(6, jvp(f, m, v).tangent().item());
  }

  @Test
  void tangentsAndCotangentsOfAnotherShape() {
    Function<Tensor, Tensor> f = x -> x.square();
    illegalArgument(() -> jvp(f, X, ONE), "v", "F64[]", "F64[3]");
    illegalArgument(() -> jvp(f, X, X.cast(DType.F32)), "F32[3]", "F64[3]");
    illegalArgument(() -> vjp(f, X).pullback().apply(ONE), "cotangent", "F64[]", "F64[3]");
    illegalArgument(() -> hvp((Tensor x) -> x.sum(), X, ONE), "F64[]", "F64[3]");
    record Two(Tensor a, Tensor b) {}
    Function<Two, Tensor> g = t -> t.a().add(t.b()).sum();
    illegalArgument(() -> jvp(g, new Two(X, X), new Two(X, ONE)), "'b'", "F64[3]");
    illegalArgument(
        () -> jvp((List<Tensor> t) -> t.get(0), List.of(X), List.of(X, X)), "structure");
  }

  @Test
  void batchesOfDifferentExtents() {
    record Two(Tensor a, Tensor b) {}
    Function<Two, Tensor> f = t -> t.a().mul(t.b());
    illegalArgument(
        () -> vmap(f).apply(new Two(X, Tensor.zeros(DType.F64, 4))), "vmap", "'b'", "[4]", "3");
    illegalArgument(() -> vmap(f).apply(new Two(ONE, X)), "vmap", "'a'", "[]", "batch axis");
    illegalArgument(() -> vmap((List<Tensor> t) -> X).apply(List.of()), "vmap", "no tensor");
  }

  // ---- wrong arguments of operations

  @Test
  void mixedDtypes() {
    Tensor f32 = X.cast(DType.F32);
    Tensor i32 = X.cast(DType.I32);
    illegalArgument(() -> X.add(f32), "add", "F64[3]", "F32[3]", "cast");
    illegalArgument(() -> X.matmul(f32), "F64", "F32");
    illegalArgument(() -> X.gt(i32), "gt", "F64[3]", "I32[3]");
    illegalArgument(() -> X.gt(X).select(X, f32), "select", "F64[3]", "F32[3]");
    illegalArgument(() -> X.select(X, X), "select", "BOOL");
    illegalArgument(() -> Tensor.concat(0, X, i32), "concat", "F64[3]", "I32[3]");
    illegalArgument(() -> i32.exp(), "exp", "I32");
    illegalArgument(() -> i32.mul(0.5), "0.5", "I32");
    illegalArgument(() -> Tensor.full(3e9, DType.I32, 2), "3.0E9", "I32");
    illegalArgument(() -> X.gt(0).add(X.gt(0)), "add", "BOOL");
    illegalArgument(() -> X.gt(0).sum(), "BOOL");
    illegalArgument(() -> X.and(X), "and", "F64");
    illegalArgument(() -> RngKey.of(1).uniform(DType.I32, 2), "I32", "F32");
  }

  @Test
  void shapesThatDoNotFit() {
    Tensor m = Tensor.zeros(DType.F64, 2, 3);
    illegalArgument(() -> X.add(Tensor.zeros(DType.F64, 2)), "[3]", "[2]", "broadcast");
    illegalArgument(() -> m.matmul(m), "[2, 3]", "contracted");
    illegalArgument(() -> m.matmul(ONE), "[2, 3]", "[]");
    Tensor cube = Tensor.zeros(DType.F64, 3, 4, 5);
    illegalArgument(() -> Tensor.zeros(DType.F64, 3, 4).matmul(cube), "[3, 4]", "[3, 4, 5]");
    illegalArgument(() -> m.reshape(4), "[2, 3]", "[4]", "6");
    illegalArgument(() -> m.reshape(-1, 4), "[2, 3]");
    illegalArgument(() -> m.reshape(-1, -1), "negative");
    illegalArgument(() -> m.permute(0, 0), "permute", "[0, 0]");
    illegalArgument(() -> m.sum(2), "axis", "2", "[2, 3]");
    illegalArgument(() -> m.sum(1, -1), "distinct");
    illegalArgument(() -> m.argMax(-3), "axis", "-3");
    illegalArgument(() -> Tensor.zeros(DType.F64, 2, 0).argMax(1), "argmax", "[2, 0]");
    illegalArgument(() -> m.slice(1, 1, 4), "slice", "1 to 4");
    illegalArgument(() -> m.slice(0, 1, 0), "slice", "1 to 0");
    illegalArgument(() -> m.select(0, 2), "slice");
    illegalArgument(() -> m.broadcastTo(3, 3), "[2, 3]", "[3, 3]");
    illegalArgument(() -> m.broadcastTo(3), "[2, 3]", "[3]");
    illegalArgument(() -> m.insertAxis(3), "3", "[2, 3]");
    illegalArgument(() -> m.insertAxis(-4), "-4", "[2, 3]");
    illegalArgument(() -> Tensor.stack(0, X, ONE), "concat");
    illegalArgument(() -> Tensor.stack(-3, X), "-3", "[3]");
    illegalArgument(() -> Tensor.concat(0), "concat", "no operands");
    illegalArgument(() -> Tensor.concat(1, m, Tensor.zeros(DType.F64, 3, 3)), "[2, 3]", "[3, 3]");
    illegalArgument(() -> Tensor.of(new double[] {1, 2}, 3), "[3]", "2");
    illegalArgument(() -> Tensor.zeros(DType.F64, -1), "[-1]", "negative");
    illegalState(() -> X.transpose(), "transpose()", "[3]");
    illegalState(() -> X.item(), "item()", "[3]");
    illegalState(() -> X.toIntArray(), "toIntArray()", "cast");
    illegalState(() -> X.toBooleanArray(), "toBooleanArray()", "F64[3]");
  }

  @Test
  void valuesAreCopied() {
    double[] mine = {1, 2, 3};
    Tensor t = Tensor.of(mine);
    mine[0] = 100;
    assertEquals(1, t.select(0, 0).item());
    t.toDoubleArray()[1] = 100;
    assertEquals(2, t.select(0, 1).item());
    Tensor same = t.reshape(3);
    same.toDoubleArray()[2] = 100;
    assertEquals(3, t.select(0, 2).item());
  }

  @Test
  void largeNumbersOfNodesDoNotOverflowTheStack() {
    int links = 33_334;
    Function<Tensor, Tensor> chain =
        x -> {
          Tensor y = x;
          for (int i = 0; i < links; i++) {
            y = y.add(y.sin().mul(1e-4));
          }
          return y.sum();
        };
    Tensor x = Tensor.of(new double[] {0.5, -0.25});
    double[] got = grad(chain).apply(x).toDoubleArray();
    for (int k = 0; k < 2; k++) {
      double y = x.select(0, k).item();
      double d = 1;
      for (int i = 0; i < links; i++) {
        d *= 1 + 1e-4 * Math.cos(y);
        y += 1e-4 * Math.sin(y);
      }
      assertEquals(d, got[k], 1e-9 * d, "derivative of element " + k);
    }
  }

  @Test
  void notANumberPassesARectifier() {
    Tensor x = Tensor.of(new float[] {Float.NaN, -1, 0, 2});
    assertArrayEquals(new float[] {Float.NaN, 0, 0, 2}, x.relu().toFloatArray());
    assertEquals(0, grad((Tensor t) -> t.relu().sum()).apply(x).select(0, 2).item());
  }

  @Test
  void movingByMoreBitsThanThereAre() {
    Tensor x = Tensor.of(new int[] {-1});
    assertArrayEquals(new int[] {1}, x.shiftRight(31).toIntArray());
    illegalArgument(() -> x.shiftRight(32), "bits: 32", "0 … 31");
    illegalArgument(() -> x.shiftRight(-1), "bits: -1");
  }

  @Test
  void anotherThreadInsideATraceIsNamed() throws InterruptedException {
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    Tensor one = Tensor.ones(DType.F64, 2);
    Function<Tensor, Tensor> forking =
        t -> {
          Thread other = Thread.ofPlatform().unstarted(() -> t.mul(2));
          other.setUncaughtExceptionHandler((_, e) -> thrown.set(e));
          other.start();
          assertDoesNotThrow(() -> other.join());
          return t.sum();
        };
    assertEquals(2, Autodiff.compile(forking).apply(one).item());
    assertTrue(thrown.get().getMessage().contains("another thread"), () -> "" + thrown.get());
  }
}
