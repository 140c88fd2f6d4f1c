package org.hesse.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.Random;
import org.hesse.DType;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.testing.SimulatedDevice;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Steps that go by indices, windows and random words: on the device as on the CPU. */
@Tag("kernels")
class CudaIndexingTest {
  private static final DType[] NUMBERS = {DType.F32, DType.F64, DType.I32};

  /** Rows of an operand, picked for each item of a batch. */
  private static Step gather(OneStep s, Random random, DType dtype, int[] sizes, int extent) {
    int[] domain = sizes;
    View rows = s.input(dtype, new int[] {sizes[0], extent, sizes[2]}, random.nextInt(3));
    View at = s.indices(extent, new int[] {sizes[0], sizes[1]});
    long[] in = {rows.strides()[0], 0, rows.strides()[2]};
    long[] index = {at.strides()[0], at.strides()[1], 0};
    return new Step.Gather(
        domain,
        new View(rows.slot(), rows.offset(), in),
        extent,
        rows.strides()[1],
        new View(at.slot(), at.offset(), index),
        random.nextBoolean() ? s.denseOutput(dtype, domain) : s.output(dtype, domain));
  }

  @Test
  void gathersAsTheCpu() {
    SimulatedDevice.require();
    Random random = new Random(1);
    for (int i = 0; i < 60; i++) {
      OneStep s = new OneStep(random);
      int[] sizes = {1 + random.nextInt(4), 1 + random.nextInt(9), 1 + random.nextInt(40)};
      sizes[2] = random.nextBoolean() ? sizes[2] * 4 : sizes[2];
      DType dtype = List.of(DType.values()).get(random.nextInt(4));
      Step step = gather(s, random, dtype, sizes, 1 + random.nextInt(7));
      s.check(step, step.toString());
    }
  }

  private static Step scatter(
      OneStep s, DType dtype, int[] domain, int batch, int indices, int extent) {
    int last = batch + indices;
    int[] to = new int[domain.length - indices + 1];
    System.arraycopy(domain, 0, to, 0, batch);
    to[batch] = extent;
    System.arraycopy(domain, last, to, batch + 1, domain.length - last);
    return new Step.ScatterAdd(
        domain,
        batch,
        indices,
        s.input(dtype, domain, 0),
        s.indices(extent, Domains.range(domain, 0, last)),
        extent,
        s.output(dtype, to));
  }

  @Test
  void scattersAsTheCpu() {
    SimulatedDevice.require();
    Random random = new Random(2);
    for (int i = 0; i < 50; i++) {
      int batch = random.nextInt(3);
      int indices = random.nextInt(3);
      int[] domain = new int[batch + indices + random.nextInt(3)];
      for (int a = 0; a < domain.length; a++) {
        boolean index = a >= batch && a < batch + indices;
        domain[a] = 1 + random.nextInt(index ? 30 : 6);
      }
      OneStep s = new OneStep(random);
      DType dtype = NUMBERS[random.nextInt(3)];
      Step step = scatter(s, dtype, domain, batch, indices, 1 + random.nextInt(9));
      s.check(step, step.toString());
    }
  }

  /** Runs of sorted places that are merged, and elements with many terms. */
  @Test
  void scattersManyIndices() {
    SimulatedDevice.require();
    Random random = new Random(3);
    for (DType dtype : NUMBERS) {
      OneStep s = new OneStep(random);
      s.check(scatter(s, dtype, new int[] {3_333, 3}, 0, 1, 5), "few places");
      s = new OneStep(random);
      s.check(scatter(s, dtype, new int[] {2, 700, 40}, 1, 1, 100), "wide");
      s = new OneStep(random);
      s.check(scatter(s, dtype, new int[] {1_500}, 0, 1, 2_000), "many places");
    }
  }

  /** The same bits in each run, whatever the order of the threads. */
  @Test
  void scatteredSumsAreReproducible() {
    SimulatedDevice.require();
    OneStep s = new OneStep(new Random(4));
    Step step = scatter(s, DType.F64, new int[] {2_000}, 0, 1, 3);
    Object first = s.cuda(step);
    for (int i = 0; i < 3; i++) {
      assertArrayEquals((double[]) first, (double[]) s.cuda(step));
    }
  }

  @Test
  void indicesOutsideAreNamed() {
    SimulatedDevice.require();
    for (int count : new int[] {3, 600}) {
      OneStep s = new OneStep(new Random(5));
      int[] at = new int[count];
      at[count / 2] = -7;
      View in = s.dense(new float[count], count);
      View indices = s.dense(at, count);
      View out = s.denseOutput(DType.F32, 4);
      Step scatter = new Step.ScatterAdd(new int[] {count}, 0, 1, in, indices, 4, out);
      var e = assertThrows(IndexOutOfBoundsException.class, () -> s.cuda(scatter));
      var same = assertThrows(IndexOutOfBoundsException.class, () -> s.cpu(scatter));
      assertEquals(same.getMessage(), e.getMessage());
    }
    OneStep s = new OneStep(new Random(6));
    View in = new View(s.dense(new float[4], 4).slot(), 0, new long[] {0});
    View at = s.dense(new int[] {0, 4, 2}, 3);
    View out = s.denseOutput(DType.F32, 3);
    Step gather = new Step.Gather(new int[] {3}, in, 4, 1, at, out);
    var e = assertThrows(IndexOutOfBoundsException.class, () -> s.cuda(gather));
    var same = assertThrows(IndexOutOfBoundsException.class, () -> s.cpu(gather));
    assertEquals(same.getMessage(), e.getMessage());
  }

  @Test
  void windowsAddUpAsOnTheCpu() {
    SimulatedDevice.require();
    Random random = new Random(7);
    for (int i = 0; i < 40; i++) {
      int outer = random.nextInt(3);
      int[] domain = new int[outer + 2 + random.nextInt(2)];
      for (int a = 0; a < domain.length; a++) {
        domain[a] = 1 + random.nextInt(a < outer ? 4 : 9);
      }
      int stride = 1 + random.nextInt(4);
      int dilation = 1 + random.nextInt(3);
      int least = (domain[outer] - 1) * stride + (domain[outer + 1] - 1) * dilation + 1;
      int extent = least + random.nextInt(4);
      int[] to = new int[domain.length - 1];
      System.arraycopy(domain, 0, to, 0, outer);
      to[outer] = extent;
      System.arraycopy(domain, outer + 2, to, outer + 1, domain.length - outer - 2);
      OneStep s = new OneStep(random);
      DType dtype = NUMBERS[random.nextInt(3)];
      View in = s.input(dtype, domain, 0);
      Step step = new Step.Fold(domain, outer, in, extent, stride, dilation, s.output(dtype, to));
      s.check(step, step.toString());
    }
  }

  @Test
  void randomWordsAreTheCpusToTheBit() {
    SimulatedDevice.require();
    Random random = new Random(8);
    for (long count : new long[] {1, 2, 7, 1_000, 1_025}) {
      for (int keys : new int[] {1, 3}) {
        OneStep s = new OneStep(random);
        View key = s.dense(random.ints(2L * keys).toArray(), keys, 2);
        View out = s.denseOutput(DType.I32, keys, (int) count);
        Step step = new Step.RandomBits(keys, count, key, out);
        assertArrayEquals((int[]) s.cpu(step), (int[]) s.cuda(step));
      }
    }
  }

  /** Known answers of the algorithm (Random123's test vectors for threefry2x32, 20 rounds). */
  @Test
  void randomWordsAreThePublishedOnes() {
    SimulatedDevice.require();
    OneStep s = new OneStep(new Random(9));
    View key = s.dense(new int[] {0, 0}, 1, 2);
    Step step = new Step.RandomBits(1, 2, key, s.denseOutput(DType.I32, 1, 2));
    assertArrayEquals(new int[] {0x6b200159, 0x99ba4efe}, (int[]) s.cuda(step));
  }
}
