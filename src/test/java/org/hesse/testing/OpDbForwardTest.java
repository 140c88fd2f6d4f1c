package org.hesse.testing;

import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.hesse.Autodiff;
import org.hesse.DType;
import org.hesse.Tensor;
import org.hesse.Tree;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Values of every operation: at once, compiled, replayed, and without a planner. */
class OpDbForwardTest {
  @TestFactory
  Stream<DynamicTest> valuesAreTheReference() {
    return OpDb.check(Property.VALUES, OpDbForwardTest::values);
  }

  private static void values(Case c) {
    for (DType real : List.of(DType.F64, DType.F32)) {
      Tensor y = c.row.op().apply(Case.tensors(c.rounded(real), real));
      c.assertForward(c + " " + real, y, real, c.row.ulps());
    }
  }

  @TestFactory
  Stream<DynamicTest> compiledAndReplayedIsImmediate() {
    return OpDb.check(Property.COMPILED, OpDbForwardTest::compiled);
  }

  private static void compiled(Case c) {
    OpRow row = c.row;
    DType real = c.sample.smooth() ? DType.F64 : DType.F32;
    var f = Autodiff.compile((List<Tensor> in) -> row.op().apply(in));
    for (int replay = 0; replay < 3; replay++) {
      List<Tensor> in = Case.tensors(c.variant(replay), real);
      Tensor expected = row.op().apply(in);
      List<Arr> exact = c.variant(replay).stream().map(a -> a.rounded(real)).toList();
      Arr size = row.magnitude().apply(exact);
      String what = c + " " + real + " call " + replay;
      Close.assertForward(what, f.apply(in), Arr.of(expected), size, 2 * row.ulps());
    }
  }

  @TestFactory
  Stream<DynamicTest> plannedIsInterpreted() {
    return OpDb.check(Property.INTERPRETED, OpDbForwardTest::interpreted);
  }

  private static void interpreted(Case c) {
    List<Tensor> in = Case.tensors(c.sample.operands(), DType.F64);
    Arr expected = Interpreted.run(c.row.op(), in).getFirst();
    Tensor got = Autodiff.compile(c.row.op()).apply(in);
    Arr size = c.row.magnitude().apply(c.sample.operands());
    Close.assertForward(c.toString(), got, expected, size, 2 * c.row.ulps());
  }

  /** Each operand is computed, and the result is read elementwise, by views and by a sum. */
  @TestFactory
  Stream<DynamicTest> fusedIsOneByOne() {
    return OpDb.check(Property.FUSED, OpDbForwardTest::fused);
  }

  private record Readers(Tensor flat, Tensor reversed, Tensor sum, Tensor twice) {}

  private static void fused(Case c) {
    Function<List<Tensor>, Readers> f =
        in -> {
          Tensor y = c.row.op().apply(in.stream().map(OpDbForwardTest::computed).toList());
          Tensor real = y.dtype().isReal() ? y.cast(DType.F64) : y.cast(DType.I32).cast(DType.F64);
          Tensor flat = real.reshape(-1);
          return new Readers(flat.mul(0.5), flat.reverse(), real.sum(), real.add(real));
        };
    List<Tensor> in = Case.tensors(c.sample.operands(), DType.F64);
    Readers expected = f.apply(in);
    Close.assertAllClose(
        c.toString(),
        Tree.leavesOf(expected),
        Tree.leavesOf(Autodiff.compile(f).apply(in)),
        1e-14 * Math.max(1, c.row.ulps()));
  }

  /** The same value, as the result of arithmetic. */
  private static Tensor computed(Tensor t) {
    return switch (t.dtype()) {
      case F32, F64 -> t.mul(Tensor.scalar(2, t.dtype())).mul(0.5);
      case I32 -> t.xor(t).add(t);
      case BOOL -> t.not().not();
    };
  }
}
