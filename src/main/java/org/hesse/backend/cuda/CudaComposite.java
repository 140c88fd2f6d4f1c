package org.hesse.backend.cuda;

import org.hesse.backend.Step;
import org.hesse.ir.CompositeKind;

/** A composite, for each of which there is a kernel. */
final class CudaComposite extends Launches {
  CudaComposite(CudaContext context, Step.Composite step) {
    super(launches(context, step));
  }

  private static Launches launches(CudaContext context, Step.Composite step) {
    return switch (step.kind()) {
      case CompositeKind.Attention k -> CudaAttention.forward(context, step);
      case CompositeKind.AttentionTangent k -> CudaAttention.tangent(context, step);
      case CompositeKind.AttentionCotangent k -> CudaAttention.cotangent(context, step);
      default -> CudaRows.of(context, step);
    };
  }
}
