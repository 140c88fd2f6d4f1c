package org.hesse.backend.cpu;

/**
 * The error function. Up to 1 it is x + x·p(x²); from there on 1 − e^(−x²)·q((x−3)/(x+3)), where
 * rounding in the second term hardly matters because that term is below 0.16. Both polynomials
 * interpolate at Chebyshev nodes, with an error below a fifth of a unit in the last place.
 */
final class Erf {
  /** Coefficients of p, constant term first. */
  static final double[] SMALL = {
    0.1283791670955126, -0.3761263890318375, 0.11283791670954879, -0.026866170645076792,
    0.0052239776248180145, -0.000854832698083379, 0.0001205533111164271, -1.4925595266831182e-05,
    1.6461000484121368e-06, -1.6350312701054695e-07, 1.4659775274047436e-08,
        -1.1372848856791674e-09,
    5.957176147748911e-11
  };

  /** Coefficients of q, constant term first. */
  static final double[] LARGE = {
    0.17900115118138996, -0.3262335600430372, 0.24560380171233487, -0.15011593650077898,
    0.07166583719747308, -0.024392499318915004, 0.004269136356961225, 0.0007077464666941425,
    -0.0005970624964924544, 4.525434558991009e-05, 6.406279226046039e-05, -1.2845780030775907e-05,
    -8.00978093907608e-06, 2.0135111426447427e-06, 1.2755818949624478e-06, 3.381355142042904e-09
  };

  /** From here on the result rounds to 1. */
  static final double LIMIT = 6;

  private Erf() {}

  static double of(double x) {
    double a = Math.abs(x);
    if (a < 1) {
      return x + x * polynomial(SMALL, x * x);
    }
    // Not a < LIMIT ? … : …, which would turn NaN into 1.
    a = Math.min(a, LIMIT);
    double tail = StrictMath.exp(-a * a) * polynomial(LARGE, (a - 3) / (a + 3));
    return Math.copySign(1 - tail, x);
  }

  private static double polynomial(double[] c, double x) {
    double p = c[c.length - 1];
    for (int i = c.length - 2; i >= 0; i--) {
      p = p * x + c[i];
    }
    return p;
  }
}
