package org.hesse.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.hesse.Autodiff;
import org.hesse.DType;
import org.hesse.Tensor;
import org.junit.jupiter.api.Test;

/**
 * Every operation without the Vector API: a process of its own, started without the module, runs
 * the table on the scalar loops.
 */
class ScalarPathTest {
  private static final String DONE = "rows on scalar loops: ";

  @Test
  void everyOperationOnScalarLoops() throws IOException, InterruptedException {
    assertTrue(
        ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent(),
        "the tests themselves run with the Vector API");
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    String classes =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    List<String> command =
        List.of(
            java,
            "-XX:TieredStopAtLevel=1",
            "-Xmx1g",
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            classes,
            ScalarPathTest.class.getName());
    Process p = new ProcessBuilder(command).redirectErrorStream(true).start();
    String out = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, p.waitFor(), out);
    assertTrue(out.contains(DONE + OpDb.rows().size()), out);
    assertTrue(out.contains("--add-modules jdk.incubator.vector"), "no warning in: " + out);
  }

  /** The process; ends with an error at the first row that fails. */
  public static void main(String[] args) {
    assertFalse(ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent());
    List<String> names = new ArrayList<>();
    for (OpRow row : OpDb.rows()) {
      for (OpRow.Sample s : row.samples()) {
        for (DType real : List.of(DType.F64, DType.F32)) {
          List<Arr> in = s.operands().stream().map(a -> a.rounded(real)).toList();
          Tensor y = Autodiff.compile(row.op()).apply(Case.tensors(in, real));
          Arr expected = row.reference().apply(in);
          String what = new Case(row, s) + " " + real;
          Close.assertForward(what, y, expected, row.magnitude().apply(in), row.ulps());
        }
      }
      names.add(row.name());
    }
    System.out.println(DONE + names.size());
  }
}
