// twin: F64
package org.hesse.backend.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.hesse.DType;
import org.jspecify.annotations.Nullable;

/**
 * A product with so few columns that most lanes of a vector of them would be empty. Rows and
 * columns lie in memory along the pairs, so each sum is formed along vectors, four rows at a time.
 */
final class NarrowF32 implements Prepared {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final int LANES = SPECIES.length();
  private static final int ROWS = 4;

  /** With more columns {@link GemmF32} fills its vectors well enough. */
  private static final int MAX_COLUMNS = 8;

  /** Multiplications of a task. */
  private static final int TASK = 1 << 19;

  private final Gemm gemm;
  private final int rowsPerTask;
  private final int tasks;

  private NarrowF32(Gemm gemm) {
    this.gemm = gemm;
    boolean parallel = (long) gemm.batch() * gemm.m() * gemm.n() * gemm.k() >= GemmF32.PARALLEL;
    int groups = Math.max(1, TASK / (ROWS * gemm.n() * gemm.k()));
    this.rowsPerTask = parallel ? Math.min(gemm.m(), ROWS * groups) : gemm.m();
    this.tasks = gemm.m() / rowsPerTask;
  }

  /** This way, if the product is of that kind. */
  static @Nullable Prepared of(Gemm gemm) {
    Gemm narrow = gemm.n() <= gemm.m() ? gemm : gemm.turn();
    boolean fits =
        narrow.n() <= Math.min(MAX_COLUMNS, LANES / 2)
            && narrow.m() >= ROWS
            && narrow.k() >= 2 * LANES
            && narrow.k() <= GemmF32.UNCUT
            && LANES >= ROWS;
    boolean along = narrow.a().column() == 1 && narrow.b().column() == 1;
    return fits && along && !narrow.mixed() ? new NarrowF32(narrow) : null;
  }

  @Override
  public void run(Memory memory) {
    int count = gemm.batch() * tasks;
    if (count == 1) {
      task(memory, 0, 0);
    } else if (tasks == 1 && (long) gemm.batch() * gemm.m() * gemm.n() * gemm.k() < TASK) {
      for (int batch = 0; batch < count; batch++) {
        task(memory, batch, 0);
      }
    } else {
      Workers.run(count, task -> task(memory, task / tasks, task % tasks));
    }
  }

  private void task(Memory memory, int batch, int task) {
    int first = task * rowsPerTask;
    int end = task == tasks - 1 ? gemm.m() : first + rowsPerTask;
    float[] a = (float[]) memory.array(gemm.a().slot());
    float[] b = (float[]) memory.array(gemm.b().slot());
    float[] c = (float[]) memory.array(gemm.c().slot());
    float[] sums = (float[]) Frame.current().panel(DType.F32, LANES);
    int row = gemm.a().row();
    for (int i = first; i < end; i += ROWS) {
      // Some of the last four are done twice, to the same bits.
      int from = Math.min(i, end - ROWS);
      int at = gemm.a().at(batch) + from * row;
      for (int j = 0; j < gemm.n(); j++) {
        int other = gemm.b().at(batch) + j * gemm.b().row();
        int to = gemm.c().at(batch) + from * gemm.c().row() + j * gemm.c().column();
        four(a, at, row, b, other, gemm.k(), sums);
        for (int r = 0; r < ROWS; r++) {
          c[to + r * gemm.c().row()] = rest(sums, r, a, at + r * row, b, other, gemm.k());
        }
      }
    }
    gemm.finish(memory, batch, first, end, 0, gemm.n());
  }

  /** The sum of row r, of which every fourth lane is a part, with the last few pairs. */
  private static float rest(float[] sums, int r, float[] a, int at, float[] b, int other, int k) {
    float sum = sums[r];
    for (int lane = r + ROWS; lane < LANES; lane += ROWS) {
      sum += sums[lane];
    }
    for (int p = SPECIES.loopBound(k); p < k; p++) {
      sum += a[at + p] * b[other + p];
    }
    return sum;
  }

  /** Sums of four rows; lane l is a part of the sum of row l mod 4. */
  private static void four(float[] a, int at, int row, float[] b, int other, int k, float[] sums) {
    FloatVector s0 = FloatVector.zero(SPECIES);
    FloatVector s1 = s0;
    FloatVector s2 = s0;
    FloatVector s3 = s0;
    int a1 = at + row;
    int a2 = a1 + row;
    int a3 = a2 + row;
    int full = SPECIES.loopBound(k);
    for (int p = 0; p < full; p += LANES) {
      FloatVector y = load(b, other + p);
      s0 = load(a, at + p).fma(y, s0);
      s1 = load(a, a1 + p).fma(y, s1);
      s2 = load(a, a2 + p).fma(y, s2);
      s3 = load(a, a3 + p).fma(y, s3);
    }
    halves(halves(s0, s2), halves(s1, s3)).intoArray(sums, 0);
  }

  /** The sums of both halves of each of two vectors, those of one and of the other in turn. */
  private static FloatVector halves(FloatVector x, FloatVector y) {
    return AlternateF32.first(x, y).add(AlternateF32.second(x, y));
  }

  private static FloatVector load(float[] from, int at) {
    return FloatVector.fromArray(SPECIES, from, at);
  }
}
