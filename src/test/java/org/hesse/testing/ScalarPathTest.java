package org.hesse.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
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
    assertTrue(out.contains(DONE + rows().size()), out);
    assertTrue(out.contains("--add-modules jdk.incubator.vector"), "no warning in: " + out);
  }

  /** The process; ends with an error at the first row that fails. */
  public static void main(String[] args) {
    assertFalse(ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent());
    List<OpRow> rows = rows();
    for (OpRow row : rows) {
      for (OpRow.Sample s : Property.SCALAR_LOOPS.samples(row)) {
        Case c = new Case(row, s);
        for (DType real : List.of(DType.F64, DType.F32)) {
          Tensor y = Autodiff.compile(row.op()).apply(Case.tensors(c.rounded(real), real));
          c.assertForward(c + " " + real, y, real, row.ulps());
        }
      }
      Property.FIRST_ORDER
          .samples(row)
          .forEach(s -> OpDbDerivativeTest.checkFirst(new Case(row, s)));
    }
    System.out.println(DONE + rows.size());
  }

  private static List<OpRow> rows() {
    return OpDb.rows().stream().filter(r -> !Property.SCALAR_LOOPS.samples(r).isEmpty()).toList();
  }
}
