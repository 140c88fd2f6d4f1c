package org.hesse.plan;

import static org.hesse.Autodiff.grad;
import static org.hesse.Autodiff.program;
import static org.hesse.ControlFlow.forLoop;
import static org.hesse.ControlFlow.scan;
import static org.hesse.ControlFlow.scanOutputs;
import static org.hesse.ControlFlow.scanReverse;
import static org.hesse.ControlFlow.whileLoop;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.hesse.ControlFlow.Round;
import org.hesse.DType;
import org.hesse.Matrices;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.hesse.backend.Buffer;
import org.hesse.backend.Step;
import org.hesse.backend.cpu.CpuBackend;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.hesse.testing.ReferenceInterpreter;
import org.junit.jupiter.api.Test;

/** What loops compute and what not, the memory they take, and how they end. */
class LoopTest {
  private static final int TIME = 6;

  private static Tensor random(int seed, int... dims) {
    return RngKey.of(seed).normal(DType.F64, dims).mul(0.4);
  }

  private static Plan plan(Program program) {
    return Plan.compile(CpuBackend.instance(), program);
  }

  private static double[][] run(Plan plan, Tensor... inputs) {
    Buffer[] in =
        Arrays.stream(inputs)
            .map(t -> CpuBackend.instance().upload(t.toDoubleArray()))
            .toArray(Buffer[]::new);
    return Arrays.stream(plan.run(in)).map(b -> (double[]) b.toArray()).toArray(double[][]::new);
  }

  private static Step.Loop loop(Plan plan) {
    List<Step> loops =
        plan.schedule().steps().stream().filter(s -> s instanceof Step.Loop).toList();
    assertEquals(1, loops.size(), plan.print());
    return (Step.Loop) loops.get(0);
  }

  private static long count(List<Step> steps, Class<? extends Step> kind) {
    return steps.stream().filter(kind::isInstance).count();
  }

  private static Node scanNode(Plan plan) {
    List<Node> scans =
        plan.program().nodes().stream().filter(n -> n.op() instanceof Op.Scan).toList();
    assertEquals(1, scans.size(), () -> plan.program().print());
    return scans.get(0);
  }

  /** Of two states and three outputs only what the first output needs is left. */
  @Test
  void whatNobodyReadsIsNotComputed() {
    record Two(Tensor a, Tensor b) {}
    Plan p =
        plan(
            program(
                (Tensor x) ->
                    scanOutputs(
                            (Two s, Tensor row) ->
                                new Round<>(
                                    new Two(s.a().add(row), s.b().matmul(s.b()).tanh()),
                                    List.of(s.a(), s.b().sum(), row.exp())),
                            new Two(Tensor.zeros(DType.F64, 3), Tensor.ones(DType.F64, 9, 9)),
                            x)
                        .outputs()
                        .get(0),
                random(1, TIME, 3)));
    Op.Scan op = (Op.Scan) scanNode(p).op();
    assertEquals(1, op.states());
    assertEquals(1, op.body().outputs().size(), "the output is the history of a state");
    assertEquals(0, count(loop(p).body(), Step.Dot.class));
  }

  @Test
  void whatNoRoundChangesIsComputedOnce() {
    Tensor w = random(2, 5, 5);
    Plan p =
        plan(
            program(
                (Tensor x) ->
                    forLoop(TIME, (Tensor s, Tensor i) -> s.matmul(w.matmul(w).tanh()).tanh(), x),
                random(3, 4, 5)));
    assertEquals(1, count(loop(p).body(), Step.Dot.class), p.print());
    assertEquals(1, count(p.schedule().steps(), Step.Dot.class), p.print());
  }

  /** A state that is always the same, a sequence of equal slices, and what follows from them. */
  @Test
  void constantsInDisguiseAreConstants() {
    record Two(Tensor a, Tensor b) {}
    Plan p =
        plan(
            program(
                (Tensor x) -> {
                  var all =
                      scanOutputs(
                          (Two s, Tensor row) ->
                              new Round<>(
                                  new Two(s.a().mul(row.exp()), s.b()), s.b().add(row).sin()),
                          new Two(x, x.neg()),
                          x.exp().broadcastTo(TIME, 3));
                  return List.of(all.state().a(), all.state().b(), all.outputs());
                },
                random(4, 3)));
    Node scan = scanNode(p);
    assertEquals(1, ((Op.Scan) scan.op()).states());
    assertEquals(0, ((Op.Scan) scan.op()).slices());
    double[] x = {0.5, -1, 0.25};
    double[][] out = run(p, Tensor.of(x, 3));
    for (int i = 0; i < 3; i++) {
      assertEquals(x[i] * Math.exp(TIME * Math.exp(x[i])), out[0][i], 1e-9 * Math.abs(out[0][i]));
      assertEquals(-x[i], out[1][i]);
      assertEquals(Math.sin(Math.exp(x[i]) - x[i]), out[2][3 * (TIME - 1) + i], 1e-12);
    }
  }

  @Test
  void memoryDoesNotGrowWithTheNumberOfRounds() {
    long[] bytes =
        IntStream.of(10, 100_000)
            .mapToObj(n ->
                plan(
                    program(
                        (Tensor x) -> forLoop(n, (Tensor s, Tensor i) -> s.matmul(s).tanh(), x),
                        random(5, 4, 4))))
            .mapToLong(p -> p.schedule().arena().getOrDefault(DType.F64, 0L))
            .toArray();
    assertEquals(bytes[0], bytes[1]);
  }

  @Test
  void aMillionRoundsNeitherUnrollNorOverflow() {
    int n = 1_000_000;
    Plan p =
        plan(
            program(
                (Tensor x) -> forLoop(n, (Tensor s, Tensor i) -> s.add(i.cast(DType.F64)), x),
                Tensor.zeros(DType.F64, 8)));
    assertTrue(p.schedule().steps().size() < 5, p.print());
    assertEquals(new Step.Count(n, false), loop(p).rounds());
    assertEquals(0.5 * n * (n - 1.0), run(p, Tensor.zeros(DType.F64, 8))[0][3]);
  }

  private static Tensor next(Tensor w, Tensor v, Tensor h, Tensor x) {
    return x.matmul(w).add(h.matmul(v)).tanh();
  }

  /** The gradients of both weights are one product each, with the rounds contracted. */
  @Test
  void weightGradientsAreProductsAfterTheLoop() {
    Tensor x = random(6, TIME, 3, 8);
    Program gradient =
        program(
            grad((List<Tensor> w) ->
                scan(
                        (Tensor h, Tensor row) -> next(w.get(0), w.get(1), h, row),
                        Tensor.zeros(DType.F64, 3, 8),
                        x)
                    .square()
                    .sum()),
            List.of(random(7, 8, 8), random(8, 8, 8)));
    Plan p = plan(gradient);
    long after =
        p.schedule().steps().stream()
            .filter(s -> s instanceof Step.Dot d && d.m() == 8 && d.n() == 8 && d.k() == 3 * TIME)
            .count();
    assertEquals(2, after, p.print());
    for (Step s : p.schedule().steps()) {
      if (s instanceof Step.Loop l) {
        l.after().forEach(m -> assertTrue(m.count() <= 3 * 8, p.print()));
      }
    }
    compare(gradient, p);
  }

  /** Without a batch they are sums of outer products, which are written elementwise. */
  @Test
  void outerProductsAreAddedUpAfterTheLoopToo() {
    Tensor x = random(9, TIME, 8);
    Program gradient =
        program(
            grad((List<Tensor> w) ->
                scan(
                        (Tensor h, Tensor row) ->
                            w.get(0).matmul(row).add(h.matmul(w.get(1))).tanh(),
                        Tensor.zeros(DType.F64, 8),
                        x)
                    .square()
                    .sum()),
            List.of(random(10, 8, 8), random(11, 8, 8)));
    Plan p = plan(gradient);
    long after =
        p.schedule().steps().stream()
            .filter(s -> s instanceof Step.Dot d && d.m() == 8 && d.n() == 8 && d.k() == TIME)
            .count();
    assertEquals(2, after, p.print());
    compare(gradient, p);
  }

  /** Where what is multiplied is larger than the product, it is not stacked. */
  @Test
  void largeOperandsAreNotStacked() {
    Tensor scales = random(12, TIME);
    Program gradient =
        program(
            grad((Tensor w) ->
                scan(
                        (Tensor h, Tensor row) -> h.mul(row).matmul(w).tanh(),
                        Tensor.ones(DType.F64, 50, 3),
                        scales)
                    .square()
                    .sum()),
            random(13, 3, 3));
    Plan p = plan(gradient);
    assertTrue(
        p.schedule().steps().stream().noneMatch(s -> s instanceof Step.Dot d && d.k() == 50 * TIME),
        p.print());
    compare(gradient, p);
  }

  /** Nor are operands of more rounds than there should be memory for. */
  @Test
  void operandsOfManyRoundsAreNotStacked() {
    record Two(Tensor sum, Tensor x) {}
    Program p =
        program(
            (Tensor x) ->
                forLoop(
                        1 << 23,
                        (Two s, Tensor i) ->
                            new Two(
                                s.sum().add(s.x().sin().matmul(s.x().cos().transpose())),
                                s.x().mul(0.5).tanh()),
                        new Two(Tensor.zeros(DType.F64, 8, 8), x))
                    .sum(),
            random(15, 8, 2));
    assertTrue(plan(p).schedule().arena().get(DType.F64) < 10_000, p.print());
  }

  private static void compare(Program program, Plan plan) {
    Tensor[] in =
        program.inputs().stream()
            .map(n -> random(20 + n.shape().rank(), n.shape().dims()))
            .toArray(Tensor[]::new);
    Object[] data = Arrays.stream(in).map(Tensor::toDoubleArray).toArray();
    Object[] expected = ReferenceInterpreter.run(program, data);
    double[][] actual = run(plan, in);
    for (int i = 0; i < expected.length; i++) {
      assertArrayEquals((double[]) expected[i], actual[i], 1e-12);
    }
  }

  @Test
  void anErrorNamesTheStep() {
    Tensor x = Tensor.of(new double[] {1, 2, 3}, 3);
    Tensor at = Tensor.of(new int[] {0, 2, 1, 7, 9}, 5);
    Program forward =
        program(
            (Tensor t) -> scan((Tensor s, Tensor i) -> s.add(t.take(0, i.reshape(1))), t, at), x);
    assertError(IndexOutOfBoundsException.class, "scan, step 3 of 0 … 4: index: 7", forward, x, at);
    Program reverse =
        program(
            (Tensor t) ->
                scanReverse(
                        (Tensor s, Tensor i) ->
                            new Round<>(s.add(t.take(0, i.reshape(1))), List.of()),
                        t,
                        at)
                    .state(),
            x);
    assertError(IndexOutOfBoundsException.class, "scan, step 4 of 0 … 4: index: 9", reverse, x, at);
  }

  private static void assertError(
      Class<? extends RuntimeException> kind, String message, Program p, Tensor x, Tensor at) {
    Buffer[] in =
        p.inputs().stream()
            .map(n ->
                CpuBackend.instance()
                    .upload(n.dtype() == DType.I32 ? at.toIntArray() : x.toDoubleArray()))
            .toArray(Buffer[]::new);
    Plan plan = plan(p);
    var e = assertThrows(kind, () -> plan.run(in));
    assertTrue(e.getMessage().startsWith(message), e.getMessage());
    assertInstanceOf(kind, e.getCause());
  }

  @Test
  void aSingularMatrixNamesTheRoundOfTheInnerAndTheOuterLoop() {
    Tensor x = Tensor.eye(DType.F64, 3);
    Program p =
        program(
            (Tensor m) ->
                whileLoop(
                    (Tensor s) -> s.sum().lt(Tensor.scalar(100, DType.F64)),
                    (Tensor s) ->
                        forLoop(
                            2,
                            (Tensor r, Tensor i) ->
                                Matrices.inverse(r.sub(i.cast(DType.F64))).mul(0.5),
                            s),
                    m),
            x);
    Plan plan = plan(p);
    var e = assertThrows(ArithmeticException.class, () -> run(plan, Tensor.zeros(DType.F64, 3, 3)));
    assertTrue(
        e.getMessage().startsWith("while loop, round 0: scan, step 0 of 0 … 1: "), e.getMessage());
  }

  @Test
  void anInterruptEndsALoopThatDoesNotEnd() throws InterruptedException {
    Plan p =
        plan(
            program(
                (Tensor x) ->
                    whileLoop(
                        (Tensor s) -> s.sum().lt(Tensor.scalar(10, DType.F64)),
                        (Tensor s) -> s.neg(),
                        x),
                Tensor.ones(DType.F64, 3)));
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    AtomicBoolean stillInterrupted = new AtomicBoolean();
    Thread t =
        new Thread(() -> {
          try {
            run(p, Tensor.ones(DType.F64, 3));
          } catch (CancellationException e) {
            thrown.set(e);
            stillInterrupted.set(Thread.currentThread().isInterrupted());
          }
        });
    t.start();
    t.interrupt();
    t.join();
    assertTrue(stillInterrupted.get());
    Throwable e = thrown.get();
    assertTrue(e != null && e.getMessage().startsWith("while loop, round "), String.valueOf(e));
    assertTrue(e.getMessage().endsWith(": the thread was interrupted"), e.getMessage());
  }

  @Test
  void aScheduleShowsItsLoops() {
    Plan p =
        plan(
            program(
                (Tensor x) ->
                    scan((Tensor s, Tensor row) -> s.mul(row), Tensor.ones(DType.F64, 3), x),
                random(14, TIME, 3)));
    assertTrue(p.print().contains("loop 6\n     move 3: "), p.print());
    assertTrue(p.print().contains("\n     0: map [3]\n          v0 = load "), p.print());
  }

  /** As optimisers update their states: what is old is read for the last time where it is new. */
  @Test
  void newStatesAreWrittenWhereTheOldOnesWere() {
    record Momentum(Tensor w, Tensor v) {}
    Plan p =
        plan(
            program(
                (Tensor x) ->
                    scan(
                            (Momentum s, Tensor row) -> {
                              Tensor g = s.w().mul(row).sum().sin().mul(row);
                              Tensor v = s.v().mul(0.9).add(g);
                              return new Momentum(s.w().sub(v.mul(0.1)), v);
                            },
                            new Momentum(x.slice(0, 0, 1).reshape(3), Tensor.zeros(DType.F64, 3)),
                            x)
                        .w(),
                random(15, TIME, 3)));
    assertEquals(List.of(), loop(p).after(), p.print());
    double[] rows = random(15, TIME, 3).toDoubleArray();
    double[] w = Arrays.copyOf(rows, 3);
    double[] v = new double[3];
    for (int t = 0; t < TIME; t++) {
      double dot = 0;
      for (int i = 0; i < 3; i++) {
        dot += w[i] * rows[3 * t + i];
      }
      for (int i = 0; i < 3; i++) {
        v[i] = 0.9 * v[i] + Math.sin(dot) * rows[3 * t + i];
        w[i] -= 0.1 * v[i];
      }
    }
    assertArrayEquals(w, run(p, random(15, TIME, 3))[0], 1e-13);
  }

  /** States that need each other's old values, or their own elsewhere, are not written in place. */
  @Test
  void statesThatAreStillWantedStay() {
    record Three(Tensor a, Tensor b, Tensor c) {}
    Plan p =
        plan(
            program(
                (Tensor x) -> {
                  Three end =
                      forLoop(
                          TIME,
                          (Three s, Tensor i) ->
                              new Three(
                                  s.b().mul(1.25), s.a(), s.c().reverse(0).mul(0.5).add(s.a())),
                          new Three(x, x.mul(-2), x.add(1)));
                  return List.of(end.a(), end.b(), end.c());
                },
                random(16, 3)));
    double[] a = random(16, 3).toDoubleArray();
    double[] b = Arrays.stream(a).map(z -> -2 * z).toArray();
    double[] c = Arrays.stream(a).map(z -> z + 1).toArray();
    for (int t = 0; t < TIME; t++) {
      double[] oldA = a;
      double[] oldC = c;
      a = Arrays.stream(b).map(z -> 1.25 * z).toArray();
      b = oldA;
      c = new double[] {oldC[2] / 2 + oldA[0], oldC[1] / 2 + oldA[1], oldC[0] / 2 + oldA[2]};
    }
    double[][] end = run(p, random(16, 3));
    assertArrayEquals(a, end[0], 1e-13);
    assertArrayEquals(b, end[1], 1e-13);
    assertArrayEquals(c, end[2], 1e-13);
  }
}
