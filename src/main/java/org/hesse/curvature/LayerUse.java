package org.hesse.curvature;

import java.util.List;
import java.util.Set;
import org.hesse.curvature.Arrangement.Part;
import org.hesse.curvature.Arrangement.Role;
import org.hesse.ir.Node;

/**
 * One place where a program multiplies a weight with a layer's input: y = x Wᵀ.
 *
 * @param output y
 * @param input x, or the I32 indices that stand for its unit vectors
 * @param outputs arranges y as [groups, shared, q]
 * @param inputs arranges x as [groups, shared, p], indices as [1, shared, 1]
 * @param weight the weight's parts: what they count, ranked by where they are
 * @param lookup whether the input is indices
 */
record LayerUse(
    Node output,
    Node input,
    Arrangement outputs,
    Arrangement inputs,
    List<Part> weight,
    boolean lookup) {

  /** Arranges the weight as [groups, q, p]. */
  Arrangement matrix() {
    return Arrangement.of(weight, Role.GROUP, Role.OUTPUT, Role.INPUT);
  }

  int groups() {
    return matrix().extent(0);
  }

  int rows() {
    return matrix().extent(1);
  }

  int columns() {
    return matrix().extent(2);
  }

  /** Whether the weight's columns lie in it one after the other, instead of its rows. */
  boolean isStoredByColumns() {
    List<Role> roles = weight.stream().map(Part::role).filter(r -> r != Role.GROUP).toList();
    return roles.equals(List.of(Role.INPUT, Role.OUTPUT));
  }

  /** Places at which one example meets the layer. */
  int shared() {
    return outputs.extent(1);
  }

  /** Whether this is another use of the same matrix. */
  boolean isLike(LayerUse other) {
    return matrix().equals(other.matrix());
  }

  /** Whether another use multiplies with the transposed matrix. */
  boolean isTransposeOf(LayerUse other) {
    Set<Role> both = Set.of(Role.OUTPUT, Role.INPUT);
    List<Part> swapped =
        other.weight.stream()
            .map(p ->
                new Part(p.role() == Role.OUTPUT ? Role.INPUT : Role.OUTPUT, p.rank(), p.extent()))
            .toList();
    return other.weight.stream().allMatch(p -> both.contains(p.role()))
        && matrix().equals(Arrangement.of(swapped, Role.GROUP, Role.OUTPUT, Role.INPUT));
  }
}
