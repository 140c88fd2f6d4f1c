package org.hesse.testing;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.DoublePredicate;
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
import org.hesse.ops.Convolutions;
import org.hesse.ops.Elementwise;
import org.hesse.ops.Reductions;
import org.hesse.ops.Shapes;
import org.hesse.ops.Slices;
import org.hesse.ops.Sources;
import org.hesse.testing.RandomPrograms.Case;

/**
 * Draws small programs in F64 that have derivatives around the data drawn with them: arguments stay
 * inside domains, matrices well conditioned, values of moderate size, and kinks at a distance. Ties
 * that hold all around the point, as between an operand and its copy, are drawn.
 */
final class SmoothPrograms extends RandomNodes {
  private static final int MAX_ELEMENTS = 40;
  private static final double LARGEST = 8;

  /** How far the data are from every kink. */
  private static final double MARGIN = 0.02;

  /** The values of all nodes drawn so far, parts of composite draws included. */
  private final Map<Node, double[]> values = new HashMap<>();

  private final SmoothMatrices matrices = new SmoothMatrices(random);
  private final SmoothBodies bodies = new SmoothBodies(random);

  private SmoothPrograms(long seed) {
    super(seed);
  }

  /** A program of one result, and data for it. The same seed, the same ones. */
  static Case draw(long seed) {
    return new SmoothPrograms(seed).draw();
  }

  private Case draw() {
    int count = 1 + random.nextInt(3);
    for (int i = 0; i < count; i++) {
      Node in = new Node(new Op.Parameter(i), List.of(), shape(), DType.F64);
      values.put(in, random.doubles(in.shape().size()).map(d -> random.nextGaussian()).toArray());
      nodes.add(in);
    }
    List<Node> inputs = List.copyOf(nodes);
    int size = 1 + random.nextInt(random.nextInt(8) == 0 ? 20 : 8);
    for (int tries = 0; size > 0 && tries < 200; tries++) {
      Node n = next();
      if (n != null && n.shape().size() <= MAX_ELEMENTS && isModerate(n)) {
        nodes.add(n);
        size--;
      }
    }
    Object[] data = inputs.stream().map(values::get).toArray();
    return new Case(Program.capture(inputs, List.of(nodes.getLast())), data);
  }

  private Shape shape() {
    int[] dims = new int[random.nextInt(4)];
    for (int a = 0; a < dims.length; a++) {
      dims[a] = random.nextInt(60) == 0 ? 0 : 1 + random.nextInt(3);
    }
    return Shape.of(dims);
  }

  private double[] value(Node n) {
    double[] known = values.get(n);
    if (known == null) {
      n.inputs().forEach(this::value);
      known = ReferenceInterpreter.value(n, false, values);
      values.put(n, known);
    }
    return known;
  }

  private boolean all(Node n, DoublePredicate p) {
    return Arrays.stream(value(n)).allMatch(p);
  }

  private boolean isModerate(Node n) {
    return all(n, v -> Math.abs(v) <= LARGEST);
  }

  private Node next() {
    Node x = any();
    return switch (random.nextInt(26)) {
      case 0, 1, 2, 3 -> unary(x);
      case 4, 5, 6, 7 -> binary(x);
      case 8 -> select(x);
      case 9 -> reshape(x);
      case 10 -> permute(x);
      case 11 -> broadcast(x);
      case 12 -> slice(x);
      case 13 -> pad(x);
      case 14 -> concat(x);
      case 15 -> Shapes.reverse(x, subset(x.shape().rank()));
      case 16 -> Reductions.sum(x, subset(x.shape().rank()));
      case 17 -> max(x);
      case 18, 19 -> along(x);
      case 20 -> random.nextBoolean() ? convolve(x) : pool(x);
      case 21 -> matrices.next(x);
      case 22, 23 -> body(x);
      default -> dot(x);
    };
  }

  // ---- elementwise

  private static Node constant(double value, Node like) {
    return Sources.fullLike(value, like);
  }

  /** The node itself where it is positive, else something positive made of it. */
  private Node positive(Node x) {
    if (all(x, v -> v > 0.2)) {
      return x;
    }
    Node p =
        random.nextBoolean() ? Elementwise.mul(x, x) : Elementwise.unary(UnaryKind.SOFTPLUS, x);
    return Elementwise.add(p, constant(0.3, x));
  }

  private Node body(Node x) {
    Node other = any();
    return bodies.next(x, other, like(other));
  }

  private Node unary(Node x) {
    UnaryKind kind = pick(UnaryKind.values());
    return switch (kind) {
      case NOT ->
          switch (random.nextInt(3)) {
            case 0 -> Elementwise.stopGradient(x);
            case 1 -> Elementwise.copy(x);
            default -> CustomTanh.of(x, 1);
          };
      case LOG, SQRT, RSQRT -> Elementwise.unary(kind, positive(x));
      case LOG1P -> Elementwise.unary(kind, all(x, v -> v > -0.7) ? x : positive(x));
      case ABS, SIGN -> all(x, v -> Math.abs(v) > MARGIN) ? Elementwise.unary(kind, x) : null;
      case FLOOR -> {
        boolean clear = all(x, v -> Math.abs(v - Math.rint(v)) > MARGIN);
        yield clear ? Elementwise.unary(kind, x) : null;
      }
      default -> Elementwise.unary(kind, x);
    };
  }

  /** A node of the same shape: an earlier one, one repeated, or a constant. */
  private Node like(Node x) {
    if (random.nextInt(5) == 0) {
      double[] constants = {0, 1, -1, 2, 0.5, -0.3};
      return constant(constants[random.nextInt(constants.length)], x);
    }
    for (int i = 0; i < 6; i++) {
      Node y = any();
      if (y.shape().equals(x.shape())) {
        return y;
      }
      Node spread = x.shape().rank() > y.shape().rank() ? spread(y, x.shape()) : null;
      if (spread != null) {
        return spread;
      }
    }
    return x;
  }

  private Node binary(Node x) {
    Node other = like(x);
    boolean swap = random.nextBoolean();
    Node a = swap ? other : x;
    Node b = swap ? x : other;
    BinaryKind[] kinds = {
      BinaryKind.ADD,
      BinaryKind.SUB,
      BinaryKind.MUL,
      BinaryKind.DIV,
      BinaryKind.POW,
      BinaryKind.MAX,
      BinaryKind.MIN
    };
    BinaryKind kind = pick(kinds);
    return switch (kind) {
      case DIV -> Elementwise.div(a, all(b, v -> Math.abs(v) > 0.3) ? b : positive(b));
      case POW -> Elementwise.binary(kind, positive(a), b);
      case MAX, MIN -> areApart(a, b, true) ? Elementwise.binary(kind, a, b) : null;
      default -> Elementwise.binary(kind, a, b);
    };
  }

  /**
   * Whether elements are different by a margin.
   *
   * @param ties also allows equal ones: two nodes that are exactly equal at random data are so
   *     around it, but not where one is held fixed by a stop_gradient
   */
  private boolean areApart(Node a, Node b, boolean ties) {
    double[] x = value(a);
    double[] y = value(b);
    boolean tied = ties && !holdsFixed(a) && !holdsFixed(b);
    return IntStream.range(0, x.length)
        .allMatch(i -> Math.abs(x[i] - y[i]) > MARGIN || tied && x[i] == y[i]);
  }

  private static boolean holdsFixed(Node root) {
    Set<Node> seen = new HashSet<>();
    ArrayDeque<Node> open = new ArrayDeque<>(List.of(root));
    while (!open.isEmpty()) {
      Node n = open.pop();
      if (n.op() instanceof Op.StopGradient) {
        return true;
      }
      if (seen.add(n)) {
        open.addAll(n.inputs());
      }
    }
    return false;
  }

  /** Between two nodes by a comparison with a margin, or by place. */
  private Node select(Node x) {
    Node y = like(x);
    CompareKind kind = pick(CompareKind.values());
    Shape s = x.shape();
    if (s.rank() > 0 && random.nextBoolean()) {
      Node i = Sources.iota(s, random.nextInt(s.rank()));
      Node condition = Elementwise.compare(kind, i, constant(random.nextInt(3), i));
      return Elementwise.select(condition, x, y);
    }
    Node a = like(x);
    Node b = like(x);
    return areApart(a, b, false) ? Elementwise.select(Elementwise.compare(kind, a, b), x, y) : null;
  }

  // ---- along axes

  /** Often made of data, which are then far from where they change. */
  @Override
  Node indices(int[] dims) {
    for (Node y : nodes) {
      boolean clear = all(y, v -> Math.abs(v - Math.rint(v)) > MARGIN);
      if (clear && y.shape().equals(Shape.of(dims)) && random.nextInt(3) > 0) {
        return Elementwise.cast(y, DType.I32);
      }
    }
    return super.indices(dims);
  }

  private Node max(Node x) {
    return maximum(Reductions.max(x, subset(x.shape().rank())));
  }

  /** A maximum if its largest operands are equal or apart. */
  private Node maximum(Node max) {
    if (!(max.op() instanceof Op.Reduce(var kind, Axes axes))) {
      return null; // of no axes
    }
    Node x = max.input(0);
    double[] back = value(Reductions.restore(max, x.shape(), axes));
    double[] v = value(x);
    boolean clear =
        IntStream.range(0, v.length).allMatch(i -> v[i] == back[i] || v[i] < back[i] - MARGIN);
    return clear && v.length > 0 ? max : null;
  }

  /** The elements that fit, as [n, channels, length]. */
  private Node image(Node x) {
    int size = (int) x.shape().size();
    int channels = 1 + random.nextInt(2);
    int length = 1 + random.nextInt(4);
    int n = size / (channels * length);
    if (n == 0) {
      return null;
    }
    Node flat = Slices.slice(Shapes.reshape(x, Shape.of(size)), 0, 0, n * channels * length);
    return Shapes.reshape(flat, Shape.of(n, channels, length));
  }

  private Convolutions.Slide slide(int padding) {
    int[] one = {1 + random.nextInt(2)};
    return new Convolutions.Slide(one, new int[] {padding}, new int[] {1});
  }

  /** With a part of an image as weights; often of the same one. */
  private Node convolve(Node x) {
    Node image = image(x);
    Node other = random.nextBoolean() ? image : image(any());
    if (image == null || other == null || other.shape().dim(1) != image.shape().dim(1)) {
      return null;
    }
    Shape s = other.shape();
    int width = 1 + random.nextInt(Math.min(s.dim(2), image.shape().dim(2)));
    Node few = Slices.slice(other, 0, 0, 1 + random.nextInt(Math.min(2, s.dim(0))));
    Node weights = Slices.slice(few, 2, 0, width);
    return Convolutions.convolve(image, weights, slide(random.nextInt(2)), 1);
  }

  private Node pool(Node x) {
    Node image = image(x);
    if (image == null || image.shape().dim(2) < 2) {
      return null;
    }
    int[] size = {2};
    return random.nextBoolean()
        ? Convolutions.averagePool(image, size, slide(random.nextInt(2)))
        : maximum(Convolutions.maxPool(image, size, slide(random.nextInt(2))));
  }
}
