package org.hesse;

import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Arrays;
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

  private final Function<A, B> function;
  private final Map<Key, Entry<B>> entries = new LinkedHashMap<>(16, 0.75f, true);
  private boolean warned;

  private final Donate donate;

  /** Where the function was compiled, for messages about what it has been given. */
  private final String where;

  /** The entry last used: most calls have the structure of the one before. */
  private volatile @Nullable Entry<B> latest;

  Compiled(Function<A, B> function, Donate donate) {
    this.function = Misuse.given("compile", "f", function, "a function");
    this.donate = Misuse.given("compile", "donate", donate, "such as Donate.first()");
    this.where = donate.isNone() ? "" : CallSite.here();
  }

  /** What a plan depends on: structure, and type of each leaf, and where they are. */
  private record Key(Tree<?> tree, List<Shape> shapes, List<DType> dtypes, Device device) {}

  /** A plan, the values that the function captured, and the structure of its result. */
  private record Entry<B>(
      Key key, Plan plan, List<Buffer> captured, Tree<B> out, List<Shape> shapes, Spares spares) {

    /** The tensors of an argument of this structure; null if it has another. */
    Tensor @Nullable [] match(@Nullable Object x) {
      Tensor[] leaves = key.tree.match(x);
      if (leaves != null && leaves.length == 0 && !Hesse.device().equals(key.device)) {
        return null;
      }
      for (int i = 0; leaves != null && i < leaves.length; i++) {
        Tensor t = leaves[i];
        if (t.dtype() != key.dtypes.get(i)
            || !t.shape().equals(key.shapes.get(i))
            || !t.device().equals(key.device)) {
          return null;
        }
      }
      return leaves;
    }
  }

  @Override
  public B apply(A x) {
    if (Trace.current() != null) {
      return function.apply(x);
    }
    Entry<B> entry = latest;
    Tensor[] leaves = entry == null ? null : entry.match(x);
    if (entry == null || leaves == null) {
      Tree<A> tree = Tree.of("x", x);
      leaves = tree.leaves(x).toArray(Tensor[]::new);
      entry = entry(tree, List.of(leaves));
      latest = entry;
    }
    return run(entry, leaves);
  }

  private static <B> B run(Entry<B> entry, Tensor[] leaves) {
    List<Buffer> captured = entry.captured;
    Buffer[] inputs = new Buffer[leaves.length + captured.size()];
    for (int i = 0; i < inputs.length; i++) {
      inputs[i] =
          i < leaves.length
              ? (Buffer) ((Op.Leaf) leaves[i].node().op()).value()
              : captured.get(i - leaves.length);
    }
    requirePresent(captured);
    entry.spares.requireOwn(entry.key.tree, inputs, captured);
    Buffer[] values = entry.plan.run(inputs, entry.spares.take(), entry.spares.why());
    entry.spares.keep(inputs);
    return entry.out.rebuild(Arrays.asList(Tensor.fresh(values, entry.shapes)));
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

  private static void requireThere(List<Buffer> captured, Device device) {
    for (Buffer b : captured) {
      if (!b.device().equals(device)) {
        throw new IllegalArgumentException(
            "a compiled function is called"
                + CallSite.here()
                + " with an argument on "
                + device
                + ", but captures a tensor of "
                + b.size()
                + " "
                + b.dtype()
                + " on "
                + b.device()
                + "; move one with to(Device)");
      }
    }
  }

  private synchronized Entry<B> entry(Tree<A> tree, List<Tensor> leaves) {
    Key key =
        new Key(
            tree,
            leaves.stream().map(Tensor::shape).toList(),
            leaves.stream().map(Tensor::dtype).toList(),
            device(tree, leaves));
    @Nullable Entry<B> entry = entries.get(key);
    if (entry == null) {
      entry = trace(key, tree, leaves);
      entries.put(key, entry);
      if (entries.size() > KEPT) {
        entries.remove(entries.keySet().iterator().next());
        warnOnce(key);
      }
    }
    return entry;
  }

  /** Where the argument is as a whole; without tensors, the current device. */
  private static Device device(Tree<?> tree, List<Tensor> leaves) {
    Device device = Transform.device(leaves);
    for (int i = 0; i < leaves.size(); i++) {
      if (!leaves.get(i).device().equals(device)) {
        throw new IllegalArgumentException(
            "a compiled function is called"
                + CallSite.here()
                + " with leaf '"
                + tree.paths().getFirst()
                + "' on "
                + device
                + " and leaf '"
                + tree.paths().get(i)
                + "' on "
                + leaves.get(i).device()
                + "; move one with to(Device)");
      }
    }
    return device;
  }

  private Entry<B> trace(Key key, Tree<A> tree, List<Tensor> leaves) {
    List<Node> parameters = Transform.parameters(leaves);
    AtomicReference<Tree<B>> out = new AtomicReference<>();
    List<Node> outputs =
        Trace.run("compile", key.device, () -> Transform.call(function, tree, parameters, out));
    Program program = Program.capture(parameters, outputs);
    List<Buffer> captured = new ArrayList<>();
    for (Node in : program.inputs().subList(parameters.size(), program.inputs().size())) {
      captured.add((Buffer) ((Op.Leaf) in.op()).value());
    }
    requireThere(captured, key.device);
    boolean[] donated = donate.among(tree.paths());
    Plan plan = Plan.compile(Backends.of(key.device), program.detach(), donated);
    Spares spares = Spares.of(donated, where, plan, parameters, outputs);
    List<Shape> shapes = outputs.stream().map(Node::shape).toList();
    return new Entry<>(key, plan, List.copyOf(captured), out.get(), shapes, spares);
  }

  /** Up to here each structure was traced once; from now on some may be traced again. */
  private void warnOnce(Key key) {
    if (!warned) {
      warned = true;
      System.getLogger("org.hesse")
          .log(
              Level.WARNING,
              "a compiled function has met more than {0} structures of argument, more than are"
                  + " kept; the last one: {1} {2}. Pass what changes as tensors of fixed shape.",
              KEPT,
              key.tree,
              key.shapes);
    }
  }
}
