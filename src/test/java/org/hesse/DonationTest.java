package org.hesse;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.grad;
import static org.hesse.Expect.close;
import static org.hesse.Expect.illegalArgument;
import static org.hesse.Expect.illegalState;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** Memory that is given away is written again, and nothing else is. */
class DonationTest {
  private record State(Tensor weight, Tensor count) {}

  private static Tensor vector(double... values) {
    return Tensor.of(values);
  }

  private static State state(double... values) {
    return new State(vector(values), Tensor.scalar(0, DType.I32));
  }

  /** weight·2 + batch. */
  private static BiFunction<State, Tensor, State> doubling() {
    return compile(DonationTest::doubled, Donate.first());
  }

  private static State doubled(State s, Tensor b) {
    return new State(s.weight().mul(2).add(b), s.count().add(1));
  }

  @Test
  void aLoopComputesWhatItDoesWithoutDonation() {
    var step = doubling();
    State s = state(1, 2, 3);
    double[] expected = {1, 2, 3};
    for (int i = 0; i < 20; i++) {
      s = step.apply(s, vector(i, 1, -1));
      expected = new double[] {2 * expected[0] + i, 2 * expected[1] + 1, 2 * expected[2] - 1};
    }
    close(vector(expected), s.weight(), 0);
    assertEquals(20, s.count().item());
  }

  @Test
  void donatedTensorsThrow() {
    State s = state(1, 2, 3);
    Tensor batch = vector(1, 1, 1);
    int line = new Throwable().getStackTrace()[0].getLineNumber() + 1;
    var step = compile(DonationTest::doubled, Donate.first());
    State next = step.apply(s, batch);
    String where = "at DonationTest.java:" + line;
    illegalState(() -> s.weight().add(1), "F64[3]", "donated to the function compiled " + where);
    illegalState(() -> s.weight().toDoubleArray(), "donated", "use the function's result");
    illegalState(() -> step.apply(s, batch), "donated", "without donation");
    illegalState(() -> compile((Tensor x) -> x.add(s.weight())).apply(batch), "donated");
    illegalState(() -> grad((Tensor x) -> x.mul(s.weight()).sum()).apply(batch), "donated");
    assertEquals("F64[3]", s.weight().toString());
    assertEquals(Shape.of(3), s.weight().shape());
    // What was not donated is as it was.
    close(vector(1, 1, 1), batch, 0);
    close(vector(3, 5, 7), next.weight(), 0);
  }

  /** A bound on allocation that one more vector would break. */
  @Test
  void aLoopAllocatesNothingForItsState() {
    int n = 1 << 17;
    var step = doubling();
    State s = new State(Tensor.ones(DType.F64, n), Tensor.scalar(0, DType.I32));
    Tensor batch = Tensor.full(-1, DType.F64, n);
    // Until the loop over vectors is compiled, each of these is an object.
    for (int i = 0; i < 300; i++) {
      s = step.apply(s, batch);
    }
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    for (int i = 0; i < 10; i++) {
      s = step.apply(s, batch);
    }
    long allocated = threads.getCurrentThreadAllocatedBytes() - before;
    assertTrue(allocated < n, allocated + " bytes for ten steps of " + 8 * n + " bytes");
    assertEquals(310, s.count().item());
    assertEquals(1, s.weight().max().item());
  }

  @Test
  void anOutputThatIsTheInput() {
    var step = compile((Tensor x) -> List.of(x, x.reshape(3, 1), x.neg()), Donate.all());
    Tensor x = vector(1, 2, 3);
    List<Tensor> first = step.apply(x);
    illegalState(() -> x.exp(), "donated");
    List<Tensor> second = step.apply(vector(4, 5, 6));
    List<Tensor> third = step.apply(vector(7, 8, 9));
    close(vector(1, 2, 3), first.get(0), 0);
    close(vector(1, 2, 3).reshape(3, 1), first.get(1), 0);
    close(vector(-1, -2, -3), first.get(2), 0);
    close(vector(4, 5, 6), second.get(0), 0);
    close(vector(-7, -8, -9), third.get(2), 0);
  }

  @Test
  void theSameTensorTwice() {
    var step = compile((Tensor a, Tensor b) -> a.mul(b).add(1), Donate.first());
    Tensor x = vector(2, 3);
    close(vector(5, 10), step.apply(x, x), 0);
    illegalState(() -> x.sum(), "donated");
    var both = compile((List<Tensor> l) -> List.of(l.get(0).add(l.get(1)), l.get(1)), Donate.all());
    Tensor y = vector(2, 3);
    List<Tensor> r = both.apply(List.of(y, y));
    List<Tensor> r2 = both.apply(r);
    List<Tensor> r3 = both.apply(List.of(vector(1, 1), vector(2, 2)));
    close(vector(6, 9), r2.get(0), 0);
    close(vector(2, 3), r2.get(1), 0);
    close(vector(3, 3), r3.get(0), 0);
    illegalState(() -> r.get(1).neg(), "donated");
  }

  @Test
  void capturedTensors() {
    Tensor w = vector(10, 20);
    Function<Tensor, Tensor> f = compile((Tensor x) -> x.add(w), Donate.all());
    illegalArgument(() -> f.apply(w), "donated", "captures");
    close(vector(11, 21), f.apply(vector(1, 1)), 0);
    close(vector(10, 20), w, 0);
    // Given away by another function, it is missing here.
    Tensor unused = compile((Tensor x) -> x.neg(), Donate.all()).apply(w);
    illegalState(() -> f.apply(vector(1, 1)), "captures", "donated");
    close(vector(-10, -20), unused, 0);
  }

  @Test
  void someLeavesOnly() {
    var step =
        compile(
            (State s) -> new State(s.weight().add(1), s.count().add(1)), Donate.leaves("weight"));
    State s = state(1, 2);
    State next = step.apply(s);
    assertEquals(0, s.count().item());
    illegalState(() -> s.weight().sum(), "donated");
    close(vector(2, 3), next.weight(), 0);
    illegalArgument(
        () -> compile((State x) -> x.count(), Donate.leaves("wieght")).apply(next),
        "'wieght'",
        "[weight, count]");
    illegalArgument(() -> compile((State x) -> x.count(), Donate.first()).apply(next), "'first'");
  }

  /** In a trace the function is part of that, and its argument no data. */
  @Test
  void insideAnotherTrace() {
    Function<Tensor, Tensor> f = compile((Tensor x) -> x.square().sum(), Donate.all());
    Tensor x = vector(1, 2, 3);
    close(vector(2, 4, 6), grad(f).apply(x), 0);
    assertEquals(28, compile((Tensor t) -> f.apply(t).mul(2)).apply(x).item());
    assertEquals(14, f.apply(x).item());
    illegalState(() -> x.sum(), "donated");
  }

  /** What is taken in the same call, on the host processor, is gone, and says why. */
  @Test
  void aCallThatFailsAsItComputes() {
    var f =
        compile(
            (State s, Tensor at) -> new State(s.weight().mul(2), s.count().take(0, at)),
            Donate.leaves("first.weight"));
    Tensor x = vector(1, 2, 3).to(Device.CPU);
    State s = new State(x, Tensor.of(new int[] {4, 5}).to(Device.CPU));
    Tensor beyond = Tensor.of(new int[] {0, 7}).to(Device.CPU);
    assertThrows(IndexOutOfBoundsException.class, () -> f.apply(s, beyond));
    illegalState(() -> x.sum(), "donated", "call failed");
    // Refused for what it is given, a call takes nothing.
    State next = new State(vector(1, 2, 3).to(Device.CPU), s.count());
    Tensor gone = Tensor.of(new int[] {0, 1}).to(Device.CPU);
    gone.close();
    illegalState(() -> f.apply(next, gone), "closed");
    close(vector(2, 4, 6), f.apply(next, Tensor.of(new int[] {0, 1}).to(Device.CPU)).weight(), 0);
  }

  /** The memory of what a function reads out of order is the next call's. */
  @Test
  void whatIsReadInAnotherOrder() {
    var f = compile((Tensor x, Tensor y) -> x.add(x.transpose()).add(y), Donate.first());
    double[] expected = {1, 2, 3, 4};
    Tensor x = vector(1, 2, 3, 4).reshape(2, 2);
    Tensor y = vector(0, 1, 0, 0).reshape(2, 2);
    for (int i = 0; i < 5; i++) {
      double[] e = expected;
      expected = new double[] {2 * e[0], e[1] + e[2] + 1, e[1] + e[2], 2 * e[3]};
      x = f.apply(x, y);
    }
    close(vector(expected).reshape(2, 2), x, 0);
  }

  /** A loop's state lies where the argument was. */
  @Test
  void theStateOfALoop() {
    var f =
        compile(
            (Tensor x, Tensor all) ->
                ControlFlow.scan((Tensor s, Tensor b) -> s.mul(0.5).add(b.mul(s.sum())), x, all),
            Donate.first());
    var plain =
        compile((Tensor x, Tensor all) ->
            ControlFlow.scan((Tensor s, Tensor b) -> s.mul(0.5).add(b.mul(s.sum())), x, all));
    Tensor all = vector(1, -2, 3, 0.5, 0.25, -1).reshape(3, 2);
    Tensor x = vector(3, 4);
    Tensor y = vector(3, 4);
    for (int i = 0; i < 4; i++) {
      x = f.apply(x, all);
      y = plain.apply(y, all);
    }
    close(y, x, 0);
  }

  /** Where calls return when all is done: a GPU finds the error when it is too late. */
  @Test
  void aCallThatFailsTakesNothingThatIsReadAtPlaces() {
    var f = compile((Tensor x, Tensor at) -> x.take(0, at), Donate.first());
    Tensor x = vector(1, 2, 3).to(Device.CPU);
    Tensor beyond = Tensor.of(new int[] {0, 1, 7}).to(Device.CPU);
    assertThrows(IndexOutOfBoundsException.class, () -> f.apply(x, beyond));
    Tensor backwards = Tensor.of(new int[] {2, 1, 0}).to(Device.CPU);
    close(vector(3, 2, 1), f.apply(x, backwards), 0);
  }

  @Test
  void copiesAreGivenAwayInPlaceOfWhatIsNeeded() {
    var step = compile((Tensor x) -> x.mul(2), Donate.all());
    Tensor x = vector(1, 2);
    close(vector(2, 4), step.apply(x.copy()), 0);
    close(vector(2, 4), step.apply(x.copy()), 0);
    close(vector(1, 2), x, 0);
    close(vector(1, 1), grad((Tensor t) -> t.copy().sum()).apply(x), 0);
  }

  /** What one thread donates another may be reading: then its memory is left alone. */
  @Test
  void severalThreads() throws Exception {
    var step = compile((Tensor x) -> x.add(1), Donate.all());
    int n = 50_000;
    try (var pool = Executors.newFixedThreadPool(4)) {
      for (int round = 0; round < 30; round++) {
        Tensor shared = Tensor.full(round, DType.F64, n);
        List<Callable<Boolean>> tasks = new ArrayList<>();
        for (int t = 0; t < 4; t++) {
          int own = 1000 * t;
          tasks.add(() -> reads(shared) && steps(step, Tensor.full(own, DType.F64, n), own));
        }
        tasks.add(() -> step.apply(shared).size() == n);
        for (Future<Boolean> done : pool.invokeAll(tasks)) {
          assertTrue(done.get());
        }
      }
    }
  }

  /** Either all of the tensor as it was, or the error. */
  private static boolean reads(Tensor shared) {
    try {
      double[] a = shared.mul(1).toDoubleArray();
      double[] b = shared.toDoubleArray();
      return all(a, a[0]) && all(b, a[0]);
    } catch (IllegalStateException e) {
      return String.valueOf(e.getMessage()).contains("donated");
    }
  }

  private static boolean steps(Function<Tensor, Tensor> step, Tensor start, double from) {
    Tensor x = start;
    for (int i = 0; i < 5; i++) {
      x = step.apply(x);
    }
    return all(x.toDoubleArray(), from + 5);
  }

  private static boolean all(double[] values, double expected) {
    for (double v : values) {
      if (v != expected) {
        return false;
      }
    }
    return true;
  }
}
