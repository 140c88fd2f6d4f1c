package org.hesse.io;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.hesse.DType;
import org.hesse.Device;
import org.hesse.Hesse;
import org.hesse.Shape;
import org.hesse.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Samples with their targets.
 *
 * <p>Two kinds: for <em>classification</em>, {@code classes} is positive and {@code y} holds I32
 * labels [N] in 0 … classes − 1; for <em>regression</em>, {@code classes} is 0 and {@code y} holds
 * real targets [N, k]. A data set is a tree of its two tensors; use {@link #classification} and
 * {@link #regression} to make one, since they check what they are given (the canonical constructor
 * does not, because transforms rebuild records through it).
 *
 * <p>Subsets copy their rows, on the device that these are on, and keep name and class count.
 *
 * @param name where the data came from: a file's name or a built-in's
 * @param x inputs, F32 or F64, [N, …]; the first axis counts samples
 * @param y labels, I32 [N], or targets, F32 or F64 [N, k]
 * @param classes how many classes there are, 0 for regression
 */
public record Dataset(String name, Tensor x, Tensor y, int classes) {
  /** Two parts of a data set that share no sample. */
  public record Split(Dataset train, Dataset test) {}

  /**
   * A data set of labelled samples.
   *
   * @param x F32 or F64 [N, …], of rank 2 or more
   * @param y I32 [N], each in 0 … classes − 1
   * @throws IllegalArgumentException if a shape, dtype or label is something else
   */
  public static Dataset classification(String name, Tensor x, Tensor y, int classes) {
    checkInputs(name, x, y);
    if (classes < 1) {
      throw new IllegalArgumentException("classes: " + classes + "; 1 is the least");
    }
    if (y.dtype() != DType.I32 || y.shape().rank() != 1) {
      throw new IllegalArgumentException(
          "y: labels of " + name + " are " + y.dtype() + " " + y.shape() + "; I32 [N] is needed");
    }
    int[] labels = y.toIntArray();
    for (int i = 0; i < labels.length; i++) {
      if (labels[i] < 0 || labels[i] >= classes) {
        throw new IllegalArgumentException(
            String.format(
                "y: label %d of sample %d of %s is not in 0 … %d",
                labels[i], i, name, classes - 1));
      }
    }
    return new Dataset(name, x, y, classes);
  }

  /**
   * A data set of samples with real targets.
   *
   * @param x F32 or F64 [N, …], of rank 2 or more
   * @param y F32 or F64 [N, k]
   * @throws IllegalArgumentException if a shape or dtype is something else
   */
  public static Dataset regression(String name, Tensor x, Tensor y) {
    checkInputs(name, x, y);
    if (!y.dtype().isReal() || y.shape().rank() != 2) {
      throw new IllegalArgumentException(
          "y: targets of "
              + name
              + " are "
              + y.dtype()
              + " "
              + y.shape()
              + "; F32 or F64 [N, k] is needed");
    }
    return new Dataset(name, x, y, 0);
  }

  private static void checkInputs(String name, Tensor x, Tensor y) {
    if (!x.dtype().isReal() || x.shape().rank() < 2) {
      throw new IllegalArgumentException(
          "x: inputs of "
              + name
              + " are "
              + x.dtype()
              + " "
              + x.shape()
              + "; F32 or F64 [N, …] is needed");
    }
    if (y.shape().rank() < 1 || y.dim(0) != x.dim(0)) {
      throw new IllegalArgumentException(
          "y: "
              + y.shape()
              + " does not go with x "
              + x.shape()
              + " of "
              + name
              + "; the first extents must agree");
    }
  }

  /** Number of samples, N. */
  public int size() {
    return x.dim(0);
  }

  /** Number of input values per sample: the product of x's extents after the first. */
  public int features() {
    Shape s = x.shape();
    return Math.toIntExact(s.remove(0).size());
  }

  /** What the targets are. */
  public Task task() {
    return classes > 0 ? Task.CLASSIFICATION : Task.REGRESSION;
  }

  /**
   * The same data in another precision: x and real targets are converted, labels stay.
   *
   * @throws IllegalArgumentException if the dtype is not F32 or F64
   */
  public Dataset cast(DType dtype) {
    Checks.real(dtype);
    return new Dataset(name, x.cast(dtype), classes > 0 ? y : y.cast(dtype), classes);
  }

  /**
   * Samples {@code from} to {@code to} − 1, in order.
   *
   * @throws IndexOutOfBoundsException unless 0 ≤ from ≤ to ≤ size
   */
  public Dataset take(int from, int to) {
    if (from < 0 || to < from || to > size()) {
      throw new IndexOutOfBoundsException(
          "samples " + from + " to " + to + " of " + name + ", which has " + size());
    }
    return new Dataset(name, new Rows(x).range(from, to), new Rows(y).range(from, to), classes);
  }

  /** The same samples in a random order that depends on the seed and the size only. */
  public Dataset shuffled(long seed) {
    return pick(new SplitMix(seed).permutation(size()));
  }

  /**
   * All samples in order, in batches of {@code size}; the last batch holds what is left over and
   * may be smaller.
   *
   * @throws IllegalArgumentException if size is not positive
   */
  public List<Dataset> batches(int size) {
    if (size < 1) {
      throw new IllegalArgumentException("size: batches of " + size + "; 1 is the least");
    }
    Rows inputs = new Rows(x);
    Rows targets = new Rows(y);
    List<Dataset> batches = new ArrayList<>();
    for (int from = 0; from < size(); ) {
      int to = (int) Math.min(size(), (long) from + size);
      batches.add(new Dataset(name, inputs.range(from, to), targets.range(from, to), classes));
      from = to;
    }
    return List.copyOf(batches);
  }

  /**
   * Splits the samples at random. The test part gets round(testFraction · size) samples; for
   * classification each class has its share of them, up to one sample. Both parts are shuffled.
   *
   * @param testFraction in (0, 1)
   * @param seed the same seed gives the same split
   * @throws IllegalArgumentException if the fraction is out of range or a part would be empty
   */
  public Split split(double testFraction, long seed) {
    int n = size();
    long test = testFraction > 0 && testFraction < 1 ? Math.round(testFraction * n) : 0;
    if (test < 1 || test >= n) {
      throw new IllegalArgumentException(
          "testFraction: "
              + testFraction
              + " of "
              + n
              + " samples leaves a part empty; it must be in (0, 1) and give both parts a sample");
    }
    int[] order = new SplitMix(seed).permutation(n);
    boolean[] isTest = new boolean[n];
    int[] group = classes > 0 ? y.toIntArray() : new int[n];
    int[] quota = quotas(group, Math.max(1, classes), (int) test);
    for (int i : order) {
      if (quota[group[i]] > 0) {
        quota[group[i]]--;
        isTest[i] = true;
      }
    }
    return new Split(
        pick(IntStream.of(order).filter(i -> !isTest[i]).toArray()),
        pick(IntStream.of(order).filter(i -> isTest[i]).toArray()));
  }

  /** Shares out {@code total} over groups in proportion to their sizes, by largest remainder. */
  private static int[] quotas(int[] group, int groups, int total) {
    long[] count = new long[groups];
    for (int g : group) {
      count[g]++;
    }
    int[] quota = new int[groups];
    long[] remainder = new long[groups];
    int left = total;
    for (int g = 0; g < groups; g++) {
      quota[g] = (int) (count[g] * total / group.length);
      remainder[g] = count[g] * total % group.length;
      left -= quota[g];
    }
    int[] byRemainder =
        IntStream.range(0, groups)
            .boxed()
            .sorted((a, b) -> Long.compare(remainder[b], remainder[a]))
            .mapToInt(Integer::intValue)
            .toArray();
    for (int i = 0; i < left; i++) {
      quota[byRemainder[i]]++;
    }
    return quota;
  }

  private Dataset pick(int[] samples) {
    return new Dataset(name, new Rows(x).pick(samples), new Rows(y).pick(samples), classes);
  }

  /** The rows of a tensor: an array's on the host, else copied by the device that they are on. */
  private static final class Rows {
    private final Tensor all;
    private final @Nullable Object values;
    private final Shape shape;
    private final int stride;

    Rows(Tensor t) {
      all = t;
      shape = t.shape();
      stride = Math.toIntExact(shape.remove(0).size());
      values =
          switch (t.dtype()) {
            case BOOL -> throw new IllegalArgumentException("a data set holds no truth values");
            case F32 -> onHost() ? t.toFloatArray() : null;
            case F64 -> onHost() ? t.toDoubleArray() : null;
            case I32 -> onHost() ? t.toIntArray() : null;
          };
    }

    private boolean onHost() {
      return all.device().equals(Device.CPU);
    }

    Tensor range(int from, int to) {
      if (values == null) {
        return pick(IntStream.range(from, to).toArray());
      }
      int[] dims = shape.with(0, to - from).dims();
      int a = from * stride;
      int b = to * stride;
      return Hesse.on(
          Device.CPU,
          () ->
              switch (values) {
                case float[] v -> Tensor.of(Arrays.copyOfRange(v, a, b), dims);
                case double[] v -> Tensor.of(Arrays.copyOfRange(v, a, b), dims);
                default -> Tensor.of(Arrays.copyOfRange((int[]) values, a, b), dims);
              });
    }

    @SuppressWarnings("SuspiciousSystemArraycopy")
    Tensor pick(int[] rows) {
      if (values == null) {
        // Indices are data, so that the plan is the same for all batches of a size.
        return Hesse.on(all.device(), () -> all.take(0, Tensor.of(rows, rows.length)));
      }
      int n = rows.length * stride;
      Object picked =
          switch (values) {
            case float[] _ -> new float[n];
            case double[] _ -> new double[n];
            default -> new int[n];
          };
      for (int i = 0; i < rows.length; i++) {
        System.arraycopy(values, rows[i] * stride, picked, i * stride, stride);
      }
      int[] dims = shape.with(0, rows.length).dims();
      return Hesse.on(Device.CPU, () -> Element.tensor(picked, dims));
    }
  }
}
