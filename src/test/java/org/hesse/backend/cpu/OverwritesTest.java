package org.hesse.backend.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.backend.Buffer;
import org.hesse.ir.Axes;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.hesse.ir.UnaryKind;
import org.hesse.ops.Elementwise;
import org.hesse.ops.Indexing;
import org.hesse.ops.Products;
import org.hesse.ops.Reductions;
import org.hesse.ops.Shapes;
import org.hesse.ops.Sources;
import org.hesse.plan.Plan;
import org.hesse.testing.RandomPrograms;
import org.junit.jupiter.api.Test;

/** Results that take the memory of inputs are what they are in memory of their own. */
class OverwritesTest {
  private static final String WHY = "it was given away";
  private static final int COUNT = Integer.getInteger("hesse.fuzz", 1000);

  private static Node input(int index, int... dims) {
    return new Node(new Op.Parameter(index), List.of(), Shape.of(dims), DType.F32);
  }

  private static Plan plan(List<Node> inputs, Node... outputs) {
    boolean[] given = new boolean[inputs.size()];
    Arrays.fill(given, true);
    Program program = Program.capture(inputs, List.of(outputs));
    return Plan.compile(CpuBackend.instance(), program, given);
  }

  /** Which output takes the memory of the one input. */
  private static int heir(Node x, Node... outputs) {
    return plan(List.of(x), outputs).heir(0);
  }

  private static CpuBuffer buffer(Object array) {
    return (CpuBuffer) CpuBackend.instance().upload(array);
  }

  private static float[] random(int size) {
    Random random = new Random(size);
    float[] x = new float[size];
    for (int i = 0; i < size; i++) {
      x[i] = random.nextFloat() - 0.5f;
    }
    return x;
  }

  /** Runs a program with and without what it takes, and with buffers that are several inputs. */
  @Test
  void randomProgramsComputeTheSame() {
    int taken = 0;
    for (int seed = 0; seed < COUNT; seed++) {
      RandomPrograms.Case drawn = RandomPrograms.draw(seed);
      boolean[] given = new boolean[drawn.inputs().length];
      Random random = new Random(seed);
      for (int i = 0; i < given.length; i++) {
        given[i] = random.nextInt(4) > 0;
      }
      Plan plain = Plan.compile(CpuBackend.instance(), drawn.program());
      Plan taking = Plan.compile(CpuBackend.instance(), drawn.program(), given);
      Buffer[] own = shared(drawn.inputs(), new Random(seed));
      Buffer[] lost = shared(drawn.inputs(), new Random(seed));
      Buffer[] expected = plain.run(own);
      Buffer[] actual = taking.run(lost, null, WHY);
      String where = "seed " + seed + "\n" + taking.print();
      for (int i = 0; i < actual.length; i++) {
        assertTrue(same(expected[i].toArray(), actual[i].toArray()), where);
      }
      for (int i = 0; i < given.length; i++) {
        if (taking.heir(i) >= 0) {
          assertTrue(given[i], where);
          assertEquals(WHY, lost[i].given(), where);
          taken++;
        }
      }
      for (int i = 0; i < given.length; i++) {
        if (lost[i].given() == null) {
          assertTrue(same(own[i].toArray(), lost[i].toArray()), where);
        }
      }
    }
    assertTrue(taken > COUNT / 4, taken + " inputs written over");
  }

  /** Buffers for arrays, some of which are the same one for inputs of one type and size. */
  private static Buffer[] shared(Object[] arrays, Random random) {
    Buffer[] buffers = new Buffer[arrays.length];
    for (int i = 0; i < buffers.length; i++) {
      buffers[i] = buffer(arrays[i]);
      int j = random.nextInt(i + 1);
      if (buffers[j].dtype() == buffers[i].dtype() && buffers[j].size() == buffers[i].size()) {
        buffers[i] = buffers[j];
      }
    }
    return buffers;
  }

  private static boolean same(Object a, Object b) {
    return Objects.deepEquals(a, b);
  }

  @Test
  void mapsGoOverWhatTheyReadElementForElement() {
    Node x = input(0, 60, 70);
    assertEquals(0, heir(x, Elementwise.unary(UnaryKind.EXP, x)));
    assertEquals(1, heir(x, Reductions.sum(x, Axes.of(0, 1)), Elementwise.neg(x)));
    Node row = Shapes.broadcastTo(Reductions.max(x, Axes.of(0)), x.shape());
    assertEquals(0, heir(x, Elementwise.sub(x, row)));
  }

  @Test
  void whatIsStillReadIsKept() {
    Node x = input(0, 60, 60);
    Node turned = Shapes.permute(x, Axes.of(1, 0));
    assertEquals(-1, heir(x, Elementwise.add(x, turned)));
    assertEquals(-1, heir(x, Elementwise.neg(turned)));
    assertEquals(-1, heir(x, Products.matmul(x, x)));
    assertEquals(-1, heir(x, Reductions.sum(x, Axes.of(0))));
    Node first = Shapes.broadcastTo(Reductions.sum(x, Axes.of(0)), x.shape());
    Node later = Products.matmul(Elementwise.add(x, first), x);
    assertEquals(-1, heir(x, Elementwise.add(x, first), later));
  }

  @Test
  void whatNobodyReadsGoesToAnything() {
    Node x = input(0, 60, 60);
    Node spare = input(1, 3600);
    Plan plan = plan(List.of(x, spare), Products.matmul(x, x));
    assertEquals(0, plan.heir(1));
    CpuBuffer a = buffer(random(3600));
    CpuBuffer s = buffer(random(3600));
    Object array = s.array();
    CpuBuffer y = (CpuBuffer) plan.run(new Buffer[] {a, s}, null, WHY)[0];
    assertSame(array, y.array());
    assertNull(a.given());
  }

  /** What stays as it is is not even copied. */
  @Test
  void anInputThatIsAnOutputStaysWhereItIs() {
    Node x = input(0, 30, 40);
    Plan plan = plan(List.of(x), Elementwise.neg(x), Shapes.reshape(x, Shape.of(40, 30)));
    float[] values = random(1200);
    CpuBuffer in = buffer(values);
    Object array = in.array();
    Buffer[] out = plan.run(new Buffer[] {in}, null, WHY);
    int heir = plan.heir(0);
    assertSame(array, ((CpuBuffer) out[heir]).array());
    assertArrayEquals(values, (float[]) out[1].toArray());
    float[] negative = values.clone();
    for (int i = 0; i < negative.length; i++) {
      negative[i] = -negative[i];
    }
    assertArrayEquals(negative, (float[]) out[0].toArray());
  }

  /** A product and the map behind it, and rows that go together, read what the map writes over. */
  @Test
  void stepsThatRunTogether() {
    for (int n : new int[] {5, 64, 200, 512}) {
      Node w = input(0, n, n);
      Node x = input(1, 300, n);
      Node rate = input(2, n);
      Node y = Products.matmul(x, w);
      Node loss = Elementwise.unary(UnaryKind.TANH, y);
      Node gradient = Products.matmul(Shapes.permute(x, Axes.of(1, 0)), loss);
      Node scaled = Elementwise.mul(Shapes.broadcastTo(rate, w.shape()), gradient);
      Node max = Shapes.broadcastTo(Reductions.max(x, Axes.of(0)), x.shape());
      Node next = Elementwise.sub(x, Elementwise.mul(max, x));
      sameWithAndWithout(List.of(w, x, rate), Elementwise.sub(w, scaled), next);
    }
  }

  /** A step of momentum, whose state is written over, and a result that needs the old one. */
  @Test
  void manySizesAndThreads() {
    int before = CpuBackend.threads();
    try {
      for (int threads : new int[] {1, 3}) {
        CpuBackend.setThreads(threads);
        for (int n : new int[] {1, 2, 7, 31, 33, 1023, 1025, 4099, 400_001}) {
          Node x = input(0, n);
          Node v = input(1, n);
          Node g = input(2, n);
          Node half = Sources.fullLike(0.5, x);
          Node velocity = Elementwise.add(Elementwise.mul(half, v), g);
          Node second = Elementwise.mul(Elementwise.unary(UnaryKind.SIN, v), velocity);
          Node moved = Elementwise.sub(x, Elementwise.mul(half, velocity));
          sameWithAndWithout(List.of(x, v, g), moved, velocity, second);
          sameWithAndWithout(List.of(v, x, g), second, moved);
        }
      }
    } finally {
      CpuBackend.setThreads(before);
    }
  }

  private static void sameWithAndWithout(List<Node> inputs, Node... outputs) {
    Program program = Program.capture(inputs, List.of(outputs));
    Plan plain = Plan.compile(CpuBackend.instance(), program);
    boolean[] given = new boolean[inputs.size()];
    Arrays.fill(given, true);
    Plan taking = Plan.compile(CpuBackend.instance(), program, given);
    Buffer[] expected = plain.run(numbers(inputs));
    Buffer[] actual = taking.run(numbers(inputs), null, WHY);
    for (int i = 0; i < actual.length; i++) {
      assertArrayEquals((float[]) expected[i].toArray(), (float[]) actual[i].toArray());
    }
    assertTrue(taking.heir(0) >= 0, taking.print());
  }

  private static Buffer[] numbers(List<Node> inputs) {
    return inputs.stream().map(n -> buffer(random((int) n.shape().size()))).toArray(Buffer[]::new);
  }

  @Test
  void whatAnotherRunReadsIsCopied() {
    Node x = input(0, 100);
    Plan plan = plan(List.of(x), Elementwise.neg(x));
    float[] values = random(100);
    CpuBuffer in = buffer(values);
    Object array = in.hold();
    CpuBuffer out = (CpuBuffer) plan.run(new Buffer[] {in}, null, WHY)[0];
    assertNotSame(array, out.array());
    assertArrayEquals(values, (float[]) array);
    in.release();
    assertEquals(WHY, in.given());
    assertEquals(-values[7], ((float[]) out.toArray())[7]);
  }

  /** A loop needs one set of buffers. */
  @Test
  void aLoopStaysInItsMemory() {
    Node x = input(0, 1000);
    Plan plan = plan(List.of(x), Elementwise.add(x, Sources.fullLike(1, x)));
    CpuBuffer b = buffer(new float[1000]);
    Object array = b.array();
    for (int i = 0; i < 10; i++) {
      b = (CpuBuffer) plan.run(new Buffer[] {b}, null, WHY)[0];
      assertSame(array, b.array());
    }
    assertEquals(10, ((float[]) b.toArray())[999]);
  }

  /** Arguments are looked at before anything is taken. */
  @Test
  void aRunThatIsRefusedTakesNothing() {
    Node x = input(0, 100);
    Node y = input(1, 100);
    Plan plan = plan(List.of(x, y), Elementwise.add(x, y), Elementwise.sub(x, y));
    assertTrue(plan.heir(0) >= 0 && plan.heir(1) >= 0, plan.print());
    float[] values = random(100);
    CpuBuffer whole = buffer(values);
    CpuBuffer empty = buffer(values);
    empty.close("it was closed");
    var e =
        assertThrows(
            IllegalStateException.class, () -> plan.run(new Buffer[] {whole, empty}, null, WHY));
    assertTrue(String.valueOf(e.getMessage()).contains("it was closed"), e.getMessage());
    assertThrows(
        IllegalStateException.class, () -> plan.run(new Buffer[] {empty, whole}, null, WHY));
    assertThrows(
        IllegalArgumentException.class,
        () -> plan.run(new Buffer[] {whole, buffer(new float[99])}, null, WHY));
    assertNull(whole.given());
    assertArrayEquals(values, (float[]) whole.toArray());
    // Nothing of it keeps the buffer from being taken later.
    Object array = whole.array();
    Buffer[] out = plan.run(new Buffer[] {whole, buffer(values)}, null, WHY);
    assertSame(array, ((CpuBuffer) out[plan.heir(0)]).array());
  }

  @Test
  void aRunThatFailsSaysWhatItTook() {
    Node x = input(0, 100);
    Node at = new Node(new Op.Parameter(1), List.of(), Shape.of(3), DType.I32);
    Node picked = Indexing.gather(Elementwise.neg(x), at, 0, 0);
    Plan plan = plan(List.of(x, at), Elementwise.add(x, x), picked);
    CpuBuffer in = buffer(random(100));
    CpuBuffer wrong = buffer(new int[] {1, 2, 100});
    assertThrows(
        IndexOutOfBoundsException.class, () -> plan.run(new Buffer[] {in, wrong}, null, WHY));
    assertEquals(0, plan.heir(0));
    assertTrue(String.valueOf(in.given()).startsWith(WHY + " (that call failed"), in.given());
  }
}
