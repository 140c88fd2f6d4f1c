package org.hesse.io;

import java.util.ArrayList;
import java.util.List;

/**
 * How the ten digits are written: several styles each, every style a few pen strokes.
 *
 * <p>A stroke is a list of points that a smooth curve passes through; a point with {@code !} is a
 * corner. {@code |} lifts the pen. Points lie in a box of 100 × 100, y pointing down.
 */
final class DigitStrokes {
  /** One style of a digit: strokes[s][p] is {x, y}, both 0 … 1. */
  record Glyph(double[][][] strokes) {}

  private static final int STEPS = 6;

  private static final String[][] STYLES = {
    {
      "62,10 40,6 20,26 14,54 24,84 46,95 70,82 82,52 76,24 62,12 48,9",
      "50,5 34,18 28,50 34,82 50,95 66,82 72,50 66,18 50,5",
      "72,18 50,6 26,20 16,52 28,86 54,94 76,76 82,44 70,16 52,10 40,18",
      "46,6 26,24 18,52 28,82 50,95 70,84 82,54 74,22 56,5 40,10",
      "60,14 46,4 24,18 14,48 24,82 50,96 76,82 84,48 76,18 54,6",
      "56,6 32,14 18,44 24,80 48,94 72,80 80,46 70,16 56,6 | 74,14 50,50 26,88",
    },
    {
      "52,5 50,50 48,95",
      "30,28 44,18 56,5! 54,50 53,95",
      "30,24 42,18 54,6! 53,50 53,94 | 28,95 52,94 78,94",
      "62,5 52,50 40,95",
    },
    {
      "20,28 30,10 52,5 74,14 76,34 62,56 40,76 18,94! 50,92 82,94",
      "22,26 36,8 60,8 76,24 70,48 48,74 28,91 17,83 28,75 50,86 68,94 84,86",
      "22,18 46,6 72,14 70,40 50,66 20,94! 52,93 82,91",
      "18,20 40,5 68,8 78,28 64,54 34,80 16,92! 36,84 60,94 84,92",
    },
    {
      "22,16 44,5 70,12 74,30 60,44 42,48! 66,52 80,70 70,90 44,96 18,84",
      "22,8 48,9 74,8! 60,26 44,42! 70,50 78,72 64,92 40,95 18,82",
      "24,20 40,6 64,8 72,26 56,42 38,47! 62,48 76,62 74,84 50,96 26,90 18,76",
      "20,12 46,4 68,14 68,34 50,46 40,44 46,42 66,52 76,72 62,92 36,96 16,90",
    },
    {
      "30,6 26,32 20,56! 50,58 84,56 | 64,22 63,58 60,96",
      "62,5 40,34 16,66! 50,67 84,66 | 62,5 62,50 62,96",
      "64,6 40,32 18,62! 50,61 82,60 | 66,36 64,66 62,96",
      "26,8 20,36 30,54 54,54 70,42 | 74,8 70,50 66,96",
    },
    {
      "76,8 54,8 32,8! 29,26 27,44! 46,38 70,44 80,66 70,88 44,96 20,86",
      "34,8 31,26 28,44! 52,38 76,50 76,78 54,95 22,88 | 34,8 56,9 80,6",
      "74,10 44,8 30,20 32,38 54,44 74,58 74,80 52,95 22,88",
      "80,6 58,10 38,8! 33,26 28,40! 56,46 72,62 70,82 50,94 22,96",
    },
    {
      "66,6 42,22 24,50 22,78 40,95 66,90 76,70 64,54 42,56 24,72",
      "54,4 36,30 26,62 34,90 58,94 74,78 66,60 46,58 30,70",
      "72,14 52,6 30,24 20,56 28,88 54,96 76,80 70,58 48,52 26,66",
      "44,4 30,36 24,70 40,94 62,92 72,76 60,62 40,68 28,84",
    },
    {
      "18,10 50,9 80,8! 62,44 48,70 40,96",
      "18,12 48,11 80,10! 60,48 50,72 42,96 | 32,52 54,50 74,50",
      "18,24 20,10! 50,12 80,8! 64,34 54,62 50,96",
      "20,8 44,14 78,8! 72,36 56,64 32,94",
    },
    {
      "72,18 52,5 30,14 30,32 50,46 72,62 76,82 54,96 28,88 24,68 44,50 68,34 72,18",
      "50,6 32,14 30,34 50,46 70,34 68,14 50,6 | 50,46 26,58 22,82 50,96 78,82 74,58 50,46",
      "76,12 54,6 32,18 34,36 56,50 74,66 70,88 48,96 26,84 28,64 52,46 74,28 78,10",
      "28,14 50,5 70,16 64,34 44,52 28,72 34,92 58,95 72,78 58,54 36,38 26,20 40,8",
    },
    {
      "74,28 56,6 32,12 24,34 38,52 62,48 74,28! 72,60 64,96",
      "72,24 52,5 28,16 26,42 46,54 68,44 73,22 76,50 68,82 46,96 26,88",
      "70,12 44,6 24,24 30,48 54,52 70,34 70,12! 70,54 68,96",
      "66,14 42,8 26,28 38,46 60,38 68,14! 62,54 44,96",
    },
  };

  private static final Glyph[][] GLYPHS = new Glyph[STYLES.length][];

  static {
    for (int digit = 0; digit < STYLES.length; digit++) {
      GLYPHS[digit] = new Glyph[STYLES[digit].length];
      for (int style = 0; style < STYLES[digit].length; style++) {
        GLYPHS[digit][style] = parse(STYLES[digit][style]);
      }
    }
  }

  private DigitStrokes() {}

  static int styles(int digit) {
    return GLYPHS[digit].length;
  }

  static Glyph glyph(int digit, int style) {
    return GLYPHS[digit][style];
  }

  private static Glyph parse(String text) {
    List<double[][]> strokes = new ArrayList<>();
    for (String stroke : text.split("\\|")) {
      List<double[]> curve = new ArrayList<>();
      List<double[]> smooth = new ArrayList<>();
      for (String point : stroke.strip().split(" ")) {
        boolean corner = point.endsWith("!");
        String[] xy = (corner ? point.substring(0, point.length() - 1) : point).split(",");
        double[] p = {Double.parseDouble(xy[0]) / 100, Double.parseDouble(xy[1]) / 100};
        smooth.add(p);
        if (corner) {
          trace(smooth, curve);
          smooth.clear();
          smooth.add(p);
        }
      }
      trace(smooth, curve);
      strokes.add(curve.toArray(new double[0][]));
    }
    return new Glyph(strokes.toArray(new double[0][][]));
  }

  /** Appends points of the Catmull–Rom spline through some control points. */
  private static void trace(List<double[]> control, List<double[]> curve) {
    int last = control.size() - 1;
    for (int i = 0; i < last; i++) {
      double[] a = control.get(Math.max(0, i - 1));
      double[] b = control.get(i);
      double[] c = control.get(i + 1);
      double[] d = control.get(Math.min(last, i + 2));
      for (int s = curve.isEmpty() ? 0 : 1; s <= STEPS; s++) {
        double t = (double) s / STEPS;
        double[] p = new double[2];
        for (int k = 0; k < 2; k++) {
          double m0 = (c[k] - a[k]) / 2;
          double m1 = (d[k] - b[k]) / 2;
          double t2 = t * t;
          double t3 = t2 * t;
          p[k] =
              (2 * t3 - 3 * t2 + 1) * b[k]
                  + (t3 - 2 * t2 + t) * m0
                  + (3 * t2 - 2 * t3) * c[k]
                  + (t3 - t2) * m1;
        }
        curve.add(p);
      }
    }
  }
}
