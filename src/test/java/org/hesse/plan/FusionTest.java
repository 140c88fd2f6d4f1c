package org.hesse.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.backend.Buffer;
import org.hesse.backend.Schedule;
import org.hesse.backend.Step;
import org.hesse.ir.Axes;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.CompareKind;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.hesse.ir.UnaryKind;
import org.hesse.ops.Elementwise;
import org.hesse.ops.Products;
import org.hesse.ops.Reductions;
import org.hesse.ops.Shapes;
import org.hesse.ops.Slices;
import org.hesse.ops.Sources;
import org.hesse.testing.ReferenceBackend;
import org.hesse.testing.ReferenceInterpreter;
import org.junit.jupiter.api.Test;

/** Counts the steps of well-known programs. Every plan is also run and compared. */
class FusionTest {
  private final List<Node> inputs = new ArrayList<>();

  private Node input(int... dims) {
    Node n = new Node(new Op.Parameter(inputs.size()), List.of(), Shape.of(dims), DType.F32);
    inputs.add(n);
    return n;
  }

  private Schedule plan(Node... outputs) {
    Program program = Program.capture(inputs, List.of(outputs));
    ReferenceBackend backend = new ReferenceBackend();
    Plan plan = Plan.compile(backend, program);
    Random random = new Random(7);
    Buffer[] in = new Buffer[inputs.size()];
    Object[] data = new Object[in.length];
    for (int i = 0; i < in.length; i++) {
      float[] x = new float[(int) inputs.get(i).shape().size()];
      for (int j = 0; j < x.length; j++) {
        x[j] = random.nextFloat();
      }
      data[i] = x;
      in[i] = backend.upload(x);
    }
    Object[] expected = ReferenceInterpreter.run(program, data);
    Buffer[] actual = plan.run(in);
    for (int i = 0; i < actual.length; i++) {
      double[] e = ReferenceInterpreter.toDoubles(expected[i]);
      double[] a = ReferenceInterpreter.toDoubles(actual[i].toArray());
      for (int j = 0; j < e.length; j++) {
        assertEquals(e[j], a[j], 1e-4 * (1 + Math.abs(e[j])), plan::print);
      }
    }
    return plan.schedule();
  }

  private static String kinds(Schedule s) {
    return String.join(" ", s.steps().stream().map(x -> x.getClass().getSimpleName()).toList());
  }

  private static Node unary(UnaryKind kind, Node x) {
    return Elementwise.unary(kind, x);
  }

  private static Node binary(BinaryKind kind, Node a, Node b) {
    return Elementwise.binary(kind, a, b);
  }

  private static Node spread(Node scalar, Node like) {
    return Shapes.broadcast(scalar, like.shape(), Axes.of());
  }

  @Test
  void aChainOfTwentyIsOneStep() {
    Node x = input(5, 7);
    Node y = x;
    for (int i = 0; i < 10; i++) {
      y = Elementwise.add(unary(UnaryKind.TANH, y), x);
    }
    Schedule s = plan(y);
    assertEquals("Map", kinds(s));
    Step.Map map = (Step.Map) s.steps().get(0);
    assertEquals(21, map.code().size());
    assertEquals("[35]", Arrays.toString(map.domain()));
  }

  /** max; the exponentials, recomputed rather than stored, summed; quotients. */
  @Test
  void softmaxOfRowsIsThreeSteps() {
    Node x = input(256, 96);
    Node max = Shapes.broadcast(Reductions.max(x, Axes.of(1)), x.shape(), Axes.of(0));
    Node e = unary(UnaryKind.EXP, Elementwise.sub(x, max));
    Node sum = Shapes.broadcast(Reductions.sum(e, Axes.of(1)), x.shape(), Axes.of(0));
    assertEquals("Reduce Reduce Map", kinds(plan(Elementwise.div(e, sum))));
  }

  /** Reductions over so few elements are operations on slices, fused with what is around them. */
  @Test
  void softmaxOfTwoColumnsIsOneStep() {
    Node x = input(32, 2);
    Node max = Shapes.broadcast(Reductions.max(x, Axes.of(1)), x.shape(), Axes.of(0));
    Node e = unary(UnaryKind.EXP, Elementwise.sub(x, max));
    Node sum = Shapes.broadcast(Reductions.sum(e, Axes.of(1)), x.shape(), Axes.of(0));
    Schedule s = plan(Elementwise.div(e, sum));
    assertEquals("Map", kinds(s));
    assertEquals("[32]", Arrays.toString(((Step.Map) s.steps().get(0)).domain()));
  }

  @Test
  void anAdamUpdateIsOneStep() {
    Node p = input(300, 70);
    Node g = input(300, 70);
    Node m = input(300, 70);
    Node v = input(300, 70);
    Node rate = input();
    Node c1 = input();
    Node c2 = input();
    Node m2 = Elementwise.add(Elementwise.scale(0.9, m), Elementwise.scale(0.1, g));
    Node g2 = Elementwise.scale(0.001, Elementwise.mul(g, g));
    Node v2 = Elementwise.add(Elementwise.scale(0.999, v), g2);
    Node mhat = Elementwise.div(m2, spread(c1, m));
    Node vhat = Elementwise.div(v2, spread(c2, m));
    Node eps = Sources.fullLike(1e-8, m);
    Node step = Elementwise.div(mhat, Elementwise.add(unary(UnaryKind.SQRT, vhat), eps));
    Node p2 = Elementwise.sub(p, Elementwise.mul(spread(rate, p), step));
    Schedule s = plan(p2, m2, v2);
    assertEquals("Map", kinds(s));
    assertEquals(3, ((Step.Map) s.steps().get(0)).stores().size());
    assertTrue(s.arena().isEmpty());
  }

  @Test
  void theBiasCorrectionsOfAdamAreOneMoreStep() {
    Node g = input(300, 70);
    Node v = input(300, 70);
    Node t = input();
    Node b1 = Sources.constant(0.9, DType.F32);
    Node b2 = Sources.constant(0.999, DType.F32);
    Node one = Sources.constant(1, DType.F32);
    Node c1 = Elementwise.sub(one, binary(BinaryKind.POW, b1, t));
    Node c2 = Elementwise.sub(one, binary(BinaryKind.POW, b2, t));
    Node y = Elementwise.add(Elementwise.div(g, spread(c1, g)), Elementwise.div(v, spread(c2, g)));
    assertEquals("Map Map", kinds(plan(y)));
  }

  /** tanh layer, linear layer, squared error: two products forward and three back. */
  @Test
  void theGradientOfATwoLayerNetworkIsProductsAndFewMaps() {
    Node x = input(64, 30);
    Node y = input(64, 10);
    Node w1 = input(40, 30);
    Node b1 = input(40);
    Node w2 = input(10, 40);
    Node z = Products.matmul(x, Shapes.permute(w1, Axes.of(1, 0)));
    Node h = unary(UnaryKind.TANH, Elementwise.add(z, Shapes.broadcast(b1, z.shape(), Axes.of(1))));
    Node d = Elementwise.sub(Products.matmul(h, Shapes.permute(w2, Axes.of(1, 0))), y);
    Node loss = Reductions.sum(Elementwise.mul(d, d), Axes.of(0, 1));
    Node dOut = Elementwise.scale(2, d);
    Node dW2 = Products.matmul(Shapes.permute(dOut, Axes.of(1, 0)), h);
    Node dH = Products.matmul(dOut, w2);
    Node slope = Elementwise.sub(Sources.fullLike(1, h), Elementwise.mul(h, h));
    Node dZ = Elementwise.mul(dH, slope);
    Node dW1 = Products.matmul(Shapes.permute(dZ, Axes.of(1, 0)), x);
    Node dB1 = Reductions.sum(dZ, Axes.of(0));
    Schedule s = plan(loss, dW1, dB1, dW2);
    assertEquals(5, count(s, Step.Dot.class), kinds(s));
    assertEquals(2, count(s, Step.Reduce.class), kinds(s));
    assertEquals(3, count(s, Step.Map.class), kinds(s));
  }

  private static long count(Schedule s, Class<?> kind) {
    return s.steps().stream().filter(kind::isInstance).count();
  }

  @Test
  void transposedOperandsOfAProductAreViews() {
    Node a = input(8, 5);
    Node b = input(9, 8);
    Node ab = Products.matmul(Shapes.permute(a, Axes.of(1, 0)), Shapes.permute(b, Axes.of(1, 0)));
    assertEquals("Dot", kinds(plan(ab)));
  }

  @Test
  void anOperandWhoseAxesDoNotMergeIsRearranged() {
    Node a = input(3, 8, 4);
    Node b = input(8, 5);
    Op.Dot op = new Op.Dot(Axes.of(1), Axes.of(0), Axes.of(), Axes.of());
    assertEquals("Map Dot", kinds(plan(Products.dot(op, a, b, DType.F32))));
  }

  @Test
  void aSharedOperandOfABatchMakesOneLargerProduct() {
    Node a = input(6, 3, 4);
    Node b = Shapes.broadcast(input(4, 5), Shape.of(6, 4, 5), Axes.of(1, 2));
    Op.Dot op = new Op.Dot(Axes.of(2), Axes.of(1), Axes.of(0), Axes.of(0));
    Schedule s = plan(Products.dot(op, a, b, DType.F32));
    assertEquals("Dot", kinds(s));
    Step.Dot dot = (Step.Dot) s.steps().get(0);
    assertEquals(1, dot.batch());
    assertEquals(18, dot.m());
  }

  @Test
  void anExpensiveValueReadByTwoOutputsIsComputedOnce() {
    Node x = input(200, 200);
    Node y = input(200, 200);
    Node e = unary(UnaryKind.ERF, Elementwise.mul(x, y));
    Node e2 = unary(UnaryKind.ERF, e);
    Schedule s = plan(Elementwise.add(e2, x), Elementwise.mul(e2, y));
    assertEquals("Map", kinds(s));
    long erf =
        ((Step.Map) s.steps().get(0))
            .code().stream().filter(i -> i.toString().contains("ERF")).count();
    assertEquals(2, erf);
    assertTrue(s.arena().isEmpty());
  }

  @Test
  void aValueIsNotRecomputedThroughABroadcast() {
    Node x = input(100);
    Node e = Shapes.broadcast(unary(UnaryKind.TANH, x), Shape.of(300, 100), Axes.of(1));
    Schedule s = plan(Elementwise.add(e, input(300, 100)));
    assertEquals("Map Map", kinds(s));
  }

  @Test
  void mapsThatWaitForEachOtherThroughAReductionStayApart() {
    Node x = input(50, 20);
    Node y = Elementwise.scale(2, x);
    Node mean = Shapes.broadcast(Reductions.sum(y, Axes.of(1)), x.shape(), Axes.of(0));
    assertEquals("Map Reduce Map", kinds(plan(y, Elementwise.sub(y, mean))));
  }

  @Test
  void aSplitAxisIsFollowedThroughAReshape() {
    Node x = input(6);
    Node y = input(4);
    Node flat = Shapes.reshape(outer(x, y), Shape.of(24));
    assertEquals("Map", kinds(plan(Elementwise.add(flat, input(24)))));
  }

  private static Node outer(Node x, Node y) {
    Shape shape = Shape.of(x.shape().dim(0), y.shape().dim(0));
    Node a = Shapes.broadcast(x, shape, Axes.of(0));
    return Elementwise.mul(a, Shapes.broadcast(y, shape, Axes.of(1)));
  }

  @Test
  void outputsThatAreViewsOrInputsAreCopied() {
    Node x = input(4, 5);
    Schedule s = plan(x, Shapes.permute(x, Axes.of(1, 0)), Shapes.reshape(x, Shape.of(20)));
    assertEquals(3, s.steps().stream().mapToInt(m -> ((Step.Map) m).stores().size()).sum());
  }

  @Test
  void theSameNodeTwiceIsStoredTwice() {
    Node y = unary(UnaryKind.EXP, input(4, 5));
    Schedule s = plan(y, y);
    assertEquals("Map", kinds(s));
    assertEquals(2, ((Step.Map) s.steps().get(0)).stores().size());
  }

  @Test
  void aReshapedProductNeedsNoCopy() {
    Node ab = Products.matmul(input(4, 5), input(5, 6));
    assertEquals("Dot", kinds(plan(Shapes.reshape(ab, Shape.of(2, 12)))));
  }

  @Test
  void concatAndPadAreStridedStores() {
    Node x = input(3, 4);
    Node y = unary(UnaryKind.SIN, x);
    assertEquals("Map", kinds(plan(Slices.concat(List.of(x, y), 0))));
    inputs.clear();
    Node z = unary(UnaryKind.SIN, input(3));
    assertEquals("Map Map", kinds(plan(Slices.pad(z, Axes.of(1), Axes.of(1), Shape.of(8)))));
  }

  @Test
  void nothingIsScheduledForNothing() {
    Node x = input(0, 4);
    assertEquals("", kinds(plan(unary(UnaryKind.EXP, x))));
    assertEquals("Map", kinds(plan(Reductions.max(x, Axes.of(0)))));
    assertEquals("Map", kinds(plan(Products.matmul(Shapes.permute(x, Axes.of(1, 0)), x))));
  }

  @Test
  void aColumnSumWalksAlongTheRows() {
    Node x = input(12, 34);
    Step.Reduce columns = (Step.Reduce) plan(Reductions.sum(x, Axes.of(0))).steps().get(0);
    assertEquals(0, columns.outer());
    assertEquals("[12, 34]", Arrays.toString(columns.domain()));
    Node t = Shapes.permute(x, Axes.of(1, 0));
    Node two = Elementwise.add(t, t);
    Step.Reduce same = (Step.Reduce) plan(Reductions.sum(two, Axes.of(1))).steps().get(0);
    assertEquals("[12, 34]", Arrays.toString(same.domain()));
    assertEquals(0, same.outer());
  }

  @Test
  void selectsAndComparesFuse() {
    Node x = input(30);
    Node zero = Sources.fullLike(0, x);
    Node relu = Elementwise.select(Elementwise.compare(CompareKind.GT, x, zero), x, zero);
    assertEquals("Reduce", kinds(plan(Reductions.sum(relu, Axes.of(0)))));
  }

  @Test
  void printShowsWhatWasFused() {
    Node x = input(2, 3);
    Node y = Reductions.sum(unary(UnaryKind.EXP, x), Axes.of(1));
    Plan plan = Plan.compile(new ReferenceBackend(), Program.capture(inputs, List.of(y)));
    assertEquals(
        """
        1 step, arena 0 bytes
        0: reduce_sum [2] over [3]
             v0 = load in0[3, 1]
             v1 = exp v0 : F32
             out0[1] ← reduce v1
        """,
        plan.print());
  }

  @Test
  void repeatedElementsMayOutnumberAnInt() {
    Node x = input(3);
    Node all = Shapes.broadcast(x, Shape.of(3, 70_000, 70_000), Axes.of(0));
    Node sum = Reductions.sum(unary(UnaryKind.EXP, all), Axes.of(1, 2));
    Program program = Program.capture(inputs, List.of(sum));
    for (Step step : Lower.lower(program).steps()) {
      if (step instanceof Step.Reduce reduce) {
        assertEquals(
            3L * 70_000 * 70_000,
            Arrays.stream(reduce.domain()).asLongStream().reduce(1, (a, b) -> a * b));
      }
    }
  }
}
