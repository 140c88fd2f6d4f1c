package org.hesse.testing;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.hesse.DType;
import org.hesse.Tensor;

/** An operation as a function of those of a sample's operands that carry derivatives. */
final class Case {
  final OpRow row;
  final OpRow.Sample sample;
  private final int[] reals;

  Case(OpRow row, OpRow.Sample sample) {
    this.row = row;
    this.sample = sample;
    List<Arr> operands = sample.operands();
    reals =
        IntStream.range(0, operands.size())
            .filter(i -> operands.get(i).dtype() == DType.F64)
            .toArray();
  }

  /** The real operands. */
  List<Arr> x() {
    return pick(sample.operands());
  }

  /** The real ones of some operands. */
  <T> List<T> pick(List<T> operands) {
    return IntStream.of(reals).mapToObj(operands::get).toList();
  }

  /** The operation in the engine, in F64, as a function of the real operands. */
  Function<List<Tensor>, Tensor> op() {
    return op(DType.F64);
  }

  /** The same in another dtype. */
  Function<List<Tensor>, Tensor> op(DType real) {
    List<Tensor> all = tensors(sample.operands(), real);
    return x -> row.op().apply(replaced(all, x));
  }

  /** The same by the reference. */
  Arr reference(List<Arr> x) {
    return row.reference().apply(replaced(sample.operands(), x));
  }

  private <T> List<T> replaced(List<T> all, List<T> x) {
    List<T> operands = new ArrayList<>(all);
    for (int i = 0; i < reals.length; i++) {
      operands.set(reals[i], x.get(i));
    }
    return operands;
  }

  /** Operands of the same kind as the sample's but with other values. */
  List<Arr> variant(int number) {
    return sample.operands().stream().map(a -> varied(a, number)).toList();
  }

  private static Arr varied(Arr a, int number) {
    return switch (a.dtype()) {
      case F32, F64 -> a.map(x -> x * (1 + 0.05 * number));
      case I32 -> a.map(x -> (int) x + number);
      case BOOL -> a.map(x -> number % 2 == 0 ? x : 1 - x);
    };
  }

  /** A batch of variants of operand i, numbered from {@code from}. */
  Arr batch(int i, int from, int count) {
    return Arr.stack(
        IntStream.range(from, from + count).mapToObj(b -> variant(b).get(i)).toArray(Arr[]::new));
  }

  /** The operands as they are in a dtype. */
  List<Arr> rounded(DType real) {
    return sample.operands().stream().map(a -> a.rounded(real)).toList();
  }

  /** Compares the engine's result with the reference, operands being rounded to a dtype. */
  void assertForward(String what, Tensor y, DType real, double ulps) {
    List<Arr> in = rounded(real);
    Close.assertForward(what, y, row.reference().apply(in), row.magnitude().apply(in), ulps);
  }

  /** Operands as tensors. */
  static List<Tensor> tensors(List<Arr> operands, DType real) {
    return operands.stream().map(a -> a.tensor(real)).toList();
  }

  /** Σ over operands of the sum of products of elements. */
  static Tensor inner(List<Tensor> a, List<Tensor> b) {
    Tensor total = Tensor.zeros(DType.F64);
    for (int i = 0; i < a.size(); i++) {
      total = total.add(a.get(i).mul(b.get(i)).sum());
    }
    return total;
  }

  @Override
  public String toString() {
    List<String> shapes =
        sample.operands().stream()
            .map(a -> a.dtype() + java.util.Arrays.toString(a.dims()))
            .toList();
    return row.name() + shapes;
  }
}
