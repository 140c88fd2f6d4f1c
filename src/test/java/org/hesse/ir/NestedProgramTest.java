package org.hesse.ir;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.ops.Elementwise;
import org.hesse.ops.Programs;
import org.hesse.ops.Programs.Binding;
import org.hesse.ops.Programs.Operands;
import org.hesse.ops.Rules;
import org.junit.jupiter.api.Test;

/** How programs that run programs are written and verified. */
class NestedProgramTest {
  private static Node parameter(int index, int... dims) {
    return new Node(new Op.Parameter(index), List.of(), Shape.of(dims), DType.F32);
  }

  private static Node placeholder(int... dims) {
    return new Node(new Op.Placeholder(), List.of(), Shape.of(dims), DType.F32);
  }

  /** Products of five rows, element by element. */
  private static Program products() {
    Node start = parameter(0, 3);
    Node rows = parameter(1, 5, 3);
    Node state = placeholder(3);
    Node row = placeholder(3);
    Operands operands =
        new Operands(
            List.of(new Binding(state, start)), List.of(new Binding(row, rows)), List.of());
    Node scan = Programs.scan(operands, List.of(Elementwise.mul(state, row)), List.of(), 5, false);
    return Program.capture(List.of(start, rows), List.of(Programs.result(scan, 0)));
  }

  private static void verify(Program program) {
    Verifier.verify(program, n -> Rules.emit(n, n.inputs()));
  }

  @Test
  void aNestedProgramStandsIndentedBelowItsNode() {
    assertEquals(
        """
        (%0: F32[3], %1: F32[5, 3]) {
          %2 = scan(states=1, slices=1, length=5, reverse=false) %0 %1
            body (%0: F32[3], %1: F32[3]) {
              %2: F32[3] = mul %0 %1
              return %2
            }
          %3: F32[3] = result(index=0) %2
          return %3
        }
        """,
        products().print());
  }

  @Test
  void aNestedProgramIsACluster() {
    assertEquals(
        """
        digraph program {
          node [fontname=monospace];
          n0 [label="input 0\\nF32[3]", shape=box, style=filled, fillcolor=lightblue];
          n1 [label="input 1\\nF32[5, 3]", shape=box, style=filled, fillcolor=lightblue];
          subgraph cluster_n2 {
            n2 [label="scan(states=1, slices=1, length=5, reverse=false)"];
            subgraph cluster_n2_body {
              label="body";
              n2_body_0 [label="input 0\\nF32[3]", shape=box, style=filled, fillcolor=lightblue];
              n2_body_1 [label="input 1\\nF32[3]", shape=box, style=filled, fillcolor=lightblue];
              n2_body_2 [label="mul\\nF32[3]\\noutput 0", peripheries=2];
              n2_body_0 -> n2_body_2 [label="0"];
              n2_body_1 -> n2_body_2 [label="1"];
            }
          }
          n3 [label="result(index=0)\\nF32[3]\\noutput 0", peripheries=2];
          n0 -> n2 [label="0"];
          n1 -> n2 [label="1"];
          n2 -> n3;
        }
        """,
        products().dot());
  }

  @Test
  void aLoopShowsItsConditionToo() {
    Node start = parameter(0);
    Node state = placeholder();
    Node goesOn = Elementwise.compare(CompareKind.LT, state, Elementwise.mul(state, state));
    Node loop =
        Programs.whileLoop(
            new Operands(List.of(new Binding(state, start)), List.of(), List.of()),
            goesOn,
            List.of(Elementwise.mul(state, state)));
    Program p = Program.capture(List.of(start), List.of(Programs.result(loop, 0)));
    verify(p);
    assertTrue(p.print().contains("\n    condition (%0: F32[]) {\n"), p.print());
    assertTrue(p.print().contains("\n    body (%0: F32[]) {\n"), p.print());
    assertTrue(p.dot().contains("subgraph cluster_n1_condition {"), p.dot());
  }

  @Test
  void errorsInABodyAreFound() {
    Program p = products();
    verify(p);
    Node scan = p.outputs().get(0).input(0);
    Node x = parameter(0, 3);
    Node y = parameter(1, 3);
    Node wrong = new Node(new Op.Reshape(), List.of(x), Shape.of(3), DType.F64);
    Program body = Program.capture(List.of(x, y), List.of(wrong));
    Op op = ((Op.Scan) scan.op()).with(List.of(body));
    Node bad = new Node(op, scan.inputs(), Op.Nested.SHAPE, Op.Nested.DTYPE);
    Node result = new Node(new Op.Result(0), List.of(bad), Shape.of(3), DType.F64);
    Program q = Program.capture(p.inputs(), List.of(result));
    var e = assertThrows(IllegalStateException.class, () -> verify(q));
    assertTrue(e.getMessage().contains("should be F32[3]"), e.getMessage());
  }

  @Test
  void onlyResultsReadANestedNode() {
    Program p = products();
    Node scan = p.outputs().get(0).input(0);
    Node copy = new Node(new Op.Copy(), List.of(scan), Op.Nested.SHAPE, Op.Nested.DTYPE);
    Program q = Program.capture(p.inputs(), List.of(copy));
    var e = assertThrows(IllegalStateException.class, () -> verify(q));
    assertTrue(e.getMessage().contains("not one of its results"), e.getMessage());
    Program r = Program.capture(p.inputs(), List.of(scan));
    e = assertThrows(IllegalStateException.class, () -> verify(r));
    assertTrue(e.getMessage().contains("cannot be an output"), e.getMessage());
    Node third = new Node(new Op.Result(7), List.of(scan), Shape.of(3), DType.F32);
    Program s = Program.capture(p.inputs(), List.of(third));
    e = assertThrows(IllegalStateException.class, () -> verify(s));
    assertTrue(e.getMessage().contains("reads result 7"), e.getMessage());
  }
}
