package org.hesse.backend.cuda;

import java.util.ArrayList;
import java.util.List;
import org.hesse.DType;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.ir.CompositeKind;

/**
 * Composites whose items are rows. A short row is a part of a warp's, a long one a block's; if it
 * fits in shared memory, it is read once.
 */
final class CudaRows {
  private static final int WARP = 32;

  /** Threads of a block of short rows. */
  private static final int THREADS = 128;

  private static final int MOST_THREADS = 1024;

  /** What a thread has of a row, if there are rows enough: so many packs of 16 bytes. */
  private static final int PACKS = 8;

  /** Shared memory that blocks have without asking, less what reductions take. */
  private static final int SHARED_BYTES = 47 << 10;

  /** The most real operands, in {@code HesseRows}. */
  private static final int OPERANDS = 4;

  private CudaRows() {}

  /**
   * A kernel with what it takes.
   *
   * @param keep how many operands it reads more than once
   */
  private record Work(String file, String name, int keep, boolean centred, double epsilon) {
    Work(String file, String name, int keep) {
      this(file, name, keep, false, 0);
    }

    static Work of(Step.Composite step) {
      return switch (step.kind()) {
        case CompositeKind.Softmax k -> new Work("softmax.cu", "softmax", 1);
        case CompositeKind.SoftmaxTangent k -> new Work("softmax.cu", "softmax_tangent", 2);
        case CompositeKind.LogSoftmax k -> new Work("softmax.cu", "log_softmax", 1);
        case CompositeKind.LogSoftmaxTangent k -> new Work("softmax.cu", "log_softmax_tangent", 1);
        case CompositeKind.LogSoftmaxCotangent k ->
            new Work("softmax.cu", "log_softmax_cotangent", 1);
        case CompositeKind.LogSumExp k -> new Work("softmax.cu", "log_sum_exp", 0);
        case CompositeKind.CrossEntropy k -> new Work("crossentropy.cu", "cross_entropy", 0);
        case CompositeKind.CrossEntropyTangent k ->
            new Work("crossentropy.cu", "cross_entropy_tangent", 0);
        case CompositeKind.CrossEntropyCotangent k ->
            new Work("crossentropy.cu", "cross_entropy_cotangent", 0);
        case CompositeKind.Moments(var centred, var epsilon) ->
            new Work("norm.cu", "moments", 1, centred, epsilon);
        case CompositeKind.Normalize(var centred, var epsilon) ->
            new Work("norm.cu", normalize(step.operands().size()), 1, centred, epsilon);
        case CompositeKind.NormalizeTangent(var centred, var scaling) ->
            switch (scaling) {
              case NONE -> new Work("norm.cu", "normalize_tangent", 2, centred, 0);
              case BEFORE -> new Work("norm.cu", "normalize_tangent_scaled_before", 3, centred, 0);
              case AFTER -> new Work("norm.cu", "normalize_tangent_scaled_after", 2, centred, 0);
            };
        case CompositeKind.Attention k -> throw none(k);
        case CompositeKind.AttentionTangent k -> throw none(k);
        case CompositeKind.AttentionCotangent k -> throw none(k);
      };
    }

    private static String normalize(int operands) {
      return switch (operands) {
        case 1 -> "normalize";
        case 2 -> "normalize_scale";
        default -> "normalize_scale_shift";
      };
    }

    private static IllegalArgumentException none(CompositeKind kind) {
      return new IllegalArgumentException(kind + " has no kernel for rows");
    }
  }

  static Launches of(CudaContext context, Step.Composite step) {
    Work work = Work.of(step);
    DType dtype = step.out().view().slot().dtype();
    int length = step.operands().get(0).item()[0];
    long rows = Domains.size(step.batch());
    int pack = pack(step, length, dtype);
    int group = group(context, rows, length / pack);
    // All of a block, where a row takes more than a warp.
    int threads = group <= WARP ? THREADS : group;
    int perBlock = threads / group;
    long kept = (long) work.keep * length * Domains.bytes(dtype) * perBlock;
    int shared = kept <= SHARED_BYTES ? (int) kept : 0;
    String name = work.name + Domains.suffix(dtype) + (pack == 1 ? "" : "x" + pack);
    List<Argument> arguments = new ArrayList<>();
    List<long[]> strides = new ArrayList<>();
    for (View view : views(step)) {
      arguments.add(new Argument.Address(view));
      strides.add(Domains.range(view.strides(), 0, step.batch().length));
    }
    arguments.add(new Argument.I32(work.centred ? 1 : 0));
    arguments.add(new Argument.F64(work.epsilon));
    arguments.add(Domains.axes(step.batch()));
    arguments.add(Domains.strides(strides.toArray(long[][]::new)));
    arguments.add(new Argument.I64s(rows, length, group, shared == 0 ? 0 : work.keep));
    int blocks = Math.toIntExact(Math.ceilDiv(rows, perBlock));
    Launch launch =
        new Launch(
            context.kernel(work.file, name),
            new Launch.Grid(blocks, 1, 1, threads, shared),
            arguments.toArray(Argument[]::new));
    return new Launches(List.of(launch), 0);
  }

  /**
   * The real operands, the labels and the result; the first operand for those that there are not.
   */
  private static List<View> views(Step.Composite step) {
    View first = step.operands().get(0).view();
    View labels = first;
    List<View> views = new ArrayList<>();
    for (Step.Items operand : step.operands()) {
      if (operand.view().slot().dtype() == DType.I32) {
        labels = operand.view();
      } else {
        views.add(operand.view());
      }
    }
    while (views.size() < OPERANDS) {
      views.add(first);
    }
    views.add(labels);
    views.add(step.out().view());
    return views;
  }

  /** How many elements are moved at once: 16 bytes, if all rows are made of them. */
  private static int pack(Step.Composite step, int length, DType dtype) {
    int pack = 16 / Domains.bytes(dtype);
    List<Step.Items> all = new ArrayList<>(step.operands());
    all.add(step.out());
    boolean packed = length % pack == 0;
    for (Step.Items items : all) {
      if (items.item().length == 1 && items.item()[0] == length) {
        packed &= Domains.isAligned(items.view(), step.batch(), step.batch().length, pack);
      }
    }
    return packed ? pack : 1;
  }

  /** Threads for each row. */
  private static int group(CudaContext context, long rows, int packs) {
    int all = Domains.powerOfTwo(packs);
    int some = Math.max(Math.min(all, WARP), Domains.powerOfTwo(Math.ceilDiv(packs, PACKS)));
    // With fewer rows than the device has room for, more threads to each.
    while (some < all && rows * some < 1024L * context.multiprocessors()) {
      some *= 2;
    }
    return Math.min(MOST_THREADS, some);
  }
}
