package org.hesse.plan;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.backend.Buffer;
import org.hesse.backend.cpu.CpuBackend;
import org.hesse.ir.Axes;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.FactorKind.Factor;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.hesse.ir.UnaryKind;
import org.hesse.ops.Elementwise;
import org.hesse.ops.Factors;
import org.hesse.ops.Products;
import org.hesse.ops.Reductions;
import org.hesse.ops.Scans;
import org.hesse.ops.Shapes;
import org.hesse.ops.Slices;
import org.hesse.ops.Sources;
import org.hesse.ops.Windows;
import org.hesse.testing.ReferenceInterpreter;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class SimplifyTest {
  private static final DType F64 = DType.F64;

  private static Node input(int index, DType dtype, int... dims) {
    return new Node(new Op.Parameter(index), List.of(), Shape.of(dims), dtype);
  }

  private static Node neg(Node x) {
    return Elementwise.neg(x);
  }

  private static Node full(double v, Node like) {
    return Sources.fullLike(v, like);
  }

  private static Node binary(BinaryKind kind, Node a, Node b) {
    return Elementwise.binary(kind, a, b);
  }

  private static Node slice(Node x, int start, int stride, int count) {
    return Slices.slice(x, Axes.of(start), Axes.of(stride), Shape.of(count));
  }

  private static Node pad(Node x, int low, int interior, int size) {
    return Slices.pad(x, Axes.of(low), Axes.of(interior), Shape.of(size));
  }

  private static Node raw(Op op, Node x, int... dims) {
    return new Node(op, List.of(x), Shape.of(dims), x.dtype());
  }

  /** For each rule a function of F64[6] and F64[2, 3] to which it applies. */
  private static Map<String, Function<Node[], Node>> cases() {
    Map<String, Function<Node[], Node>> c = new TreeMap<>();
    c.put("barrier that waits for nothing", v -> neg(barrier(v[0], Shapes.reverse(v[1], axes(0)))));
    c.put("barrier before view", v -> neg(barrier(Shapes.reverse(v[0], axes(0)), neg(v[1]))));
    c.put("fold constants", in -> binary(BinaryKind.ADD, full(2, in[0]), full(3, in[0])));
    c.put("view of a constant", in -> Shapes.reshape(full(2, in[0]), Shape.of(3, 2)));
    c.put(
        "elementwise before broadcast",
        in -> neg(Shapes.broadcast(in[0], Shape.of(2, 6), Axes.of(1))));
    c.put("copy", in -> Elementwise.copy(in[0]));
    c.put("custom_jvp", in -> custom(in[0]));
    c.put("stop_gradient", in -> Elementwise.stopGradient(in[0]));
    c.put("unary of unary", in -> neg(neg(in[0])));
    c.put("neutral element", in -> binary(BinaryKind.MUL, full(1, in[0]), in[0]));
    c.put(
        "absorbing element",
        in -> {
          Node i = Elementwise.cast(in[0], DType.I32);
          return binary(BinaryKind.MUL, i, full(0, i));
        });
    c.put("equal operands", in -> binary(BinaryKind.MAX, in[0], in[0]));
    c.put("minus one", in -> binary(BinaryKind.DIV, in[0], full(-1, in[0])));
    c.put("negated operands", in -> binary(BinaryKind.ADD, neg(in[0]), in[0]));
    c.put("constant power", in -> binary(BinaryKind.POW, in[0], full(2, in[0])));
    c.put(
        "select of one value",
        in -> Elementwise.select(Elementwise.cast(in[0], DType.BOOL), in[0], in[0]));
    c.put(
        "select by a constant",
        in -> {
          Node condition = Sources.full(1, in[0].shape(), DType.BOOL);
          return Elementwise.select(condition, in[0], neg(in[0]));
        });
    c.put(
        "select by a negation",
        in -> {
          Node not = Elementwise.unary(UnaryKind.NOT, Elementwise.cast(in[0], DType.BOOL));
          return Elementwise.select(not, in[0], neg(in[0]));
        });
    c.put("cast to itself", in -> raw(new Op.Cast(), in[0], 6));
    c.put(
        "cast of cast",
        in -> {
          Node i = Elementwise.cast(in[0], DType.I32);
          return Elementwise.cast(Elementwise.cast(i, F64), DType.F32);
        });
    c.put("identity view", in -> raw(new Op.Permute(Axes.of(0, 1)), in[1], 2, 3));
    c.put(
        "reshape of reshape",
        in -> Shapes.reshape(Shapes.reshape(in[1], Shape.of(6)), Shape.of(3, 2)));
    c.put(
        "permute of permute",
        in -> {
          Node t = Shapes.reshape(in[0], Shape.of(1, 2, 3));
          return Shapes.permute(Shapes.permute(t, Axes.of(1, 2, 0)), Axes.of(1, 0, 2));
        });
    c.put(
        "permute of extents 1",
        in -> Shapes.permute(Shapes.reshape(in[0], Shape.of(1, 6)), Axes.of(1, 0)));
    c.put(
        "broadcast of broadcast",
        in -> {
          Node b = Shapes.broadcast(in[0], Shape.of(6, 2), Axes.of(0));
          return Shapes.broadcast(b, Shape.of(3, 6, 2), Axes.of(1, 2));
        });
    c.put("broadcast to extents 1", in -> Shapes.broadcast(in[0], Shape.of(1, 6), Axes.of(1)));
    c.put("slice of slice", in -> slice(slice(in[0], 1, 2, 3), 1, 1, 2));
    c.put("slice of pad", in -> slice(pad(in[0], 1, 1, 14), 1, 2, 6));
    c.put("slice of padding", in -> slice(pad(in[0], 2, 1, 15), 1, 2, 5));
    c.put("permute of product", in -> Shapes.permute(batched(in[1]), axes(0, 2, 1)));
    c.put(
        "permute of products",
        in -> {
          Node other = batched(Shapes.reverse(in[1], axes(0)));
          return Shapes.permute(binary(BinaryKind.SUB, batched(in[1]), other), axes(0, 2, 1));
        });
    c.put(
        "slice of broadcast",
        in -> {
          Node b = Shapes.broadcast(in[0], Shape.of(4, 6), Axes.of(1));
          return Slices.slice(b, Axes.of(1, 0), Axes.of(2, 1), Shape.of(2, 6));
        });
    c.put("slice of concat", in -> slice(Slices.concat(List.of(in[0], neg(in[0])), 0), 7, 2, 2));
    c.put("window without overlap", in -> Windows.window(in[1], 1, 1, 2, 1));
    c.put("fold without overlap", in -> Windows.fold(in[1], 0, 7, 3, 1));
    c.put(
        "cumsum over extent 1",
        in -> Scans.cumsum(Shapes.reshape(in[0], Shape.of(6, 1)), 1, false));
    c.put("linear function of zero", in -> Scans.cumsum(full(0, in[0]), 0, true));
    c.put("pad of pad", in -> pad(pad(in[0], 1, 1, 13), 2, 0, 16));
    c.put(
        "reverse of extents 1",
        in -> Shapes.reverse(Shapes.reshape(in[0], Shape.of(1, 6)), Axes.of(0, 1)));
    c.put(
        "reverse of reverse",
        in -> Shapes.reverse(Shapes.reverse(in[1], Axes.of(0, 1)), Axes.of(1)));
    c.put(
        "concat of nothing", in -> Slices.concat(List.of(in[0], slice(in[0], 0, 1, 0), in[0]), 0));
    c.put(
        "sum of disjoint pads",
        in -> {
          Node ends = binary(BinaryKind.ADD, pad(exp(in[0]), 13, 0, 20), pad(in[0], 0, 0, 20));
          return binary(BinaryKind.ADD, ends, pad(neg(in[0]), 6, 0, 20));
        });
    c.put(
        "reshape of permuted concat",
        in -> {
          Node x = Shapes.reshape(in[0], Shape.of(1, 3, 2));
          Node both = Slices.concat(List.of(x, neg(x)), 0);
          return Shapes.reshape(Shapes.permute(both, axes(1, 0, 2)), Shape.of(3, 4));
        });
    c.put("reduce over nothing", in -> Reductions.max(slice(in[0], 0, 1, 0), Axes.of(0)));
    c.put(
        "reduce over extents 1",
        in -> Reductions.sum(Shapes.reshape(in[0], Shape.of(2, 1, 3)), Axes.of(1, 2)));
    c.put(
        "reduce of broadcast",
        in ->
            Reductions.sum(Shapes.broadcast(in[1], Shape.of(2, 4, 3), Axes.of(0, 2)), axes(0, 1)));
    c.put("reduce of reduce", in -> Reductions.sum(Reductions.sum(in[1], axes(0)), axes(0)));
    c.put("reduce of permute", in -> Reductions.max(Shapes.permute(in[1], Axes.of(1, 0)), axes(0)));
    c.put(
        "dot over nothing",
        in -> {
          Node empty = Slices.slice(in[1], axes(0, 0), axes(1, 1), Shape.of(2, 0));
          return dot(empty, empty, 1, 1);
        });
    c.put(
        "part of a factorisation",
        in -> {
          Node packed = Shapes.reshape(in[0], Shape.of(3, 2));
          return Factors.part(Factor.LU_ROWS, packed, Slices.slice(packed, 0, 0, 2));
        });
    c.put("dot of permute", in -> dot(Shapes.permute(in[1], Axes.of(1, 0)), in[1], 0, 1));
    c.put(
        "permute of dot",
        in -> {
          Node left = Shapes.reshape(in[0], Shape.of(2, 1, 3));
          Op.Dot op = new Op.Dot(axes(2), axes(1), axes(), axes());
          return Shapes.permute(Products.dot(op, left, in[1], F64), Axes.of(2, 0, 1));
        });
    c.put(
        "dot of casts",
        in -> {
          Node x = Elementwise.cast(Elementwise.cast(in[1], DType.F32), F64);
          return dot(x, x, 1, 1);
        });
    c.put(
        "dot over extents 1",
        in -> {
          Op.Dot op = new Op.Dot(axes(), axes(), axes(1), axes(1));
          return Products.dot(op, in[1], in[1], F64);
        });
    return c;
  }

  private static Node custom(Node x) {
    Op op = new Op.CustomJvp(1, 0, null);
    return new Node(op, List.of(x, neg(x)), x.shape(), x.dtype());
  }

  private static Node barrier(Node x, Node other) {
    return new Node(new Op.Barrier(), List.of(x, other), x.shape(), x.dtype());
  }

  private static Axes axes(int... a) {
    return Axes.of(a);
  }

  /** A product over a batch that is not symmetric. */
  private static Node batched(Node x) {
    return Products.dot(new Op.Dot(axes(), axes(), axes(1), axes(1)), x, neg(exp(x)), F64);
  }

  private static Node exp(Node x) {
    return Elementwise.unary(UnaryKind.EXP, x);
  }

  private static Node dot(Node a, Node b, int i, int j) {
    return Products.dot(new Op.Dot(axes(i), axes(j), axes(), axes()), a, b, a.dtype());
  }

  @Test
  void everyRuleHasACase() {
    TreeSet<String> names = new TreeSet<>(Simplify.rules().stream().map(Rule::name).toList());
    assertEquals(names, new TreeSet<>(cases().keySet()));
  }

  @TestFactory
  List<DynamicTest> ruleFiresAndPreservesMeaning() {
    List<DynamicTest> tests = new ArrayList<>();
    for (Rule rule : Simplify.rules()) {
      Function<Node[], Node> body = cases().get(rule.name());
      tests.add(DynamicTest.dynamicTest(rule.name(), () -> check(rule, body)));
    }
    return tests;
  }

  private static void check(Rule rule, Function<Node[], Node> body) {
    Node[] in = {input(0, F64, 6), input(1, F64, 2, 3)};
    Program before = Program.capture(List.of(in), List.of(body.apply(in)));
    Program alone = Simplify.simplify(before, List.of(rule));
    assertFalse(alone.equals(before), () -> "does not fire on\n" + before);
    Program all = Simplify.simplify(before);
    double[] x = new Random(1).doubles(6, -3, 3).toArray();
    x[2] = Double.NaN;
    x[4] = Double.POSITIVE_INFINITY;
    Object[] expected = ReferenceInterpreter.run(before, x, x);
    for (Program p : List.of(alone, all)) {
      double[] e = ReferenceInterpreter.toDoubles(expected[0]);
      double[] a = ReferenceInterpreter.toDoubles(ReferenceInterpreter.run(p, x, x)[0]);
      assertEquals(before.outputs().get(0).shape(), p.outputs().get(0).shape());
      assertEquals(e.length, a.length);
      for (int i = 0; i < e.length; i++) {
        assertEquals(e[i], a[i], 1e-12, () -> before + "became\n" + p);
      }
    }
  }

  @Test
  void equalNodesBecomeOneAndDeadOnesNone() {
    Node x = input(0, F64, 4);
    Node a = Elementwise.unary(UnaryKind.SIN, x);
    Node b = Elementwise.unary(UnaryKind.SIN, x);
    Node zero = Elementwise.sub(full(1, x), full(1, x));
    Node dead = Elementwise.select(Elementwise.cast(zero, DType.BOOL), neg(x), b);
    Program p = Program.capture(List.of(x), List.of(Elementwise.mul(a, dead)));
    assertEquals(3, Simplify.simplify(p).nodes().size());
  }

  @Test
  void zeroTimesARealIsKept() {
    Node x = input(0, F64, 4);
    Program p = Program.capture(List.of(x), List.of(Elementwise.mul(x, full(0, x))));
    Object[] y =
        ReferenceInterpreter.run(
            Simplify.simplify(p), new double[] {Double.NaN, Double.POSITIVE_INFINITY, 1, 0});
    assertTrue(Double.isNaN(((double[]) y[0])[0]) && Double.isNaN(((double[]) y[0])[1]));
  }

  @Test
  void aHundredThousandNodesPass() {
    Node x = input(0, F64, 4);
    Node y = x;
    for (int i = 0; i < 50_000; i++) {
      y = Elementwise.add(Elementwise.unary(UnaryKind.SIN, y), x);
    }
    Program p = Program.capture(List.of(x), List.of(y));
    Program simple = Simplify.simplify(p);
    assertEquals(100_001, simple.nodes().size());
    assertTrue(Lower.lower(simple).steps().size() < 5000);
  }

  /** As of the gates of a recurrence, in whatever order their derivatives come. */
  @Test
  void sumsOfPadsAreParts() {
    Node x = input(0, F64, 3);
    double[] numbers = {-0.0, Double.NaN, 2};
    for (int[] order : new int[][] {{0, 1, 2, 3}, {3, 1, 0, 2}, {2, 0, 3, 1}}) {
      Node sum = pad(x, 3 * order[0], 0, 12);
      for (int i = 1; i < order.length; i++) {
        sum = binary(BinaryKind.ADD, pad(x, 3 * order[i], 0, 12), sum);
      }
      Program before = Program.capture(List.of(x), List.of(sum));
      Program after = Simplify.simplify(before);
      assertEquals(0, count(after, Op.Pad.class), after::print);
      assertEquals(1, count(after, Op.Concat.class), after::print);
      assertEquals(1, count(after, Op.Binary.class), after::print);
      // Zeros have their signs here.
      Object expected = ReferenceInterpreter.run(before, numbers)[0];
      assertArrayEquals(
          (double[]) expected, (double[]) ReferenceInterpreter.run(after, numbers)[0]);
    }
  }

  /** Numbers repeated, as of derivatives of sums, get one zero each, whatever the order. */
  @Test
  void sumsOfManyPadsStaySmall() {
    int count = 200;
    Node x = input(0, F64, 2 * count);
    Node sum = null;
    for (int i = 0; i < count; i++) {
      Node number = Shapes.reshape(slice(x, i, 1, 1), Shape.scalar());
      Node part = pad(Shapes.broadcast(number, Shape.of(2), axes()), 2 * i, 0, 2 * count);
      sum = sum == null ? part : binary(BinaryKind.ADD, sum, part);
    }
    Program before = Program.capture(List.of(x), List.of(sum));
    Program after = Simplify.simplify(before);
    assertTrue(after.nodes().size() < 2000, () -> "" + after.nodes().size());
    double[] numbers = new Random(2).doubles(2L * count).toArray();
    assertArrayEquals(
        (double[]) ReferenceInterpreter.run(before, numbers)[0],
        (double[]) ReferenceInterpreter.run(after, numbers)[0]);
  }

  @Test
  void concatsOfNothingAreNotMoved() {
    Node a = input(0, F64, 2, 0, 4);
    Node b = input(1, F64, 3, 0, 4);
    Node both = Slices.concat(List.of(a, b), 0);
    Node moved = Shapes.reshape(Shapes.permute(both, axes(1, 0, 2)), Shape.of(0, 7));
    Program p = Program.capture(List.of(a, b), List.of(moved));
    assertEquals(Shape.of(0, 7), Simplify.simplify(p).outputs().get(0).shape());
  }

  /** What its reader reads through the permutation would be written element by element. */
  @Test
  void singleElementsOfAConcatAreNotMoved() {
    Node x = input(0, F64, 2, 3);
    Node both = Slices.concat(List.of(exp(x), neg(x)), 0);
    Node sums =
        Reductions.sum(Shapes.reshape(Shapes.permute(both, axes(1, 0)), Shape.of(2, 6)), axes(1));
    Program after = Simplify.simplify(Program.capture(List.of(x), List.of(sums)));
    Node concat =
        after.nodes().stream().filter(n -> n.op() instanceof Op.Concat).findFirst().orElseThrow();
    assertEquals(new Op.Concat(0), concat.op());
  }

  @Test
  void padsThatOverlapOrAreReadElsewhereStay() {
    Node x = input(0, F64, 3);
    Node first = pad(x, 0, 0, 6);
    Node overlapping = binary(BinaryKind.ADD, first, pad(exp(x), 2, 0, 6));
    Node apart = binary(BinaryKind.ADD, first, pad(neg(x), 3, 0, 6));
    for (List<Node> out : List.of(List.of(overlapping), List.of(apart, first))) {
      Program after = Simplify.simplify(Program.capture(List.of(x), out));
      assertEquals(2, count(after, Op.Pad.class), after::print);
    }
  }

  private static long count(Program program, Class<? extends Op> kind) {
    return program.nodes().stream().filter(n -> kind.isInstance(n.op())).count();
  }

  /** Padding between positions, of which there is only one, is none between its elements. */
  @Test
  void paddingBetweenWindowsIsNotPutIntoThem() {
    Node x = input(0, DType.F64, 2, 3);
    Node v = input(1, DType.F64, 3, 9);
    Node window = new Node(new Op.Window(1, 1, 1), List.of(x), Shape.of(2, 1, 3), DType.F64);
    Op pad = new Op.Pad(Axes.of(1, 0, 0), Axes.of(0, 2, 0));
    Node padded = new Node(pad, List.of(window), Shape.of(3, 1, 3), DType.F64);
    Axes none = Axes.of(new int[0]);
    Op dot = new Op.Dot(Axes.of(2), Axes.of(0), none, none);
    Node product = new Node(dot, List.of(padded, v), Shape.of(3, 1, 9), DType.F64);
    Program program = Program.capture(List.of(x, v), List.of(product));
    double[] a = IntStream.range(1, 7).asDoubleStream().toArray();
    double[] b = IntStream.range(0, 27).asDoubleStream().toArray();
    Buffer[] in = {CpuBackend.instance().upload(a), CpuBackend.instance().upload(b)};
    Object got = Plan.compile(CpuBackend.instance(), program).run(in)[0].toArray();
    double[] expected = (double[]) ReferenceInterpreter.run(program, a, b)[0];
    assertArrayEquals(expected, (double[]) got, 1e-12);
  }
}
