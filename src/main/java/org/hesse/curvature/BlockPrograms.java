package org.hesse.curvature;

import static org.hesse.Autodiff.compile;

import java.util.List;
import java.util.function.BiFunction;
import org.hesse.Tensor;

/**
 * What is compiled for the curvature of some parameters, shared by all that comes of it: inverses,
 * averages, other bases. So an optimiser that averages at each step compiles once.
 */
final class BlockPrograms {
  private final BiFunction<BlockCurvature.Operands, Tensor, Tensor> products =
      compile(BlockCurvature::products);
  private final BiFunction<Averages.Several, Tensor, List<Tensor>> mean = compile(Averages::mean);

  /** [k, n] times the blocks. */
  Tensor products(BlockCurvature.Operands operands, Tensor vs) {
    return products.apply(operands, vs);
  }

  /** Weighted sums of statistics, with weights [m]. */
  List<Tensor> mean(Averages.Several statistics, Tensor weights) {
    return mean.apply(statistics, weights);
  }
}
