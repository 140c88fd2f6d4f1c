package org.hesse.fused;

import java.util.ArrayList;
import java.util.List;
import org.hesse.ir.CompositeKind;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.hesse.ops.Programs;
import org.hesse.ops.Shapes;
import org.hesse.ops.Sources;
import org.jspecify.annotations.Nullable;

/** Emits composites, and finds their rules. */
public final class Composites {
  private Composites() {}

  private static CompositeRule<?> of(CompositeKind kind) {
    return switch (kind) {
      case CompositeKind.Softmax k -> Softmaxes.SOFTMAX;
      case CompositeKind.SoftmaxTangent k -> Softmaxes.SOFTMAX_TANGENT;
      case CompositeKind.LogSoftmax k -> Softmaxes.LOG_SOFTMAX;
      case CompositeKind.LogSoftmaxTangent k -> Softmaxes.LOG_SOFTMAX_TANGENT;
      case CompositeKind.LogSoftmaxCotangent k -> Softmaxes.LOG_SOFTMAX_COTANGENT;
      case CompositeKind.LogSumExp k -> Softmaxes.LOG_SUM_EXP;
      case CompositeKind.CrossEntropy k -> CrossEntropies.VALUE;
      case CompositeKind.CrossEntropyTangent k -> CrossEntropies.TANGENT;
      case CompositeKind.CrossEntropyCotangent k -> CrossEntropies.COTANGENT;
      case CompositeKind.Moments k -> Norms.MOMENTS;
      case CompositeKind.Normalize k -> Norms.NORMALIZE;
      case CompositeKind.NormalizeTangent k -> Norms.NORMALIZE_TANGENT;
      case CompositeKind.Attention k -> Attentions.ATTENTION;
      case CompositeKind.AttentionTangent k -> Attentions.TANGENT;
      case CompositeKind.AttentionCotangent k -> Attentions.COTANGENT;
    };
  }

  @SuppressWarnings("unchecked") // the switch pairs every kind with its own rule
  private static CompositeRule<CompositeKind> ruleOf(CompositeKind kind) {
    return (CompositeRule<CompositeKind>) of(kind);
  }

  private static CompositeKind kind(Node n) {
    return ((Op.Composite) n.op()).kind();
  }

  /** A composite over inputs; their shapes and dtypes must be those that the kind asks for. */
  static Node emit(CompositeKind kind, List<Node> inputs) {
    List<Node> parameters = new ArrayList<>();
    for (Node in : inputs) {
      Op p = new Op.Parameter(parameters.size());
      parameters.add(new Node(p, List.of(), in.shape(), in.dtype()));
    }
    Node out = ruleOf(kind).body(kind, parameters);
    Program body = Program.capture(parameters, List.of(out));
    return Programs.composite(new Op.Composite(kind, body), inputs);
  }

  /**
   * Forward mode with respect to the inputs before {@link CompositeKind#linearFrom}.
   *
   * @param tangents of all inputs; null is zero, and those of linear inputs are null
   * @return null where there is no rule but the body
   */
  public static @Nullable Node jvp(Node y, @Nullable Node[] tangents) {
    return ruleOf(kind(y)).jvp(kind(y), y, tangents);
  }

  /** Forward mode with respect to the inputs in which it is linear; a null tangent is zero. */
  public static Node linear(Node y, @Nullable Node[] tangents) {
    List<Node> in = new ArrayList<>(y.inputs());
    for (int i = kind(y).linearFrom(); i < tangents.length; i++) {
      Node t = tangents[i];
      in.set(i, t == null ? Sources.fullLike(0, in.get(i)) : t);
    }
    return Programs.composite((Op.Composite) y.op(), in);
  }

  /**
   * Reverse mode with respect to the inputs in which it is linear.
   *
   * @return cotangents of all inputs, or null where there is no rule but the body
   */
  public static @Nullable Node @Nullable [] transpose(Node y, Node cotangent) {
    return ruleOf(kind(y)).transpose(kind(y), y, cotangent);
  }

  /** The same composite for a batch of more items; see {@link org.hesse.ops.Rule#batch}. */
  public static Node batch(Node y, List<Node> inputs, boolean[] batched, int size) {
    List<Node> in = new ArrayList<>();
    for (int i = 0; i < batched.length; i++) {
      in.add(batched[i] ? inputs.get(i) : Shapes.repeat(inputs.get(i), size));
    }
    return emit(kind(y), in);
  }
}
