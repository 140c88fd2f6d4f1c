package org.hesse.testing;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.diff.Captures;
import org.hesse.ir.Axes;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.CompareKind;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.hesse.ir.UnaryKind;
import org.hesse.ops.Elementwise;
import org.hesse.ops.Indexing;
import org.hesse.ops.Products;
import org.hesse.ops.Programs;
import org.hesse.ops.Programs.Binding;
import org.hesse.ops.Programs.Operands;
import org.hesse.ops.Reductions;
import org.hesse.ops.Shapes;
import org.hesse.ops.Slices;
import org.hesse.ops.Sources;

/**
 * Draws programs that run programs that run programs: scans, loops and calls with states of all
 * dtypes, shared, unread, unchanged and empty ones among them. The same seed, the same ones. Reals
 * stay small and are compared with each other nowhere, so that rounding makes no large difference.
 */
public final class RandomNested {
  private static final Shape[] SHAPES = {
    Shape.scalar(), Shape.of(3), Shape.of(3), Shape.of(2, 3), Shape.of(3, 2), Shape.of(3, 3)
  };

  private final Random random;

  private RandomNested(long seed) {
    this.random = new Random(seed);
  }

  /** Draws a program with data for it. */
  public static RandomPrograms.Case draw(long seed) {
    RandomNested r = new RandomNested(seed);
    List<Node> inputs = new ArrayList<>();
    for (int i = 0; i < 1 + r.random.nextInt(4); i++) {
      DType dtype = r.random.nextInt(4) > 0 ? DType.F64 : r.pick(DType.values());
      inputs.add(new Node(new Op.Parameter(i), List.of(), r.shape(), dtype));
    }
    List<Node> pool = r.filled(inputs, 3 + r.random.nextInt(8), 3);
    List<Node> outputs = new ArrayList<>();
    for (int i = 0; i < 1 + r.random.nextInt(4); i++) {
      outputs.add(r.any(pool));
    }
    return new RandomPrograms.Case(
        Program.capture(inputs, outputs), inputs.stream().map(r::data).toArray());
  }

  /** Draws a differentiable function of some nodes of F64, without conditional loops; a scalar. */
  public static Node scalar(long seed, List<Node> inputs) {
    RandomNested r = new RandomNested(seed);
    r.smooth = true;
    List<Node> pool = r.filled(inputs, 4 + r.random.nextInt(6), 3);
    Node sum = Sources.fullLike(0, inputs.get(0));
    sum = Reductions.sum(sum, Axes.range(0, sum.shape().rank()));
    for (Node n : pool.subList(inputs.size(), pool.size())) {
      if (n.dtype() == DType.F64) {
        sum = Elementwise.add(sum, Reductions.sum(n, Axes.range(0, n.shape().rank())));
      }
    }
    return sum;
  }

  private boolean smooth;

  private Object data(Node n) {
    int size = (int) n.shape().size();
    double[] d = IntStream.range(0, size).mapToDouble(i -> random.nextInt(17) / 8.0 - 1).toArray();
    return switch (n.dtype()) {
      case F64 -> d;
      case F32 -> {
        float[] f = new float[size];
        for (int i = 0; i < size; i++) {
          f[i] = (float) d[i];
        }
        yield f;
      }
      case I32 -> IntStream.range(0, size).map(i -> random.nextInt(7) - 3).toArray();
      case BOOL -> {
        boolean[] b = new boolean[size];
        for (int i = 0; i < size; i++) {
          b[i] = random.nextBoolean();
        }
        yield b;
      }
    };
  }

  private <T> T pick(T[] from) {
    return from[random.nextInt(from.length)];
  }

  private Shape shape() {
    return random.nextInt(25) == 0 ? Shape.of(0, 3) : pick(SHAPES);
  }

  private Node any(List<Node> pool) {
    int back = random.nextInt(Math.min(pool.size(), random.nextBoolean() ? 5 : pool.size()));
    return pool.get(pool.size() - 1 - back);
  }

  /** The given nodes and some more that are computed from them. */
  private List<Node> filled(List<Node> given, int more, int depth) {
    List<Node> pool = new ArrayList<>(given);
    while (more > 0) {
      List<Node> next =
          depth > 0 && random.nextInt(5) == 0 ? nested(pool, depth - 1) : List.of(simple(pool));
      next.stream().filter(n -> n.shape().size() <= 200).forEach(pool::add);
      more--;
    }
    return pool;
  }

  /** A node of the pool with this shape and dtype, or a constant. */
  private Node like(List<Node> pool, Node x) {
    for (int i = 0; i < 8; i++) {
      Node y = any(pool);
      if (y.dtype() == x.dtype() && y.shape().equals(x.shape())) {
        return y;
      }
    }
    return random.nextInt(3) == 0
        ? x
        : Sources.fullLike(x.dtype() == DType.BOOL ? 1 : random.nextInt(3) - 1, x);
  }

  private Node simple(List<Node> pool) {
    Node x = any(pool);
    int rank = x.shape().rank();
    boolean flags = x.dtype() == DType.BOOL;
    return switch (random.nextInt(11)) {
      case 0 -> x.dtype().isReal() ? Elementwise.unary(UnaryKind.TANH, x) : x;
      case 1 -> Elementwise.unary(flags ? UnaryKind.NOT : UnaryKind.NEG, x);
      case 2, 3, 4 -> binary(x, like(pool, x));
      case 5 ->
          Shapes.permute(x, Axes.of(IntStream.range(0, rank).map(a -> rank - 1 - a).toArray()));
      case 6 -> flags ? x : bounded(Reductions.sum(x, Axes.range(0, rank)));
      case 7 -> rank > 1 ? x : Shapes.broadcast(x, x.shape().insert(0, 3), Axes.range(1, rank + 1));
      case 8 -> product(x, any(pool));
      case 9 -> rank == 0 || x.shape().dim(0) < 2 ? x : Slices.slice(x, 0, random.nextInt(2), 2);
      default -> other(pool, x);
    };
  }

  private Node binary(Node x, Node y) {
    BinaryKind[] kinds =
        x.dtype() == DType.BOOL
            ? new BinaryKind[] {BinaryKind.AND, BinaryKind.OR}
            : smooth || x.dtype().isReal()
                ? new BinaryKind[] {BinaryKind.ADD, BinaryKind.SUB, BinaryKind.MUL}
                : new BinaryKind[] {BinaryKind.ADD, BinaryKind.MUL, BinaryKind.MAX};
    return bounded(Elementwise.binary(pick(kinds), x, y));
  }

  private static Node bounded(Node x) {
    return switch (x.dtype()) {
      case F32, F64 -> Elementwise.unary(UnaryKind.TANH, x);
      case I32 -> Elementwise.binary(BinaryKind.AND, x, Sources.fullLike(7, x));
      case BOOL -> x;
    };
  }

  /** The last axis of one with the first of the other, if they fit. */
  private Node product(Node x, Node y) {
    int rank = x.shape().rank();
    boolean fit =
        x.dtype().isReal()
            && x.dtype() == y.dtype()
            && rank > 0
            && y.shape().rank() > 0
            && x.shape().dim(rank - 1) == y.shape().dim(0);
    if (!fit) {
      return x;
    }
    Op.Dot op = new Op.Dot(Axes.of(rank - 1), Axes.of(0), Axes.of(), Axes.of());
    return bounded(Products.dot(op, x, y, x.dtype()));
  }

  private Node other(List<Node> pool, Node x) {
    return switch (x.dtype()) {
      case BOOL -> {
        Node y = any(pool);
        Node z = like(pool, y);
        boolean same = x.shape().equals(y.shape());
        yield same ? Elementwise.select(x, y, z) : Elementwise.cast(x, DType.I32);
      }
      case I32 -> {
        int rows = x.shape().rank() == 0 ? 1 : x.shape().dim(0);
        if (x.shape().size() == 0 || rows < 3 || random.nextBoolean()) {
          yield Elementwise.compare(pick(CompareKind.values()), x, like(pool, x));
        }
        Node index = Elementwise.binary(BinaryKind.AND, x, Sources.fullLike(1, x));
        yield x.shape().rank() == 1 ? Indexing.gather(x, index, 0, 0) : index;
      }
      case F32 -> Elementwise.cast(x, DType.F64);
      case F64 -> random.nextInt(4) > 0 ? concat(x, like(pool, x)) : Elementwise.cast(x, DType.F32);
    };
  }

  private static Node concat(Node x, Node y) {
    return x.shape().rank() == 0 ? x : Slices.concat(List.of(x, y), 0);
  }

  /** The results of a primitive that runs programs, whose bodies read what is around them too. */
  private List<Node> nested(List<Node> pool, int depth) {
    int kind = random.nextInt(smooth ? 3 : 4);
    return kind == 0 ? call(pool, depth) : kind == 3 ? loop(pool, depth) : scan(pool, depth);
  }

  private static Node inside(Node outer, Shape shape) {
    return new Node(new Op.Placeholder(), List.of(), shape, outer.dtype());
  }

  private List<Binding> bindings(List<Node> pool, int count) {
    return random
        .ints(count, 0, pool.size())
        .mapToObj(pool::get)
        .map(n -> new Binding(inside(n, n.shape()), n))
        .toList();
  }

  private static List<Node> inner(List<Binding> bindings) {
    return bindings.stream().map(Binding::inner).toList();
  }

  private static List<Binding> captured(List<Node> results, List<Node> inner) {
    return Captures.of(results, inner).stream().map(Binding::same).toList();
  }

  private List<Node> call(List<Node> pool, int depth) {
    List<Binding> in = bindings(pool, 1 + random.nextInt(3));
    List<Node> body = filled(inner(in), 2 + random.nextInt(5), depth);
    List<Node> outs = List.of(body.getLast(), any(body));
    int late = random.nextInt(in.size() + 1);
    return Programs.results(Programs.call(in.subList(0, late), in.subList(late, in.size()), outs));
  }

  /** A body over the pool and some parameters. */
  private List<Node> body(List<Node> pool, List<Node> inner, int depth) {
    List<Node> start = new ArrayList<>(pool);
    start.addAll(inner);
    return filled(start, 2 + random.nextInt(6), depth);
  }

  private List<Node> scan(List<Node> pool, int depth) {
    int length = random.nextInt(12) == 0 ? 0 : 1 + random.nextInt(4);
    List<Binding> states = bindings(pool, random.nextInt(4));
    List<Binding> slices = new ArrayList<>();
    for (int i = random.nextInt(3); i > 0; i--) {
      Node x = any(pool);
      Node all = sequence(x, length);
      slices.add(new Binding(inside(all, all.shape().remove(0)), all));
    }
    List<Node> inner = new ArrayList<>(inner(states));
    inner.addAll(inner(slices));
    List<Node> body = body(pool, inner, depth);
    List<Node> next = states.stream().map(s -> next(body, s.inner())).toList();
    List<Node> outs = new ArrayList<>();
    for (int i = random.nextInt(4); i > 0 || (next.isEmpty() && outs.isEmpty()); i--) {
      outs.add(any(body));
    }
    List<Node> results = new ArrayList<>(next);
    results.addAll(outs);
    Operands operands = new Operands(states, slices, captured(results, inner));
    Node scan = Programs.scan(operands, next, outs, length, random.nextBoolean());
    List<Node> all = Programs.results(scan);
    List<Node> some = all.stream().filter(n -> random.nextInt(4) > 0).toList();
    return some.isEmpty() ? List.of(all.get(0)) : some;
  }

  /** A sequence of a length: of equal slices, of indices, or of different ones. */
  private Node sequence(Node x, int length) {
    Node repeated =
        Shapes.broadcast(x, x.shape().insert(0, length), Axes.range(1, x.shape().rank() + 1));
    if (x.dtype() == DType.BOOL || random.nextInt(4) == 0) {
      return repeated;
    }
    Node index = Elementwise.cast(Sources.iota(repeated.shape(), 0), x.dtype());
    return random.nextInt(4) == 0 ? index : bounded(Elementwise.sub(repeated, index));
  }

  private Node next(List<Node> body, Node state) {
    Node y = random.nextInt(6) == 0 ? state : like(body, state);
    boolean number = state.dtype() != DType.BOOL;
    return number && random.nextInt(3) > 0 ? bounded(Elementwise.add(state, y)) : y;
  }

  /** A loop that counts to a number that is known, or not. */
  private List<Node> loop(List<Node> pool, int depth) {
    Node zero = Sources.constant(0, DType.I32);
    List<Binding> states = new ArrayList<>(bindings(pool, random.nextInt(3)));
    states.add(new Binding(inside(zero, zero.shape()), zero));
    List<Node> inner = inner(states);
    Node round = inner.getLast();
    List<Node> body = body(pool, inner, depth);
    List<Node> next = new ArrayList<>();
    inner.forEach(s -> next.add(next(body, s)));
    next.set(next.size() - 1, Elementwise.add(round, Sources.constant(1, DType.I32)));
    Node bound = Sources.constant(random.nextInt(4), DType.I32);
    for (Node n : pool) {
      if (n.dtype() == DType.I32 && n.shape().rank() == 0 && random.nextBoolean()) {
        bound = Elementwise.binary(BinaryKind.AND, n, Sources.constant(3, DType.I32));
      }
    }
    Node test = Elementwise.compare(CompareKind.LT, round, bound);
    List<Node> results = new ArrayList<>(next);
    results.add(test);
    Operands operands = new Operands(states, List.of(), captured(results, inner));
    return Programs.results(Programs.whileLoop(operands, test, next));
  }
}
