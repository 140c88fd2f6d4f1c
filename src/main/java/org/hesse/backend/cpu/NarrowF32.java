// twin: F64
package org.hesse.backend.cpu;

import static org.hesse.backend.cpu.AlternateF32.FIRST;
import static org.hesse.backend.cpu.AlternateF32.SECOND;

import java.util.stream.IntStream;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.hesse.DType;
import org.hesse.backend.cpu.PairsKernelF32.Side;
import org.jspecify.annotations.Nullable;

/**
 * A product with so few columns that a vector of them would be hardly filled, and whose rows lie in
 * memory along the pairs: each lane of a vector collects a part of one sum, for a few rows and
 * columns at a time. Columns that do not lie along the pairs are transposed first, by each task for
 * itself, which takes little for so few of them.
 *
 * <p>The last pairs that do not fill a vector are read as the end of the last whole one, which is
 * multiplied by zeros up to there.
 */
final class NarrowF32 implements Prepared {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();

  /** With more columns {@link GemmF32} fills its vectors well enough. */
  private static final int MAX_COLUMNS = 5 * LANES / 8;

  /**
   * Vectors in a sum at least: so that adding up their lanes, and transposing, is little beside.
   */
  private static final int LONG = 8;

  /** The same with columns that would fill half a vector at most, and lie along the pairs. */
  private static final int SHORT = 2;

  /** Vectors of sums, as many as lanes, that are added up together: enough work to overlap. */
  private static final int ADDED = 4;

  /** Multiplications of a task, and its rows at least where it transposes columns. */
  private static final int TASK = 1 << 18;

  private static final int TALL = 64;

  /** Threads pay earlier than in {@link GemmF32}, which computes faster. */
  private static final long PARALLEL = 1 << 19;

  private final Gemm gemm;

  /** Rows that are multiplied at a time. */
  private final int rows;

  /** So many times as many rows have their sums' lanes added up together. */
  private final int together;

  private final int rowsPerTask;
  private final int tasks;
  private final boolean parallel;

  /** Whether columns are copied, to this distance of one another. */
  private final boolean pack;

  private final int length;

  /** Columns of each block of them but the last one. */
  private final int columns;

  private final int[] rowAt;
  private final int[] columnAt;
  private final int[] leftAt;
  private final int[] rightAt;

  private NarrowF32(Gemm gemm) {
    this.gemm = gemm;
    int k = gemm.k();
    int n = gemm.n();
    this.rows = Math.min(gemm.m(), ContractPairsF32.ROWS);
    this.together = Math.max(1, ADDED * LANES / (rows * n));
    this.pack = gemm.b().column() != 1 || k % LANES != 0;
    long products = (long) gemm.m() * n * k;
    this.parallel = gemm.batch() * products >= PARALLEL;
    int groups = Math.max(1, TASK / (rows * n * k));
    int wanted = Math.max(rows * groups, pack ? TALL : 0);
    this.rowsPerTask = parallel ? Math.min(gemm.m(), wanted) : gemm.m();
    this.tasks = gemm.m() / rowsPerTask;
    int blocks = (n + ContractPairsF32.COLUMNS - 1) / ContractPairsF32.COLUMNS;
    this.columns = (n + blocks - 1) / blocks;
    int vectors = (k + LANES - 1) / LANES;
    this.length = vectors * LANES;
    this.rowAt = IntStream.range(0, gemm.m()).map(i -> i * gemm.a().row()).toArray();
    int step = pack ? length : gemm.b().row();
    this.columnAt = IntStream.range(0, n).map(j -> j * step).toArray();
    this.rightAt = IntStream.range(0, vectors).map(v -> v * LANES).toArray();
    this.leftAt = rightAt.clone();
    leftAt[vectors - 1] = k - LANES;
  }

  /** This way, if the product is of that kind. */
  static @Nullable Prepared of(Gemm gemm) {
    Gemm narrow = gemm.n() <= gemm.m() ? gemm : gemm.turn();
    int n = narrow.n();
    boolean few = n <= LANES / 2 && narrow.b().column() == 1;
    boolean fits =
        n <= MAX_COLUMNS
            && narrow.k() >= (few ? SHORT : LONG) * LANES
            && narrow.k() <= GemmF32.UNCUT;
    return fits && narrow.a().column() == 1 && !narrow.mixed() ? new NarrowF32(narrow) : null;
  }

  @Override
  public void run(Memory memory) {
    int count = gemm.batch() * tasks;
    if (parallel) {
      Workers.run(count, task -> task(memory, task / tasks, task % tasks));
    } else {
      for (int batch = 0; batch < count; batch++) {
        task(memory, batch, 0);
      }
    }
  }

  private void task(Memory memory, int batch, int task) {
    int first = task * rowsPerTask;
    int end = task == tasks - 1 ? gemm.m() : first + rowsPerTask;
    float[] a = (float[]) memory.array(gemm.a().slot());
    float[] b = (float[]) memory.array(gemm.b().slot());
    float[] c = (float[]) memory.array(gemm.c().slot());
    float[] right = b;
    int rightBegin = gemm.b().at(batch);
    if (pack) {
      right = (float[]) Frame.current().panel(DType.F32, LANES * length);
      pack(b, rightBegin, right);
      rightBegin = 0;
    }
    int n = gemm.n();
    Side[] blocks = new Side[(n + columns - 1) / columns];
    for (int q = 0; q < blocks.length; q++) {
      blocks[q] = new Side(right, rightBegin, columnAt, q * columns, rightAt);
    }
    PairsKernelF32 whole = ContractPairsF32.kernel(rows, columns);
    PairsKernelF32 last = ContractPairsF32.kernel(rows, n - (blocks.length - 1) * columns);
    float[] tile = Frame.current().halfF32;
    for (int i = first; i < end; i += together * rows) {
      int groups = Math.min(together, (end - i + rows - 1) / rows);
      for (int g = 0; g < groups; g++) {
        Side left = left(a, batch, i + g * rows, end);
        int at = g * rows * n * LANES;
        for (int q = 0; q < blocks.length; q++) {
          PairsKernelF32 kernel = q == blocks.length - 1 ? last : whole;
          int to = at + q * columns * LANES;
          kernel.run(left, blocks[q], 0, leftAt.length, tile, to, n * LANES);
        }
      }
      addUp(tile, groups * rows * n);
      for (int g = 0; g < groups; g++) {
        Side left = left(a, batch, i + g * rows, end);
        if (gemm.k() % LANES != 0) {
          mend(tile, g * rows * n, left, blocks[0]);
        }
        put(tile, g * rows * n, c, gemm.c().at(batch) + left.first() * gemm.c().row());
      }
    }
    gemm.finish(memory, batch, first, end, 0, n);
  }

  /** A few rows; some of the last ones are done twice, to the same bits. */
  private Side left(float[] a, int batch, int row, int end) {
    return new Side(a, gemm.a().at(batch), rowAt, Math.min(row, end - rows), leftAt);
  }

  /** Writes the sums of a few rows to where they belong. */
  private void put(float[] sums, int from, float[] c, int at) {
    int n = gemm.n();
    int row = gemm.c().row();
    int column = gemm.c().column();
    if (column == 1 && row == n) {
      System.arraycopy(sums, from, c, at, rows * n);
      return;
    }
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < n; j++) {
        c[at + i * row + j * column] = sums[from + i * n + j];
      }
    }
  }

  /** Forms sums that are NaN again, where zeros times what is infinite may be all that is wrong. */
  private void mend(float[] sums, int from, Side left, Side right) {
    for (int s = 0; s < rows * gemm.n(); s++) {
      if (Float.isNaN(sums[from + s])) {
        sums[from + s] = single(left, s / gemm.n(), right, s % gemm.n());
      }
    }
  }

  /** A sum without the zeros, pair after pair. */
  private float single(Side left, int i, Side right, int j) {
    int whole = gemm.k() / LANES * LANES;
    int begin = length - gemm.k();
    float sum = 0;
    for (int p = 0; p < gemm.k(); p++) {
      int q = p < whole ? p : p + begin;
      sum += left.array()[left.line(i) + p] * right.array()[right.line(j) + q];
    }
    return sum;
  }

  /** Copies columns along the pairs, those that do not fill a vector to the end of one. */
  private void pack(float[] b, int at, float[] to) {
    int pair = gemm.b().column();
    int column = gemm.b().row();
    int k = gemm.k();
    int done = 0;
    if (column == 1) {
      int room = b.length - at - LANES;
      float[] scratch = Frame.current().halfF32;
      // Of a reversed operand the first line is the one that lies furthest back.
      while (done + LANES <= k && Math.max(done * pair, (done + LANES - 1) * pair) <= room) {
        TransposeF32.block(b, at + done * pair, pair, LANES, scratch, to, done, length);
        done += LANES;
      }
    }
    int whole = k / LANES * LANES;
    for (int j = 0; j < gemm.n(); j++) {
      int source = at + j * column;
      int target = j * length;
      for (int p = done; p < whole; p++) {
        to[target + p] = b[source + p * pair];
      }
      for (int l = whole; l < length; l++) {
        int p = l - (length - k);
        to[target + l] = p < whole ? 0 : b[source + p * pair];
      }
    }
  }

  /**
   * Adds up the lanes of each of some vectors, into one number after another: each of two vectors'
   * halves are added up, in lanes that are the one's and the other's in turn, and so on. No method
   * but those of vectors is called here, since the JIT compiler may leave such a call as it is when
   * it has inlined a lot already, and then makes objects of vectors.
   */
  private static void addUp(float[] tile, int count) {
    int groups = (count + LANES - 1) / LANES;
    int width = LANES;
    for (; width >= 4; width /= 4) {
      int quarter = width / 4;
      int next = quarter * LANES;
      for (int v = 0; v < groups * quarter; v++) {
        int at = (v + 3 * (v & -quarter)) * LANES;
        var x0 = FloatVector.fromArray(SPECIES, tile, at).viewAsIntegralLanes();
        var x1 = FloatVector.fromArray(SPECIES, tile, at + next).viewAsIntegralLanes();
        var x2 = FloatVector.fromArray(SPECIES, tile, at + 2 * next).viewAsIntegralLanes();
        var x3 = FloatVector.fromArray(SPECIES, tile, at + 3 * next).viewAsIntegralLanes();
        var y0 = FIRST.selectFrom(x0, x2).viewAsFloatingLanes();
        var y1 = FIRST.selectFrom(x1, x3).viewAsFloatingLanes();
        var z0 = y0.add(SECOND.selectFrom(x0, x2).viewAsFloatingLanes()).viewAsIntegralLanes();
        var z1 = y1.add(SECOND.selectFrom(x1, x3).viewAsFloatingLanes()).viewAsIntegralLanes();
        var y = FIRST.selectFrom(z0, z1).viewAsFloatingLanes();
        y.add(SECOND.selectFrom(z0, z1).viewAsFloatingLanes()).intoArray(tile, v * LANES);
      }
    }
    for (int v = 0; width == 2 && v < groups; v++) {
      var x0 = FloatVector.fromArray(SPECIES, tile, 2 * v * LANES).viewAsIntegralLanes();
      var x1 = FloatVector.fromArray(SPECIES, tile, (2 * v + 1) * LANES).viewAsIntegralLanes();
      var y = FIRST.selectFrom(x0, x1).viewAsFloatingLanes();
      y.add(SECOND.selectFrom(x0, x1).viewAsFloatingLanes()).intoArray(tile, v * LANES);
    }
  }
}
