package org.hesse.testing;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.hesse.DType;
import org.hesse.ir.FactorKind;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.hesse.ops.Rules;
import org.hesse.ops.Sources;
import org.hesse.testing.RandomPrograms.Case;
import org.hesse.testing.TransformChecks.Tally;
import org.jspecify.annotations.Nullable;

/** Makes a program that fails smaller, as long as it fails. */
final class Shrinker {
  private final long seed;

  private final String kind;

  private Shrinker(long seed, Case drawn) {
    this.seed = seed;
    this.kind = kind(failure(seed, drawn));
  }

  /** The failure of the smallest program to be found that fails as a drawn one does. */
  static AssertionError explain(String what, Case drawn, long seed) {
    Case small = new Shrinker(seed, drawn).shrink(drawn);
    String text = what + ", seed " + seed + "\n" + drawn.program().print();
    if (small.program().nodes().size() < drawn.program().nodes().size()) {
      text += "\nas does\n" + small.program().print();
    }
    Throwable failure = failure(seed, small);
    return new AssertionError(text + "\n" + failure, failure);
  }

  /** What goes wrong; null if nothing does. */
  private static @Nullable Throwable failure(long seed, Case c) {
    try {
      TransformChecks.check(c, seed, new Tally());
      return null;
    } catch (RuntimeException | AssertionError e) {
      return e;
    }
  }

  /** The same check fails; so values do not leave the domain of what is left, which is another. */
  private boolean failsAlike(Case c) {
    Throwable f = failure(seed, c);
    return f != null && kind(f).equals(kind);
  }

  private static String kind(@Nullable Throwable failure) {
    return failure == null
        ? ""
        : (failure.getClass() + " " + failure.getMessage()).split("[:,]")[0];
  }

  private Case shrink(Case failing) {
    Case smallest = failing;
    boolean progress = true;
    while (progress) {
      progress = false;
      for (Case c : smaller(smallest)) {
        if (c.program().nodes().size() < smallest.program().nodes().size() && failsAlike(c)) {
          smallest = c;
          progress = true;
          break;
        }
      }
    }
    return smallest;
  }

  /** Programs with an earlier result, or with a node replaced by an operand or zeros. */
  private static List<Case> smaller(Case c) {
    List<Case> candidates = new ArrayList<>();
    Program p = c.program();
    for (Node n : p.nodes()) {
      if (n.dtype() == DType.F64 && !isPacked(n)) {
        candidates.add(new Case(Program.capture(p.inputs(), List.of(n)), c.inputs()));
      }
    }
    for (Node n : p.nodes()) {
      if (p.inputs().contains(n) || isPacked(n) || isBody(n, p)) {
        continue;
      }
      for (Node in : n.inputs()) {
        if (in.shape().equals(n.shape()) && in.dtype() == n.dtype()) {
          candidates.add(replaced(c, n, in));
        }
      }
      candidates.add(replaced(c, n, Sources.fullLike(0, n)));
    }
    return candidates;
  }

  /** A factorisation whose parts alone have derivatives. */
  private static boolean isPacked(Node n) {
    return n.op() instanceof Op.Nested
        || n.op() instanceof Op.Factor(FactorKind kind)
            && (kind instanceof FactorKind.Lu
                || kind instanceof FactorKind.Eigh
                || kind instanceof FactorKind.Qr
                || kind instanceof FactorKind.Svd);
  }

  /** The value of a function whose rule belongs to it. */
  private static boolean isBody(Node n, Program p) {
    return p.nodes().stream()
        .anyMatch(m -> m.op() instanceof Op.CustomJvp c && m.input(c.input()) == n);
  }

  private static Case replaced(Case c, Node old, Node by) {
    Map<Node, Node> map = new HashMap<>(Map.of(old, by));
    for (Node n : c.program().nodes()) {
      if (!map.containsKey(n) && n.inputs().stream().anyMatch(map::containsKey)) {
        map.put(n, Rules.emit(n, n.inputs().stream().map(i -> map.getOrDefault(i, i)).toList()));
      }
    }
    List<Node> out = c.program().outputs().stream().map(o -> map.getOrDefault(o, o)).toList();
    return new Case(Program.capture(c.program().inputs(), out), c.inputs());
  }
}
