package org.hesse.ops;

import java.util.List;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.jspecify.annotations.Nullable;

/** Finds the {@link Rule} of a node's primitive and applies it. */
public final class Rules {
  private Rules() {}

  /** The rule of a primitive; leaves have none. */
  private static Rule<?> of(Op op) {
    return switch (op) {
      case Op.Unary u -> ElementwiseRules.UNARY;
      case Op.Binary b -> ElementwiseRules.BINARY;
      case Op.Compare c -> ElementwiseRules.COMPARE;
      case Op.Select s -> ElementwiseRules.SELECT;
      case Op.Cast c -> ElementwiseRules.CAST;
      case Op.StopGradient s -> ElementwiseRules.STOP_GRADIENT;
      case Op.Copy c -> ElementwiseRules.COPY;
      case Op.Reshape r -> Shapes.RESHAPE;
      case Op.Permute p -> Shapes.PERMUTE;
      case Op.Broadcast b -> Shapes.BROADCAST;
      case Op.Reverse r -> Shapes.REVERSE;
      case Op.Slice s -> Slices.SLICE;
      case Op.Pad p -> Slices.PAD;
      case Op.Window w -> Windows.WINDOW;
      case Op.Fold f -> Windows.FOLD;
      case Op.Concat c -> Slices.CONCAT;
      case Op.Reduce r -> Reductions.REDUCE;
      case Op.ArgMax a -> Reductions.ARG_MAX;
      case Op.Cumsum c -> Scans.CUMSUM;
      case Op.Gather g -> Indexing.GATHER;
      case Op.ScatterAdd s -> Indexing.SCATTER_ADD;
      case Op.Dot d -> Products.DOT;
      case Op.RandomBits r -> RandomWords.BITS;
      case Op.Factor f -> FactorRules.FACTOR;
      case Op.CustomJvp c -> CustomTangents.CUSTOM_JVP;
      case Op.Composite c -> Programs.COMPOSITE;
      case Op.Nested n -> Programs.NESTED;
      case Op.Result r -> Programs.RESULT;
      case Op.Check c -> Checks.CHECK;
      case Op.Barrier b ->
          throw new IllegalStateException("a barrier is the planner's own and has no rule");
      case Op.Iota i -> Sources.IOTA;
      case Op.Constant c -> Sources.CONSTANT;
      case Op.Parameter p -> throw leaf(op);
      case Op.Leaf l -> throw leaf(op);
      case Op.Placeholder p -> throw leaf(op);
    };
  }

  private static IllegalStateException leaf(Op op) {
    return new IllegalStateException(op.mnemonic() + " is not computed, so it has no rule");
  }

  @SuppressWarnings("unchecked") // the switch pairs every primitive with its own rule
  private static Rule<Op> ruleOf(Node n) {
    return (Rule<Op>) of(n.op());
  }

  /** The node that the shape rule makes of a node's primitive over other inputs. */
  public static Node emit(Node like, List<Node> inputs) {
    return ruleOf(like).emit(like.op(), inputs, like.shape(), like.dtype());
  }

  /** See {@link Rule#jvp}. */
  public static @Nullable Node jvp(Node y, @Nullable Node[] tangents) {
    return ruleOf(y).jvp(y.op(), y, tangents);
  }

  /** See {@link Rule#transpose}. */
  public static @Nullable Node[] transpose(Node y, Node cotangent, boolean[] linear) {
    return ruleOf(y).transpose(y.op(), y, cotangent, linear);
  }

  /** See {@link Rule#batch}. */
  public static Node batch(Node y, List<Node> inputs, boolean[] batched, int size) {
    return ruleOf(y).batch(y.op(), y, inputs, batched, size);
  }
}
