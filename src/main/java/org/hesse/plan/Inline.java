package org.hesse.plan;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;

/**
 * Puts the nodes of called programs in the place of their calls, the bodies of composites that are
 * not kernels in theirs, and makes equal results of what else runs programs one node. A late input
 * is read through an {@link Op.Barrier} that waits for the other inputs, so that what is computed
 * from it is neither shared with what was computed of it before nor put first.
 */
final class Inline {
  private final Map<Node, Node> copies = new HashMap<>();
  private final Map<Node, List<Node>> results = new HashMap<>();

  private final Predicate<Node> kernels;

  private Inline(Predicate<Node> kernels) {
    this.kernels = kernels;
  }

  /** An equivalent program without calls, also in the programs that it runs. */
  static Program inline(Program program) {
    return inline(program, n -> true);
  }

  /**
   * The same without composites that are no kernels.
   *
   * @param kernels which composites are
   */
  static Program inline(Program program, Predicate<Node> kernels) {
    if (program.nodes().stream().noneMatch(n -> isInlined(n, kernels))) {
      return program;
    }
    Inline inline = new Inline(kernels);
    program.inputs().forEach(in -> inline.copies.put(in, in));
    return Program.capture(program.inputs(), inline.emit(program));
  }

  private static boolean isInlined(Node n, Predicate<Node> kernels) {
    return n.op() instanceof Op.Nested || n.op() instanceof Op.Composite && !kernels.test(n);
  }

  /** The outputs of a program whose inputs have copies. */
  private List<Node> emit(Program program) {
    for (Node n : program.nodes()) {
      if (copies.containsKey(n)) {
        continue;
      }
      List<Node> ins = n.inputs().stream().map(in -> copies.getOrDefault(in, in)).toList();
      switch (n.op()) {
        case Op.Call(Program body, int late) -> {
          results.put(n, call(body, late, ins));
          copies.put(n, n);
        }
        case Op.Solve solve -> {
          // How x is computed is one of its inputs; the rest is for derivatives.
          results.put(n, List.of(ins.get(1)));
          copies.put(n, n);
        }
        case Op.Composite(var kind, Program body) when isInlined(n, kernels) ->
            copies.put(n, call(body, 0, ins).get(0));
        case Op.Nested nested -> {
          List<Program> programs = nested.programs().stream().map(p -> inline(p, kernels)).toList();
          Node copy = new Node(nested.with(programs), ins, n.shape(), n.dtype());
          copies.put(n, copy);
          results.put(n, results(copy, nested));
        }
        case Op.Result(int index) -> copies.put(n, result(n.input(0), index));
        // Fresh ones throughout, so that they keep their order.
        default -> copies.put(n, new Node(n.op(), ins, n.shape(), n.dtype()));
      }
    }
    return program.outputs().stream().map(out -> copies.getOrDefault(out, out)).toList();
  }

  /** One node for each result, whoever reads it. */
  private static List<Node> results(Node nested, Op.Nested op) {
    List<Node> all = new ArrayList<>();
    for (int i = 0; i < op.results(); i++) {
      all.add(new Node(new Op.Result(i), List.of(nested), op.shape(i), op.dtype(i)));
    }
    return all;
  }

  private Node result(Node nested, int index) {
    List<Node> all = results.get(nested);
    if (all == null) {
      throw new IllegalArgumentException("program: " + nested + " is read before it is computed");
    }
    return all.get(index);
  }

  private List<Node> call(Program body, int late, List<Node> ins) {
    Inline inline = new Inline(kernels);
    for (int i = 0; i < ins.size(); i++) {
      Node in = ins.get(i);
      if (i < late && late < ins.size()) {
        List<Node> all = new ArrayList<>(ins.subList(late, ins.size()));
        all.add(0, in);
        in = new Node(new Op.Barrier(), all, in.shape(), in.dtype());
      }
      inline.copies.put(body.inputs().get(i), in);
    }
    return inline.emit(body);
  }
}
