package org.hesse.curvature;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.hesse.ControlFlow;
import org.hesse.DType;
import org.hesse.Tensor;
import org.hesse.curvature.NetworkLayers.Layer;
import org.hesse.curvature.NetworkLayers.Use;

/**
 * The diagonal of Qᵀ F Q for the exact F of each layer and a basis Q of Kronecker products: sums of
 * squares of each example's gradients in the basis (George et al., 2018, section 3.2).
 */
final class EigenvalueSums {
  private EigenvalueSums() {}

  /**
   * Orthogonal columns.
   *
   * @param output [q, q]; the identity if empty
   * @param input [p, p]; the identity if empty
   */
  record Basis(Optional<Tensor> output, Optional<Tensor> input) {}

  /**
   * Gradients of one example as products, Σ lᵀ r over rows.
   *
   * @param left [K, R, q]
   * @param right [K, R, p], or [1, R, p] if all K have it; or I32 indices [1, R, 1] of unit
   *     vectors, which are many numbers for all examples at once
   * @param columns p
   */
  private record Product(Tensor left, Tensor right, int columns) {
    Tensor vectors() {
      return right.dtype() == DType.I32
          ? right.eq(Tensor.arange(DType.I32, columns)).cast(left.dtype())
          : right;
    }
  }

  /**
   * Sums over the examples of a batch, in F64.
   *
   * @param bases one for each group of each layer
   * @return for each basis [q, p]
   */
  static List<Tensor> of(NetworkLayers layers, Signals signals, List<Basis> bases) {
    List<Tensor> all = new ArrayList<>();
    int first = 0;
    for (Layer layer : layers.layers()) {
      for (int g = 0; g < layer.like().groups(); g++) {
        Basis basis = bases.get(all.size());
        List<Product> uses = new ArrayList<>();
        for (int u = 0; u < layer.uses().size(); u++) {
          uses.add(inBasis(layer, layer.uses().get(u), signals, first + u, g, basis));
        }
        all.add(squares(uses).cast(DType.F64));
      }
      first += layer.uses().size();
    }
    return all;
  }

  /** The product of one use, for all examples: [N, K, R, q] and [N, K or 1, R, p]. */
  private static Product inBasis(
      Layer layer, Use use, Signals signals, int number, int group, Basis basis) {
    int columns = layer.columns();
    Tensor g = signals.gradients().get(number).select(2, group);
    if (use.product().lookup() && !use.transposed() && basis.input.isEmpty()) {
      Tensor indices = signals.inputs().get(number);
      return new Product(times(g, basis.output), indices, columns);
    }
    Tensor a = signals.rows(layer, use, number).select(1, group).insertAxis(1);
    return use.transposed()
        ? new Product(times(a, basis.output), times(g, basis.input), columns)
        : new Product(times(g, basis.output), times(a, basis.input), columns);
  }

  private static Tensor times(Tensor rows, Optional<Tensor> basis) {
    return basis.map(rows::matmul).orElse(rows);
  }

  private static Tensor squares(List<Product> uses) {
    Product all = uses.size() == 1 ? uses.getFirst() : joined(uses);
    Tensor left = all.left;
    if (left.dim(2) == 1 && all.right.dim(1) == 1) {
      // One product for each example: its square is that of the factors.
      Tensor squares = left.square().sum(1, 2);
      return squares.transpose().matmul(all.vectors().square().sum(1, 2));
    }
    Tensor zero = Tensor.zeros(left.dtype(), left.dim(3), all.columns);
    return ControlFlow.scan((Tensor sum, Product p) -> sum.add(ofExample(p)), zero, all);
  }

  /** Rows of several uses, one after the other. */
  private static Product joined(List<Product> uses) {
    int k = uses.stream().mapToInt(p -> Math.max(p.left.dim(1), p.right.dim(1))).max().orElse(1);
    boolean same = uses.stream().allMatch(p -> p.right.dim(1) == 1);
    Tensor[] left = uses.stream().map(p -> repeated(p.left, k)).toArray(Tensor[]::new);
    Tensor[] right =
        uses.stream().map(p -> repeated(p.vectors(), same ? 1 : k)).toArray(Tensor[]::new);
    return new Product(Tensor.concat(2, left), Tensor.concat(2, right), uses.getFirst().columns);
  }

  private static Tensor repeated(Tensor t, int k) {
    return t.broadcastTo(t.shape().with(1, k).dims());
  }

  private static Tensor ofExample(Product p) {
    Tensor left = p.left.transpose();
    int k = left.dim(0);
    int q = left.dim(1);
    Tensor right = p.vectors();
    if (right.dim(0) == k) {
      return left.matmul(right).square().sum(0);
    }
    Tensor gradients = left.reshape(k * q, -1).matmul(right.select(0, 0));
    return gradients.reshape(k, q, -1).square().sum(0);
  }
}
