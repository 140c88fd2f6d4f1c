package org.hesse;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.hesse.diff.Captures;
import org.hesse.ir.Node;
import org.hesse.ops.Programs;
import org.hesse.ops.Programs.Binding;

/** Functions whose values in between are computed again in reverse mode, instead of kept. */
final class Checkpoint {
  private Checkpoint() {}

  static <A, B> B apply(Function<A, B> f, A x) {
    if (Trace.current() == null) {
      return f.apply(x);
    }
    Tree<A> in = Tree.of(x);
    List<Node> arguments = in.leaves(x).stream().map(Tensor::node).toList();
    List<Binding> bindings = new ArrayList<>(arguments.stream().map(Checkpoint::inside).toList());
    List<Node> inner = bindings.stream().map(Binding::inner).toList();
    AtomicReference<Tree<B>> out = new AtomicReference<>();
    List<Node> results = Trace.run("checkpoint", () -> Transform.call(f, in, inner, out));
    Captures.of(results, inner).forEach(n -> bindings.add(Binding.same(n)));
    Node call = Programs.call(List.of(), bindings, results);
    return out.get().rebuild(Programs.results(call).stream().map(Tensor::traced).toList());
  }

  private static Binding inside(Node n) {
    return new Binding(n.placeholder(), n);
  }
}
