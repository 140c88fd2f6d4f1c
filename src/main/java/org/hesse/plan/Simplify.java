package org.hesse.plan;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.hesse.ir.Node;
import org.hesse.ir.Program;

/**
 * Rewrites a program into a smaller one with the same values: common subexpressions become one
 * node, dead code disappears, constants are folded and {@link Rule}s applied until none fires. What
 * programs within it run is simplified too, see {@link LoopRules}.
 *
 * <p>Values are kept as IEEE arithmetic has them, NaN, infinities and the signs of zeros included;
 * only that a repeated sum of the same number may become a product, and a power a product or
 * quotient.
 */
public final class Simplify {
  /** A node count that still falls after so many passes is not worth another. */
  private static final int MAX_PASSES = 10;

  private static final List<Rule> RULES = allRules();

  private Simplify() {}

  /** Every rule, in the order in which they are tried. */
  static List<Rule> rules() {
    return RULES;
  }

  private static List<Rule> allRules() {
    List<Rule> all = new ArrayList<>();
    all.addAll(ConstantRules.RULES);
    all.addAll(ArithmeticRules.RULES);
    all.addAll(ShapeRules.RULES);
    all.addAll(ConcatRules.RULES);
    all.addAll(ReductionRules.RULES);
    all.add(Factors.PARTS);
    all.addAll(Barriers.RULES);
    return List.copyOf(all);
  }

  /** An equivalent program with the same inputs in the same order, without calls. */
  public static Program simplify(Program program) {
    return simplify(Inline.inline(program), new HashMap<>());
  }

  /**
   * The same without calls.
   *
   * @param known what has become of programs so far, so that a body which has not changed is not
   *     simplified again with each pass over the programs around it
   */
  static Program simplify(Program program, Map<Program, Program> known) {
    Program before = known.getOrDefault(program, program);
    for (int pass = 0; pass < MAX_PASSES && !known.containsKey(before); pass++) {
      Program after = LoopRules.rewrite(onePass(before, RULES), known);
      if (after.equals(before)) {
        known.put(after, after);
      }
      before = after;
    }
    known.put(program, before);
    return before;
  }

  /** The same with these rules only, and without regard to loops. */
  static Program simplify(Program program, List<Rule> rules) {
    Program before = program;
    for (int pass = 0; pass < MAX_PASSES; pass++) {
      Program after = onePass(before, rules);
      if (after.equals(before)) {
        return after;
      }
      before = after;
    }
    return before;
  }

  private static Program onePass(Program program, List<Rule> rules) {
    Rewriter to = new Rewriter(rules);
    Set<Node> inputs = new HashSet<>(program.inputs());
    Map<Node, Integer> readers = readers(program);
    Map<Node, Node> copy = new HashMap<>();
    for (Node n : program.nodes()) {
      Node replacement = n;
      if (!inputs.contains(n)) {
        replacement = to.rebuild(n, n.inputs().stream().map(in -> mapped(copy, in)).toList());
      }
      copy.put(n, replacement);
      to.addUses(replacement, readers.getOrDefault(n, 0));
    }
    List<Node> outputs = program.outputs().stream().map(out -> mapped(copy, out)).toList();
    return Program.capture(program.inputs(), outputs);
  }

  private static Node mapped(Map<Node, Node> copy, Node n) {
    Node m = copy.get(n);
    if (m == null) {
      throw new IllegalArgumentException("program: " + n + " is read before it is computed");
    }
    return m;
  }

  /** How many nodes read each node; being an output counts as one more. */
  private static Map<Node, Integer> readers(Program program) {
    Map<Node, Integer> readers = new HashMap<>();
    for (Node n : program.nodes()) {
      for (Node in : n.inputs()) {
        readers.merge(in, 1, Integer::sum);
      }
    }
    program.outputs().forEach(out -> readers.merge(out, 1, Integer::sum));
    return readers;
  }
}
