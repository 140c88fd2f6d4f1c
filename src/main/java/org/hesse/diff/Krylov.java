package org.hesse.diff;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.hesse.DType;
import org.hesse.ir.Axes;
import org.hesse.ir.CompareKind;
import org.hesse.ir.KrylovMethod;
import org.hesse.ir.Node;
import org.hesse.ir.Program;
import org.hesse.ir.UnaryKind;
import org.hesse.ops.Checks;
import org.hesse.ops.Elementwise;
import org.hesse.ops.Programs;
import org.hesse.ops.Programs.Binding;
import org.hesse.ops.Programs.Operands;
import org.hesse.ops.Reductions;
import org.hesse.ops.Shapes;
import org.hesse.ops.Sources;

/**
 * Conjugate gradients as a loop in the graph, on the normal equations where A is not known to be
 * symmetric and positive definite. Vectors are the last axis; axes in front are systems of their
 * own, each of which stops by itself. A system that does not converge, or shows negative curvature,
 * ends the run.
 *
 * <p>Sources: Hestenes and Stiefel, Methods of conjugate gradients for solving linear systems
 * (1952), sections 3 and 10.
 */
record Krylov(KrylovMethod method) {

  /** See {@link Programs.Solver}; the result has no derivative of its own. */
  Node solve(Program product, Node b, List<Node> constants) {
    Node given = Elementwise.stopGradient(b);
    // Of size 1, so that no square overflows, or vanishes, in which case 0 would pass for x.
    Node size = size(given);
    Node rhs = Elementwise.div(given, size);
    List<Node> fixed = constants.stream().map(Elementwise::stopGradient).toList();
    return Elementwise.mul(unscaled(product, rhs, fixed), size);
  }

  /** The largest element of each vector, or 1, along the vector. */
  private static Node size(Node b) {
    Node magnitudes = Elementwise.unary(UnaryKind.ABS, b);
    Node largest = Reductions.max(magnitudes, Axes.of(b.shape().rank() - 1));
    Node some = Elementwise.compare(CompareKind.GT, largest, Sources.fullLike(0, largest));
    return spread(Elementwise.select(some, largest, Sources.fullLike(1, largest)), b);
  }

  private Node unscaled(Program product, Node rhs, List<Node> fixed) {
    if (method.symmetric()) {
      return conjugateGradients(v -> apply(product, v, fixed), rhs);
    }
    // AᵀA x = Aᵀ b, which has solutions where A x = b has none.
    Node x =
        conjugateGradients(
            v -> applyTransposed(product, apply(product, v, fixed), fixed),
            applyTransposed(product, rhs, fixed));
    Node rest = Elementwise.sub(apply(product, x, fixed), rhs);
    Node bound = Elementwise.scale(method.tolerance(), dot(rhs, rhs));
    return checked(x, Elementwise.compare(CompareKind.LE, dot(rest, rest), bound));
  }

  private interface Linear {
    Node apply(Node v);
  }

  private static List<Node> with(Node v, List<Node> constants) {
    List<Node> all = new ArrayList<>(List.of(v));
    all.addAll(constants);
    return all;
  }

  private static Node apply(Program product, Node v, List<Node> constants) {
    return Programs.inline(product, with(v, constants)).get(0);
  }

  private static Node applyTransposed(Program product, Node u, List<Node> constants) {
    Node stand = u.placeholder();
    Node t = SolveRule.transposed(product, stand);
    List<Node> inputs = new ArrayList<>(product.inputs());
    inputs.set(0, stand);
    Program transposed = Program.capture(inputs, List.of(t));
    List<Node> given = new ArrayList<>(with(u, constants));
    given.addAll(transposed.inputs().subList(given.size(), transposed.inputs().size()));
    return Programs.inline(transposed, given).get(0);
  }

  /** The state of the iteration: solution, residual, direction, ‖residual‖², steps done. */
  private record State(Node x, Node r, Node p, Node rr, Node step) {
    List<Node> nodes() {
      return List.of(x, r, p, rr, step);
    }

    State stand() {
      List<Node> n = nodes().stream().map(Node::placeholder).toList();
      return new State(n.get(0), n.get(1), n.get(2), n.get(3), n.get(4));
    }
  }

  private Node conjugateGradients(Linear a, Node b) {
    Node square = dot(b, b);
    Node limit = Elementwise.scale(method.tolerance() * method.tolerance(), square);
    State first = new State(Sources.fullLike(0, b), b, b, square, Sources.constant(0, DType.I32));
    State now = first.stand();
    Node open = Elementwise.compare(CompareKind.GT, now.rr, limit);
    Node test = goesOn(open, now.step);
    State next = step(a, now, open);
    List<Binding> states = new ArrayList<>();
    for (int i = 0; i < now.nodes().size(); i++) {
      states.add(new Binding(now.nodes().get(i), first.nodes().get(i)));
    }
    List<Node> results = new ArrayList<>(next.nodes());
    results.add(test);
    List<Binding> constants =
        Captures.of(results, now.nodes()).stream().map(Binding::same).toList();
    Node loop = Programs.whileLoop(new Operands(states, List.of(), constants), test, next.nodes());
    Node done = Elementwise.compare(CompareKind.LE, Programs.result(loop, 3), limit);
    return checked(Programs.result(loop, 0), done);
  }

  private Node checked(Node x, Node done) {
    String how =
        method.symmetric()
            ? "conjugate gradients have met a system that is not positive definite, or have"
            : "conjugate gradients on the normal equations have met a singular system, or have";
    String failure =
        how
            + " not reached a relative residual of "
            + method.tolerance()
            + " within "
            + method.steps()
            + " steps; allow more steps, a larger tolerance, or add damping (a multiple of the"
            + " identity)";
    return Checks.check(x, done, failure);
  }

  /** One step of those systems that are still open. */
  private static State step(Linear a, State s, Node open) {
    Node q = a.apply(s.p);
    Node curvature = dot(s.p, q);
    Node zero = Sources.fullLike(0, s.rr);
    Node sound = Elementwise.compare(CompareKind.GT, curvature, zero);
    Node ratio = Elementwise.div(s.rr, curvature);
    Node length = Elementwise.select(sound, ratio, Sources.fullLike(Double.NaN, s.rr));
    Node alpha = spread(Elementwise.select(open, length, zero), s.x);
    Node x = Elementwise.add(s.x, Elementwise.mul(alpha, s.p));
    Node r = Elementwise.sub(s.r, Elementwise.mul(alpha, q));
    Node rr = dot(r, r);
    Node beta = spread(Elementwise.select(open, Elementwise.div(rr, s.rr), zero), s.x);
    Node p = Elementwise.add(r, Elementwise.mul(beta, s.p));
    return new State(x, r, p, rr, Elementwise.add(s.step, Sources.constant(1, DType.I32)));
  }

  /** Whether a system is open and there are steps left. */
  private Node goesOn(Node open, Node step) {
    Node limit = Sources.constant(method.steps(), DType.I32);
    Node left = Elementwise.compare(CompareKind.LT, step, limit);
    Node some = Elementwise.cast(open, DType.I32);
    if (open.shape().rank() > 0) {
      some = Reductions.max(some, leading(open.shape().rank()));
    }
    return Elementwise.select(left, Elementwise.cast(some, DType.BOOL), left);
  }

  private static Node dot(Node a, Node b) {
    return Reductions.sum(Elementwise.mul(a, b), Axes.of(a.shape().rank() - 1));
  }

  /** One number for each system, along its vector. */
  private static Node spread(Node perSystem, Node like) {
    return Shapes.broadcast(perSystem, like.shape(), leading(perSystem.shape().rank()));
  }

  private static Axes leading(int count) {
    return Axes.of(IntStream.range(0, count).toArray());
  }
}
