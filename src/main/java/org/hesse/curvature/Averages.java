package org.hesse.curvature;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.hesse.Shape;
import org.hesse.Tensor;

/** Weighted means of the statistics of curvatures that have the same structure. */
final class Averages {
  private Averages() {}

  /** All the statistics of some curvatures. */
  record Several(List<List<Tensor>> statistics) {}

  /** The weights of an old and a new value. */
  static double[] decay(double decay) {
    if (!(decay >= 0 && decay <= 1)) {
      throw new IllegalArgumentException("decay: " + decay + "; expected a number from 0 to 1");
    }
    return new double[] {decay, 1 - decay};
  }

  /** Blocks with averaged statistics. */
  static List<CurvatureBlock> of(List<? extends BlockCurvature> curvatures, double[] weights) {
    double total = Arrays.stream(weights).sum();
    boolean fits = weights.length == curvatures.size() && total > 0 && !Double.isInfinite(total);
    if (!fits || Arrays.stream(weights).anyMatch(w -> w < 0)) {
      throw new IllegalArgumentException(
          "weights: "
              + Arrays.toString(weights)
              + " for "
              + curvatures.size()
              + " curvatures; expected one for each, none negative, finite and not all 0");
    }
    BlockCurvature first = curvatures.getFirst();
    curvatures.forEach(c -> requireAlike(first, c));
    Tensor like = first.statistics().getFirst();
    double[] normed = Arrays.stream(weights).map(w -> w / total).toArray();
    Several all = new Several(curvatures.stream().map(BlockCurvature::statistics).toList());
    Iterator<Tensor> means = first.programs().mean(all, Blocks.vector(normed, like)).iterator();
    List<CurvatureBlock> blocks = new ArrayList<>();
    for (CurvatureBlock block : first.blocks()) {
      Map<String, Tensor> statistics = new LinkedHashMap<>();
      block.statistics().keySet().forEach(name -> statistics.put(name, means.next()));
      blocks.add(block.withStatistics(statistics));
    }
    return blocks;
  }

  static List<Tensor> mean(Several in, Tensor weights) {
    Tensor[] sums = in.statistics.getFirst().toArray(Tensor[]::new);
    Arrays.setAll(sums, i -> sums[i].mul(weights.select(0, 0)));
    for (int c = 1; c < in.statistics.size(); c++) {
      Tensor weight = weights.select(0, c);
      List<Tensor> terms = in.statistics.get(c);
      Arrays.setAll(sums, i -> sums[i].add(terms.get(i).mul(weight)));
    }
    return List.of(sums);
  }

  private static void requireAlike(BlockCurvature first, BlockCurvature other) {
    boolean fits =
        other.layout().equals(first.layout())
            && other.dtype() == first.dtype()
            && other.blocks().size() == first.blocks().size();
    for (int i = 0; fits && i < first.blocks().size(); i++) {
      fits = alike(first.blocks().get(i), other.blocks().get(i));
    }
    if (!fits) {
      throw new IllegalArgumentException(
          describe(other)
              + " does not go with "
              + describe(first)
              + "; expected the same dtype, the same kinds of blocks for the same parts of the same"
              + " parameters, and eigenvalues in the same bases");
    }
  }

  private static String describe(BlockCurvature c) {
    return c + ": " + c.blocks().stream().map(CurvatureBlock::name).toList();
  }

  private static boolean alike(CurvatureBlock a, CurvatureBlock b) {
    boolean fits =
        a.getClass() == b.getClass() && a.parts().equals(b.parts()) && shapes(a).equals(shapes(b));
    return fits && a instanceof EigenBlock x && b instanceof EigenBlock y
        ? same(x.outputBasis(), y.outputBasis()) && same(x.inputBasis(), y.inputBasis())
        : fits;
  }

  private static List<Shape> shapes(CurvatureBlock block) {
    return block.statistics().values().stream().map(Tensor::shape).toList();
  }

  /** Whether two bases are the same, in most cases the very same tensor. */
  @SuppressWarnings("ReferenceEquality") // spares a comparison of all elements
  private static boolean same(Optional<Tensor> a, Optional<Tensor> b) {
    if (a.isEmpty() || b.isEmpty()) {
      return a.isEmpty() && b.isEmpty();
    }
    return a.get() == b.get() || a.get().sub(b.get()).abs().max().item() == 0;
  }
}
