package org.hesse;

import static org.hesse.Autodiff.checkpoint;
import static org.hesse.Autodiff.grad;
import static org.hesse.Autodiff.hessian;
import static org.hesse.Autodiff.hvp;
import static org.hesse.Autodiff.jvp;
import static org.hesse.Autodiff.vmap;
import static org.hesse.ControlFlow.forLoop;
import static org.hesse.ControlFlow.scan;
import static org.hesse.ControlFlow.scanOutputs;
import static org.hesse.ControlFlow.scanReverse;
import static org.hesse.ControlFlow.whileLoop;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.hesse.Autodiff.HvpMode;
import org.hesse.ControlFlow.Round;
import org.junit.jupiter.api.Test;

/** Loops against the same computation unrolled, of any derivative order. */
class ControlFlowTest {
  private static final int TIME = 5;
  private static final int BATCH = 3;
  private static final int IN = 2;
  private static final int HIDDEN = 4;

  record Cell(Tensor input, Tensor recurrent, Tensor bias) {}

  /** All that the value of a recurrence depends on. */
  record Problem(Cell cell, Tensor start, Tensor sequence) {}

  private static Tensor random(int seed, int... dims) {
    return RngKey.of(seed).normal(DType.F64, dims).mul(0.5);
  }

  private static Problem problem() {
    Cell cell = new Cell(random(1, IN, HIDDEN), random(2, HIDDEN, HIDDEN), random(3, HIDDEN));
    return new Problem(cell, random(4, BATCH, HIDDEN), random(5, TIME, BATCH, IN));
  }

  private static Problem direction() {
    Cell cell = new Cell(random(11, IN, HIDDEN), random(12, HIDDEN, HIDDEN), random(13, HIDDEN));
    return new Problem(cell, random(14, BATCH, HIDDEN), random(15, TIME, BATCH, IN));
  }

  private static Tensor next(Cell cell, Tensor h, Tensor x) {
    return x.matmul(cell.input()).add(h.matmul(cell.recurrent())).add(cell.bias()).tanh();
  }

  /** Last state and all outputs, in one number. */
  private static Tensor scanned(Problem p) {
    var all =
        scanOutputs(
            (Tensor h, Tensor x) -> {
              Tensor to = next(p.cell(), h, x);
              return new Round<>(to, List.of(to.square(), x.mul(h.sum())));
            },
            p.start(),
            p.sequence());
    Tensor loss = all.state().sin().sum();
    for (Tensor y : all.outputs()) {
      loss = loss.add(y.mul(weights()).sum());
    }
    return loss;
  }

  private static Tensor unrolled(Problem p) {
    Tensor h = p.start();
    List<Tensor> first = new ArrayList<>();
    List<Tensor> second = new ArrayList<>();
    for (int t = 0; t < TIME; t++) {
      Tensor x = p.sequence().slice(0, t, t + 1).reshape(BATCH, IN);
      Tensor to = next(p.cell(), h, x);
      first.add(to.square());
      second.add(x.mul(h.sum()));
      h = to;
    }
    Tensor loss = h.sin().sum();
    for (List<Tensor> ys : List.of(first, second)) {
      Tensor y = Tensor.stack(0, ys.toArray(Tensor[]::new));
      loss = loss.add(y.mul(weights()).sum());
    }
    return loss;
  }

  /** Different for each step, so that a mix-up of steps shows. */
  private static Tensor weights() {
    return Tensor.arange(DType.F64, TIME).add(1).reshape(TIME, 1, 1);
  }

  private static <A, B> void same(Function<A, B> expected, Function<A, B> actual, A x) {
    double[] e = Interpreted.everywhere(expected, x);
    assertArrayEquals(
        e, Interpreted.everywhere(actual, x), 1e-11, () -> Autodiff.program(actual, x).print());
  }

  @Test
  void scanIsTheUnrolledRecurrence() {
    same(ControlFlowTest::unrolled, ControlFlowTest::scanned, problem());
  }

  @Test
  void scanHasTheDerivativesOfTheUnrolledRecurrence() {
    Problem v = direction();
    same(grad(ControlFlowTest::unrolled), grad(ControlFlowTest::scanned), problem());
    same(
        (Problem p) -> jvp(ControlFlowTest::unrolled, p, v),
        (Problem p) -> jvp(ControlFlowTest::scanned, p, v),
        problem());
    for (HvpMode mode : HvpMode.values()) {
      same(
          (Problem p) -> hvp(ControlFlowTest::unrolled, p, v, mode),
          (Problem p) -> hvp(ControlFlowTest::scanned, p, v, mode),
          problem());
    }
    same(
        (Problem p) -> hvp(q -> jvp(ControlFlowTest::unrolled, q, v).tangent(), p, v),
        (Problem p) -> hvp(q -> jvp(ControlFlowTest::scanned, q, v).tangent(), p, v),
        problem());
  }

  @Test
  void scanMapsOverABatch() {
    for (VmapAxes in :
        List.of(
            VmapAxes.unmapped().with("sequence", 2),
            VmapAxes.unmapped().with("start", 0).with("cell.bias", 0),
            VmapAxes.unmapped().with("cell.recurrent", 0).with("sequence", 0))) {
      Problem p = problem();
      Problem many =
          new Problem(
              new Cell(p.cell().input(), random(6, 2, HIDDEN, HIDDEN), random(7, 2, HIDDEN)),
              random(8, 2, BATCH, HIDDEN),
              random(9, 2, TIME, BATCH, IN));
      Problem batch = mixed(p, many, in);
      same(vmap(ControlFlowTest::unrolled, in), vmap(ControlFlowTest::scanned, in), batch);
      same(
          vmap(grad(ControlFlowTest::unrolled), in),
          vmap(grad(ControlFlowTest::scanned), in),
          batch);
    }
  }

  private static Problem mixed(Problem one, Problem many, VmapAxes in) {
    String axes = in.toString();
    return new Problem(
        new Cell(
            one.cell().input(),
            axes.contains("recurrent") ? many.cell().recurrent() : one.cell().recurrent(),
            axes.contains("bias") ? many.cell().bias() : one.cell().bias()),
        axes.contains("start") ? many.start() : one.start(),
        axes.contains("sequence")
            ? axes.contains("2") ? many.sequence().permute(1, 2, 0, 3) : many.sequence()
            : one.sequence());
  }

  @Test
  void reverseScanSlicesFromTheEnd() {
    Tensor xs = random(21, TIME);
    BiFunction<Tensor, Tensor, Round<Tensor, Tensor>> body =
        (s, x) -> new Round<>(s.mul(x).add(1), s.sin());
    Function<Tensor, Tensor> loop =
        z -> {
          var r = scanReverse(body, z.slice(0, 0, 1).sum(), z);
          return r.outputs().mul(Tensor.arange(DType.F64, TIME)).sum().add(r.state());
        };
    Function<Tensor, Tensor> plain =
        z -> {
          Tensor s = z.slice(0, 0, 1).sum();
          Tensor sum = Tensor.scalar(0, DType.F64);
          for (int t = TIME - 1; t >= 0; t--) {
            sum = sum.add(s.sin().mul(t));
            s = s.mul(z.slice(0, t, t + 1).sum()).add(1);
          }
          return sum.add(s);
        };
    same(plain, loop, xs);
    same(grad(plain), grad(loop), xs);
    same((Tensor z) -> hessian(plain, z), (Tensor z) -> hessian(loop, z), xs);
  }

  @Test
  void forLoopCounts() {
    // Σ i xⁱ by an integer counter and a running power.
    record State(Tensor power, Tensor sum) {}
    Function<Tensor, Tensor> f =
        x ->
            forLoop(
                    4,
                    (State s, Tensor i) ->
                        new State(s.power().mul(x), s.sum().add(s.power().mul(i.cast(DType.F64)))),
                    new State(x.sub(x).add(1), Tensor.scalar(0, DType.F64)))
                .sum();
    Tensor x = Tensor.scalar(1.5, DType.F64);
    double[] value = Interpreted.everywhere(f, x);
    assertEquals(1.5 + 2 * 2.25 + 3 * 3.375, value[0], 1e-12);
    assertEquals(1 + 4 * 1.5 + 9 * 2.25, Interpreted.everywhere(grad(f), x)[0], 1e-12);
    assertEquals(4 + 18 * 1.5, Interpreted.everywhere(grad(grad(f)), x)[0], 1e-12);
  }

  @Test
  void scansNest() {
    // x ↦ x^(2·3) as a loop of loops.
    Function<Tensor, Tensor> f =
        x ->
            forLoop(
                2,
                (Tensor s, Tensor i) -> forLoop(3, (Tensor r, Tensor j) -> r.mul(x), s),
                x.mul(0).add(1));
    Tensor x = Tensor.scalar(1.1, DType.F64);
    assertEquals(Math.pow(1.1, 6), Interpreted.everywhere(f, x)[0], 1e-12);
    assertEquals(6 * Math.pow(1.1, 5), Interpreted.everywhere(grad(f), x)[0], 1e-12);
    assertEquals(30 * Math.pow(1.1, 4), Interpreted.everywhere(grad(grad(f)), x)[0], 1e-12);
  }

  @Test
  void aScanOfNoRoundsIsItsInitialState() {
    Function<Tensor, Tensor> f = x -> forLoop(0, (Tensor s, Tensor i) -> s.mul(x), x.sin());
    Tensor x = Tensor.scalar(0.3, DType.F64);
    assertEquals(Math.sin(0.3), Interpreted.everywhere(f, x)[0], 1e-15);
    assertEquals(Math.cos(0.3), Interpreted.everywhere(grad(f), x)[0], 1e-15);
  }

  record Two(Tensor a, Tensor b) {}

  @Test
  void aStateThatNothingReadsHasNoPartInTheGradient() {
    // b grows beyond all bounds, and 0 · ∞ would be NaN.
    Function<Tensor, Tensor> f =
        x ->
            scanOutputs(
                    (Two s, Tensor q) -> new Round<>(new Two(s.a().mul(q), s.b().exp()), s.a()),
                    new Two(x, x),
                    Tensor.of(new double[] {2, 3, 5, 7, 11, 13}, 6))
                .outputs()
                .sum();
    Tensor x = Tensor.scalar(1.5, DType.F64);
    double slope = 1 + 2 + 6 + 30 + 210 + 2310;
    assertEquals(slope, Interpreted.everywhere(grad(f), x)[0], 1e-9);
    assertEquals(0, Interpreted.everywhere((Tensor y) -> hessian(f, y), x)[0], 0);
    Tensor batch = Tensor.of(new double[] {1.5, 2.5}, 2);
    assertArrayEquals(
        new double[] {slope, slope},
        Interpreted.everywhere((Tensor y) -> vmap(grad(f)).apply(y), batch),
        1e-9);
  }

  @Test
  void rulesInBodiesMayReadWhatIsDifferentiatedOutside() {
    // x sin⁵ x, where the loop multiplies by a constant whose rule reads sin x itself.
    Function<Tensor, Tensor> f =
        x -> {
          Tensor k = x.sin();
          Function<Tensor, Tensor> times =
              Autodiff.customJvp((Tensor t) -> t.mul(k.stopGradient()), (t, y, dt) -> dt.mul(k));
          return forLoop(5, (Tensor s, Tensor i) -> times.apply(s), x);
        };
    double v = 0.7;
    Tensor x = Tensor.scalar(v, DType.F64);
    double fifth = Math.pow(Math.sin(v), 5);
    double slope = 5 * Math.pow(Math.sin(v), 4) * Math.cos(v);
    assertEquals(fifth, Interpreted.everywhere(grad(f), x)[0], 1e-12);
    assertEquals(slope, Interpreted.everywhere(grad(grad(f)), x)[0], 1e-12);
    assertEquals(slope, jvp(grad(f), x, Tensor.scalar(1, DType.F64)).tangent().item(), 1e-12);
    assertEquals(slope, Interpreted.everywhere(grad(checkpoint(grad(f))), x)[0], 1e-12);
    Tensor batch = Tensor.of(new double[] {v, v}, 2);
    assertArrayEquals(
        new double[] {fifth, fifth}, vmap(grad(f)).apply(batch).toDoubleArray(), 1e-12);
  }

  private static Tensor newton(Tensor a) {
    return whileLoop(
        (Tensor x) -> x.mul(x).sub(a).abs().gt(a.mul(1e-14)),
        x -> x.add(a.div(x)).mul(0.5),
        a.mul(0).add(1));
  }

  @Test
  void whileLoopHasForwardDerivatives() {
    Tensor one = Tensor.scalar(1, DType.F64);
    Tensor a = Tensor.scalar(3, DType.F64);
    assertEquals(Math.sqrt(3), Interpreted.everywhere(ControlFlowTest::newton, a)[0], 1e-14);
    Function<Tensor, Tensor> d = x -> jvp(ControlFlowTest::newton, x, one).tangent();
    assertEquals(0.5 / Math.sqrt(3), Interpreted.everywhere(d, a)[0], 1e-12);
    Function<Tensor, Tensor> dd = x -> jvp(d, x, one).tangent();
    assertEquals(-0.25 * Math.pow(3, -1.5), Interpreted.everywhere(dd, a)[0], 1e-6);
  }

  @Test
  void whileLoopsOfABatchEndAtTheirOwnTimes() {
    double[] a = {0.25, 2, 9, 1e6};
    double[] roots = Interpreted.everywhere(vmap(ControlFlowTest::newton), Tensor.of(a, 4));
    for (int i = 0; i < a.length; i++) {
      double alone =
          Interpreted.everywhere(ControlFlowTest::newton, Tensor.scalar(a[i], DType.F64))[0];
      assertEquals(alone, roots[i]);
      assertEquals(Math.sqrt(a[i]), roots[i], 1e-12 * roots[i]);
    }
  }

  private static Tensor integer(int value) {
    return Tensor.scalar(value, DType.I32);
  }

  /** Sum of the numbers of a table from an index on. */
  private static Tensor rest(Tensor table, Tensor from) {
    return whileLoop(
            (Two s) -> s.b().lt(integer(table.dim(0))),
            s -> new Two(s.a().add(table.take(0, s.b())), s.b().add(integer(1))),
            new Two(Tensor.scalar(0, DType.F64), from))
        .a();
  }

  @Test
  void examplesThatHaveEndedCannotFail() {
    Tensor table = Tensor.of(new double[] {1, 2, 4, 8}, 4);
    Function<Tensor, Tensor> f = from -> rest(table, from);
    Tensor from = Tensor.of(new int[] {3, 0, 4, 9}, 4);
    assertArrayEquals(
        new double[] {8, 15, 0, 0}, Interpreted.everywhere((Tensor i) -> vmap(f).apply(i), from));
    // With respect to the table, whose derivatives count how often each number is read.
    Function<Tensor, Tensor> sums = t -> vmap((Tensor i) -> rest(t, i)).apply(from);
    assertArrayEquals(
        new double[] {0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0},
        Autodiff.jacfwd(sums, table).toDoubleArray());
    // Tables of their own.
    Function<Two, Tensor> own = p -> rest(p.a(), p.b());
    Tensor tables = Tensor.stack(0, table, table.mul(10), table, table);
    assertArrayEquals(
        new double[] {8, 150, 0, 0}, vmap(own).apply(new Two(tables, from)).toDoubleArray());
    // A loop inside that would never end for those that have.
    Function<Tensor, Tensor> nested =
        x ->
            whileLoop(
                (Tensor t) -> t.gt(1),
                t -> whileLoop((Tensor u) -> u.ne(Tensor.scalar(1, DType.F64)), u -> u.sub(1), t),
                x);
    assertArrayEquals(
        new double[] {1, 1, 0.5},
        vmap(nested).apply(Tensor.of(new double[] {4, 16, 0.5}, 3)).toDoubleArray());
  }

  @Test
  void aLoopWithoutARoundCannotFail() {
    Tensor table = Tensor.of(new double[] {1, 2}, 2);
    Function<Tensor, Tensor> f =
        x -> whileLoop((Tensor s) -> s.gt(10), s -> s.add(table.take(0, integer(7))), x);
    Tensor x = Tensor.scalar(3, DType.F64);
    assertEquals(3, Interpreted.everywhere(f, x)[0]);
    assertEquals(1, jvp(f, x, Tensor.scalar(1, DType.F64)).tangent().item());
    Tensor beyond = Tensor.scalar(11, DType.F64);
    assertThrows(IndexOutOfBoundsException.class, () -> f.apply(beyond).item());
  }

  @Test
  void aLoopThatChangesNothingIsRefused() {
    Function<Tensor, Tensor> f = x -> whileLoop((Tensor s) -> s.lt(10), s -> s, x);
    assertEquals(11, f.apply(Tensor.scalar(11, DType.F64)).item());
    ArithmeticException e =
        assertThrows(ArithmeticException.class, () -> f.apply(Tensor.scalar(3, DType.F64)).item());
    assertTrue(e.getMessage().contains("would not end"), e.getMessage());
  }

  @Test
  void whileLoopRefusesReverseMode() {
    var e =
        assertThrows(
            UnsupportedOperationException.class,
            () -> grad(ControlFlowTest::newton).apply(Tensor.scalar(3, DType.F64)));
    assertTrue(e.getMessage().contains("forward mode"), e.getMessage());
  }

  @Test
  void checkpointsChangeNoDerivative() {
    Function<Problem, Tensor> plain =
        p -> {
          Tensor h = p.start();
          for (int t = 0; t < 3; t++) {
            Tensor x = p.sequence().slice(0, t, t + 1).reshape(BATCH, IN);
            h = next(p.cell(), h, x).sin();
          }
          return h.square().sum();
        };
    Function<Problem, Tensor> checkpointed =
        p -> {
          Tensor h = p.start();
          for (int t = 0; t < 3; t++) {
            Tensor x = p.sequence().slice(0, t, t + 1).reshape(BATCH, IN);
            h = checkpoint((Tensor s) -> next(p.cell(), s, x).sin()).apply(h);
          }
          return h.square().sum();
        };
    Problem v = direction();
    same(plain, checkpointed, problem());
    same(grad(plain), grad(checkpointed), problem());
    for (HvpMode mode : HvpMode.values()) {
      same(
          (Problem p) -> hvp(plain, p, v, mode),
          (Problem p) -> hvp(checkpointed, p, v, mode),
          problem());
    }
    VmapAxes in = VmapAxes.unmapped().with("sequence", 0);
    Problem p = problem();
    Problem batch = new Problem(p.cell(), p.start(), random(9, 2, TIME, BATCH, IN));
    same(vmap(grad(plain), in), vmap(grad(checkpointed), in), batch);
  }

  @Test
  void whatLeavesABodyIsRefused() {
    List<Tensor> kept = new ArrayList<>();
    Function<Tensor, Tensor> keeps =
        x -> {
          Tensor y =
              checkpoint(
                      (Tensor s) -> {
                        kept.add(s.sin());
                        return s.exp();
                      })
                  .apply(x);
          return y.add(kept.getLast());
        };
    Tensor x = Tensor.scalar(3, DType.F64);
    Exception e = assertThrows(IllegalStateException.class, () -> grad(keeps).apply(x));
    assertTrue(e.getMessage().contains("made inside checkpoint"), e.getMessage());
    Function<Tensor, Tensor> rule =
        y ->
            forLoop(
                3,
                (Tensor s, Tensor i) -> {
                  Tensor k = i.cast(DType.F64);
                  return Autodiff.customJvp(
                          (Tensor t) -> t.mul(k.stopGradient()),
                          (Tensor t, Tensor r, Tensor dt) -> dt.mul(k))
                      .apply(s);
                },
                y);
    e = assertThrows(IllegalStateException.class, () -> grad(rule).apply(x));
    assertTrue(e.getMessage().contains("pass it as part of the argument"), e.getMessage());
  }

  @Test
  void errorsNameTheState() {
    Tensor x = random(1, 3);
    var shape =
        assertThrows(
            IllegalArgumentException.class,
            () -> scan((Tensor s, Tensor t) -> Tensor.stack(0, s, t), x.sum(), x));
    assertTrue(shape.getMessage().contains("F64[2]; expected F64[]"), shape.getMessage());
    var structure =
        assertThrows(
            IllegalArgumentException.class,
            () -> scan((Object s, Tensor t) -> List.of(t), (Object) x.sum(), x));
    assertTrue(structure.getMessage().contains("structure"), structure.getMessage());
    var sequence =
        assertThrows(
            IllegalArgumentException.class,
            () -> scan((Tensor s, Tensor t) -> s, x.sum(), x.sum()));
    assertTrue(sequence.getMessage().contains("first axis"), sequence.getMessage());
    var condition =
        assertThrows(
            IllegalArgumentException.class, () -> whileLoop((Tensor s) -> s, s -> s, x.sum()));
    assertTrue(condition.getMessage().contains("scalar of BOOL"), condition.getMessage());
  }
}
