package org.hesse.backend.cuda;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.hesse.DType;
import org.hesse.backend.Step;
import org.hesse.backend.View;

/**
 * Attention, its tangent and the transpose of that. Each block makes some rows of a result and goes
 * over all keys, or queries, a tile at a time.
 */
final class CudaAttention {
  private static final int THREADS = 256;

  /** Operands in the order of {@code attention.cuh}: a, q, k, v, b, w or dq, dk and dv. */
  private static final int OPERANDS = 8;

  private static final int A = 0;
  private static final int Q = 1;
  private static final int V = 3;
  private static final int B = 4;
  private static final int W = 5;

  private final CudaContext context;
  private final Step.Composite step;
  private final DType dtype;
  private final Step.Items[] operands;
  private final boolean biased;
  private final long items;
  private final int queries;
  private final int keys;
  private final int inner;
  private final int values;

  /**
   * @param places which operands of the kernels those of the step are, with a bias and without
   */
  private CudaAttention(CudaContext context, Step.Composite step, int[] places) {
    this.context = context;
    this.step = step;
    this.dtype = step.out().view().slot().dtype();
    this.biased = Arrays.stream(places).anyMatch(p -> p == B);
    Step.Items[] all = new Step.Items[OPERANDS];
    Arrays.fill(all, step.operands().get(0));
    for (int i = 0; i < places.length; i++) {
      all[places[i]] = step.operands().get(i);
    }
    this.operands = all;
    this.items = Domains.size(step.batch());
    this.queries = all[Q].item()[0];
    this.inner = all[Q].item()[1];
    this.keys = all[V].item()[0];
    this.values = all[V].item()[1];
  }

  static Launches forward(CudaContext context, Step.Composite step) {
    boolean biased = step.operands().size() == 4;
    int[] places = biased ? new int[] {1, 2, 3, 4} : new int[] {1, 2, 3};
    CudaAttention a = new CudaAttention(context, step, places);
    return alone(a.product("attention.cu", "attention", a.queries, a.values));
  }

  static Launches tangent(CudaContext context, Step.Composite step) {
    boolean biased = step.operands().size() == 8;
    int[] places = biased ? new int[] {0, 1, 2, 3, 4, 5, 6, 7} : new int[] {0, 1, 2, 3, 5, 6, 7};
    CudaAttention a = new CudaAttention(context, step, places);
    return alone(a.product("attention_tangent.cu", "attention_tangent", a.queries, a.values));
  }

  static Launches cotangent(CudaContext context, Step.Composite step) {
    boolean biased = step.operands().size() == 6;
    int[] places = biased ? new int[] {0, 1, 2, 3, 4, 5} : new int[] {0, 1, 2, 3, 5};
    CudaAttention a = new CudaAttention(context, step, places);
    String file = "attention_cotangent.cu";
    List<Launch> all = new ArrayList<>();
    all.add(a.along(file));
    all.add(a.product(file, "attention_cotangent_q", a.queries, a.inner));
    all.add(a.product(file, "attention_cotangent_k", a.keys, a.inner));
    all.add(a.product(file, "attention_cotangent_v", a.keys, a.values));
    return new Launches(all, a.items * a.queries * Domains.bytes(a.dtype));
  }

  private static Launches alone(Launch launch) {
    return new Launches(List.of(launch), 0);
  }

  private Launch along(String file) {
    return new Launch(
        context.kernel(file, "attention_along" + Domains.suffix(dtype)),
        Launch.Grid.of(Math.ceilDiv(items * queries * 32, THREADS), THREADS),
        new Argument.Address(operands[A].view()),
        new Argument.Address(operands[W].view()),
        new Argument.Scratch(0),
        Domains.axes(step.batch()),
        strides(),
        shape());
  }

  /** A result of so many rows and columns. */
  private Launch product(String file, String name, int rows, int columns) {
    int tile = dtype == DType.F32 ? 64 : 32;
    boolean wide = columns > 64;
    long tiles = Math.ceilDiv(rows, tile);
    long strips = Math.ceilDiv(columns, wide ? 128 : 64);
    List<Argument> arguments = new ArrayList<>();
    for (Step.Items operand : operands) {
      arguments.add(new Argument.Address(operand.view()));
    }
    arguments.add(new Argument.Address(step.out().view()));
    arguments.add(new Argument.Scratch(0));
    arguments.add(Domains.axes(step.batch()));
    arguments.add(strides());
    arguments.add(shape());
    return new Launch(
        context.kernel(file, name + Domains.suffix(dtype) + (wide ? "_wide" : "")),
        Launch.Grid.of(Math.multiplyExact(items, tiles * strips), THREADS),
        arguments.toArray(Argument[]::new));
  }

  /** From item to item. */
  private Argument strides() {
    long[][] all = new long[OPERANDS + 1][];
    for (int i = 0; i <= OPERANDS; i++) {
      View view = i == OPERANDS ? step.out().view() : operands[i].view();
      all[i] = Domains.range(view.strides(), 0, step.batch().length);
    }
    return Domains.strides(all);
  }

  /** {@code HesseAttentionShape}. */
  private Argument shape() {
    long[] all = new long[6 + OPERANDS];
    all[0] = items;
    all[1] = queries;
    all[2] = keys;
    all[3] = inner;
    all[4] = values;
    all[5] = biased ? 1 : 0;
    for (int i = 0; i < OPERANDS; i++) {
      all[6 + i] = operands[i].view().strides()[step.batch().length];
    }
    return new Argument.I64s(all);
  }
}
