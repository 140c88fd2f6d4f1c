package org.hesse.curvature;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.hesse.curvature.Arrangement.Part;
import org.hesse.curvature.Arrangement.Role;
import org.hesse.ir.Axes;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.jspecify.annotations.Nullable;

/** Reads from a node that multiplies with a weight which of its axes count what. */
final class LayerMatch {
  private final List<Part> weight = new ArrayList<>();
  private int shared;

  private LayerMatch() {}

  /**
   * A product with a weight.
   *
   * @param dot a product
   * @param side which operand is the weight, 0 or 1
   * @param w where that operand's elements are in the parameter
   * @return null if the product is none of each weight with one element of the input
   */
  static @Nullable LayerUse product(Node dot, int side, Strides w) {
    return new LayerMatch().ofProduct(dot, side, w);
  }

  /**
   * Rows of a weight, picked by indices: a product with unit vectors.
   *
   * @param w where the elements of the first operand are in the parameter
   * @return null if indices pick something else than whole columns of the weight
   */
  static @Nullable LayerUse lookup(Node gather, Strides w) {
    return new LayerMatch().ofLookup(gather, w);
  }

  private @Nullable LayerUse ofProduct(Node dot, int side, Strides w) {
    if (!(dot.op() instanceof Op.Dot op)) {
      return null;
    }
    Axes contract = side == 0 ? op.lhsContract() : op.rhsContract();
    Axes batch = side == 0 ? op.lhsBatch() : op.rhsBatch();
    Axes otherContract = side == 0 ? op.rhsContract() : op.lhsContract();
    Axes otherBatch = side == 0 ? op.rhsBatch() : op.lhsBatch();
    Node x = dot.input(1 - side);
    int rank = x.shape().rank();
    List<List<Part>> input = new ArrayList<>();
    IntStream.range(0, rank).forEach(a -> input.add(List.of()));
    List<Part> output = new ArrayList<>();
    for (int i = 0; i < batch.size(); i++) {
      List<Part> parts = parts(w, batch.get(i), Role.GROUP);
      input.set(otherBatch.get(i), parts);
      output.addAll(parts);
    }
    for (int i = 0; i < contract.size(); i++) {
      List<Part> parts = parts(w, contract.get(i), Role.INPUT);
      if (parts.stream().anyMatch(p -> p.role() == Role.SHARED)) {
        return null;
      }
      input.set(otherContract.get(i), parts);
    }
    List<Part> own = new ArrayList<>();
    for (int a : contract.then(batch).complement(w.axes().size()).toArray()) {
      own.addAll(parts(w, a, Role.OUTPUT));
    }
    if (own.stream().anyMatch(p -> p.role() == Role.SHARED)) {
      return null;
    }
    List<Part> others = new ArrayList<>();
    for (int a : otherContract.then(otherBatch).complement(rank).toArray()) {
      Part p = new Part(Role.SHARED, shared++, x.shape().dim(a));
      input.set(a, List.of(p));
      others.add(p);
    }
    output.addAll(side == 0 ? own : others);
    output.addAll(side == 0 ? others : own);
    return use(dot, x, output, input.stream().flatMap(List::stream).toList(), false);
  }

  private @Nullable LayerUse ofLookup(Node gather, Strides w) {
    if (!(gather.op() instanceof Op.Gather(int batch, int axis)) || batch != 0) {
      return null;
    }
    Node indices = gather.input(1);
    List<Part> places = new ArrayList<>();
    for (int a = 0; a < indices.shape().rank(); a++) {
      places.add(new Part(Role.SHARED, shared++, indices.shape().dim(a)));
    }
    List<Part> output = new ArrayList<>();
    boolean repeated = false;
    for (int a = 0; a < w.axes().size(); a++) {
      List<Part> parts = parts(w, a, a == axis ? Role.INPUT : Role.OUTPUT);
      repeated |= parts.stream().anyMatch(p -> p.role() == Role.SHARED);
      output.addAll(a == axis ? places : parts);
    }
    return repeated ? null : use(gather, indices, output, places, true);
  }

  private @Nullable LayerUse use(
      Node y, Node x, List<Part> output, List<Part> input, boolean lookup) {
    // Ranks are −step, so the parts lie row by row in the whole parameter if each step is the
    // size of what is behind.
    weight.sort(Comparator.comparingInt(Part::rank));
    int step = 1;
    for (Part p : weight.reversed()) {
      if (p.rank() != -step) {
        return null;
      }
      step *= p.extent();
    }
    return new LayerUse(
        y,
        x,
        Arrangement.of(output, Role.GROUP, Role.SHARED, Role.OUTPUT),
        Arrangement.of(input, Role.GROUP, Role.SHARED, Role.INPUT),
        merged(),
        lookup);
  }

  /** Parts next to each other that count the same are one. */
  private List<Part> merged() {
    List<Part> all = new ArrayList<>();
    for (Part p : weight) {
      if (!all.isEmpty() && all.getLast().role() == p.role()) {
        Part before = all.removeLast();
        all.add(new Part(p.role(), p.rank(), before.extent() * p.extent()));
      } else {
        all.add(p);
      }
    }
    return List.copyOf(all);
  }

  /** Parts of an axis of the weight; those that repeat elements are places that share them. */
  private List<Part> parts(Strides w, int axis, Role role) {
    List<Part> parts = new ArrayList<>();
    for (Strides.Part s : w.axes().get(axis)) {
      Part p =
          s.step() == 0
              ? new Part(Role.SHARED, shared++, s.extent())
              : new Part(role, -s.step(), s.extent());
      parts.add(p);
      if (s.step() > 0) {
        weight.add(p);
      }
    }
    return parts;
  }
}
