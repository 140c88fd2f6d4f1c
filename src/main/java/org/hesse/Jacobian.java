package org.hesse;

import java.util.ArrayList;
import java.util.List;

/**
 * The derivative of a function between trees, written out: one block for each pair of a tensor of
 * the result and a tensor of the argument. A Jacobian is itself a tree, so functions that are
 * compiled or mapped may return one; mapped over a batch, its blocks have the batch axis in front.
 *
 * <pre>{@code
 * Jacobian<Linear, Tensor> j = jacobian((Linear m) -> m.apply(x), layer);
 * j.block("", "weight");  // [out…, weight…]
 * j.row("").bias();       // [out…, bias…]
 * j.toDense();            // [numbers of the result, numbers of the layer]
 * }</pre>
 *
 * @param in structure of the argument
 * @param out structure of the result
 * @param inShapes the argument's tensors' shapes
 * @param outShapes the result's tensors' shapes
 * @param blocks [out…, in…] each, in order of the result's tensors, then of the argument's; dtypes
 *     are the result's
 * @param <A> the argument
 * @param <B> the result
 */
public record Jacobian<A, B>(
    Tree<A> in, Tree<B> out, List<Shape> inShapes, List<Shape> outShapes, List<Tensor> blocks) {

  /** Copies the lists. */
  public Jacobian {
    inShapes = List.copyOf(inShapes);
    outShapes = List.copyOf(outShapes);
    blocks = List.copyOf(blocks);
    if (blocks.size() != inShapes.size() * outShapes.size()) {
      throw new IllegalArgumentException(
          "blocks: "
              + blocks.size()
              + "; expected "
              + outShapes.size()
              + " times "
              + inShapes.size());
    }
  }

  /**
   * The derivative of one tensor of the result with respect to one of the argument.
   *
   * @param outPath name of the former, as in {@link Tree#paths}; empty where the result is a tensor
   * @param inPath name of the latter; empty where the argument is a tensor
   * @return [out…, in…]
   * @throws IllegalArgumentException if there is no such tensor
   */
  public Tensor block(String outPath, String inPath) {
    return block(index("outPath", outPath, out), index("inPath", inPath, in));
  }

  private Tensor block(int o, int i) {
    return blocks.get(o * inShapes.size() + i);
  }

  /**
   * The derivatives of one tensor of the result, as a tree like the argument.
   *
   * @param outPath name of the result's tensor; empty where the result is a tensor
   * @return the argument's structure with tensors of shape [out…, in…]
   * @throws IllegalArgumentException if there is no such tensor
   * @throws IllegalStateException if the argument is a record that rejects such shapes
   */
  public A row(String outPath) {
    int o = index("outPath", outPath, out);
    int n = inShapes.size();
    return in.rebuild(blocks.subList(o * n, (o + 1) * n));
  }

  /**
   * The derivatives with respect to one tensor of the argument, as a tree like the result.
   *
   * @param inPath name of the argument's tensor; empty where the argument is a tensor
   * @return the result's structure with tensors of shape [out…, in…]
   * @throws IllegalArgumentException if there is no such tensor
   * @throws IllegalStateException if the result is a record that rejects such shapes
   */
  public B column(String inPath) {
    int i = index("inPath", inPath, in);
    List<Tensor> leaves = new ArrayList<>();
    for (int o = 0; o < outShapes.size(); o++) {
      leaves.add(block(o, i));
    }
    return out.rebuild(leaves);
  }

  /**
   * The whole derivative as one matrix, rows and columns in the order of {@link Tree#ravel}.
   *
   * @return [m, n], where the result has m numbers and the argument n
   * @throws IllegalArgumentException if the result's dtypes differ
   */
  public Tensor toDense() {
    List<Tensor> rows = new ArrayList<>();
    for (int o = 0; o < outShapes.size(); o++) {
      List<Tensor> row = new ArrayList<>();
      for (int i = 0; i < inShapes.size(); i++) {
        row.add(matrix(block(o, i), outShapes.get(o), inShapes.get(i)));
      }
      rows.add(Tensor.concat(-1, row.toArray(Tensor[]::new)));
    }
    return Tensor.concat(-2, rows.toArray(Tensor[]::new));
  }

  /** A block with all axes of the result in one, and all of the argument; any batch axes first. */
  private static Tensor matrix(Tensor block, Shape outShape, Shape inShape) {
    int lead = block.rank() - outShape.rank() - inShape.rank();
    int[] dims = new int[lead + 2];
    System.arraycopy(block.shape().dims(), 0, dims, 0, lead);

    dims[lead] = Math.toIntExact(outShape.size());
    dims[lead + 1] = Math.toIntExact(inShape.size());
    return block.reshape(dims);
  }

  private static int index(String name, String path, Tree<?> tree) {
    int i = tree.paths().indexOf(path);
    if (i < 0) {
      throw new IllegalArgumentException(
          name + ": no tensor is called '" + path + "'; expected one of " + tree.paths());
    }
    return i;
  }
}
