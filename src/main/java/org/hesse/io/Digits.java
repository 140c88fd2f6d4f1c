package org.hesse.io;

/**
 * Draws digits as if written by hand.
 *
 * <p>A style of {@link DigitStrokes} is bent by a smooth random field, slanted, turned, stretched
 * and shifted, and drawn with a pen whose width and pressure vary; grain is added at the end.
 */
final class Digits {
  static final int CLASSES = 10;
  static final int SMALLEST_SIDE = 8;
  static final int LARGEST_SIDE = 64;

  private static final int WAVES = 3;

  private Digits() {}

  /** Label of image {@code index}: every ten images in a row hold each digit once. */
  static int label(long seed, int index) {
    int block = index / CLASSES;
    return new SplitMix(~seed, block).permutation(CLASSES)[index % CLASSES];
  }

  /**
   * Draws one image, which depends on the seed, the index and the side only.
   *
   * @return side · side values k/255 for k = 0 … 255, row by row; 0 is paper, 1 is ink
   */
  static int[] draw(long seed, int index, int side) {
    SplitMix random = new SplitMix(seed, index);
    int digit = label(seed, index);
    DigitStrokes.Glyph glyph = DigitStrokes.glyph(digit, random.below(DigitStrokes.styles(digit)));
    Pose pose = new Pose(random, side);
    double width = side * random.uniform(0.032, 0.068);
    double pressure = random.uniform(0, 0.35);
    double phase = random.uniform(0, 2 * Math.PI);
    double soft = 0.55 + side * random.uniform(0, 0.025);
    double ink = random.uniform(0.7, 1.05);
    double[] image = new double[side * side];
    for (double[][] stroke : glyph.strokes()) {
      double[][] path = new double[stroke.length][];
      for (int i = 0; i < path.length; i++) {
        path[i] = pose.place(stroke[i]);
      }
      for (int i = 1; i < path.length; i++) {
        double wave = StrictMath.sin(phase + 7.0 * i / path.length);
        segment(image, side, path[i - 1], path[i], width * (1 + pressure * wave), soft);
      }
    }
    double grain = random.uniform(0.01, 0.07);
    int[] levels = new int[image.length];
    for (int i = 0; i < image.length; i++) {
      double v = image[i] * ink + grain * random.gaussian();
      levels[i] = (int) Math.rint(255 * Math.min(1, Math.max(0, v)));
    }
    return levels;
  }

  /** Darkens the pixels near a segment, which lies in pixels; pixel centres are at halves. */
  private static void segment(
      double[] image, int side, double[] a, double[] b, double halfWidth, double soft) {
    double reach = halfWidth + soft;
    int top = Math.max(0, (int) Math.floor(Math.min(a[1], b[1]) - reach));
    int bottom = Math.min(side - 1, (int) Math.floor(Math.max(a[1], b[1]) + reach));
    int left = Math.max(0, (int) Math.floor(Math.min(a[0], b[0]) - reach));
    int right = Math.min(side - 1, (int) Math.floor(Math.max(a[0], b[0]) + reach));
    double dx = b[0] - a[0];
    double dy = b[1] - a[1];
    double length = dx * dx + dy * dy;
    for (int row = top; row <= bottom; row++) {
      for (int column = left; column <= right; column++) {
        double px = column + 0.5 - a[0];
        double py = row + 0.5 - a[1];
        double t = length == 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / length));
        double ex = px - t * dx;
        double ey = py - t * dy;
        double distance = Math.sqrt(ex * ex + ey * ey);
        double dark = Math.min(1, Math.max(0, 0.5 + (halfWidth - distance) / (2 * soft)));
        // The edge eases in and out.
        dark = dark * dark * (3 - 2 * dark);
        int at = row * side + column;
        image[at] = Math.max(image[at], dark);
      }
    }
  }

  /** A random way from the box of strokes to the pixels of an image. */
  private static final class Pose {
    private final double[][] waves = new double[2 * WAVES][];
    private final double xx;
    private final double xy;
    private final double yx;
    private final double yy;
    private final double atX;
    private final double atY;

    Pose(SplitMix random, int side) {
      for (int i = 0; i < waves.length; i++) {
        double strength = 0.023 * random.gaussian();
        double turns = random.uniform(0.4, 1.3) * 2 * Math.PI;
        double direction = random.uniform(0, 2 * Math.PI);
        waves[i] =
            new double[] {
              strength,
              turns * StrictMath.cos(direction),
              turns * StrictMath.sin(direction),
              random.uniform(0, 2 * Math.PI)
            };
      }
      double angle = 0.08 * random.gaussian();
      double slant = 0.12 + 0.11 * random.gaussian();
      double size = 0.70 * side * random.uniform(0.88, 1.1);
      double wide = size * random.uniform(0.72, 1.0);
      double cos = StrictMath.cos(angle);
      double sin = StrictMath.sin(angle);
      // Stretch, then slant to the right going up, then turn.
      xx = cos * wide;
      xy = -cos * slant * size - sin * size;
      yx = sin * wide;
      yy = -sin * slant * size + cos * size;
      atX = side * (0.5 + 0.02 * random.gaussian());
      atY = side * (0.5 + 0.02 * random.gaussian());
    }

    double[] place(double[] p) {
      double x = p[0] - 0.5;
      double y = p[1] - 0.5;
      double bentX = x;
      double bentY = y;
      for (int i = 0; i < waves.length; i++) {
        double[] w = waves[i];
        double bend = w[0] * StrictMath.sin(w[1] * x + w[2] * y + w[3]);
        if (i < WAVES) {
          bentX += bend;
        } else {
          bentY += bend;
        }
      }
      return new double[] {atX + xx * bentX + xy * bentY, atY + yx * bentX + yy * bentY};
    }
  }
}
