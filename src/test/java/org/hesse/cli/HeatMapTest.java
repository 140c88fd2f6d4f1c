package org.hesse.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

class HeatMapTest {
  private static final double[] AXIS = IntStream.rangeClosed(-10, 10).asDoubleStream().toArray();

  private static Document map(double[][] values) throws Exception {
    return ReportTest.parse(
        new HeatMap(500, 400, "x", "y", "z", AXIS, AXIS, values).svg("a <map>"));
  }

  private static List<Element> elements(Document page, String style) {
    NodeList all = page.getElementsByTagName("*");
    return IntStream.range(0, all.getLength())
        .mapToObj(i -> (Element) all.item(i))
        .filter(e -> e.getAttribute("class").equals(style))
        .toList();
  }

  private static double[][] bowl() {
    double[][] values = new double[21][21];
    for (int i = 0; i < 21; i++) {
      for (int j = 0; j < 21; j++) {
        values[i][j] = AXIS[i] * AXIS[i] + AXIS[j] * AXIS[j];
      }
    }
    return values;
  }

  /** The contour of a value is at that value: circles for a bowl, all round the centre. */
  @Test
  void contoursOfABowlAreCircles() throws Exception {
    Document page = map(bowl());
    double[] centre = {
      Double.parseDouble(elements(page, "centre").getFirst().getAttribute("cx")),
      Double.parseDouble(elements(page, "centre").getFirst().getAttribute("cy"))
    };
    Element cell = elements(page, "cell").getFirst();
    double unitX = Double.parseDouble(cell.getAttribute("width"));
    double unitY = Double.parseDouble(cell.getAttribute("height"));
    List<Element> contours = elements(page, "contour");
    assertEquals(9, contours.size());
    for (int k = 0; k < 3; k++) {
      String[] ends = contours.get(k).getAttribute("d").substring(1).split("[ML]");
      double[] radii =
          Arrays.stream(ends)
              .map(e -> e.split(" "))
              .mapToDouble(e ->
                  Math.hypot(
                      (Double.parseDouble(e[0]) - centre[0]) / unitX,
                      (Double.parseDouble(e[1]) - centre[1]) / unitY))
              .toArray();
      double least = Arrays.stream(radii).min().orElseThrow();
      double most = Arrays.stream(radii).max().orElseThrow();
      assertEquals(0, ends.length % 2);
      assertTrue(most - least < 0.15, least + " to " + most);
    }
  }

  @Test
  void valuesThatAreNotFiniteHaveNoCell() throws Exception {
    double[][] values = bowl();
    int all = elements(map(values), "cell").size();
    values[0][0] = Double.NaN;
    values[20][3] = Double.POSITIVE_INFINITY;
    assertEquals(all - 2, elements(map(values), "cell").size());
    double[][] none = new double[21][21];
    Arrays.stream(none).forEach(row -> Arrays.fill(row, Double.NaN));
    assertEquals(all - 441, elements(map(none), "cell").size());
  }

  @Test
  void coloursFollowTheValues() throws Exception {
    List<Element> cells = elements(map(bowl()), "cell");
    assertNotEquals(cells.get(0).getAttribute("fill"), cells.get(220).getAttribute("fill"));
    assertEquals(cells.get(0).getAttribute("fill"), cells.get(20).getAttribute("fill"));
    double[][] flat = new double[21][21];
    List<Element> same = elements(map(flat), "cell");
    assertEquals(same.get(0).getAttribute("fill"), same.get(220).getAttribute("fill"));
  }
}
