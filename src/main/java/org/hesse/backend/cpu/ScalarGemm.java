package org.hesse.backend.cpu;

import org.hesse.DType;

/**
 * A product in scalar loops, for the smallest matrices and for a machine without the Vector API.
 * Sums are formed in double.
 */
final class ScalarGemm implements Prepared {
  /** Columns of the result that are computed together. */
  private static final int COLUMNS = 256;

  /** Pairs of a sum that are gone through before the next row's. */
  private static final int DEPTH = 256;

  private static final int ROWS = 64;

  private final Gemm gemm;
  private final int rowTasks;
  private final int columnTasks;

  ScalarGemm(Gemm gemm) {
    this.gemm = gemm;
    this.rowTasks = (gemm.m() + ROWS - 1) / ROWS;
    this.columnTasks = (gemm.n() + COLUMNS - 1) / COLUMNS;
  }

  @Override
  public void run(Memory memory) {
    int n = gemm.n();
    double[] result = new double[Math.toIntExact((long) gemm.batch() * gemm.m() * n)];
    Workers.run(
        gemm.batch() * rowTasks * columnTasks,
        task -> {
          int j = task % columnTasks * COLUMNS;
          int i = task / columnTasks % rowTasks * ROWS;
          int batch = task / columnTasks / rowTasks;
          tile(memory, batch, i, j, result);
        });
    Object rounded = result;
    if (gemm.dtype() != DType.F64) {
      rounded = Arrays.allocate(gemm.dtype(), result.length);
      Arrays.round(result, 0, rounded, 0, result.length);
    }
    int[] domain = {gemm.batch(), gemm.m(), n};
    long[] strides = {gemm.c().batch(), gemm.c().row(), gemm.c().column()};
    new Strided(domain, strides, gemm.c().at())
        .scatter(rounded, 0, 0, result.length, memory.array(gemm.c().slot()));
    gemm.finish(memory);
  }

  private void tile(Memory memory, int batch, int i0, int j0, double[] result) {
    Object a = memory.array(gemm.a().slot());
    Object b = memory.array(gemm.b().slot());
    int m = Math.min(ROWS, gemm.m() - i0);
    int n = Math.min(COLUMNS, gemm.n() - j0);
    int depth = Math.min(DEPTH, gemm.k());
    double[] panel = (double[]) Frame.current().panel(DType.F64, depth * (n + m));
    for (int p0 = 0; p0 < gemm.k(); p0 += DEPTH) {
      int k = Math.min(DEPTH, gemm.k() - p0);
      int aAt = gemm.a().at(batch) + i0 * gemm.a().row() + p0 * gemm.a().column();
      int bAt = gemm.b().at(batch) + j0 * gemm.b().row() + p0 * gemm.b().column();
      widen(a, aAt, gemm.a(), m, k, panel, depth * n);
      widen(b, bAt, gemm.b(), n, k, panel, 0);
      for (int i = 0; i < m; i++) {
        int to = (batch * gemm.m() + i0 + i) * gemm.n() + j0;
        for (int p = 0; p < k; p++) {
          double x = panel[depth * n + p * m + i];
          for (int j = 0; j < n; j++) {
            result[to + j] += x * panel[p * n + j];
          }
        }
      }
    }
  }

  private static void widen(
      Object from, int at, Gemm.Matrix x, int rows, int k, double[] to, int toAt) {
    Gemm.convert(from, at, x.row(), x.column(), rows, k, to, toAt, rows);
  }
}
