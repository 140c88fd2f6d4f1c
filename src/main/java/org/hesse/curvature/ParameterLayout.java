package org.hesse.curvature;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.hesse.Shape;
import org.hesse.Tensor;
import org.hesse.Tree;

/**
 * The parameters that make up a vector, in its order: each in row-major order, as {@link
 * Tree#ravel} puts them.
 *
 * @param paths such as {@code 0.weight}, all different
 * @param shapes one for each path
 */
public record ParameterLayout(List<String> paths, List<Shape> shapes) {
  /**
   * A layout.
   *
   * @throws IllegalArgumentException if there is not one shape for each path, or a path is there
   *     twice
   */
  public ParameterLayout {
    paths = List.copyOf(paths);
    shapes = List.copyOf(shapes);
    if (paths.size() != shapes.size()) {
      throw new IllegalArgumentException(
          "shapes: " + shapes.size() + " for " + paths.size() + " paths; expected one for each");
    }
    Set<String> seen = new HashSet<>();
    for (String path : paths) {
      if (!seen.add(path)) {
        throw new IllegalArgumentException("paths: " + path + " is there twice");
      }
    }
  }

  /** The layout of all tensors of a value, such as a model. */
  public static ParameterLayout of(Object value) {
    Tree<Object> tree = Tree.of(value);
    return new ParameterLayout(
        tree.paths(), tree.leaves(value).stream().map(Tensor::shape).toList());
  }

  /** The layout of an objective's parameters. */
  public static ParameterLayout of(Objective<?> objective) {
    return new ParameterLayout(
        objective.paths(), objective.leaves().stream().map(Tensor::shape).toList());
  }

  /** n, how many numbers there are. */
  public int size() {
    return Math.toIntExact(shapes.stream().mapToLong(Shape::size).sum());
  }

  /** The shape of a parameter, which must be there. */
  public Shape shape(String path) {
    return shapes.get(index(path));
  }

  /** The place of a parameter's first number in the vector. */
  public int offset(String path) {
    return Math.toIntExact(shapes.subList(0, index(path)).stream().mapToLong(Shape::size).sum());
  }

  /** The path of the parameter that a number of the vector belongs to. */
  String pathAt(int place) {
    int i = 0;
    long end = shapes.getFirst().size();
    while (end <= place) {
      i++;
      end += shapes.get(i).size();
    }
    return paths.get(i);
  }

  private int index(String path) {
    int i = paths.indexOf(path);
    if (i < 0) {
      throw new IllegalArgumentException(
          "path: there is no parameter " + path + "; there are " + String.join(", ", paths));
    }
    return i;
  }
}
