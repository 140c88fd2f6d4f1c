package org.hesse.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.StringReader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.hesse.cli.SpectrumResult.Density;
import org.hesse.cli.SpectrumResult.Eigenvalue;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

class ReportTest {
  static Document parse(String html) throws Exception {
    DocumentBuilderFactory f = DocumentBuilderFactory.newInstance();
    f.setFeature("http://apache.org/xml/features/nonvalidating/load-external-dtd", false);
    return f.newDocumentBuilder().parse(new InputSource(new StringReader(html)));
  }

  private static SpectrumResult spectrum(double scale, double... values) {
    List<Eigenvalue> e =
        Arrays.stream(values).mapToObj(v -> new Eigenvalue(v * scale, 1e-7 * scale, true)).toList();
    double[] grid = new double[64];
    Arrays.setAll(grid, i -> scale * (i / 32.0 - 1));
    double[] value = new double[64];
    Arrays.setAll(value, i -> Math.exp(-0.5 * Math.pow(i - 32, 2)) / scale);
    double[] nodes = {-0.5 * scale, 0.9 * scale};
    double[] half = {0.5, 0.5};
    Density d = new Density(grid, value, new double[64], value, nodes, half, 10, 80, 0.03 * scale);
    return new SpectrumResult(
        2410,
        1797,
        0.0073463 * scale,
        0.9875,
        0.017892 * scale,
        "hessian",
        "cpu",
        "float64",
        2410,
        e,
        new SpectrumResult.Trace(2.758 * scale, 0.021 * scale, 100, "hutchinson", null, true),
        d,
        null,
        1234,
        3.5,
        7,
        "mlp:64-32-10:tanh",
        "<b>&\"digits'.csv",
        "cross-entropy");
  }

  private static TrainResult training(int epochs, boolean classes) {
    List<TrainResult.Epoch> list = new ArrayList<>();
    for (int i = 1; i <= epochs; i++) {
      Double accuracy = classes ? 1 - 0.5 / i : null;
      list.add(new TrainResult.Epoch(i, 2.0 / i, accuracy, 2.5 / i, accuracy, 0.1));
    }
    return new TrainResult(
        list,
        2410,
        "cpu",
        "float32",
        7,
        45L * epochs,
        2.5,
        "mlp:64-32-10:tanh",
        "digits",
        "cross-entropy",
        "adam, learning rate 0.003",
        1438,
        359);
  }

  private static String text(Document page) {
    return page.getDocumentElement().getTextContent().replaceAll("\\s+", " ");
  }

  @Test
  void saysWhatWasMeasured() throws Exception {
    Map<String, String> facts = Map.of("command", "hesse spectrum --seed 7");
    String html = new Report(training(20, true), spectrum(1, 0.5, -0.25), facts).html();
    String text = text(parse(html));
    for (String part :
        List.of(
            "2,410",
            "1,797 samples",
            "<b>&\"digits'.csv",
            "0.0073463",
            "98.75%",
            "0.017892",
            "2.758 ± 0.021",
            "0.5000000",
            "−0.2500000",
            "1.0×10⁻⁷",
            "hesse spectrum --seed 7",
            "10 random probes of 80 steps",
            "held out",
            "leading eigenvalues")) {
      assertTrue(text.contains(part), () -> "lacks " + part);
    }
  }

  private static SpectrumResult withResiduals(SpectrumResult s, double... residuals) {
    List<Eigenvalue> e =
        Arrays.stream(residuals).mapToObj(r -> new Eigenvalue(1, r, r < 0.1)).toList();
    return new SpectrumResult(
        s.parameters(),
        s.samples(),
        s.loss(),
        s.accuracy(),
        s.gradientNorm(),
        s.operator(),
        s.device(),
        s.dtype(),
        s.size(),
        e,
        new SpectrumResult.Trace(2.758, 0.021, 5, "hutchinson", null, true),
        null,
        null,
        10,
        0.1,
        0,
        s.model(),
        s.data(),
        s.lossName());
  }

  private static long elements(Document page, String style) {
    NodeList all = page.getElementsByTagName("*");
    return IntStream.range(0, all.getLength())
        .filter(i -> ((Element) all.item(i)).getAttribute("class").startsWith(style))
        .count();
  }

  /**
   * A stem is no error bar: only residuals that can be seen have one, with a word in the legend.
   */
  @Test
  void errorBarsAreResiduals() throws Exception {
    Document small = parse(new Report(null, withResiduals(spectrum(1), 0, 1e-9), Map.of()).html());
    assertEquals(0, elements(small, "bar"));
    assertEquals(2 + 1, elements(small, "stem"), "stems, and one in the legend");
    assertFalse(text(small).contains("± residual"));
    assertTrue(text(small).contains("Residuals are smaller than the dots"));
    Document large =
        parse(new Report(null, withResiduals(spectrum(1), 1e-9, 0.2), Map.of()).html());
    assertEquals(3 + 3, elements(large, "bar"), "a line and two caps, and those of the legend");
    assertTrue(text(large).contains("± residual"));
    assertTrue(text(large).contains("1 has not converged"));
    assertFalse(text(small).contains("converged"));
  }

  /** All losses 0 and everything labelled right, as with a single class. */
  @Test
  void perfectTrainingIsDrawn() throws Exception {
    TrainResult t = training(1, true);
    TrainResult perfect =
        new TrainResult(
            List.of(
                new TrainResult.Epoch(1, 0, 1.0, 0, 1.0, 0.1),
                new TrainResult.Epoch(2, 0, 1.0, 0, 1.0, 0.1)),
            t.parameters(),
            t.device(),
            t.dtype(),
            t.seed(),
            t.steps(),
            t.secondsTotal(),
            t.model(),
            t.data(),
            t.lossName(),
            t.optimizer(),
            2,
            1);
    Document page = parse(new Report(perfect, null, Map.of()).html());
    String text = text(page);
    assertTrue(text.contains("linear scale"), text);
    assertTrue(text.contains("the 2 samples trained on and the 1 held out"), text);
    assertFalse(text.contains("0.99999"), text);
    NodeList paths = page.getElementsByTagName("path");
    assertEquals(4, paths.getLength());
    for (int i = 0; i < 4; i++) {
      String last = ((Element) paths.item(i)).getAttribute("d").replaceFirst(".* ", "");
      double bottom = 236 - 44;
      assertEquals(i < 2 ? bottom : 34, Double.parseDouble(last), 1, "height of a curve");
    }
  }

  @Test
  void aTraceOfFewProbesIsNotOversold() throws Exception {
    SpectrumResult s = spectrum(1, 0.5);
    assertTrue(text(parse(new Report(null, s, Map.of()).html())).contains("95 runs of 100"));
    String few = text(parse(new Report(null, withResiduals(s, 0), Map.of()).html()));
    assertTrue(few.contains("from 5 random probes, and from so few is rough"), few);
    assertFalse(few.contains("×10⁰"), "an error of 0");
  }

  @Test
  void needsNothingFromOutside() throws Exception {
    String html = new Report(training(3, true), spectrum(1, 0.5), Map.of()).html();
    assertFalse(html.contains("http"), "a reference");
    assertFalse(html.contains("<script"), "a script");
    assertFalse(html.contains("@import"), "an import");
    assertFalse(html.contains("url("), "a resource");
    assertFalse(html.contains("<link"), "a link");
    assertTrue(html.contains("prefers-color-scheme: dark"));
    assertTrue(html.contains("@media print"));
    assertEquals(0, parse(html).getElementsByTagName("img").getLength());
  }

  @Test
  void extremesAreDrawnWithinThePicture() throws Exception {
    List<Report> reports =
        List.of(
            new Report(training(1, true), spectrum(1e-300, 1), Map.of()),
            new Report(training(1, false), spectrum(1e200, 1, -1), Map.of()),
            new Report(training(2000, true), null, Map.of()),
            new Report(null, spectrum(1), Map.of()));
    for (Report r : reports) {
      Document page = parse(r.html());
      for (String attribute : List.of("x", "y", "x1", "y1", "x2", "y2", "cx", "cy")) {
        NodeList all = page.getElementsByTagName("*");
        for (int i = 0; i < all.getLength(); i++) {
          String v = ((Element) all.item(i)).getAttribute(attribute);
          assertTrue(v.isEmpty() || Math.abs(Double.parseDouble(v)) < 2000, attribute + " " + v);
        }
      }
      assertFalse(text(page).contains("NaN"));
    }
  }

  @Test
  void emptyPartsSaySo() throws Exception {
    SpectrumResult s = spectrum(1);
    SpectrumResult bare =
        new SpectrumResult(
            s.parameters(),
            s.samples(),
            s.loss(),
            null,
            s.gradientNorm(),
            s.operator(),
            s.device(),
            s.dtype(),
            s.size(),
            List.of(),
            s.trace(),
            null,
            null,
            10,
            0.1,
            0,
            s.model(),
            "sine",
            "mse");
    String text = text(parse(new Report(null, bare, Map.of()).html()));
    assertTrue(text.contains("The density was not measured"));
    assertTrue(text.contains("None were asked for"));
    assertFalse(text.contains("accuracy"));
  }

  @Test
  void layersAndTheOperatorAreNamed() throws Exception {
    SpectrumResult s = spectrum(1, 0.5);
    Eigenvalue e = new Eigenvalue(0.25, 1e-6, true);
    SpectrumResult.Trace t = new SpectrumResult.Trace(1.5, 0.03, 64, "xtrace", 0.01, false);
    SpectrumResult layered =
        new SpectrumResult(
            s.parameters(),
            s.samples(),
            s.loss(),
            null,
            s.gradientNorm(),
            "ggn",
            s.device(),
            s.dtype(),
            s.size(),
            s.eigenvalues(),
            t,
            null,
            List.of(new SpectrumResult.Block("0", 2080, List.of(e), t)),
            10,
            0.1,
            0,
            s.model(),
            s.data(),
            "mse");
    String text = text(parse(new Report(null, layered, Map.of()).html()));
    for (String part :
        List.of(
            "Gauss–Newton matrix: spectrum of mlp:64-32-10:tanh",
            "Layer by layer",
            "2,080",
            "0.2500000",
            "1.500 ± 0.030",
            "by xtrace from 64 products",
            "A relative standard error of 1.0% was asked for, and not reached.")) {
      assertTrue(text.contains(part), () -> "lacks " + part + ": " + text);
    }
  }

  @Test
  void labelsOfAnAxisDoNotOverlap() throws Exception {
    for (double high : new double[] {1.01, 1.5, 3, 8, 50, 1e3, 1e9, 1e40}) {
      String svg =
          new Chart(360, 236, Axis.whole("x", 1, 3), Axis.log("y", 1, high))
              .line(new double[] {1, 2, 3}, new double[] {1, high, 1}, 1, "a")
              .svg("picture");
      NodeList texts = parse(svg).getElementsByTagName("text");
      double above = Double.POSITIVE_INFINITY;
      for (int i = 0; i < texts.getLength(); i++) {
        Element t = (Element) texts.item(i);
        if (t.getAttribute("text-anchor").equals("end")) {
          double y = Double.parseDouble(t.getAttribute("y"));
          assertTrue(above - y >= 12, "labels at " + above + " and " + y + " up to " + high);
          above = y;
        }
      }
    }
  }
}
