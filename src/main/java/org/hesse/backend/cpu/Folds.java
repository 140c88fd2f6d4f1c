package org.hesse.backend.cpu;

import org.hesse.ir.ReduceKind;

/** The copies of the fold loops. */
final class Folds {
  private static final FoldKernel SUM_F32 = copy(FoldF32.class, ReduceKind.SUM);
  private static final FoldKernel SUM_F64 = copy(FoldF64.class, ReduceKind.SUM);
  private static final FoldKernel MAX_F32 = copy(FoldF32.class, ReduceKind.MAX);
  private static final FoldKernel MAX_F64 = copy(FoldF64.class, ReduceKind.MAX);

  private Folds() {}

  static FoldKernel of(ReduceKind kind, boolean f32) {
    return switch (kind) {
      case SUM -> f32 ? SUM_F32 : SUM_F64;
      case MAX -> f32 ? MAX_F32 : MAX_F64;
    };
  }

  private static FoldKernel copy(Class<? extends FoldKernel> template, ReduceKind kind) {
    return Specialized.copy(template, FoldKernel.class, kind);
  }
}
