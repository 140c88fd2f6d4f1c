package org.hesse.diff;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.hesse.fused.Composites;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ops.Elementwise;
import org.hesse.ops.Programs;
import org.hesse.ops.Rules;
import org.jspecify.annotations.Nullable;

/**
 * The rules of every primitive with one result: those of {@code ops}, and for composites, which
 * {@code ops} cannot know, those of {@code fused}, or what the transforms make of the body.
 */
final class CompositeWalk {
  private CompositeWalk() {}

  /** See {@link org.hesse.ops.Rule#jvp}. */
  static @Nullable Node jvp(Node y, @Nullable Node[] tangents) {
    if (!(y.op() instanceof Op.Composite op)) {
      return Rules.jvp(y, tangents);
    }
    int from = Math.min(op.kind().linearFrom(), tangents.length);
    @Nullable Node[] others = new @Nullable Node[tangents.length];
    System.arraycopy(tangents, 0, others, 0, from);
    Node a = any(tangents, from, tangents.length) ? Composites.linear(y, tangents) : null;
    Node b = null;
    if (any(tangents, 0, from)) {
      b = Composites.jvp(y, others);
      b = b == null ? bodyTangent(op, y, others) : b;
    }
    return a == null ? b : b == null ? a : Elementwise.add(a, b);
  }

  private static boolean any(@Nullable Node[] tangents, int from, int to) {
    for (int i = from; i < to; i++) {
      if (tangents[i] != null) {
        return true;
      }
    }
    return false;
  }

  /** Over copies of the inputs: one that is used in two places must not be taken for one. */
  private static @Nullable Node bodyTangent(Op.Composite op, Node y, @Nullable Node[] tangents) {
    List<Node> in = new ArrayList<>();
    Map<Node, Node> seeds = new HashMap<>();
    for (int i = 0; i < tangents.length; i++) {
      Node t = tangents[i];
      Node x = t == null ? y.input(i) : Elementwise.copy(y.input(i));
      in.add(x);
      if (t != null) {
        seeds.put(x, t);
      }
    }
    return Jvp.push(Programs.inline(op.body(), in), seeds).get(0);
  }

  /** See {@link org.hesse.ops.Rule#transpose}. */
  static @Nullable Node[] transpose(Node y, Node cotangent, boolean[] linear) {
    if (!(y.op() instanceof Op.Composite op)) {
      return Rules.transpose(y, cotangent, linear);
    }
    boolean expected = true;
    for (int i = 0; i < linear.length; i++) {
      expected &= !linear[i] || i >= op.kind().linearFrom();
    }
    @Nullable Node[] back = expected ? Composites.transpose(y, cotangent) : null;
    return back == null ? bodyCotangents(op, y, cotangent, linear) : back;
  }

  private static @Nullable Node[] bodyCotangents(
      Op.Composite op, Node y, Node cotangent, boolean[] linear) {
    List<Node> in = new ArrayList<>();
    List<Node> wanted = new ArrayList<>();
    for (int i = 0; i < linear.length; i++) {
      in.add(linear[i] ? y.input(i).placeholder() : y.input(i));
      if (linear[i]) {
        wanted.add(in.get(i));
      }
    }
    List<@Nullable Node> outs = new ArrayList<>(Programs.inline(op.body(), in));
    List<@Nullable Node> cotangents = new ArrayList<>(List.of(cotangent));
    List<@Nullable Node> pulled = Transpose.pull(outs, cotangents, wanted);
    @Nullable Node[] back = new @Nullable Node[linear.length];
    int next = 0;
    for (int i = 0; i < linear.length; i++) {
      back[i] = linear[i] ? pulled.get(next++) : null;
    }
    return back;
  }

  /** See {@link org.hesse.ops.Rule#batch}. */
  static Node batch(Node y, List<Node> inputs, boolean[] batched, int size) {
    if (!(y.op() instanceof Op.Composite op)) {
      return Rules.batch(y, inputs, batched, size);
    }
    return op.kind().computesPrimal() && linearOnly(op, batched)
        ? bodyBatch(op, y, inputs, batched, size)
        : Composites.batch(y, inputs, batched, size);
  }

  /** Whether items of a batch differ only in inputs that the composite is linear in. */
  private static boolean linearOnly(Op.Composite op, boolean[] batched) {
    for (int i = 0; i < op.kind().linearFrom(); i++) {
      if (batched[i]) {
        return false;
      }
    }
    return true;
  }

  /** The body, in which all that depends on the other inputs is computed once for the batch. */
  private static Node bodyBatch(
      Op.Composite op, Node y, List<Node> inputs, boolean[] batched, int size) {
    List<Node> in = new ArrayList<>();
    Map<Node, Node> map = new HashMap<>();
    for (int i = 0; i < batched.length; i++) {
      in.add(batched[i] ? y.input(i).placeholder() : y.input(i));
      if (batched[i]) {
        map.put(in.get(i), inputs.get(i));
      }
    }
    return Batching.batch(Programs.inline(op.body(), in), map, size).get(0);
  }
}
