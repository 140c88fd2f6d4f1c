package org.hesse;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.hesse.diff.Batching;
import org.hesse.ir.Node;
import org.hesse.ops.Shapes;
import org.jspecify.annotations.Nullable;

/** Maps functions of one example over a batch. */
final class Vmap {
  private Vmap() {}

  static <A, B> B apply(Function<A, B> f, VmapAxes inAxes, VmapAxes outAxes, A x) {
    Tree<A> tree = Tree.of("x", x);
    List<Tensor> leaves = tree.leaves(x);
    List<Shape> shapes = leaves.stream().map(Tensor::shape).toList();
    List<@Nullable Integer> axes = inAxes.resolve("the argument's", tree.paths(), shapes);
    int size = batchSize(tree, shapes, axes);
    AtomicReference<Tree<B>> out = new AtomicReference<>();
    List<Tensor> result =
        Transform.run(
            "vmap",
            leaves,
            () -> {
              Map<Node, Node> batched = new HashMap<>();
              List<Node> inputs = new ArrayList<>();
              for (int i = 0; i < leaves.size(); i++) {
                Integer axis = axes.get(i);
                Node whole = leaves.get(i).node();
                inputs.add(axis == null ? whole : example(whole, axis, batched));
              }
              List<Node> values = Transform.call(f, tree, inputs, out);
              List<@Nullable Node> mapped = Batching.push(values, batched, size);
              return arrange(out.get(), outAxes, values, mapped, size);
            });
    return out.get().rebuild(result);
  }

  /** Stands for one example. */
  private static Node example(Node whole, int axis, Map<Node, Node> batched) {
    Shape one = whole.shape().remove(axis);
    Node p = whole.placeholder(one);
    batched.put(p, Shapes.moveAxis(whole, axis, 0));
    return p;
  }

  private static int batchSize(Tree<?> tree, List<Shape> shapes, List<@Nullable Integer> axes) {
    int size = -1;
    for (int i = 0; i < shapes.size(); i++) {
      Integer axis = axes.get(i);
      if (axis == null) {
        continue;
      }
      int extent = shapes.get(i).dim(axis);
      if (size >= 0 && extent != size) {
        throw new IllegalArgumentException(
            "vmap: leaf '"
                + tree.paths().get(i)
                + "' has shape "
                + shapes.get(i)
                + "; expected an extent of "
                + size
                + " along axis "
                + axis
                + ", as the leaves before it");
      }
      size = extent;
    }
    if (size < 0) {
      throw new IllegalArgumentException("vmap: the argument has no tensor to map over");
    }
    return size;
  }

  /** The results with their batch axes where they are wanted. */
  private static List<Node> arrange(
      Tree<?> tree, VmapAxes axes, List<Node> values, List<@Nullable Node> mapped, int size) {
    List<String> paths = tree.paths();
    boolean[] wanted = axes.mapped("the result's", paths);
    List<Node> whole = new ArrayList<>();
    for (int i = 0; i < wanted.length; i++) {
      Node m = mapped.get(i);
      if (!wanted[i] && m != null) {
        throw new IllegalArgumentException(
            "vmap: the result's leaf '"
                + paths.get(i)
                + "' depends on the batch, so it cannot be unmapped; give it an axis");
      }
      whole.add(m != null ? m : wanted[i] ? Shapes.repeat(values.get(i), size) : values.get(i));
    }
    List<Shape> shapes = whole.stream().map(Node::shape).toList();
    List<@Nullable Integer> to = axes.resolve("the result's", paths, shapes);
    for (int i = 0; i < wanted.length; i++) {
      Integer axis = to.get(i);
      if (axis != null) {
        whole.set(i, Shapes.moveAxis(whole.get(i), 0, axis));
      }
    }
    return whole;
  }
}
