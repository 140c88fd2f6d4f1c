package org.hesse.ops;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.jspecify.annotations.Nullable;

/** Functions whose derivative is given by a rule of their own. */
public final class CustomTangents {
  private CustomTangents() {}

  /**
   * The results of a function with a rule.
   *
   * @param arguments what the function is differentiated with respect to
   * @param results of its body
   */
  public static List<Node> attach(Op.TangentRule rule, List<Node> arguments, List<Node> results) {
    List<Node> inputs = new ArrayList<>(arguments);
    inputs.addAll(results);
    List<Node> nodes = new ArrayList<>();
    for (int i = 0; i < results.size(); i++) {
      nodes.add(node(new Op.CustomJvp(arguments.size(), i, rule), inputs));
    }
    return nodes;
  }

  private static Node node(Op.CustomJvp op, List<Node> inputs) {
    Node value = inputs.get(op.input());
    return new Node(op, inputs, value.shape(), value.dtype());
  }

  private static Op.TangentRule rule(Op.CustomJvp op, Node y) {
    Op.TangentRule rule = op.rule();
    if (rule == null) {
      throw new IllegalStateException(
          y + ": a program made to be run has lost the rule for its derivative");
    }
    return rule;
  }

  static final Rule<Op.CustomJvp> CUSTOM_JVP =
      new Rule<>() {
        @Override
        public Node emit(Op.CustomJvp op, List<Node> in, Shape shape, DType dtype) {
          return node(op, in);
        }

        @Override
        public @Nullable Node jvp(Op.CustomJvp op, Node y, @Nullable Node[] tangents) {
          int count = op.arguments();
          for (int i = count; i < tangents.length; i++) {
            if (tangents[i] != null) {
              throw new IllegalStateException(
                  "customJvp: the function captures a tensor that is differentiated, which its rule"
                      + " cannot see; pass it as part of the argument, or stop its gradient");
            }
          }
          Op.TangentRule rule = rule(op, y);
          List<Node> results = attach(rule, y.inputs().subList(0, count), bodies(op, y.inputs()));
          results.set(op.result(), y);
          List<@Nullable Node> dx = Arrays.asList(tangents).subList(0, count);
          return rule.tangents(y.inputs().subList(0, count), results, dx).get(op.result());
        }

        @Override
        public Node batch(Op.CustomJvp op, Node y, List<Node> in, boolean[] batched, int size) {
          int count = op.arguments();
          List<Node> results = new ArrayList<>();
          for (int i = count; i < in.size(); i++) {
            results.add(batched[i] ? in.get(i) : Shapes.repeat(in.get(i), size));
          }
          Op.TangentRule rule = rule(op, y).batched(Arrays.copyOf(batched, count), size);
          return attach(rule, in.subList(0, count), results).get(op.result());
        }
      };

  private static List<Node> bodies(Op.CustomJvp op, List<Node> inputs) {
    return inputs.subList(op.arguments(), inputs.size());
  }
}
