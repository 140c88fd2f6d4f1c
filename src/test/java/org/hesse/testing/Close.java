package org.hesse.testing;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import java.util.List;
import org.hesse.DType;
import org.hesse.Tensor;

/** Comparisons that say what was wrong where. */
public final class Close {
  private Close() {}

  /**
   * Compares a result with its reference.
   *
   * @param ulps allowed error in units of the dtype's epsilon times the magnitude; with 0 the
   *     result must be the rounded reference
   */
  public static void assertForward(
      String what, Tensor result, Arr expected, Arr magnitude, double ulps) {
    assertArrayEquals(expected.dims(), result.shape().dims(), what + ": shape");
    DType type = expected.dtype();
    assertEquals(type.isReal(), result.dtype().isReal(), what + ": dtype " + result.dtype());
    if (!type.isReal()) {
      assertEquals(type, result.dtype(), what + ": dtype");
    }
    double[] got = result.toDoubleArray();
    double[] size = magnitude.broadcastTo(expected.dims()).values();
    boolean single = result.dtype() == DType.F32;
    double floor = single ? Float.MIN_NORMAL : Double.MIN_NORMAL;
    for (int i = 0; i < got.length; i++) {
      double e = expected.values()[i];
      double rounded = single ? (float) e : e;
      boolean exact = ulps == 0 || !type.isReal() || Double.isInfinite(rounded);
      double allowed = exact ? 0 : ulps * result.dtype().epsilon() * Math.abs(size[i]) + floor;
      double error = Math.abs(got[i] - (exact ? rounded : e));
      boolean ok = got[i] == rounded || Double.isNaN(e) && Double.isNaN(got[i]);
      if (!ok && !(error <= allowed)) {
        fail(
            what
                + ": element "
                + i
                + " of "
                + result.dtype()
                + result.shape()
                + " is "
                + got[i]
                + ", expected "
                + rounded
                + " ± "
                + allowed);
      }
    }
  }

  /** Compares arrays to a bound relative to the largest of all elements. */
  public static void assertClose(String what, Arr expected, Arr got, double relative) {
    double scale = Math.max(finiteMax(expected), finiteMax(got));
    assertWithin(what, expected, got, relative * scale);
  }

  /** Compares arrays to an absolute bound. */
  public static void assertWithin(String what, Arr expected, Arr got, double bound) {
    assertArrayEquals(expected.dims(), got.dims(), what + ": shape");
    for (int i = 0; i < got.size(); i++) {
      double e = expected.values()[i];
      double g = got.values()[i];
      boolean ok = e == g || Double.isNaN(e) && Double.isNaN(g) || Math.abs(e - g) <= bound;
      if (!ok) {
        fail(
            what
                + ": element "
                + i
                + " is "
                + g
                + ", expected "
                + e
                + " ± "
                + bound
                + "\nexpected "
                + expected
                + "\n     got "
                + got);
      }
    }
  }

  /** Compares lists of tensors to a bound relative to the largest element of each. */
  public static void assertAllClose(
      String what, List<Tensor> expected, List<Tensor> got, double relative) {
    assertEquals(expected.size(), got.size(), what);
    for (int i = 0; i < got.size(); i++) {
      assertClose(what + ", leaf " + i, Arr.of(expected.get(i)), Arr.of(got.get(i)), relative);
    }
  }

  /** Compares tensors. */
  public static void assertClose(String what, Tensor expected, Tensor got, double relative) {
    assertEquals(expected.dtype(), got.dtype(), what + ": dtype");
    assertClose(what, Arr.of(expected), Arr.of(got), relative);
  }

  private static double finiteMax(Arr a) {
    double most = 0;
    for (double v : a.values()) {
      most = Double.isFinite(v) ? Math.max(most, Math.abs(v)) : most;
    }
    return most;
  }
}
