package org.hesse.backend.cuda;

import org.hesse.backend.Step;
import org.hesse.ir.CompositeKind;

/** A composite, for each of which there is a kernel. */
final class CudaComposite implements Prepared {
  private final Prepared prepared;

  CudaComposite(CudaContext context, Step.Composite step) {
    this.prepared =
        switch (step.kind()) {
          case CompositeKind.Attention k -> CudaAttention.forward(context, step);
          case CompositeKind.AttentionTangent k -> CudaAttention.tangent(context, step);
          case CompositeKind.AttentionCotangent k -> CudaAttention.cotangent(context, step);
          default -> CudaRows.of(context, step);
        };
  }

  @Override
  public void enqueue(Run run) {
    prepared.enqueue(run);
  }

  @Override
  public long scratchBytes() {
    return prepared.scratchBytes();
  }
}
