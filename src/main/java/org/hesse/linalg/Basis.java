package org.hesse.linalg;

import static org.hesse.Autodiff.compile;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.DoubleStream;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Orthonormal vectors as rows, held in blocks so that a projection is a few matrix-vector products.
 * Or several such bases that grow together: a vector is then [p, n], one row for each of p bases.
 *
 * <p>Blocks grow by zeros, which change no projection, so that there are few shapes, and few plans.
 */
final class Basis {
  private static final int OPEN_ROWS = 16;
  private static final int MOST_ROWS = 128;
  private static final int NUMBERS = 1 << 20;
  private static final int MAX_ROUNDS = 4;

  private static final Function<Placed, Tensor> PLACE = compile(Basis::place);
  private static final Function<Operands, Projected> PROJECT = compile(Basis::projected);

  private final List<Tensor> full = new ArrayList<>();

  /** The last block, of {@link #OPEN_ROWS} rows, and how many of these are in use. */
  private @Nullable Tensor open;

  private int used;
  private int size;

  static Basis of(List<Tensor> vectors) {
    Basis basis = new Basis();
    vectors.forEach(basis::append);
    return basis;
  }

  int size() {
    return size;
  }

  /** How many rows take memory while so many vectors are appended: each copies the open block. */
  static int rowsHeld(int vectors) {
    return (Math.ceilDiv(vectors, OPEN_ROWS) + 1) * OPEN_ROWS;
  }

  void append(Tensor v) {
    place(v, v.shape().insert(v.rank() - 1, OPEN_ROWS), 1);
  }

  /** Appends the rows of a block, [k, n], to a single basis. */
  void appendAll(Tensor rows) {
    int count = rows.dim(0);
    int from = 0;
    while (from < count) {
      int to = Math.min(count, from + OPEN_ROWS - used);
      Tensor part = to - from == count ? rows : rows.slice(0, from, to);
      place(part, rows.shape().with(0, OPEN_ROWS), to - from);
      from = to;
    }
  }

  /** Appends a vector, or rows that the open block, of this shape, has room for. */
  private void place(Tensor rows, Shape block, int count) {
    Tensor to = open == null ? Tensor.zeros(rows.dtype(), block.dims()) : open;
    boolean[] there = new boolean[count * OPEN_ROWS];
    for (int i = 0; i < count; i++) {
      there[i * OPEN_ROWS + used + i] = true;
    }
    open = PLACE.apply(new Placed(to, rows, Tensor.of(there, count, OPEN_ROWS)));
    used += count;
    size += count;
    if (used == OPEN_ROWS) {
      close(open);
      open = null;
      used = 0;
    }
  }

  /**
   * A block, [r, n], and k rows or a vector that take the place of some of its rows.
   *
   * @param there for each of the k rows where it goes, [k, r]: flags, since to find a row by its
   *     number would take an index and a comparison for every element
   */
  private record Placed(Tensor block, Tensor rows, Tensor there) {}

  private static Tensor place(Placed p) {
    Tensor block = p.block;
    Tensor rows = p.rows.rank() == block.rank() ? p.rows : p.rows.insertAxis(-2);
    for (int i = 0; i < rows.dim(-2); i++) {
      Tensor there = p.there.select(0, i).insertAxis(1);
      block = there.select(rows.slice(-2, i, i + 1), block);
    }
    return block;
  }

  /** Joins the block to the last full one while that stays small, as fewer blocks cost less. */
  private void close(Tensor block) {
    int rows = block.rank() - 2;
    long most = Math.min(MOST_ROWS, NUMBERS / Math.max(1, block.size() / OPEN_ROWS));
    if (full.isEmpty() || full.getLast().dim(rows) + OPEN_ROWS > most) {
      full.add(block);
    } else {
      full.add(Tensor.concat(rows, full.removeLast(), block));
    }
  }

  /** All rows, and zeros after them. */
  private List<Tensor> blocks() {
    List<Tensor> blocks = new ArrayList<>(full);
    if (open != null) {
      blocks.add(open);
    }
    return blocks;
  }

  /** Those of several bases that have these numbers. */
  Basis only(int[] numbers) {
    Tensor indices = Tensor.of(numbers, numbers.length);
    Basis kept = new Basis();
    full.forEach(block -> kept.full.add(block.take(0, indices)));
    kept.open = open == null ? null : open.take(0, indices);
    kept.used = used;
    kept.size = size;
    return kept;
  }

  /** All vectors, [size, n]. */
  Tensor rows() {
    return rows(0, size);
  }

  /** Some of the vectors, [to − from, n]. */
  Tensor rows(int from, int to) {
    List<Tensor> parts = new ArrayList<>();
    int at = 0;
    for (Tensor block : blocks()) {
      int end = at + block.dim(0);
      if (from < end && to > at) {
        parts.add(block.slice(0, Math.max(from, at) - at, Math.min(to, end) - at));
      }
      at = end;
    }
    return parts.size() == 1 ? parts.getFirst() : Tensor.concat(0, parts.toArray(Tensor[]::new));
  }

  /** The inner products of each of some rows, [k, n], with each vector, summed in F64. */
  double[][] components(Tensor vs) {
    double[][] components = new double[vs.dim(0)][size];
    int at = 0;
    for (Tensor block : blocks()) {
      int rows = block.dim(0);
      double[] part = vs.matmul(block.transpose(), DType.F64).toDoubleArray();
      for (int k = 0; k < components.length; k++) {
        System.arraycopy(part, k * rows, components[k], at, Math.min(rows, size - at));
      }
      at += rows;
    }
    return components;
  }

  /** Row c of the result is Σᵢ coefficients[c][i]·(vector i), [k, n]. */
  Tensor combine(double[][] coefficients) {
    Tensor sum = null;
    int from = 0;
    for (Tensor block : blocks()) {
      int rows = block.dim(0);
      Tensor part = slice(coefficients, from, rows, block.dtype()).matmul(block);
      sum = sum == null ? part : sum.add(part);
      from += rows;
    }
    if (sum == null) {
      throw new IllegalStateException("combine: the basis is empty");
    }
    return sum;
  }

  private static Tensor slice(double[][] coefficients, int from, int rows, DType dtype) {
    double[] c = new double[coefficients.length * rows];
    for (int k = 0; k < coefficients.length; k++) {
      int there = Math.min(rows, coefficients[k].length - from);
      System.arraycopy(coefficients[k], from, c, k * rows, there);
    }
    return Tensor.of(c, coefficients.length, rows).cast(dtype);
  }

  /** ⟨u, v⟩, summed in F64. */
  static double dot(Tensor u, Tensor v) {
    return u.matmul(v, DType.F64).item();
  }

  /** ‖v‖, summed in F64, and over a power of two where the square would over- or underflow. */
  static double norm(Tensor v) {
    double square = dot(v, v);
    if (square > 0x1p-900 && square < 0x1p900) {
      return Math.sqrt(square);
    }
    double unit = Products.unit(v);
    Tensor scaled = divide(v, unit);
    return Math.sqrt(dot(scaled, scaled)) * unit;
  }

  /** v/‖v‖. */
  static Tensor unit(Tensor v) {
    return divide(v, norm(v));
  }

  /** v/c, where c is data and not, as a Java number would be, part of the program that runs. */
  static Tensor divide(Tensor v, double... c) {
    Tensor by = Tensor.of(c, c.length).cast(v.dtype());
    return v.div(c.length == 1 ? by : by.insertAxis(1));
  }

  /**
   * What is left of vectors after projecting each on its bases.
   *
   * @param remainder w − QᵀQw, of the shape of w
   * @param norms ‖remainder‖ of each
   * @param coefficients Qw of each
   */
  record Projection(Tensor remainder, double[] norms, double[][] coefficients) {
    /** The only norm. */
    double norm() {
      return norms[0];
    }
  }

  /**
   * What a projection reads.
   *
   * @param near the block that goes first, on its own
   */
  private record Operands(List<Tensor> blocks, int near, Tensor w) {}

  /** Remainder; coefficients along the rows of all blocks, norms before the last pass and after. */
  private record Projected(Tensor remainder, Tensor numbers) {}

  /**
   * Removes from w, [n] or [p, n], its components along the rows of the bases, block by block,
   * until a pass over all of them leaves 0.7 of the norm or more: then the remainder is orthogonal
   * to rounding (Parlett, section 6.9, "twice is enough"). Inner products are summed in F64.
   *
   * <p>Where w has p rows, there are p bases that grow together, or one for all of them.
   *
   * <p>The last block of the first basis goes ahead. It holds the vectors that a Lanczos process
   * couples its product to, so that one pass over the others is usually enough.
   */
  static Projection project(Tensor w, Basis... bases) {
    List<Tensor> blocks = Arrays.stream(bases).flatMap(b -> b.blocks().stream()).toList();
    int count = w.rank() == 1 ? 1 : w.dim(0);
    int rows = Arrays.stream(bases).mapToInt(Basis::size).sum();
    double[][] coefficients = new double[count][rows];
    if (rows == 0) {
      return new Projection(w, rowNorms(w).toDoubleArray(), coefficients);
    }
    int near = Math.max(0, bases[0].blocks().size() - 1);
    Tensor remainder = w;
    double[] norms = {};
    for (int round = 0; round < MAX_ROUNDS; round++) {
      Projected p = PROJECT.apply(new Operands(blocks, near, remainder));
      remainder = p.remainder;
      double[] numbers = p.numbers.toDoubleArray(); // one transfer
      add(coefficients, numbers, bases);
      int end = numbers.length;
      double[] before = Arrays.copyOfRange(numbers, end - 2 * count, end - count);
      norms = Arrays.copyOfRange(numbers, end - count, end);
      boolean again = false;
      for (int i = 0; i < count; i++) {
        again |= norms[i] < 0.7 * before[i];
      }
      if (!again || DoubleStream.of(norms).anyMatch(Double::isNaN)) {
        break;
      }
    }
    return new Projection(remainder, norms, coefficients);
  }

  private static Projected projected(Operands in) {
    Tensor[] sums = new Tensor[in.blocks.size()];
    boolean row = in.w.rank() == 2 && in.w.dim(0) == 1 && in.blocks.getFirst().rank() == 2;
    Tensor given = row ? in.w.select(0, 0) : in.w; // a vector is quicker than a row
    Tensor before = reduced(given, in.blocks.get(in.near), in.near, sums);
    Tensor w = before;
    for (int b = 0; b < sums.length; b++) {
      w = reduced(w, in.blocks.get(b), b, sums);
    }
    Tensor all = sums.length == 1 ? sums[0] : Tensor.concat(w.rank() - 1, sums);
    Tensor[] numbers = {all.reshape(-1), rowNorms(before).reshape(-1), rowNorms(w).reshape(-1)};
    return new Projected(row ? w.insertAxis(0) : w, Tensor.concat(0, numbers));
  }

  /** w without its components along the rows of a block, which are added to those known. */
  private static Tensor reduced(Tensor w, Tensor block, int number, Tensor[] sums) {
    if (w.rank() == block.rank()) { // one basis for all rows of w
      Tensor c = w.matmul(block.transpose(), DType.F64);
      sums[number] = sums[number] == null ? c : sums[number].add(c);
      return w.sub(c.cast(w.dtype()).matmul(block));
    }
    Tensor c = block.matmul(w.insertAxis(-1), DType.F64);
    sums[number] = sums[number] == null ? c : sums[number].add(c);
    Tensor along = c.transpose().cast(w.dtype()).matmul(block);
    return w.sub(along.reshape(w.shape().dims()));
  }

  /** The norm of each row, summed in F64. */
  private static Tensor rowNorms(Tensor w) {
    return w.insertAxis(-2).matmul(w.insertAxis(-1), DType.F64).sqrt();
  }

  /** Adds coefficients, in the order of the bases, and leaves out those of rows not in use. */
  private static void add(double[][] to, double[] x, Basis... bases) {
    int from = 0;
    for (double[] sums : to) {
      int row = 0;
      for (Basis b : bases) {
        for (int i = 0; i < b.size; i++) {
          sums[row++] += x[from + i];
        }
        from += b.open == null ? b.size : b.size + OPEN_ROWS - b.used;
      }
    }
  }

  /** Block by block, since the order of sums depends on the blocks. */
  void save(State state) {
    state.put("full", full.size());
    for (int b = 0; b < full.size(); b++) {
      state.put("full." + b, full.get(b));
    }
    if (open != null) {
      state.put("open", open);
    }
    state.put("used", used, size);
  }

  /** What {@link #save} wrote. */
  static Basis load(State state) {
    Basis basis = new Basis();
    for (int b = 0; b < state.integer("full"); b++) {
      basis.full.add(state.tensor("full." + b));
    }
    basis.open = state.has("open") ? state.tensor("open") : null;
    basis.used = state.integers("used")[0];
    basis.size = state.integers("used")[1];
    return basis;
  }
}
