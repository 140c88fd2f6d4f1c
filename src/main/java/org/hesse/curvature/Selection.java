package org.hesse.curvature;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.Tensor;
import org.hesse.Tree;

/** Some of a model's real tensors, as one vector. */
final class Selection<M> {
  private final Tree<M> tree;
  private final int[] numbers;
  private final ParameterLayout layout;

  private Selection(Tree<M> tree, int[] numbers, M like) {
    this.tree = tree;
    this.numbers = numbers;
    this.layout =
        new ParameterLayout(
            IntStream.of(numbers).mapToObj(tree.paths()::get).toList(),
            leaves(like).stream().map(Tensor::shape).toList());
  }

  /**
   * All real tensors of a model.
   *
   * @throws IllegalArgumentException if there are none, or of several dtypes
   */
  static <M> Selection<M> all(M model) {
    Tree<M> tree = Tree.of(model);
    List<Tensor> leaves = tree.leaves(model);
    int[] real =
        IntStream.range(0, leaves.size()).filter(i -> leaves.get(i).dtype().isReal()).toArray();
    if (real.length == 0) {
      throw new IllegalArgumentException(
          "model: it has no real tensor, so there are no parameters; it is " + tree);
    }
    DType dtype = leaves.get(real[0]).dtype();
    for (int i : real) {
      if (leaves.get(i).dtype() != dtype) {
        throw new IllegalArgumentException(
            "model: '"
                + tree.paths().get(i)
                + "' is "
                + leaves.get(i).dtype()
                + ", '"
                + tree.paths().get(real[0])
                + "' is "
                + dtype
                + "; expected one dtype (convert with cast)");
      }
    }
    return new Selection<>(tree, real, model);
  }

  /** The tensors that names say, see {@link Objective#parameters}. */
  Selection<M> narrowed(M like, String... names) {
    if (names.length == 0) {
      throw new IllegalArgumentException(
          "parameters: no path given; expected some of " + layout.paths());
    }
    String common = common();
    boolean[] chosen = new boolean[numbers.length];
    for (String name : names) {
      boolean found = false;
      for (int i = 0; i < chosen.length; i++) {
        if (isNamed(layout.paths().get(i), name, common)) {
          chosen[i] = true;
          found = true;
        }
      }
      if (!found) {
        throw new IllegalArgumentException(
            "parameters: nothing is called '" + name + "'; expected some of " + layout.paths());
      }
    }
    return keep(like, chosen);
  }

  /** What lies at a path exactly, or below it. */
  Selection<M> inside(M like, String path) {
    boolean[] chosen = new boolean[numbers.length];
    for (int i = 0; i < chosen.length; i++) {
      chosen[i] = begins(layout.paths().get(i), path);
    }
    return keep(like, chosen);
  }

  private Selection<M> keep(M like, boolean[] chosen) {
    int[] kept =
        IntStream.range(0, chosen.length).filter(i -> chosen[i]).map(i -> numbers[i]).toArray();
    return new Selection<>(tree, kept, like);
  }

  private static boolean begins(String path, String with) {
    return with.isEmpty()
        || path.startsWith(with)
            && (path.length() == with.length() || path.charAt(with.length()) == '.');
  }

  private static boolean isNamed(String path, String name, String common) {
    if (begins(path, name)) {
      return true;
    }
    int dot = -1;
    do {
      dot = common.indexOf('.', dot + 1);
      if (dot >= 0 && begins(path.substring(dot + 1), name)) {
        return true;
      }
    } while (dot >= 0);
    return false;
  }

  /** The names that the paths of the whole model begin with, each with its dot. */
  private String common() {
    List<String> all = tree.paths();
    String first = all.getFirst();
    int end = 0;
    for (int dot = first.indexOf('.'); dot >= 0; dot = first.indexOf('.', dot + 1)) {
      String start = first.substring(0, dot + 1);
      if (all.stream().allMatch(p -> p.startsWith(start))) {
        end = dot + 1;
      }
    }
    return first.substring(0, end);
  }

  /** Paths of layers: what is before the last name. */
  List<String> layers() {
    Set<String> layers = new LinkedHashSet<>();
    for (String p : layout.paths()) {
      layers.add(p.substring(0, Math.max(0, p.lastIndexOf('.'))));
    }
    return List.copyOf(layers);
  }

  ParameterLayout layout() {
    return layout;
  }

  /** Throws unless another model has this structure, with tensors of the same shapes and dtypes. */
  void requireLike(M model, M other) {
    List<Tensor> expected = tree.leaves(model);
    List<Tensor> given = tree.leaves(other);
    for (int i = 0; i < given.size(); i++) {
      Tensor a = expected.get(i);
      Tensor b = given.get(i);
      if (!a.shape().equals(b.shape()) || a.dtype() != b.dtype()) {
        throw new IllegalArgumentException(
            "model: '"
                + tree.paths().get(i)
                + "' is "
                + b.dtype()
                + b.shape()
                + "; expected "
                + a.dtype()
                + a.shape());
      }
    }
  }

  /** The selected tensors of a model of this structure. */
  List<Tensor> leaves(M model) {
    List<Tensor> all = tree.leaves(model);
    return IntStream.of(numbers).mapToObj(all::get).toList();
  }

  /** A model with other values for the selected tensors. */
  M with(M model, List<Tensor> values) {
    if (values.size() != numbers.length) {
      throw new IllegalArgumentException(
          "leaves: " + values.size() + " tensors; expected one for each of " + layout.paths());
    }
    List<Tensor> all = tree.leaves(model);
    for (int i = 0; i < numbers.length; i++) {
      all.set(numbers[i], values.get(i));
    }
    return tree.rebuild(all);
  }

  static Tensor ravel(List<Tensor> values) {
    return Tensor.concat(0, values.stream().map(t -> t.reshape(-1)).toArray(Tensor[]::new));
  }

  List<Tensor> unravel(Tensor v) {
    int n = layout.size();
    if (v.rank() != 1 || v.dim(0) != n) {
      throw new IllegalArgumentException("v: shape " + v.shape() + "; expected [" + n + "]");
    }
    List<Tensor> parts = new ArrayList<>();
    int at = 0;
    for (Shape s : layout.shapes()) {
      int next = at + Math.toIntExact(s.size());
      parts.add(v.slice(0, at, next).reshape(s.dims()));
      at = next;
    }
    return parts;
  }

  @Override
  public String toString() {
    return layout + " of " + tree;
  }
}
