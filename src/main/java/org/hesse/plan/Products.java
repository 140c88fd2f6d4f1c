package org.hesse.plan;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.hesse.Shape;
import org.hesse.backend.View;
import org.hesse.ir.Axes;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.jspecify.annotations.Nullable;

/**
 * Prepares the operands of products and of other steps that read memory in place. These must be
 * strided views; for a product in addition its batch axes, its free axes and its contracted axes
 * must each have a single stride. Operands that do not comply are rearranged: a permutation is put
 * before them and an {@link Op.Copy}, which stands for "give this memory".
 */
final class Products {
  private static final int MAX_SORTS = 3;

  private final Set<Node> inputs;
  private final Set<Node> homes;
  private final Map<Node, Node> copy = new HashMap<>();
  private final Map<List<Object>, Node> arranged = new HashMap<>();

  private Products(Program program) {
    this.inputs = new HashSet<>(program.inputs());
    this.homes = Slots.homes(program).keySet();
  }

  /** An equivalent program all of whose products can read their operands in place. */
  static Program arrange(Program program) {
    return new Products(program).rebuild(program);
  }

  /** The node that a chain of views shows: an input, a node with memory or one to be given some. */
  static Node base(Node n, Set<Node> inputs, Set<Node> homes) {
    Node base = n;
    while (IndexMap.isView(base.op()) && !inputs.contains(base) && !homes.contains(base)) {
      base = base.input(0);
    }
    return base;
  }

  /** How a chain of views shows its base, one stride for each axis of the node; null if awkward. */
  static IndexMap.@Nullable Linear strides(Node n, Node base) {
    IndexMap map = IndexMap.identity(n.shape());
    Node at = n;
    while (at != base) {
      if (at.op() instanceof Op.Reshape && at.input(0) == base) {
        return map.linear(at.shape());
      }
      IndexMap next = map.through(at);
      if (next == null) {
        return null;
      }
      map = next;
      at = at.input(0);
    }
    return map.linear(base.shape());
  }

  private Program rebuild(Program program) {
    for (Node n : program.nodes()) {
      List<Node> ins = n.inputs().stream().map(this::copied).toList();
      Node c = n;
      List<Node> operands = n.op() instanceof Op.Barrier ? n.inputs().subList(0, 1) : n.inputs();
      boolean empty = operands.stream().anyMatch(in -> in.shape().size() == 0);
      if (n.op() instanceof Op.Nested op) {
        c = readableInRounds(n, op, ins);
      } else if (!inputs.contains(n) && n.shape().size() != 0 && !empty) {
        c = rearranged(n, ins);
      }
      if (c == n && !ins.equals(n.inputs())) {
        c = new Node(n.op(), ins, n.shape(), n.dtype());
      }
      copy.put(n, c);
    }
    return Program.capture(program.inputs(), program.outputs().stream().map(this::copied).toList());
  }

  private Node copied(Node n) {
    Node c = copy.get(n);
    if (c == null) {
      throw new IllegalArgumentException("program: " + n + " is read before it is computed");
    }
    return c;
  }

  private Node rearranged(Node n, List<Node> ins) {
    return switch (n.op()) {
      case Op.Dot dot -> product(n, dot, ins);
      case Op.Factor f -> Factors.arranged(n, f.kind(), ins, this::strides, this::dense);
      case Op.Composite c -> Composites.arranged(n, c.kind(), ins, this::strides, this::dense);
      case Op.ArgMax a -> readable(n, ins);
      case Op.Cumsum c -> readable(n, ins);
      case Op.Fold f -> readable(n, ins);
      case Op.Gather g -> readable(n, ins);
      case Op.ScatterAdd s -> readable(n, ins);
      case Op.RandomBits r -> isDense(n.input(0)) ? n : over(n, ins, dense(ins.get(0)));
      case Op.Check c ->
          isDense(n.input(1))
              ? n
              : new Node(c, Rewriter.replaced(ins, 1, dense(ins.get(1))), n.shape(), n.dtype());
      case Op.Barrier b -> isDense(n.input(0)) ? n : over(n, ins, dense(ins.get(0)));
      default -> n;
    };
  }

  /** The node over copies of those operands that are no strided views. */
  private Node readable(Node n, List<Node> ins) {
    List<Node> read = new ArrayList<>();
    for (int i = 0; i < ins.size(); i++) {
      read.add(strides(n.input(i)) == null ? dense(ins.get(i)) : ins.get(i));
    }
    return read.equals(ins) ? n : new Node(n.op(), read, n.shape(), n.dtype());
  }

  /** Loops read dense operands; states are copied in any case. */
  private Node readableInRounds(Node n, Op.Nested op, List<Node> ins) {
    List<Node> read = new ArrayList<>(ins);
    for (int i = op.states(); i < read.size(); i++) {
      if (n.input(i).shape().size() != 0 && !isDense(n.input(i))) {
        read.set(i, dense(ins.get(i)));
      }
    }
    return read.equals(n.inputs()) ? n : new Node(op, read, n.shape(), n.dtype());
  }

  private static Node over(Node n, List<Node> ins, Node first) {
    return new Node(n.op(), Rewriter.replaced(ins, 0, first), n.shape(), n.dtype());
  }

  private IndexMap.@Nullable Linear strides(Node operand) {
    return strides(operand, base(operand, inputs, homes));
  }

  private boolean isDense(Node operand) {
    IndexMap.Linear l = strides(operand);
    IndexMap.Linear dense = IndexMap.identity(operand.shape()).linear(operand.shape());
    return l != null && Arrays.equals(l.strides(), dense.strides());
  }

  private Node dense(Node operand) {
    return arranged(operand, Axes.range(0, operand.shape().rank()));
  }

  /** A copy with its axes in the given order. */
  private Node arranged(Node x, Axes order) {
    return arranged.computeIfAbsent(
        List.of(x, order),
        key -> {
          Node p = x;
          if (!order.isAscending()) {
            int[] dims = Arrays.stream(order.toArray()).map(x.shape()::dim).toArray();
            p = new Node(new Op.Permute(order), List.of(x), Shape.of(dims), x.dtype());
          }
          return new Node(new Op.Copy(), List.of(p), p.shape(), p.dtype());
        });
  }

  private Node product(Node n, Op.Dot dot, List<Node> ins) {
    Side left = new Side(n.input(0), dot.lhsBatch(), dot.lhsContract());
    Side right = new Side(n.input(1), dot.rhsBatch(), dot.rhsContract());
    int[] order = commonOrder(left, right);
    Axes lhsContract = reordered(dot.lhsContract(), order);
    Axes rhsContract = reordered(dot.rhsContract(), order);
    boolean lhsFits = left.fits(lhsContract);
    boolean rhsFits = right.fits(rhsContract);
    if (!(lhsFits && rhsFits)
        && left.view != null
        && right.view != null
        && Contractions.inPlace(n, dot, left.view, right.view)) {
      return n;
    }
    Node lhs = lhsFits ? ins.get(0) : arranged(ins.get(0), left.order(lhsContract));
    Node rhs = rhsFits ? ins.get(1) : arranged(ins.get(1), right.order(rhsContract));
    Op.Dot op =
        new Op.Dot(
            lhsFits ? lhsContract : left.arrangedContract(),
            rhsFits ? rhsContract : right.arrangedContract(),
            lhsFits ? dot.lhsBatch() : Axes.range(0, dot.lhsBatch().size()),
            rhsFits ? dot.rhsBatch() : Axes.range(0, dot.rhsBatch().size()));
    return op.equals(dot) && lhs == n.input(0) && rhs == n.input(1)
        ? n
        : new Node(op, List.of(lhs, rhs), n.shape(), n.dtype());
  }

  /** Whether each group of axes of both operands has a single stride. */
  static boolean areMatrices(Op.Dot dot, Shape ls, View lhs, Shape rs, View rhs) {
    return isMatrix(ls, lhs, dot.lhsBatch(), dot.lhsContract())
        && isMatrix(rs, rhs, dot.rhsBatch(), dot.rhsContract());
  }

  private static boolean isMatrix(Shape shape, View view, Axes batch, Axes contract) {
    IndexMap.Linear l = new IndexMap.Linear(view.offset(), view.strides());
    Axes free = batch.then(contract).complement(shape.rank());
    return Domains.stride(shape, batch, l) != null
        && Domains.stride(shape, free, l) != null
        && Domains.stride(shape, contract, l) != null;
  }

  private static Axes reordered(Axes axes, int[] order) {
    return ShapeRules.map(Axes.of(order), axes);
  }

  /**
   * The order of contracted axes that suits both operands, or else the larger one. Which order is
   * chosen does not matter to the product.
   */
  private static int[] commonOrder(Side left, Side right) {
    int count = left.contract.size();
    int[] given = IntStream.range(0, count).toArray();
    Side larger = left.node.shape().size() >= right.node.shape().size() ? left : right;
    Side smaller = larger == left ? right : left;
    List<int[]> orders = List.of(given, larger.sortedContract(), smaller.sortedContract());
    int[] best = given;
    int bestScore = -1;
    for (int i = 0; i < MAX_SORTS; i++) {
      int[] order = orders.get(i);
      int score =
          (larger.fits(reordered(larger.contract, order)) ? 2 : 0)
              + (smaller.fits(reordered(smaller.contract, order)) ? 1 : 0);
      if (score > bestScore) {
        best = order;
        bestScore = score;
      }
    }
    return best;
  }

  /** One operand of a product. */
  private final class Side {
    private final Node node;
    private final Axes batch;
    private final Axes contract;
    private final Axes free;
    private final IndexMap.@Nullable Linear view;

    Side(Node node, Axes batch, Axes contract) {
      this.node = node;
      this.batch = batch;
      this.contract = contract;
      this.free = batch.then(contract).complement(node.shape().rank());
      this.view = strides(node);
    }

    /** Whether each group of axes has a single stride, the contracted ones in this order. */
    boolean fits(Axes contractOrder) {
      return view != null
          && Domains.stride(node.shape(), batch, view) != null
          && Domains.stride(node.shape(), free, view) != null
          && Domains.stride(node.shape(), contractOrder, view) != null;
    }

    int[] sortedContract() {
      IndexMap.Linear v = view;
      return IntStream.range(0, contract.size())
          .boxed()
          .sorted(
              Comparator.comparingLong(
                  i -> v == null ? i : -Math.abs(v.strides()[contract.get(i)])))
          .mapToInt(i -> i)
          .toArray();
    }

    /** Batch axes, then free and contracted ones: what is finest in memory stays so. */
    Axes order(Axes contractOrder) {
      return freeIsFinest()
          ? batch.then(contractOrder).then(free)
          : batch.then(free).then(contractOrder);
    }

    Axes arrangedContract() {
      int begin = batch.size() + (freeIsFinest() ? 0 : free.size());
      return Axes.range(begin, begin + contract.size());
    }

    /** Of axes with the same stride, as those of a window, the longer one counts as the finer. */
    private boolean freeIsFinest() {
      IndexMap.Linear v = view;
      if (v == null) {
        // Copied in the order of its own axes, it is the same copy to all products that read it.
        int last = node.shape().rank() - 1;
        while (last > 0 && node.shape().dim(last) == 1) {
          last--;
        }
        return free.contains(last);
      }
      int first = -1;
      for (int a : free.then(contract).toArray()) {
        long s = Math.abs(v.strides()[a]);
        long least = first < 0 ? Long.MAX_VALUE : Math.abs(v.strides()[first]);
        boolean longer = first >= 0 && node.shape().dim(a) > node.shape().dim(first);
        if (node.shape().dim(a) > 1 && s != 0 && (s < least || s == least && longer)) {
          first = a;
        }
      }
      return free.contains(first);
    }
  }
}
