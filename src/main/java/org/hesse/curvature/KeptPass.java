package org.hesse.curvature;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.vmap;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.StreamSupport;
import org.hesse.DType;
import org.hesse.Hesse;
import org.hesse.Precomputed;
import org.hesse.Tensor;
import org.hesse.io.Dataset;

/**
 * The products of an operator with all that no vector decides computed ahead, batch by batch: what
 * is left of a product is linear in the vector. Data is kept with it, so only data that is held
 * anyway; and all of it or none, so that one limit says what memory is taken.
 */
final class KeptPass {
  /** Each batch is a program of its own, which takes time to make. */
  private static final int MOST_BATCHES = 64;

  private static final KeptPass NOTHING = new KeptPass(List.of());

  private final List<Batch> batches;

  /** The products of one batch's mean, with a vector and with a block. */
  private record Batch(Function<Tensor, Tensor> one, Function<Tensor, Tensor> many) {}

  private KeptPass(List<Batch> batches) {
    this.batches = batches;
  }

  /**
   * Makes the pass.
   *
   * @param product with a batch whose first example has a number
   * @param most bytes that may be kept
   * @return nothing kept if the data is a stream, has too many batches, or there would be more to
   *     keep
   */
  static KeptPass of(
      Objective<?> f, BiFunction<Dataset, Tensor, UnaryOperator<Tensor>> product, long most) {
    if (most == 0 || !f.holdsData() || count(f.batches()) > MOST_BATCHES) {
      return NOTHING;
    }
    List<Batch> kept = new ArrayList<>();
    int first = 0;
    for (Dataset b : f.batches()) {
      long share = (long) (most * ((double) b.size() / f.samples()));
      Optional<Batch> made = of(f, product, b, first, share);
      if (made.isEmpty()) {
        return NOTHING;
      }
      kept.add(made.get());
      first = Math.addExact(first, b.size());
    }
    return new KeptPass(List.copyOf(kept));
  }

  /** Asked first, so that nothing is computed in vain. */
  private static long count(Iterable<Dataset> batches) {
    return StreamSupport.stream(batches.spliterator(), false).count();
  }

  private static Optional<Batch> of(
      Objective<?> f,
      BiFunction<Dataset, Tensor, UnaryOperator<Tensor>> product,
      Dataset batch,
      int first,
      long share) {
    return Hesse.on(
        f.device(),
        () -> {
          Function<Tensor, Tensor> whole = product.apply(batch, Tensor.scalar(first, DType.I32));
          Tensor like = Tensor.zeros(f.dtype(), f.size());
          return Precomputed.of(whole, like, share)
              .map(p ->
                  new Batch(
                      compile((Tensor v) -> p.apply(v)),
                      compile((Tensor vs) -> vmap((Tensor v) -> p.apply(v)).apply(vs))));
        });
  }

  boolean isEmpty() {
    return batches.isEmpty();
  }

  /** The product of a batch's mean with a vector, [n], or with each of a block, [k, n]. */
  Tensor product(int batch, Tensor v) {
    Batch b = batches.get(batch);
    return v.rank() == 1 ? b.one.apply(v) : b.many.apply(v);
  }
}
