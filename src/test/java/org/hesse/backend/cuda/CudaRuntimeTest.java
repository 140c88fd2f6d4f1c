package org.hesse.backend.cuda;

import static org.hesse.backend.cuda.TwoBackends.arena;
import static org.hesse.backend.cuda.TwoBackends.dense;
import static org.hesse.backend.cuda.TwoBackends.input;
import static org.hesse.backend.cuda.TwoBackends.output;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Objects;
import org.hesse.DType;
import org.hesse.backend.Buffer;
import org.hesse.backend.Instruction;
import org.hesse.backend.Schedule;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.CompareKind;
import org.hesse.ir.Op;
import org.hesse.testing.SimulatedDevice;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Memory, graphs, loops and errors of the CUDA runtime, with schedules made by hand. */
class CudaRuntimeTest {
  private static final int N = 6;

  private CudaBackend backend;

  @BeforeEach
  void device() {
    SimulatedDevice.require();
    backend = CudaBackend.of(0);
  }

  /** out = in + by. */
  private static Step.Map add(View in, double by, View out, int n) {
    List<Instruction> code =
        List.of(
            new Instruction.Load(in),
            new Instruction.Constant(DType.F64, by),
            new Instruction.Apply(new Op.Binary(BinaryKind.ADD), DType.F64, List.of(0, 1)));
    return new Step.Map(new int[] {n}, code, List.of(new Step.Store(2, out)));
  }

  /** x + 1 + 10 + 100 + 1000, in steps through an arena: long enough for a graph. */
  private static Schedule chain() {
    View in = dense(input(0, DType.F64, N), N);
    View a = dense(arena(DType.F64, 0, N), N);
    View b = dense(arena(DType.F64, 16, N), N);
    View out = dense(output(0, DType.F64, N), N);
    EnumMap<DType, Long> arena = new EnumMap<>(DType.class);
    arena.put(DType.F64, 32L);
    return new Schedule(
        List.of(in.slot()),
        List.of(out.slot()),
        arena,
        List.of(add(in, 1, a, N), add(a, 10, b, N), add(b, 100, a, N), add(a, 1000, out, N)));
  }

  private static double[] numbers(int n, double from) {
    double[] x = new double[n];
    for (int i = 0; i < n; i++) {
      x[i] = from + i;
    }
    return x;
  }

  private Buffer[] one(Object array) {
    return new Buffer[] {backend.upload(array)};
  }

  private Buffer[] room(int n) {
    return new Buffer[] {backend.allocate(DType.F64, n)};
  }

  @Test
  void arraysComeBack() {
    boolean[] flags = {true, false, true, true};
    assertArrayEquals(flags, (boolean[]) backend.upload(flags).toArray());
    // Of several chunks of pinned memory.
    int[] many = new int[700_001];
    for (int i = 0; i < many.length; i++) {
      many[i] = i * 31;
    }
    assertArrayEquals(many, (int[]) backend.upload(many).toArray());
    assertEquals(0, ((float[]) backend.upload(new float[0]).toArray()).length);
  }

  @Test
  void aPlanRunAgainIsOneGraph() {
    CudaExecutable plan = (CudaExecutable) backend.prepare(chain());
    Buffer[] in = one(numbers(N, 0));
    Buffer[] out = room(N);
    for (int i = 0; i < 5; i++) {
      plan.run(in, out);
    }
    assertArrayEquals(numbers(N, 1111), (double[]) out[0].toArray());
    assertEquals(1, plan.captures());
    assertEquals(3, plan.replays());
    // A replay reads what is in memory then.
    Buffer[] other = one(numbers(N, 5));
    plan.run(other, out);
    assertArrayEquals(numbers(N, 1116), (double[]) out[0].toArray());
  }

  /** As the state of a training loop does: two sets of buffers take turns. */
  @Test
  void twoPlacesInTurnsAreTwoGraphs() {
    CudaExecutable plan = (CudaExecutable) backend.prepare(chain());
    Buffer[] a = one(numbers(N, 0));
    Buffer[] b = room(N);
    for (int i = 0; i < 30; i++) {
      plan.run(i % 2 == 0 ? a : b, i % 2 == 0 ? b : a);
    }
    assertArrayEquals(numbers(N, 30 * 1111), (double[]) a[0].toArray());
    assertEquals(2, plan.captures());
    assertEquals(26, plan.replays());
  }

  /** As in Lanczos iterations, whose vectors are all kept: always in a new place. */
  @Test
  void newPlacesInEveryRunAreStillOneGraph() {
    CudaExecutable plan = (CudaExecutable) backend.prepare(chain());
    List<Buffer> all = new ArrayList<>(List.of(backend.upload(numbers(N, 0))));
    for (int i = 0; i < 40; i++) {
      Buffer[] out = room(N);
      plan.run(new Buffer[] {all.getLast()}, out);
      all.add(out[0]);
    }
    for (int i = 0; i < all.size(); i++) {
      assertArrayEquals(numbers(N, 1111.0 * i), (double[]) all.get(i).toArray(), "vector " + i);
    }
    assertEquals(1, plan.captures());
    assertTrue(plan.replays() >= 28, plan.replays() + " replays");
  }

  @Test
  void memoryIsUsedAgainAndCounted() {
    double[] x = numbers(1000, 0);
    long before = live();
    CudaBuffer first = (CudaBuffer) backend.upload(x);
    assertTrue(live() >= before + 8000);
    long address = first.address();
    first.close("it was closed");
    first.close("it was closed again");
    assertEquals(before, live());
    assertEquals("it was closed", first.given());
    assertThrows(IllegalStateException.class, first::toArray);
    CudaBuffer second = (CudaBuffer) backend.upload(x);
    assertEquals(address, second.address());
    second.close("it was closed");
    assertEquals(before, live());
  }

  private long live() {
    CudaContext context = backend.context();
    context.lock();
    try {
      return context.pool().liveBytes();
    } finally {
      context.unlock();
    }
  }

  @Test
  void whatIsDonatedMoves() {
    CudaBuffer from = (CudaBuffer) backend.upload(numbers(3, 1));
    long address = from.address();
    long before = live();
    CudaBuffer to = (CudaBuffer) Objects.requireNonNull(from.take("it was donated"));
    assertEquals(address, to.address());
    assertEquals(before, live());
    IllegalStateException e = assertThrows(IllegalStateException.class, from::toArray);
    assertTrue(String.valueOf(e.getMessage()).contains("it was donated"), e.getMessage());
    assertArrayEquals(numbers(3, 1), (double[]) to.toArray());
    to.close("it was closed");
    assertTrue(live() < before);
  }

  @Test
  void garbageIsFreed() throws InterruptedException {
    long before = live();
    for (int i = 0; i < 20; i++) {
      var _ = backend.upload(new double[1000]);
    }
    for (int i = 0; i < 100 && live() > before; i++) {
      System.gc();
      Thread.sleep(20);
    }
    assertTrue(live() <= before, live() + " bytes, before " + before);
  }

  /** With their arenas and graphs. */
  @Test
  void plansThatAreGarbageAreFreed() throws InterruptedException {
    long before = live();
    Buffer[] in = one(numbers(N, 0));
    Buffer[] out = room(N);
    for (int i = 0; i < 4; i++) {
      CudaExecutable plan = (CudaExecutable) backend.prepare(chain());
      for (int j = 0; j < 3; j++) {
        plan.run(in, out);
      }
      assertEquals(1, plan.replays());
    }
    assertTrue(live() > before);
    in[0].close("it was closed");
    out[0].close("it was closed");
    for (int i = 0; i < 100 && live() > before; i++) {
      System.gc();
      Thread.sleep(20);
    }
    assertTrue(live() <= before, live() + " bytes, before " + before);
  }

  /** x + 1 where all flags hold. */
  private static Schedule checked() {
    View flags = dense(input(0, DType.BOOL, N), N);
    View x = dense(input(1, DType.F64, N), N);
    View out = dense(output(0, DType.F64, N), N);
    return TwoBackends.schedule(
        List.of(flags.slot(), x.slot()),
        List.of(out.slot()),
        new Step.Check("the flags do not hold", N, flags),
        add(x, 1, out, N));
  }

  @Test
  void anErrorIsThrownWhenAResultIsReadOrUsed() {
    CudaExecutable plan = (CudaExecutable) backend.prepare(checked());
    CudaExecutable next = (CudaExecutable) backend.prepare(chain());
    boolean[] good = {true, true, true, true, true, true};
    boolean[] bad = {true, true, true, false, true, true};
    Buffer x = backend.upload(numbers(N, 0));
    Buffer[] failed = room(N);
    Buffer[] fine = room(N);
    Buffer[] after = room(N);
    plan.run(new Buffer[] {backend.upload(bad), x}, failed);
    plan.run(new Buffer[] {backend.upload(good), x}, fine);
    next.run(failed, after);
    for (int i = 0; i < 2; i++) {
      ArithmeticException e = assertThrows(ArithmeticException.class, failed[0]::toArray);
      assertEquals("the flags do not hold", e.getMessage());
      assertThrows(ArithmeticException.class, after[0]::toArray);
    }
    assertThrows(ArithmeticException.class, () -> next.run(failed, room(N)));
    assertArrayEquals(numbers(N, 1), (double[]) fine[0].toArray());
    // What a failed run would have written can be written by another.
    plan.run(new Buffer[] {backend.upload(good), x}, failed);
    assertArrayEquals(numbers(N, 1), (double[]) failed[0].toArray());
  }

  @Test
  void manyErrorsThatNobodyLooksAtAreNotLost() {
    CudaExecutable plan = (CudaExecutable) backend.prepare(checked());
    Buffer bad = backend.upload(new boolean[N]);
    Buffer good = backend.upload(new boolean[] {true, true, true, true, true, true});
    Buffer x = backend.upload(numbers(N, 0));
    List<Buffer[]> results = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      Buffer[] out = room(N);
      plan.run(new Buffer[] {i % 2 == 0 ? bad : good, x}, out);
      results.add(out);
    }
    for (int i = 0; i < 40; i++) {
      Buffer out = results.get(i)[0];
      if (i % 2 == 0) {
        assertThrows(ArithmeticException.class, out::toArray, "run " + i);
      } else {
        assertArrayEquals(numbers(N, 1), (double[]) out.toArray(), "run " + i);
      }
    }
  }

  /** The state grows by 1 and by the slice in each round; its history is kept. */
  private static Schedule scan(int length, boolean reverse, boolean check) {
    Slot xs = input(0, DType.F64, length);
    Slot flags = input(1, DType.BOOL, length);
    Slot history = output(0, DType.F64, length);
    Slot state = arena(DType.F64, 0, 1);
    Slot slice = arena(DType.F64, 16, 1);
    Slot next = arena(DType.F64, 32, 1);
    Slot flag = arena(DType.BOOL, 0, 1);
    Slot zero = arena(DType.F64, 48, 1);
    View one = new View(state, 0, new long[] {0});
    Step start =
        new Step.Map(
            new int[0],
            List.of(new Instruction.Constant(DType.F64, 0.5)),
            List.of(
                new Step.Store(0, new View(state, 0, new long[0])),
                new Step.Store(0, new View(zero, 0, new long[0]))));
    List<Instruction> code =
        List.of(
            new Instruction.Load(new View(state, 0, new long[0])),
            new Instruction.Load(new View(slice, 0, new long[0])),
            new Instruction.Apply(new Op.Binary(BinaryKind.ADD), DType.F64, List.of(0, 1)));
    Step body =
        new Step.Map(new int[0], code, List.of(new Step.Store(2, new View(next, 0, new long[0]))));
    List<Step> steps = new ArrayList<>();
    if (check) {
      steps.add(new Step.Check("no", 1, new View(flag, 0, new long[] {1})));
    }
    steps.add(body);
    Step loop =
        new Step.Loop(
            new Step.Count(length, reverse),
            List.of(
                new Step.Move(
                    1, new View(xs, 0, new long[] {1}), new View(slice, 0, new long[] {0})),
                new Step.Move(
                    1, new View(flags, 0, new long[] {1}), new View(flag, 0, new long[] {0}))),
            steps,
            List.of(
                new Step.Move(
                    1, new View(next, 0, new long[] {0}), new View(history, 0, new long[] {1})),
                new Step.Move(1, new View(next, 0, new long[] {0}), one)));
    EnumMap<DType, Long> arena = new EnumMap<>(DType.class);
    arena.put(DType.F64, 64L);
    arena.put(DType.BOOL, 16L);
    return new Schedule(List.of(xs, flags), List.of(history), arena, List.of(start, loop));
  }

  private void checkScan(int length, boolean reverse, int runs) {
    double[] x = numbers(length, 1);
    boolean[] flags = new boolean[length];
    double[] expected = new double[length];
    double state = 0.5;
    for (int i = 0; i < length; i++) {
      int t = reverse ? length - 1 - i : i;
      flags[t] = true;
      state += x[t];
      expected[t] = state;
    }
    CudaExecutable plan = (CudaExecutable) backend.prepare(scan(length, reverse, true));
    Buffer[] in = TwoBackends.upload(backend, x, flags);
    Buffer[] out = room(length);
    for (int i = 0; i < runs; i++) {
      plan.run(in, out);
    }
    assertArrayEquals(expected, (double[]) out[0].toArray());
    if (length <= 100) {
      assertEquals(1, plan.captures());
      assertEquals(runs - 2, plan.replays());
    } else {
      // Some rounds are a graph, which is launched again and again.
      assertTrue(plan.captures() >= 1 && plan.replays() >= 1, plan.captures() + " captures");
    }
  }

  @Test
  void aShortLoopIsPartOfTheGraph() {
    checkScan(7, false, 4);
    checkScan(5, true, 3);
  }

  @Test
  void aLongLoopIsAGraphOfSomeRoundsLaunchedAgainAndAgain() {
    checkScan(1500, false, 2);
    checkScan(1100, true, 1);
  }

  @Test
  void anErrorInALoopNamesTheRound() {
    for (int length : new int[] {9, 1300}) {
      for (boolean reverse : new boolean[] {false, true}) {
        double[] x = numbers(length, 1);
        boolean[] flags = new boolean[length];
        java.util.Arrays.fill(flags, true);
        int at = length - 3;
        flags[at] = false;
        CudaExecutable plan = (CudaExecutable) backend.prepare(scan(length, reverse, true));
        Buffer[] out = room(length);
        plan.run(TwoBackends.upload(backend, x, flags), out);
        ArithmeticException e = assertThrows(ArithmeticException.class, out[0]::toArray);
        assertEquals("scan, step " + at + " of 0 … " + (length - 1) + ": no", e.getMessage());
      }
    }
  }

  /** Adds 1 until 5 is reached. */
  private static Schedule counting(boolean check) {
    View x = dense(input(0, DType.F64, 1), 1);
    View flag = new View(input(1, DType.BOOL, 1), 0, new long[] {1});
    View state = dense(output(0, DType.F64, 1), 1);
    View goesOn = dense(arena(DType.BOOL, 0, 1), 1);
    View scratch = dense(arena(DType.F64, 0, 1), 1);
    List<Instruction> test =
        List.of(
            new Instruction.Load(state),
            new Instruction.Constant(DType.F64, 5),
            new Instruction.Apply(new Op.Compare(CompareKind.LT), DType.BOOL, List.of(0, 1)));
    List<Step> body = new ArrayList<>();
    if (check) {
      body.add(new Step.Check("no", 1, flag));
    }
    body.add(add(state, 1, scratch, 1));
    body.add(add(scratch, 0, state, 1));
    Step loop =
        new Step.Loop(
            new Step.Test(
                List.of(new Step.Map(new int[] {1}, test, List.of(new Step.Store(2, goesOn)))),
                goesOn),
            List.of(),
            body,
            List.of());
    EnumMap<DType, Long> arena = new EnumMap<>(DType.class);
    arena.put(DType.F64, 16L);
    arena.put(DType.BOOL, 16L);
    return new Schedule(
        List.of(x.slot(), flag.slot()),
        List.of(state.slot()),
        arena,
        List.of(add(x, 0, state, 1), loop));
  }

  @Test
  void aLoopWithAConditionEnds() {
    CudaExecutable plan = (CudaExecutable) backend.prepare(counting(false));
    for (double start : new double[] {0, 4.5, 9, -3}) {
      Buffer[] out = room(1);
      plan.run(TwoBackends.upload(backend, new double[] {start}, new boolean[1]), out);
      double expected = start;
      while (expected < 5) {
        expected++;
      }
      assertEquals(expected, ((double[]) out[0].toArray())[0]);
    }
  }

  @Test
  void anErrorEndsALoopWithACondition() {
    CudaExecutable plan = (CudaExecutable) backend.prepare(counting(true));
    Buffer[] out = room(1);
    plan.run(TwoBackends.upload(backend, new double[] {0}, new boolean[1]), out);
    ArithmeticException e = assertThrows(ArithmeticException.class, out[0]::toArray);
    assertEquals("while loop, round 0: no", e.getMessage());
  }

  @Test
  void severalThreadsMayUseAPlan() throws InterruptedException {
    CudaExecutable plan = (CudaExecutable) backend.prepare(chain());
    List<Throwable> problems = java.util.Collections.synchronizedList(new ArrayList<>());
    List<Thread> threads = new ArrayList<>();
    for (int t = 0; t < 4; t++) {
      int start = 100 * t;
      threads.add(
          Thread.ofPlatform()
              .start(() -> {
                try {
                  for (int i = 0; i < 25; i++) {
                    Buffer[] out = room(N);
                    plan.run(one(numbers(N, start + i)), out);
                    assertArrayEquals(numbers(N, start + i + 1111), (double[]) out[0].toArray());
                  }
                } catch (Throwable e) {
                  problems.add(e);
                }
              }));
    }
    for (Thread t : threads) {
      t.join();
    }
    assertEquals(List.of(), problems);
  }
}
