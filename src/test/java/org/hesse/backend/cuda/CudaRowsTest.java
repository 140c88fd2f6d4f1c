package org.hesse.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Array;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.hesse.DType;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.ir.CompositeKind;
import org.hesse.ir.CompositeKind.Scaling;
import org.hesse.testing.SimulatedDevice;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Composites of rows: on the device as on the CPU, and where values are special. */
@Tag("kernels")
class CudaRowsTest {
  private static final DType[] REAL = {DType.F32, DType.F64};

  /** Stands for the length of the rows. */
  private static final int ROW = -1;

  /** Stands for an item without axes. */
  private static final int LABEL = 0;

  /** A kind with the lengths of its operands' items, and of its result's. */
  private record Sample(CompositeKind kind, int result, int... operands) {}

  private static List<Sample> samples(boolean centred) {
    return List.of(
        new Sample(new CompositeKind.Softmax(), ROW, ROW),
        new Sample(new CompositeKind.SoftmaxTangent(), ROW, ROW, ROW),
        new Sample(new CompositeKind.LogSoftmax(), ROW, ROW),
        new Sample(new CompositeKind.LogSoftmaxTangent(), ROW, ROW, ROW),
        new Sample(new CompositeKind.LogSoftmaxCotangent(), ROW, ROW, ROW),
        new Sample(new CompositeKind.LogSumExp(), 2, ROW),
        new Sample(new CompositeKind.CrossEntropy(), 3, ROW, LABEL),
        new Sample(new CompositeKind.CrossEntropyTangent(), 3, ROW, LABEL, 3, ROW),
        new Sample(new CompositeKind.CrossEntropyCotangent(), ROW, ROW, LABEL, 3, 3),
        new Sample(new CompositeKind.Moments(centred, 1e-5), 2, ROW),
        new Sample(new CompositeKind.Normalize(centred, 1e-5), ROW, ROW),
        new Sample(new CompositeKind.Normalize(centred, 1e-5), ROW, ROW, ROW),
        new Sample(new CompositeKind.Normalize(centred, 1e-5), ROW, ROW, ROW, ROW),
        new Sample(new CompositeKind.NormalizeTangent(centred, Scaling.NONE), ROW, ROW, 2, ROW),
        new Sample(
            new CompositeKind.NormalizeTangent(centred, Scaling.BEFORE), ROW, ROW, 2, ROW, ROW),
        new Sample(
            new CompositeKind.NormalizeTangent(centred, Scaling.AFTER), ROW, ROW, 2, ROW, ROW));
  }

  /** Whether an operand is the logarithm of probabilities, or of their sum. */
  private static boolean isLogarithm(CompositeKind kind, int operand) {
    return switch (kind) {
      case CompositeKind.LogSoftmaxTangent k -> operand == 0;
      case CompositeKind.LogSoftmaxCotangent k -> operand == 0;
      case CompositeKind.CrossEntropyTangent k -> operand == 2;
      case CompositeKind.CrossEntropyCotangent k -> operand == 2;
      default -> false;
    };
  }

  private static int[] with(int[] batch, int length) {
    int[] all = java.util.Arrays.copyOf(batch, batch.length + 1);
    all[batch.length] = length;
    return all;
  }

  private static Step.Composite step(
      OneStep s, Sample sample, DType dtype, int[] batch, int n, boolean dense) {
    List<Step.Items> operands = new ArrayList<>();
    for (int length : sample.operands) {
      int m = length == ROW ? n : length;
      if (length == LABEL) {
        operands.add(new Step.Items(new int[0], s.indices(n, batch)));
        continue;
      }
      int[] domain = with(batch, m);
      View view = s.input(dtype, domain, dense ? domain.length : 1);
      operands.add(new Step.Items(new int[] {m}, view));
      if (isLogarithm(sample.kind, operands.size() - 1)) {
        double log = Math.log(n) * (length == ROW ? -1 : 1);
        Object a = s.array(view);
        for (int i = 0; i < Array.getLength(a); i++) {
          double v = Array.getDouble(a, i) + log;
          if (a instanceof float[] f) {
            f[i] = (float) v;
          } else {
            Array.setDouble(a, i, v);
          }
        }
      }
    }
    int m = sample.result == ROW ? n : sample.result;
    return new Step.Composite(
        sample.kind,
        batch,
        operands,
        new Step.Items(new int[] {m}, s.denseOutput(dtype, with(batch, m))));
  }

  @Test
  void rowsOfAllLengthsAreTheCpus() {
    SimulatedDevice.require();
    Random random = new Random(1);
    int[] lengths = {1, 3, 4, 10, 31, 64, 130, 600};
    for (int i = 0; i < lengths.length; i++) {
      for (Sample sample : samples(i % 2 == 0)) {
        OneStep s = new OneStep(random);
        int[] batch = new int[random.nextInt(3)];
        java.util.Arrays.setAll(batch, a -> 1 + random.nextInt(4));
        DType dtype = REAL[random.nextInt(2)];
        Step step = step(s, sample, dtype, batch, lengths[i], random.nextBoolean());
        s.check(step, step.toString());
      }
    }
  }

  /** Rows that a block goes over, with packs and without, and rows too long to be kept. */
  @Test
  void longRowsAreTheCpus() {
    SimulatedDevice.require();
    Random random = new Random(2);
    for (DType dtype : REAL) {
      for (int n : new int[] {4_100, 12_801, 13_000}) {
        for (Sample sample : samples(n > 5_000)) {
          OneStep s = new OneStep(random);
          Step step = step(s, sample, dtype, new int[] {2}, n, n != 4_100);
          s.check(step, dtype + " " + n + " " + sample.kind);
        }
      }
    }
  }

  private static float[] row(CompositeKind kind, int result, float... x) {
    OneStep s = new OneStep(new Random(3));
    View in = s.dense(x, x.length);
    List<Step.Items> operands = List.of(new Step.Items(new int[] {x.length}, in));
    View out = s.denseOutput(DType.F32, result);
    return (float[])
        s.cuda(
            new Step.Composite(
                kind, new int[0], operands, new Step.Items(new int[] {result}, out)));
  }

  private static void equal(float[] expected, float[] actual) {
    for (int i = 0; i < expected.length; i++) {
      boolean finite = Float.isFinite(expected[i]);
      float delta = finite ? 2e-6f * Math.max(1, Math.abs(expected[i])) : 0;
      assertEquals(expected[i], actual[i], delta, "at " + i);
    }
  }

  /** Logits of ±10⁴ and infinite ones. */
  @Test
  void logitsMayBeLarge() {
    SimulatedDevice.require();
    float inf = Float.POSITIVE_INFINITY;
    float nan = Float.NaN;
    float e = (float) Math.exp(-1);
    var softmax = new CompositeKind.Softmax();
    equal(new float[] {1 / (1 + e), e / (1 + e), 0}, row(softmax, 3, 1e4f, 9_999, -1e4f));
    equal(new float[] {0, 1, 0, 0}, row(softmax, 4, -inf, -1e4f, -inf, -inf));
    equal(new float[] {nan, nan}, row(softmax, 2, -inf, -inf));
    var sum = new CompositeKind.LogSumExp();
    equal(new float[] {-1e4f, (float) Math.log(2)}, row(sum, 2, -1e4f, -1e4f));
    equal(new float[] {0, -inf}, row(sum, 2, -inf, -inf, -inf));
    equal(new float[] {0, inf}, row(sum, 2, 1, inf, -inf));
    equal(new float[] {nan, nan}, row(sum, 2, 1, nan, 5));
    var log = new CompositeKind.LogSoftmax();
    equal(new float[] {0, -2e4f, -inf}, row(log, 3, 1e4f, -1e4f, -inf));
    equal(new float[] {nan, nan}, row(log, 2, inf, 0));
  }

  /** Of a label that there is not. */
  @Test
  void crossEntropyOfNoLabelIsNotANumber() {
    SimulatedDevice.require();
    OneStep s = new OneStep(new Random(4));
    View x = s.dense(new float[] {1, 2, 3, 1, 2, 3, 1, 2, 3}, 3, 3);
    View labels = s.dense(new int[] {3, -1, 1}, 3);
    Step step =
        new Step.Composite(
            new CompositeKind.CrossEntropy(),
            new int[] {3},
            List.of(new Step.Items(new int[] {3}, x), new Step.Items(new int[0], labels)),
            new Step.Items(new int[] {3}, s.denseOutput(DType.F32, 3, 3)));
    float[] y = (float[]) s.cuda(step);
    double sum = Math.log(1 + Math.exp(-1) + Math.exp(-2));
    equal(new float[] {Float.NaN, 3, Float.NaN, Float.NaN, 3, Float.NaN}, y);
    equal(new float[] {(float) (sum + 1), 3, (float) sum}, java.util.Arrays.copyOfRange(y, 6, 9));
  }

  /** A row of equal numbers has deviations 0, and a variance far below the mean counts in full. */
  @Test
  void momentsKeepTheirDigits() {
    SimulatedDevice.require();
    var normalize = new CompositeKind.Normalize(true, 1e-5);
    for (int n : new int[] {1, 7, 64}) {
      float[] x = new float[n];
      java.util.Arrays.fill(x, 12_345.678f);
      for (float v : row(normalize, n, x)) {
        assertEquals(0, v);
      }
    }
    float[] x = new float[2_000];
    for (int i = 0; i < x.length; i++) {
      x[i] = 4_096 + (i % 2 == 0 ? 0.0009765625f : 0);
    }
    double half = 0.0009765625 / 2;
    double variance = half * half;
    float r = row(new CompositeKind.Moments(true, 0), 2, x)[1];
    assertTrue(Math.abs(r * Math.sqrt(variance) - 1) < 1e-6, "off by " + r * Math.sqrt(variance));
  }
}
