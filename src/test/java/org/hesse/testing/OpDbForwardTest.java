package org.hesse.testing;

import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.util.List;
import java.util.stream.Stream;
import org.hesse.Autodiff;
import org.hesse.DType;
import org.hesse.Graphs;
import org.hesse.Tensor;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Values of every operation: at once, compiled, replayed, and without a planner. */
class OpDbForwardTest {
  @TestFactory
  Stream<DynamicTest> valuesAreTheReference() {
    return OpDb.rows().stream().map(r -> dynamicTest(r.name(), () -> values(r)));
  }

  private static void values(OpRow row) {
    for (OpRow.Sample s : row.samples()) {
      for (DType real : List.of(DType.F64, DType.F32)) {
        List<Arr> in = s.operands().stream().map(a -> a.rounded(real)).toList();
        Tensor y = row.op().apply(Case.tensors(in, real));
        Arr expected = row.reference().apply(in);
        String what = new Case(row, s) + " " + real;
        Close.assertForward(what, y, expected, row.magnitude().apply(in), row.ulps());
      }
    }
  }

  @TestFactory
  Stream<DynamicTest> compiledAndReplayedIsImmediate() {
    return OpDb.rows().stream().map(r -> dynamicTest(r.name(), () -> compiled(r)));
  }

  private static void compiled(OpRow row) {
    for (OpRow.Sample s : row.samples()) {
      Case c = new Case(row, s);
      DType real = s.smooth() ? DType.F64 : DType.F32;
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
  }

  @TestFactory
  Stream<DynamicTest> plannedIsInterpreted() {
    return OpDb.rows().stream().map(r -> dynamicTest(r.name(), () -> interpreted(r)));
  }

  private static void interpreted(OpRow row) {
    for (OpRow.Sample s : row.smoothSamples()) {
      List<Tensor> in = Case.tensors(s.operands(), DType.F64);
      Arr expected = Graphs.interpret(row.op(), in).getFirst();
      Tensor got = Autodiff.compile(row.op()).apply(in);
      Arr size = row.magnitude().apply(s.operands());
      Close.assertForward(new Case(row, s).toString(), got, expected, size, 2 * row.ulps());
    }
  }
}
