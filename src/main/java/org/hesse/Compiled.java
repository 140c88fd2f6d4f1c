package org.hesse;

import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.hesse.backend.Buffer;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.hesse.plan.Plan;
import org.jspecify.annotations.Nullable;

/** A function with one plan for each structure of argument that it has met. */
final class Compiled<A, B> implements Function<A, B> {
  /** Structures kept for each function; the least recently used goes first. */
  private static final int KEPT = 64;

  /** So many structures at one call site suggest that something changes which should not. */
  private static final int SUSPICIOUS = 16;

  private final Function<A, B> function;
  private final Map<Key, Entry<B>> entries = new LinkedHashMap<>(16, 0.75f, true);
  private int traced;

  private final Donate donate;

  Compiled(Function<A, B> function, Donate donate) {
    this.function = Misuse.given("compile", "f", function, "a function");
    this.donate = Misuse.given("compile", "donate", donate, "such as Donate.first()");
  }

  /** What a plan depends on: structure, and type of each leaf. */
  private record Key(Tree<?> tree, List<Shape> shapes, List<DType> dtypes) {}

  /** A plan, the values that the function captured, and the structure of its result. */
  private record Entry<B>(
      Plan plan, List<Buffer> captured, Tree<B> out, List<Shape> shapes, Spares spares) {}

  @Override
  public B apply(A x) {
    if (Trace.current() != null) {
      return function.apply(x);
    }
    Tree<A> tree = Tree.of("x", x);
    List<Tensor> leaves = tree.leaves(x);
    Entry<B> entry = entry(tree, leaves);
    List<Buffer> inputs = new ArrayList<>();
    leaves.forEach(t -> inputs.add((Buffer) ((Op.Leaf) t.node().op()).value()));
    requirePresent(entry.captured);
    entry.spares.requireOwn(tree, inputs, entry.captured);
    inputs.addAll(entry.captured);
    Buffer[] values = entry.plan.run(inputs.toArray(Buffer[]::new), entry.spares::pick);
    entry.spares.keep(inputs);
    List<Tensor> results = new ArrayList<>();
    for (int i = 0; i < values.length; i++) {
      results.add(Tensor.of(values[i], entry.shapes.get(i)));
    }
    return entry.out.rebuild(results);
  }

  private static void requirePresent(List<Buffer> captured) {
    for (Buffer b : captured) {
      if (b.given() != null) {
        throw new IllegalStateException(
            "a compiled function is called"
                + CallSite.here()
                + " that captures a tensor of "
                + b.size()
                + " "
                + b.dtype()
                + ", but "
                + b.given());
      }
    }
  }

  private synchronized Entry<B> entry(Tree<A> tree, List<Tensor> leaves) {
    Key key =
        new Key(
            tree,
            leaves.stream().map(Tensor::shape).toList(),
            leaves.stream().map(Tensor::dtype).toList());
    @Nullable Entry<B> entry = entries.get(key);
    if (entry == null) {
      entry = trace(tree, leaves);
      entries.put(key, entry);
      warnIfMany(key);
      if (entries.size() > KEPT) {
        entries.remove(entries.keySet().iterator().next());
      }
    }
    return entry;
  }

  private Entry<B> trace(Tree<A> tree, List<Tensor> leaves) {
    List<Node> parameters = Transform.parameters(leaves);
    AtomicReference<Tree<B>> out = new AtomicReference<>();
    List<Node> outputs =
        Trace.run("compile", () -> Transform.call(function, tree, parameters, out));
    Program program = Program.capture(parameters, outputs);
    List<Buffer> captured = new ArrayList<>();
    for (Node in : program.inputs().subList(parameters.size(), program.inputs().size())) {
      captured.add((Buffer) ((Op.Leaf) in.op()).value());
    }
    Plan plan = Plan.compile(Hesse.backend(), program.detach());
    Spares spares = Spares.of(donate.among(tree.paths()), parameters, outputs);
    List<Shape> shapes = outputs.stream().map(Node::shape).toList();
    return new Entry<>(plan, captured, out.get(), shapes, spares);
  }

  private void warnIfMany(Key key) {
    if (++traced == SUSPICIOUS) {
      System.getLogger("org.hesse")
          .log(
              Level.WARNING,
              "a compiled function was traced {0} times, each time for another structure; the last"
                  + " one: {1} {2}. Pass what changes as tensors of fixed shape.",
              traced,
              key.tree,
              key.shapes);
    }
  }
}
