package org.hesse.backend.cpu;

/**
 * The error function and its complement. Near 0 erf(x) is x + x·p(x²). Farther out erfc(x) is
 * e^(−x²)·q((x−3.5)/(x+3.5))/(x+3.5), which keeps its relative accuracy, of 5 units in the last
 * place, down to the smallest numbers; erf(x) is 1 less that, where rounding hardly matters because
 * it is below 0.16. Both polynomials interpolate at Chebyshev nodes, with an error below a fifth of
 * a unit in the last place.
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
  static final double[] TAIL = {
    1.08705558926226,
    -0.937799724567112,
    0.6941136466346443,
    -0.4352560267168875,
    0.2257386216474199,
    -0.09231870663850064,
    0.02651861988150118,
    -0.0031770503427936917,
    -0.0013053546903382392,
    0.0007145316892872057,
    -4.206217182845896e-05,
    -7.477711648027305e-05,
    1.8647207423905484e-05,
    7.2442542522068276e-06,
    -3.3920403208787654e-06,
    -7.965337728503656e-07,
    5.505078509919124e-07,
    1.162585813936494e-07,
    -8.346247660207666e-08,
    -2.178473266091442e-08,
    9.015300575703472e-09,
    3.2895955234250755e-09
  };

  /** Where the argument of q is 0. */
  static final double MIDDLE = 3.5;

  /** From here on the error function rounds to 1 and its complement to 0. */
  static final double LIMIT = 28;

  private Erf() {}

  static double of(double x) {
    double a = Math.abs(x);
    return a < 1 ? x + x * polynomial(SMALL, x * x) : Math.copySign(1 - tail(a), x);
  }

  static double complement(double x) {
    double a = Math.abs(x);
    if (a < 0.5) {
      return 1 - (x + x * polynomial(SMALL, x * x));
    }
    double t = tail(a);
    return x < 0 ? 2 - t : t;
  }

  /** The complement of a number that is not negative. */
  private static double tail(double x) {
    // Not x < LIMIT ? … : …, which would turn NaN into 0.
    double a = Math.min(x, LIMIT);
    double square = a * a;
    double e = StrictMath.exp(-square);
    // e^(−a²) for the whole square, of which the rounded one has lost up to 2⁻⁴⁴.
    double whole = Math.fma(-e, Math.fma(a, a, -square), e);
    double far = a + MIDDLE;
    return whole * (polynomial(TAIL, (a - MIDDLE) / far) / far);
  }

  private static double polynomial(double[] c, double x) {
    double p = c[c.length - 1];
    for (int i = c.length - 2; i >= 0; i--) {
      p = Math.fma(p, x, c[i]);
    }
    return p;
  }
}
