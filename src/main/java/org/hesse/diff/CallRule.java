package org.hesse.diff;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ops.Programs.Binding;
import org.jspecify.annotations.Nullable;

/**
 * Checkpointing: the tangent of a call is a call of the tangent program, so the only values that
 * reverse mode keeps are the inputs. The transposed call computes what it needs of them again, when
 * the cotangents are there.
 */
final class CallRule implements NestedRule<Op.Call> {

  @Override
  public @Nullable Node[] jvp(Op.Call op, Node y, @Nullable Node[] tangents) {
    List<Node> parameters = op.body().inputs();
    List<Binding> inputs = new ArrayList<>();
    Map<Node, Node> seeds = new HashMap<>();
    for (int i = 0; i < tangents.length; i++) {
      inputs.add(new Binding(parameters.get(i), y.input(i)));
    }
    for (int i = 0; i < tangents.length; i++) {
      Node t = tangents[i];
      if (t != null) {
        Node inner = t.placeholder();
        seeds.put(parameters.get(i), inner);
        inputs.add(new Binding(inner, t));
      }
    }
    List<@Nullable Node> outs = Jvp.push(op.body().outputs(), seeds);
    inputs.addAll(Bodies.captured(outs, Bodies.concat(parameters, seeds.values())));
    return Bodies.call(
        inputs.subList(0, op.late()), inputs.subList(op.late(), inputs.size()), outs);
  }

  @Override
  public @Nullable Node[] transpose(
      Op.Call op, Node y, @Nullable Node[] cotangents, boolean[] linear) {
    List<Node> parameters = op.body().inputs();
    List<Binding> late = new ArrayList<>();
    List<Node> wanted = new ArrayList<>();
    for (int i = 0; i < linear.length; i++) {
      if (linear[i]) {
        wanted.add(parameters.get(i));
      } else {
        late.add(new Binding(parameters.get(i), y.input(i)));
      }
    }
    List<Binding> inputs = new ArrayList<>();
    List<@Nullable Node> inner = new ArrayList<>();
    for (Node ct : cotangents) {
      if (ct == null) {
        inner.add(null);
      } else {
        Node stand = ct.placeholder();
        inner.add(stand);
        inputs.add(new Binding(stand, ct));
      }
    }
    List<@Nullable Node> pulled =
        Transpose.pull(new ArrayList<>(op.body().outputs()), inner, wanted);
    @Nullable Node[] results = Bodies.call(late, inputs, pulled);
    @Nullable Node[] all = new @Nullable Node[linear.length];
    int next = 0;
    for (int i = 0; i < linear.length; i++) {
      all[i] = linear[i] ? results[next++] : null;
    }
    return all;
  }

  @Override
  public List<Node> batch(Op.Call op, Node y, List<Node> inputs, boolean[] batched, int size) {
    List<Binding> bindings = new ArrayList<>();
    Map<Node, Node> map = new HashMap<>();
    for (int i = 0; i < batched.length; i++) {
      Node parameter = op.body().inputs().get(i);
      Node inner = batched[i] ? inputs.get(i).placeholder() : parameter;
      if (batched[i]) {
        map.put(parameter, inner);
      }
      bindings.add(new Binding(inner, inputs.get(i)));
    }
    List<Node> outs = Batching.batch(op.body().outputs(), map, size);
    @Nullable Node[] results =
        Bodies.call(
            bindings.subList(0, op.late()), bindings.subList(op.late(), bindings.size()), outs);
    return Arrays.asList(results).stream().map(java.util.Objects::requireNonNull).toList();
  }
}
