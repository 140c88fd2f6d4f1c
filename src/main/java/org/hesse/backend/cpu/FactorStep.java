package org.hesse.backend.cpu;

import java.lang.foreign.Arena;
import org.hesse.backend.Step;
import org.hesse.ir.FactorKind;

/**
 * Dense linear algebra, each matrix of the batch by itself. LAPACK works on native copies in column
 * order: it overwrites its operands anyway, and a call on heap memory would keep the garbage
 * collector waiting until it ends.
 */
final class FactorStep implements Prepared {
  /** Rough number of operations that are worth a task. */
  private static final double TASK = 1 << 17;

  private final Step.Factor step;
  private final int perTask;

  FactorStep(Step.Factor step) {
    this.step = step;
    double work = 1;
    for (Step.Matrices m : step.operands()) {
      work = Math.max(work, (double) m.rows() * m.columns() * Math.max(m.rows(), m.columns()));
    }
    this.perTask = (int) Math.max(1, Math.min(step.batch(), TASK / work));
  }

  @Override
  public void run(Memory memory) {
    int batch = step.batch();
    int each = OpenBlas.threads() > 1 ? batch : perTask;
    Workers.run(
        (batch + each - 1) / each,
        task -> {
          try (Arena arena = Arena.ofConfined()) {
            FactorContext.Routine routine = routine(new FactorContext(step, memory, arena));
            for (int b = task * each; b < Math.min(batch, (task + 1) * each); b++) {
              routine.run(b);
            }
          }
        });
  }

  private static FactorContext.Routine routine(FactorContext c) {
    return switch (c.step.kind()) {
      case FactorKind.Cholesky k -> TriangularRoutines.cholesky(c);
      case FactorKind.TriangularSolve k -> TriangularRoutines.triangularSolve(c, k);
      case FactorKind.Lu k -> TriangularRoutines.lu(c);
      case FactorKind.LuSolve(boolean transposed) -> TriangularRoutines.luSolve(c, transposed);
      case FactorKind.Determinant k -> TriangularRoutines.determinant(c);
      case FactorKind.Qr k -> OrthogonalRoutines.qr(c);
      case FactorKind.Eigh k -> OrthogonalRoutines.eigh(c);
      case FactorKind.Svd k -> OrthogonalRoutines.svd(c);
      case FactorKind.Gaps(var of) -> OrthogonalRoutines.gaps(c, of);
      case FactorKind.Part k -> throw new IllegalStateException(k + " is a slice, not a step");
    };
  }
}
