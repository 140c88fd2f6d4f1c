package org.hesse.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.backend.Backend;
import org.hesse.backend.cpu.CpuBackend;
import org.hesse.fused.Norms;
import org.hesse.ir.CompositeKind;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.hesse.ops.Programs;
import org.hesse.testing.ReferenceBackend;
import org.junit.jupiter.api.Test;

/** Where bodies take the place of composites. */
class CompositesTest {
  private static Node input(int index) {
    return new Node(new Op.Parameter(index), List.of(), Shape.of(3, 20), DType.F32);
  }

  private static Stream<Node> nodes(Program p) {
    return p.nodes().stream()
        .flatMap(n ->
            n.op() instanceof Op.Nested nested
                ? nested.programs().stream().flatMap(CompositesTest::nodes)
                : Stream.of(n));
  }

  private static List<String> left(Backend backend, Program p) {
    return left(n -> Composites.hasKernel(backend, n), p);
  }

  private static List<String> left(Predicate<Node> hasKernel, Program p) {
    return nodes(Inline.inline(p, hasKernel))
        .filter(n -> n.op() instanceof Op.Composite)
        .map(n -> n.op().mnemonic())
        .toList();
  }

  private static boolean isMoments(Node n) {
    return n.op() instanceof Op.Composite c && c.kind() instanceof CompositeKind.Moments;
  }

  /**
   * The body of a norm holds a composite, for which there may be a kernel where the norm has none.
   */
  @Test
  void bodiesMayHoldComposites() {
    Node x = input(0);
    Program p = Program.capture(List.of(x), List.of(Norms.layerNorm(x, 1e-5)));
    assertEquals(List.of("normalize"), left(CpuBackend.instance(), p));
    assertEquals(List.of("moments"), left(CompositesTest::isMoments, p));
    assertEquals(List.of(), left(new ReferenceBackend(), p));
  }

  @Test
  void programsWithinProgramsAreExpanded() {
    Node inner = new Node(new Op.Placeholder(), List.of(), Shape.of(3, 20), DType.F32);
    Node x = input(0);
    List<Programs.Binding> bindings = List.of(new Programs.Binding(inner, x));
    Node call = Programs.call(List.of(), bindings, List.of(Norms.layerNorm(inner, 1e-5)));
    Program p = Program.capture(List.of(x), List.of(Programs.result(call, 0)));
    assertEquals(List.of("normalize"), left(CpuBackend.instance(), p));
    assertEquals(List.of("moments"), left(CompositesTest::isMoments, p));
    assertEquals(List.of(), left(new ReferenceBackend(), p));
  }
}
