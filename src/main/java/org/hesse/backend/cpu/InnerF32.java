// twin: F64
package org.hesse.backend.cpu;

import jdk.incubator.vector.FloatVector;
import org.jspecify.annotations.Nullable;

/**
 * A product of a few columns, as the outputs of a classifier are, where both operands lie along the
 * pairs: neither has to be transposed if the lanes of a vector collect products of one sum.
 */
final class InnerF32 implements Prepared {
  private static final int LANES = FloatVector.SPECIES_PREFERRED.length();

  /** Rows and columns of the largest kernels. */
  private static final int ROWS = 4;

  private static final int COLUMNS = 3;

  /** With more columns a transposed copy serves so many rows that it costs less. */
  private static final int NARROW = 12;

  /** Longer sums are better cut. */
  private static final int DEEP = 2048;

  /** Elements of the left operand that stay in the first cache while all columns are computed. */
  private static final int NEAREST = (1 << 14) / Float.BYTES;

  /** Multiplications of a task. */
  private static final int TASK = 1 << 18;

  private static final @Nullable InnerKernelF32[] KERNELS = new InnerKernelF32[COLUMNS * 2];

  private final Gemm gemm;
  private final int near;
  private final int rowsPerTask;
  private final int rowTasks;
  private final int tiles;

  /** Of tiles of columns: the shorter ones, and the first ones with one more. */
  private final InnerKernelF32[] kernels = new InnerKernelF32[2];

  private InnerF32(Gemm gemm) {
    this.gemm = gemm;
    this.near = Math.max(1, NEAREST / (gemm.k() * ROWS)) * ROWS;
    this.rowsPerTask = Math.max(1, TASK / (gemm.n() * gemm.k() * near)) * near;
    this.rowTasks = (gemm.m() + rowsPerTask - 1) / rowsPerTask;
    this.tiles = (gemm.n() + COLUMNS - 1) / COLUMNS;
    int columns = gemm.n() / tiles;
    boolean masked = gemm.k() % LANES != 0;
    kernels[0] = kernel(columns, masked);
    kernels[1] = kernel(Math.min(COLUMNS, columns + 1), masked);
  }

  /** The product computed in this way, if that suits it. */
  static @Nullable Prepared of(Gemm given) {
    Gemm gemm = given.m() < given.n() ? given.turn() : given;
    boolean along = gemm.a().column() == 1 && gemm.b().column() == 1 && !gemm.mixed();
    // Adding up the lanes of each sum must not cost more than the sum.
    boolean size = gemm.n() <= NARROW && gemm.k() <= DEEP && gemm.k() >= gemm.n() * LANES / 2;
    return along && size && LANES <= 16 ? new InnerF32(gemm) : null;
  }

  private static synchronized InnerKernelF32 kernel(int columns, boolean masked) {
    int i = (columns - 1) * 2 + (masked ? 1 : 0);
    InnerKernelF32 kernel = KERNELS[i];
    if (kernel == null) {
      int[] size = {columns, masked ? 1 : 0};
      kernel = Specialized.copy(MicroInnerF32.class, InnerKernelF32.class, size);
      KERNELS[i] = kernel;
    }
    return kernel;
  }

  @Override
  public void run(Memory memory) {
    float[] a = (float[]) memory.array(gemm.a().slot());
    float[] b = (float[]) memory.array(gemm.b().slot());
    float[] c = (float[]) memory.array(gemm.c().slot());
    Workers.run(
        gemm.batch() * rowTasks, task -> rows(memory, a, b, c, task / rowTasks, task % rowTasks));
  }

  private void rows(Memory memory, float[] a, float[] b, float[] c, int batch, int task) {
    int i0 = task * rowsPerTask;
    int i1 = Math.min(gemm.m(), i0 + rowsPerTask);
    int columns = gemm.n() / tiles;
    int longer = gemm.n() % tiles;
    for (int i = i0; i < i1; i += near) {
      int rows = Math.min(near, i1 - i);
      for (int tile = 0; tile < tiles; tile++) {
        int j = tile * columns + Math.min(tile, longer);
        run(kernels[tile < longer ? 1 : 0], a, b, c, batch, i, rows, j);
      }
    }
    gemm.finish(memory, batch, i0, i1, 0, gemm.n());
  }

  private void run(
      InnerKernelF32 kernel, float[] a, float[] b, float[] c, int batch, int i, int rows, int j) {
    Gemm.Matrix to = gemm.c();
    int left = gemm.a().at(batch) + i * gemm.a().row();
    int right = gemm.b().at(batch) + j * gemm.b().row();
    int target = to.at(batch) + i * to.row() + j * to.column();
    float[] tile = Frame.current().halfF32;
    int am = gemm.a().row();
    int bm = gemm.b().row();
    kernel.run(a, left, am, rows, b, right, bm, gemm.k(), c, target, to.row(), to.column(), tile);
  }
}
