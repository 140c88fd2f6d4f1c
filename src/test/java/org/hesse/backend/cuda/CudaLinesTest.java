package org.hesse.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.List;
import java.util.Random;
import org.hesse.DType;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.testing.SimulatedDevice;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The first maximum and running sums of lines: on the device as on the CPU. */
@Tag("kernels")
class CudaLinesTest {
  private static final DType[] NUMBERS = {DType.F32, DType.F64, DType.I32};

  private static int[] domain(Random random) {
    int[] domain = new int[1 + random.nextInt(3)];
    for (int a = 0; a < domain.length; a++) {
      domain[a] = 1 + random.nextInt(a == domain.length - 1 ? 70 : 12);
    }
    return domain;
  }

  private static int[] kept(int[] domain) {
    return Domains.range(domain, 0, domain.length - 1);
  }

  @Test
  void argMaxIsTheCpus() {
    SimulatedDevice.require();
    Random random = new Random(1);
    for (int i = 0; i < 40; i++) {
      OneStep s = new OneStep(random);
      int[] domain = domain(random);
      DType dtype = List.of(DType.values()).get(random.nextInt(4));
      View in = s.input(dtype, domain, 0);
      Step step = new Step.ArgMax(domain, in, s.output(DType.I32, kept(domain)));
      s.check(step, step.toString());
    }
  }

  @Test
  void runningSumsAreTheCpus() {
    SimulatedDevice.require();
    Random random = new Random(2);
    for (int i = 0; i < 40; i++) {
      OneStep s = new OneStep(random);
      int[] domain = domain(random);
      DType dtype = NUMBERS[random.nextInt(3)];
      Step step = new Step.Cumsum(domain, s.input(dtype, domain, 0), s.output(dtype, domain));
      s.check(step, step.toString());
    }
  }

  /** Lines that several blocks share. */
  @Test
  void longLinesAreCut() {
    SimulatedDevice.require();
    Random random = new Random(3);
    for (DType dtype : NUMBERS) {
      int[] domain = {2, 20_001};
      OneStep s = new OneStep(random);
      View in = s.input(dtype, domain, 1);
      Step argMax = new Step.ArgMax(domain, in, s.denseOutput(DType.I32, 2));
      s.check(argMax, "argmax of " + dtype);
      Step cumsum = new Step.Cumsum(domain, in, s.denseOutput(dtype, domain));
      s.check(cumsum, "cumsum of " + dtype);
      int[] across = {9, 3_000};
      View columns = s.dense(TwoBackends.numbers(random, dtype, 27_000), 3_000, 9);
      View turned = new View(columns.slot(), 0, new long[] {1, 9});
      s.check(new Step.Cumsum(across, turned, s.output(dtype, across)), "across, " + dtype);
      s.check(new Step.ArgMax(across, turned, s.denseOutput(DType.I32, 9)), "across, " + dtype);
    }
  }

  @Test
  void notANumberIsLargestAndTheFirstOfEqualsWins() {
    SimulatedDevice.require();
    float inf = Float.POSITIVE_INFINITY;
    float nan = Float.NaN;
    float[] rows = {
      1, 3, 3, 2, 0, /**/ 1, nan, inf, nan, 5, /**/ -inf, -inf, -inf, -inf, -inf, /**/ -0f, 0, -0f,
      0, 0, /**/ inf, 1, inf, 2, nan
    };
    OneStep s = new OneStep(new Random(4));
    View in = s.dense(rows, 5, 5);
    Step step = new Step.ArgMax(new int[] {5, 5}, in, s.denseOutput(DType.I32, 5));
    assertArrayEquals(new int[] {1, 1, 0, 0, 4}, (int[]) s.cuda(step));
  }

  /** Sums of integers keep their low 32 bits. */
  @Test
  void integersWrap() {
    SimulatedDevice.require();
    OneStep s = new OneStep(new Random(5));
    int[] big = {Integer.MAX_VALUE, 1, Integer.MAX_VALUE, Integer.MAX_VALUE, 3};
    View in = s.dense(big, 5);
    Step step = new Step.Cumsum(new int[] {5}, in, s.denseOutput(DType.I32, 5));
    int[] expected = big.clone();
    for (int i = 1; i < 5; i++) {
      expected[i] += expected[i - 1];
    }
    assertArrayEquals(expected, (int[]) s.cuda(step));
  }
}
