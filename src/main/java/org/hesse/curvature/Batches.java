package org.hesse.curvature;

import static org.hesse.Autodiff.compile;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import org.hesse.DType;
import org.hesse.Tensor;
import org.hesse.io.Dataset;
import org.jspecify.annotations.Nullable;

/**
 * The data of an objective. A collection is held as it is. Anything else is a stream, iterated anew
 * in each pass, and compared with the first pass.
 */
final class Batches implements Iterable<Dataset> {
  /** The golden ratio's fractional part, whose multiples are spread evenly and never meet. */
  private static final double GOLDEN = (Math.sqrt(5) - 1) / 2;

  private final Iterable<Dataset> source;
  private final boolean held;
  private final boolean verified;
  private final Scan scan;

  /** What the first pass has found. */
  private record Scan(long terms, long examples, List<Print> prints) {}

  /** What identifies a batch: its size and the sums of its tensors' elements, weighted by place. */
  private record Print(int size, double[] sums) {
    boolean matches(Print other) {
      boolean same = size == other.size && sums.length == other.sums.length;
      for (int i = 0; same && i < sums.length; i++) {
        // Compared as bits: NaN in the data is for the loss to complain about.
        same = Double.doubleToLongBits(sums[i]) == Double.doubleToLongBits(other.sums[i]);
      }
      return same;
    }
  }

  private final Function<List<Tensor>, Tensor> sums = compile(Batches::weightedSums);

  /**
   * Makes the first pass.
   *
   * @param terms how many terms of the loss a batch has
   * @throws IllegalArgumentException if there is no sample
   */
  Batches(Iterable<Dataset> source, ToLongFunction<Dataset> terms) {
    this.held = source instanceof Collection<?>;
    this.source = held ? List.copyOf((Collection<Dataset>) source) : source;
    this.verified = true;
    long count = 0;
    long examples = 0;
    List<Print> prints = new ArrayList<>();
    for (Dataset b : this.source) {
      if (b.size() > 0) {
        count += terms.applyAsLong(b);
        examples += b.size();
        if (!held) {
          prints.add(print(b));
        }
      }
    }
    if (count == 0) {
      throw new IllegalArgumentException("batches: no samples; a mean needs at least one");
    }
    this.scan = new Scan(count, examples, List.copyOf(prints));
  }

  private Batches(Batches from, boolean verified) {
    this.source = from.source;
    this.held = from.held;
    this.scan = from.scan;
    this.verified = verified;
  }

  Batches verified(boolean on) {
    return on == verified ? this : new Batches(this, on);
  }

  /** All terms of the loss. */
  long terms() {
    return scan.terms;
  }

  long examples() {
    return scan.examples;
  }

  /** Whether the batches are in memory. */
  boolean held() {
    return held;
  }

  /** The batches that are not empty. */
  @Override
  public Iterator<Dataset> iterator() {
    return new Pass(source.iterator());
  }

  private Print print(Dataset b) {
    return new Print(b.size(), sums.apply(List.of(b.x(), b.y())).toDoubleArray());
  }

  private static Tensor weightedSums(List<Tensor> tensors) {
    return Tensor.stack(0, tensors.stream().map(Batches::weightedSum).toArray(Tensor[]::new));
  }

  private static Tensor weightedSum(Tensor t) {
    Tensor x = t.reshape(-1).cast(DType.F64);
    Tensor turns = Tensor.arange(DType.F64, x.dim(0)).add(1).mul(GOLDEN);
    return x.mul(turns.sub(turns.floor()).add(1)).sum();
  }

  /** One pass over the data. */
  private final class Pass implements Iterator<Dataset> {
    private final Iterator<Dataset> all;
    private final boolean check = verified && !held;
    private int done;
    private @Nullable Dataset next;

    Pass(Iterator<Dataset> all) {
      this.all = all;
    }

    @Override
    public boolean hasNext() {
      while (next == null && all.hasNext()) {
        Dataset b = all.next();
        next = b.size() > 0 ? b : null;
      }
      int expected = scan.prints.size();
      if (next == null && check && done != expected) {
        throw changed("it has " + done + " batches now and had " + expected);
      }
      return next != null;
    }

    @Override
    public Dataset next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      Dataset b = Objects.requireNonNull(next);
      next = null;
      if (check) {
        compare(b);
      }
      done++;
      return b;
    }

    private void compare(Dataset b) {
      int expected = scan.prints.size();
      if (done == expected) {
        throw changed("it has more than the " + expected + " batches that it had");
      }
      Print before = scan.prints.get(done);
      Print now = print(b);
      if (!before.matches(now)) {
        throw changed(
            "batch "
                + done
                + (now.size == before.size
                    ? " has other values than it had"
                    : " has " + now.size + " samples and had " + before.size));
      }
    }

    private static IllegalStateException changed(String what) {
      return new IllegalStateException(
          "batches: the data is not that of the first pass, "
              + what
              + "; an operator is one matrix only if every pass meets the same data in the same"
              + " order: do not shuffle, augment or drop samples at random, or fix the seed anew"
              + " in each iterator()");
    }
  }
}
