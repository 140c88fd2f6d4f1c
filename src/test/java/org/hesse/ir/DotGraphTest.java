package org.hesse.ir;

import static org.hesse.Autodiff.grad;
import static org.hesse.Autodiff.program;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.hesse.DType;
import org.hesse.Tensor;
import org.junit.jupiter.api.Test;

/** The DOT form of programs, read by a small grammar of its own. */
class DotGraphTest {
  private static final Pattern NODE = Pattern.compile("  (n\\d+) \\[label=\"([^\"]*)\".*];");
  private static final Pattern EDGE =
      Pattern.compile("  (n\\d+) -> (n\\d+)( \\[label=\"\\d+\"])?;");

  private static final Tensor W = Tensor.ones(DType.F64, 3, 4);
  private static final Program PROGRAM =
      program(grad((Tensor x) -> W.matmul(x).tanh().sum()), Tensor.ones(DType.F64, 4));

  @Test
  void everyNodeOnceAndEveryEdge() {
    List<String> lines = PROGRAM.dot().lines().toList();
    assertEquals("digraph program {", lines.get(0));
    assertEquals("}", lines.get(lines.size() - 1));
    Set<String> names = new HashSet<>();
    int edges = 0;
    for (String line : lines.subList(2, lines.size() - 1)) {
      Matcher node = NODE.matcher(line);
      Matcher edge = EDGE.matcher(line);
      if (node.matches()) {
        assertTrue(names.add(node.group(1)), line);
      } else {
        assertTrue(edge.matches(), line);
        assertTrue(names.contains(edge.group(1)) && names.contains(edge.group(2)), line);
        edges++;
      }
    }
    assertEquals(PROGRAM.nodes().size(), names.size());
    assertEquals(PROGRAM.nodes().stream().mapToInt(n -> n.inputs().size()).sum(), edges);
  }

  @Test
  void labelsSayWhatANodeIs() {
    String dot = PROGRAM.dot();
    assertTrue(dot.contains("label=\"input 0\\nF64[4]\", shape=box"), dot);
    assertTrue(dot.contains("label=\"input 1\\nF64[3, 4]\", shape=box"), dot);
    assertTrue(dot.contains("label=\"tanh\\nF64[3]\""), dot);
    assertTrue(dot.contains("output 0\", peripheries=2"), dot);
  }

  @Test
  void anInputThatIsSeveralOutputs() {
    Program p = program((Tensor x) -> List.of(x, x), W);
    assertTrue(p.dot().contains("input 0\\nF64[3, 4]\\noutput 0\\noutput 1"), p.dot());
  }
}
