package org.hesse;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.grad;
import static org.hesse.Autodiff.jvp;
import static org.hesse.Autodiff.vmap;
import static org.hesse.testing.Close.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.text.MessageFormat;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;

/** Traced once, replayed often. */
class CompileTest {
  private static Tensor vector(double... values) {
    return Tensor.of(values);
  }

  private static Tensor scalar(double value) {
    return Tensor.scalar(value, DType.F64);
  }

  @Test
  void tracesOnceForEachStructure() {
    AtomicInteger traces = new AtomicInteger();
    Function<Tensor, Tensor> f =
        compile(x -> {
          traces.incrementAndGet();
          return x.square().sum();
        });
    assertEquals(5, f.apply(vector(1, 2)).item());
    assertEquals(25, f.apply(vector(3, 4)).item());
    assertEquals(1, traces.get());
    assertEquals(14, f.apply(vector(1, 2, 3)).item());
    assertEquals(2, traces.get(), "another extent");
    assertEquals(5, f.apply(vector(1, 2).cast(DType.F32)).item());
    assertEquals(3, traces.get(), "another dtype");
    assertEquals(25, f.apply(vector(3, 4).reshape(1, 2)).item());
    assertEquals(4, traces.get(), "another rank");
    assertEquals(13, f.apply(vector(2, 3)).item());
    assertEquals(4, traces.get(), "the first again");
  }

  /** The last structure holds the very set that changes, and so equals it whatever is in it. */
  @Test
  void staticCollectionsAreReadAgain() {
    record Chosen(Tensor x, Set<String> functions) {}
    Function<Chosen, Tensor> f = compile(c -> c.functions.contains("square") ? c.x.square() : c.x);
    Set<String> functions = new HashSet<>();
    Tensor x = vector(3);
    assertArrayEquals(new double[] {3}, f.apply(new Chosen(x, functions)).toDoubleArray());
    functions.add("square");
    assertArrayEquals(new double[] {9}, f.apply(new Chosen(x, functions)).toDoubleArray());
    functions.clear();
    assertArrayEquals(new double[] {3}, f.apply(new Chosen(x, functions)).toDoubleArray());
  }

  /** A sorted map cannot compare its keys with strings. */
  @Test
  void keysThatAreNoStringsAreAnErrorInLaterCallsToo() {
    Function<Map<?, Tensor>, Tensor> f = compile(m -> m.values().iterator().next());
    var _ = f.apply(Map.of("a", vector(1)));
    Map<Integer, Tensor> other = new TreeMap<>(Map.of(1, vector(2)));
    var e = assertThrows(IllegalArgumentException.class, () -> f.apply(other));
    assertTrue(String.valueOf(e.getMessage()).contains("key 1"), e.getMessage());
  }

  @Test
  void staticPartsAreBakedInAndDistinguished() {
    record Scaled(Tensor x, double factor, String name) {}
    AtomicInteger traces = new AtomicInteger();
    Function<Scaled, Tensor> f =
        compile(s -> {
          traces.incrementAndGet();
          return s.x().mul(s.factor());
        });
    assertEquals(2, f.apply(new Scaled(scalar(1), 2, "a")).item());
    assertEquals(6, f.apply(new Scaled(scalar(3), 2, "a")).item());
    assertEquals(1, traces.get());
    assertEquals(9, f.apply(new Scaled(scalar(3), 3, "a")).item());
    assertEquals(2, traces.get());
  }

  @Test
  void structuresOfListsMapsAndOptionals() {
    record In(List<Tensor> list, Map<String, Tensor> map, Optional<Tensor> maybe) {}
    AtomicInteger traces = new AtomicInteger();
    Function<In, Tensor> f =
        compile(in -> {
          traces.incrementAndGet();
          Tensor total = in.maybe().orElse(scalar(100));
          for (Tensor t : in.list()) {
            total = total.add(t);
          }
          return total.add(in.map().get("k"));
        });
    Map<String, Tensor> map = Map.of("k", scalar(5));
    assertEquals(7, f.apply(new In(List.of(scalar(1)), map, Optional.of(scalar(1)))).item());
    assertEquals(106, f.apply(new In(List.of(scalar(1)), map, Optional.empty())).item());
    assertEquals(2, traces.get());
    In longer = new In(List.of(scalar(1), scalar(2)), map, Optional.empty());
    assertEquals(108, f.apply(longer).item());
    assertEquals(3, traces.get());
  }

  /** As documented: what a function captures is read when it is traced. */
  @Test
  void capturedTensorsAreThoseOfTheFirstCall() {
    AtomicReference<Tensor> captured = new AtomicReference<>(scalar(10));
    Function<Tensor, Tensor> f = compile(x -> x.mul(captured.get()));
    assertEquals(20, f.apply(scalar(2)).item());
    captured.set(scalar(1000));
    assertEquals(30, f.apply(scalar(3)).item());
    assertEquals(2000, f.apply(vector(1, 2)).select(0, 1).item(), "a new structure is traced anew");
  }

  @Test
  void capturedAndPassedAreTheSame() {
    Tensor w = vector(2, 3);
    Tensor x = vector(5, 7);
    Function<Tensor, Tensor> closed = compile(t -> w.mul(t).sum());
    Function<List<Tensor>, Tensor> open = compile(t -> t.get(0).mul(t.get(1)).sum());
    assertEquals(31, closed.apply(x).item());
    assertEquals(31, open.apply(List.of(w, x)).item());
    assertEquals(13, closed.apply(w).item(), "the argument is the captured tensor");
  }

  @Test
  void nestsInTransformsAndTheyInIt() {
    Function<Tensor, Tensor> square = compile(x -> x.mul(x));
    Tensor x = vector(1, 2, 3);
    assertClose(
        "grad of compile", vector(2, 4, 6), grad((Tensor t) -> square.apply(t).sum()).apply(x), 0);
    assertClose("jvp of compile", vector(2, 4, 6), jvp(square, x, vector(1, 1, 1)).tangent(), 0);
    assertClose("vmap of compile", vector(1, 4, 9), vmap(square).apply(x), 0);
    Function<Tensor, Tensor> cube = compile(t -> square.apply(t).mul(t).sum());
    Function<Tensor, Tensor> second =
        compile(t -> grad((Tensor s) -> grad(cube).apply(s).sum()).apply(t));
    assertClose("compile of grad of grad of compile", vector(6, 12, 18), second.apply(x), 1e-15);
    assertClose("replayed", vector(12, 18, 24), second.apply(vector(2, 3, 4)), 1e-15);
    // Compiled before and after having been inlined.
    assertEquals(36, cube.apply(x).item());
  }

  @Test
  void controlFlowOverStaticsIsUnrolled() {
    record Power(Tensor x, int n) {}
    Function<Power, Tensor> f =
        compile(p -> {
          Tensor y = scalar(1);
          for (int i = 0; i < p.n(); i++) {
            y = y.mul(p.x());
          }
          return y;
        });
    assertEquals(1, f.apply(new Power(scalar(2), 0)).item());
    assertEquals(8, f.apply(new Power(scalar(2), 3)).item());
    assertEquals(1024, f.apply(new Power(scalar(2), 10)).item());
  }

  @Test
  void twoArgumentsAndResultsWithoutInputs() {
    var f = compile((Tensor a, Tensor b) -> a.sub(b));
    assertEquals(3, f.apply(scalar(5), scalar(2)).item());
    var g = compile((Tensor a) -> List.of(Tensor.arange(DType.I32, 3), Tensor.eye(DType.F32, 2)));
    assertEquals(2, g.apply(scalar(0)).get(0).select(0, 2).item());
    var h = compile((List<Tensor> none) -> scalar(4));
    assertEquals(4, h.apply(List.of()).item());
    assertEquals(4, h.apply(List.of()).item());
  }

  @Test
  void resultsAreNotOverwrittenByLaterCalls() {
    Function<Tensor, Tensor> f = compile(x -> x.add(1).mul(2));
    Tensor first = f.apply(vector(1, 2));
    Tensor second = f.apply(vector(10, 20));
    assertClose("first", vector(4, 6), first, 0);
    assertClose("second", vector(22, 42), second, 0);
    Function<Tensor, Tensor> same = compile(x -> x);
    Tensor x = vector(1, 2);
    assertClose("identity", x, same.apply(x), 0);
  }

  @Test
  void manyStructures() {
    Function<Tensor, Tensor> f = compile(x -> x.sum());
    for (int round = 0; round < 2; round++) {
      for (int n = 1; n < 90; n++) {
        assertEquals(n, f.apply(Tensor.ones(DType.F64, n)).item());
      }
    }
  }

  @Test
  void randomNumbersComeFromTheKeyInTheArgument() {
    Function<RngKey, Tensor> draw = compile(k -> k.normal(DType.F64, 4));
    assertClose("same key", draw.apply(RngKey.of(1)), RngKey.of(1).normal(DType.F64, 4), 1e-15);
    Tensor other = draw.apply(RngKey.of(2));
    assertThrows(
        AssertionError.class, () -> assertClose("keys", draw.apply(RngKey.of(1)), other, 1e-3));
  }

  @Test
  void concurrentCalls() throws Exception {
    Function<Tensor, Tensor> f = compile(x -> x.mul(x).add(x.exp().sum()));
    try (ExecutorService pool = Executors.newFixedThreadPool(4)) {
      List<Callable<Double>> tasks = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        int n = i;
        tasks.add(() -> f.apply(Tensor.full(n % 7, DType.F64, 50)).select(0, 3).item());
      }
      List<Future<Double>> results = pool.invokeAll(tasks);
      for (int i = 0; i < results.size(); i++) {
        double x = i % 7;
        double expected = x * x + 50 * Math.exp(x);
        assertEquals(expected, results.get(i).get(), 1e-12 * expected);
      }
    }
  }

  /** As one operation after another gives them, signs of zeros included. */
  @Test
  void zerosKeepTheirSigns() {
    Tensor x = vector(-0.0, 0.0, 1, -2, Double.NaN, Double.NEGATIVE_INFINITY);
    List<Function<Tensor, Tensor>> functions =
        List.of(
            t -> t.add(0),
            t -> t.add(-0.0),
            t -> t.sub(0),
            t -> t.sub(-0.0),
            t -> Tensor.scalar(0, DType.F64).add(t),
            t -> Tensor.scalar(-0.0, DType.F64).add(t),
            t -> Tensor.scalar(0, DType.F64).sub(t),
            t -> t.mul(1).div(1),
            t -> t.mul(-1).div(-1),
            t -> t.neg().add(0).neg(),
            t -> t.neg().neg().add(t.neg()),
            t -> t.sub(t.neg()),
            t -> t.neg().add(t),
            t -> t.add(Tensor.zeros(DType.F64, 6)).cast(DType.F32).add(0),
            t -> Tensor.full(-0.0, DType.F64, 6).take(0, Tensor.of(new int[] {1, 2})),
            t -> Tensor.full(-0.0, DType.F64, 6).cumsum(0),
            t -> t.abs().neg().add(0).abs(),
            t -> t.maximum(Tensor.scalar(0, DType.F64)).add(-0.0));
    for (int i = 0; i < functions.size(); i++) {
      Tensor now = functions.get(i).apply(x);
      Tensor later = compile(functions.get(i)).apply(x);
      // Unlike ==, this tells zeros of different signs apart.
      assertArrayEquals(
          now.toDoubleArray(), later.toDoubleArray(), "function " + i + " " + now + " " + later);
    }
    assertEquals(
        "[0.0, -0.0]", Arrays.toString(vector(-0.0, -0.0).add(vector(0, -0.0)).toDoubleArray()));
  }

  /** What meets ever new shapes is traced ever again, and says so, once. */
  @Test
  void manyStructuresAreWarnedOfOnce() {
    List<String> warnings = new ArrayList<>();
    Handler handler =
        new Handler() {
          @Override
          public void publish(LogRecord r) {
            warnings.add(MessageFormat.format(r.getMessage(), r.getParameters()));
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };
    Logger logger = Logger.getLogger("org.hesse");
    logger.addHandler(handler);
    try {
      Function<Tensor, Tensor> f = compile((Tensor t) -> t.mul(2).sum());
      for (int n = 1; n <= 64; n++) {
        assertEquals(2.0 * n, f.apply(Tensor.ones(DType.F64, n)).item());
      }
      assertEquals(List.of(), warnings);
      for (int n = 65; n <= 70; n++) {
        assertEquals(2.0 * n, f.apply(Tensor.ones(DType.F64, n)).item());
      }
      assertEquals(2, f.apply(Tensor.ones(DType.F64, 1)).item());
    } finally {
      logger.removeHandler(handler);
    }
    assertEquals(1, warnings.size(), warnings.toString());
    assertTrue(warnings.getFirst().contains("more than 64 structures"), warnings.toString());
    assertTrue(warnings.getFirst().contains("[65]"), warnings.toString());
  }
}
