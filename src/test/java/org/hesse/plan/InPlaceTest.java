package org.hesse.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.backend.Instruction;
import org.hesse.backend.Schedule;
import org.hesse.backend.Step;
import org.hesse.ir.Axes;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.hesse.ops.Convolutions;
import org.hesse.ops.Elementwise;
import org.hesse.ops.Indexing;
import org.hesse.ops.Reductions;
import org.hesse.ops.Scans;
import org.hesse.ops.Shapes;
import org.hesse.ops.Windows;
import org.junit.jupiter.api.Test;

/** Windows and the operands of scans and gathers cost no copies. */
class InPlaceTest {
  private static Node input(int index, DType dtype, int... dims) {
    return new Node(new Op.Parameter(index), List.of(), Shape.of(dims), dtype);
  }

  private static Schedule lower(Node out, Node... inputs) {
    Program program = Program.capture(List.of(inputs), List.of(out));
    return Lower.lower(Simplify.simplify(program));
  }

  private static String kinds(Schedule s) {
    return String.join(" ", s.steps().stream().map(x -> x.getClass().getSimpleName()).toList());
  }

  @Test
  void aMovingSumIsOneReduction() {
    Node x = input(0, DType.F32, 100);
    Schedule s = lower(Reductions.sum(Windows.window(x, 0, 5, 2, 1), Axes.of(1)), x);
    assertEquals("Reduce", kinds(s));
    assertTrue(s.arena().isEmpty());
  }

  @Test
  void elementwiseWorkReadsWindows() {
    Node x = input(0, DType.F32, 100);
    Node w = Windows.window(Elementwise.neg(x), 0, 5, 1, 2);
    assertEquals("Map", kinds(lower(Elementwise.mul(w, w), x)));
  }

  @Test
  void scansAndGathersReadViews() {
    Node x = input(0, DType.F32, 6, 7);
    Node k = input(1, DType.I32, 4);
    Node t = Shapes.reverse(Shapes.permute(x, Axes.of(1, 0)), Axes.of(0));
    assertEquals("Cumsum", kinds(lower(Scans.cumsum(t, 0, true), x, k)));
    Node at = Shapes.reverse(k, Axes.of(0));
    assertEquals("Gather", kinds(lower(Indexing.gather(t, at, 0, 0), x, k)));
    assertEquals("Fold", kinds(lower(Windows.fold(t, 0, 28, 2, 3), x, k)));
  }

  private static Schedule convolution(int width) {
    Node x = input(0, DType.F32, 2, 3, 20, width);
    Node w = input(1, DType.F32, 8, 3, 3, 3);
    int[] one = {1, 1};
    int[] none = {0, 0};
    Convolutions.Slide slide = new Convolutions.Slide(one, none, one);
    return lower(Convolutions.convolve(x, w, slide, 1), x, w);
  }

  @Test
  void windowsOfWideRowsAreNotCopied() {
    Schedule s = convolution(30);
    assertEquals("Contract", kinds(s));
    Step.Contract c = (Step.Contract) s.steps().get(0);
    assertEquals(28, c.last(2));
    assertTrue(s.arena().isEmpty());
  }

  /** Down the columns of the picture, which are longer than its rows, or those of the window. */
  @Test
  void windowsOfNarrowRowsAreCopied() {
    Schedule s = convolution(6);
    assertEquals("Map Dot", kinds(s).substring(0, 7));
    Step.Map copy = (Step.Map) s.steps().get(0);
    Instruction.Load load = (Instruction.Load) copy.code().get(0);
    int last = copy.domain().length - 1;
    assertEquals(1, load.view().strides()[last]);
    assertEquals(4, copy.domain()[last]);
  }
}
