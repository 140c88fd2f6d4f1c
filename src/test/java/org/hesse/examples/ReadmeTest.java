package org.hesse.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The Java examples of the README are the bodies of the classes here, and they run. */
class ReadmeTest {
  private static final Path SOURCES = Path.of("src/test/java/org/hesse/examples");

  /** The body of the main method, indented as in the README. */
  private static String body(String file) throws IOException {
    String source = Files.readString(SOURCES.resolve(file));
    int start = source.indexOf('\n', source.indexOf("void main")) + 1;
    return source.substring(start, source.indexOf("\n  }\n", start)).stripIndent();
  }

  private static String output(String name) throws Exception {
    PrintStream before = System.out;
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8)) {
      System.setOut(out);
      Class.forName("org.hesse.examples." + name)
          .getMethod("main", String[].class)
          .invoke(null, (Object) new String[0]);
    } finally {
      System.setOut(before);
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }

  /** The number that follows some words. */
  private static double after(String words, String line) {
    String rest = line.substring(line.indexOf(words) + words.length());
    return Double.parseDouble(rest.replaceAll("[ ,].*", ""));
  }

  @Test
  void showsTheExamplesAsTheyAre() throws Exception {
    String readme = Files.readString(Path.of("README.md"));
    assertTrue(readme.contains(body("SpectrumExample.java")), "SpectrumExample");
    assertTrue(readme.contains(body("KroneckerExample.java")), "KroneckerExample");
    assertTrue(readme.contains(body("InfluenceExample.java")), "InfluenceExample");
    assertTrue(readme.contains(body("GradientExample.java")), "GradientExample");
    assertTrue(readme.contains(body("LoopExample.java")), "LoopExample");
    assertTrue(readme.contains(body("DeviceExample.java")), "DeviceExample");
  }

  @Test
  void theExamplesRun() throws Exception {
    String spectrum = output("SpectrumExample");
    assertEquals(4, spectrum.lines().count(), spectrum);
    assertTrue(spectrum.contains("trace ") && spectrum.contains(" ± "), spectrum);
    List<String> kronecker = output("KroneckerExample").lines().toList();
    double k = after("K-FAC ", kronecker.get(1));
    double e = after("EKFAC ", kronecker.get(1));
    // Of all diagonals in the same basis the corrected one is nearest to the Fisher matrix.
    assertTrue(0 < e && e <= k && k < 1, kronecker.toString());
    double before = after("loss ", kronecker.get(2));
    assertTrue(after("step ", kronecker.get(2)) < before, kronecker.toString());
    List<String> influence = output("InfluenceExample").lines().toList();
    Set<String> suspects =
        influence.stream().limit(3).map(l -> l.replaceAll(",.*", "")).collect(Collectors.toSet());
    assertEquals(Set.of("sample 10", "sample 100", "sample 150"), suspects);
    assertTrue(influence.get(3).startsWith("without sample "), influence.toString());
    // By hand: with residuals r = x/2 − y, the gradient is (2 mean(rx), 2 mean(r)).
    String gradient = output("GradientExample");
    assertTrue(gradient.contains("-13.5") && gradient.contains("-6.5"), gradient);
    // H = [[2 mean(x²), 2 mean(x)], [2 mean(x), 2]] times (1/2, 0).
    assertTrue(gradient.contains("3.5") && gradient.contains("1.5"), gradient);
    assertTrue(output("DeviceExample").startsWith("14.0 on c"));
    // Difference quotients of the same steps in Java.
    String loop = output("LoopExample");
    for (String number : List.of("[0.26394607937", "[-1.36792110", "[-1.11607801", "[-1.483328")) {
      assertTrue(loop.contains(number), loop);
    }
  }
}
