package org.hesse.linalg;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The numbers that each product of an estimation came to, in their order. A run that goes on from a
 * {@link Checkpoint} is run again from the start, and is given what is written down here in the
 * place of products: so no decision on the way has to be kept.
 */
final class Journal {
  private final Products products;
  private final Checkpoint.Run checkpoint;
  private final List<double[]> entries = new ArrayList<>();
  private int next;
  private Consumer<State> vectors = state -> {};

  Journal(Products products, Checkpoint.Run checkpoint) {
    this.products = products;
    this.checkpoint = checkpoint;
    State saved = checkpoint.state();
    if (saved != null) {
      entries.addAll(Arrays.asList(saved.rows("entries")));
      products.load(saved);
    }
  }

  /** Says how vectors that the numbers belong to are kept; what was kept of them, or null. */
  @Nullable State vectors(Consumer<State> save) {
    vectors = save;
    State saved = checkpoint.state();
    return saved == null ? null : saved.in("vectors");
  }

  /** Whether the next products were made before the run was interrupted. */
  boolean written() {
    return next < entries.size();
  }

  /** The numbers of the next products, which are made unless they are written down. */
  double[][] next(int count, Supplier<double[][]> make) {
    if (written()) {
      products.resume(count);
    } else {
      entries.addAll(Arrays.asList(make.get()));
    }
    next += count;
    return entries.subList(next - count, next).toArray(double[][]::new);
  }

  /** Between two blocks of products, where the run may be interrupted. */
  void reached() {
    if (!written()) {
      checkpoint.reached(products.count(), this::save);
    }
  }

  /** At the end. */
  void close() {
    checkpoint.write(this::save);
  }

  private void save(State state) {
    state.put("entries", entries.toArray(double[][]::new));
    products.save(state);
    vectors.accept(state.in("vectors"));
  }
}
