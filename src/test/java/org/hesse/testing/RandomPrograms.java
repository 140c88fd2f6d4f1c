package org.hesse.testing;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.stream.IntStream;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.ir.Axes;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.CompareKind;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.hesse.ir.UnaryKind;
import org.hesse.ops.Elementwise;
import org.hesse.ops.RandomWords;
import org.hesse.ops.Reductions;
import org.hesse.ops.Shapes;
import org.hesse.ops.Sources;

/** Draws small programs over all primitives, with data for them. The same seed, the same ones. */
public final class RandomPrograms extends RandomNodes {
  private static final int MAX_ELEMENTS = 300;
  private static final DType[] DTYPES = DType.values();

  private static final BinaryKind[] WHOLE =
      EnumSet.complementOf(EnumSet.of(BinaryKind.POW)).toArray(BinaryKind[]::new);
  private static final BinaryKind[] REAL =
      EnumSet.range(BinaryKind.ADD, BinaryKind.MIN).toArray(BinaryKind[]::new);

  private final List<Node> inputs = new ArrayList<>();

  private RandomPrograms(long seed) {
    super(seed);
  }

  /** A program and arrays for its inputs. */
  public record Case(Program program, Object[] inputs) {}

  /** Draws a program. */
  public static Case draw(long seed) {
    return new RandomPrograms(seed).draw();
  }

  private Case draw() {
    int count = 1 + random.nextInt(4);
    for (int i = 0; i < count; i++) {
      DType dtype = random.nextInt(3) > 0 ? DType.F64 : pick(DTYPES);
      inputs.add(new Node(new Op.Parameter(i), List.of(), shape(), dtype));
    }
    nodes.addAll(inputs);
    int size = 1 + random.nextInt(24);
    while (size > 0) {
      Node n = next();
      if (n != null && n.shape().size() <= MAX_ELEMENTS) {
        nodes.add(n);
        size--;
      }
    }
    List<Node> outputs = new ArrayList<>(List.of(nodes.getLast()));
    while (random.nextInt(3) > 0) {
      outputs.add(any());
    }
    Object[] data = inputs.stream().map(this::data).toArray();
    return new Case(Program.capture(inputs, outputs), data);
  }

  private Shape shape() {
    int[] dims = new int[random.nextInt(4)];
    for (int a = 0; a < dims.length; a++) {
      dims[a] = random.nextInt(30) == 0 ? 0 : 1 + random.nextInt(4);
    }
    return Shape.of(dims);
  }

  private Object data(Node n) {
    int size = (int) n.shape().size();
    return switch (n.dtype()) {
      case F64 -> IntStream.range(0, size).mapToDouble(i -> number()).toArray();
      case F32 -> {
        float[] f = new float[size];
        for (int i = 0; i < size; i++) {
          f[i] = (float) number();
        }
        yield f;
      }
      case I32 -> IntStream.range(0, size).map(i -> random.nextInt(9) - 4).toArray();
      case BOOL -> {
        boolean[] b = new boolean[size];
        for (int i = 0; i < size; i++) {
          b[i] = random.nextBoolean();
        }
        yield b;
      }
    };
  }

  private double number() {
    return switch (random.nextInt(24)) {
      case 0 -> Double.NaN;
      case 1 -> Double.POSITIVE_INFINITY;
      case 2 -> 0;
      case 3 -> 1;
      default -> random.nextGaussian();
    };
  }

  private Node constant(Node like) {
    double[] values = {0, 1, -1, 2, 0.5, -0.0};
    double v = values[random.nextInt(values.length)];
    return Sources.fullLike(Elementary.round(v, like.dtype()), like);
  }

  /** A node like another one in shape and dtype. */
  private Node like(Node x) {
    if (random.nextInt(4) == 0) {
      return constant(x);
    }
    for (int i = 0; i < 6; i++) {
      Node y = any();
      if (y.dtype() == x.dtype() && y.shape().equals(x.shape())) {
        return y;
      }
      if (y.dtype() == x.dtype() && x.shape().rank() > y.shape().rank()) {
        Node b = spread(y, x.shape());
        if (b != null) {
          return b;
        }
      }
    }
    return x;
  }

  private Node next() {
    Node x = any();
    return switch (random.nextInt(20)) {
      case 0, 1 -> unary(x);
      case 2, 3, 4 -> binary(x);
      case 5 -> Elementwise.compare(pick(CompareKind.values()), x, like(x));
      case 6 -> select(x);
      case 7 -> Elementwise.cast(x, pick(DTYPES));
      case 8 -> random.nextInt(4) == 0 ? Sources.iota(axisShape(), 0) : reshape(x);
      case 9 -> reshape(x);
      case 10 -> permute(x);
      case 11 -> broadcast(x);
      case 12 -> slice(x);
      case 13 -> pad(x);
      case 14 -> concat(x);
      case 15 -> Shapes.reverse(x, subset(x.shape().rank()));
      case 16 -> reduce(x);
      case 17 -> random.nextInt(3) == 0 ? special(x) : dot(x);
      case 18 -> along(x);
      default -> dot(x);
    };
  }

  private Shape axisShape() {
    return Shape.of(1 + random.nextInt(4), 1 + random.nextInt(3));
  }

  private Node unary(Node x) {
    return switch (x.dtype()) {
      case BOOL -> Elementwise.unary(UnaryKind.NOT, x);
      case I32 ->
          Elementwise.unary(
              pick(new UnaryKind[] {UnaryKind.NEG, UnaryKind.ABS, UnaryKind.SIGN}), x);
      default -> {
        UnaryKind kind = pick(UnaryKind.values());
        yield kind == UnaryKind.NOT
            ? Elementwise.stopGradient(Elementwise.copy(x))
            : Elementwise.unary(kind, x);
      }
    };
  }

  private Node binary(Node x) {
    Node y = like(x);
    BinaryKind kind =
        switch (x.dtype()) {
          case BOOL -> pick(new BinaryKind[] {BinaryKind.AND, BinaryKind.OR, BinaryKind.XOR});
          case I32 -> pick(WHOLE);
          default -> pick(REAL);
        };
    return random.nextBoolean() ? Elementwise.binary(kind, x, y) : Elementwise.binary(kind, y, x);
  }

  private Node select(Node x) {
    Node y = like(x);
    Node condition = Elementwise.compare(pick(CompareKind.values()), x, like(x));
    for (Node c : nodes) {
      if (c.dtype() == DType.BOOL && c.shape().equals(x.shape())) {
        condition = c;
      }
    }
    return Elementwise.select(condition, x, y);
  }

  private Node reduce(Node x) {
    if (x.dtype() == DType.BOOL) {
      return null;
    }
    Axes axes = subset(x.shape().rank());
    return random.nextBoolean() ? Reductions.sum(x, axes) : Reductions.max(x, axes);
  }

  /** The primitives that are neither elementwise nor views nor sums. */
  private Node special(Node x) {
    if (random.nextBoolean()) {
      int rank = x.shape().rank();
      int axis = rank == 0 ? -1 : random.nextInt(rank);
      boolean ok = axis >= 0 && x.dtype() != DType.BOOL && x.shape().dim(axis) > 0;
      return ok ? Reductions.argMax(x, axis) : null;
    }
    for (Node y : nodes) {
      int rank = y.shape().rank();
      if (y.dtype() == DType.I32 && rank > 0 && y.shape().dim(rank - 1) == 2) {
        return RandomWords.bits(y, y.shape().with(rank - 1, 3));
      }
    }
    return RandomWords.bits(Sources.iota(Shape.of(2), 0), Shape.of(random.nextInt(6)));
  }
}
