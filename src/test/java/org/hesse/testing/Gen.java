package org.hesse.testing;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.DoubleSupplier;
import org.hesse.DType;

/** Seeded operands. */
final class Gen {
  private final Random random;

  Gen(long seed) {
    random = new Random(seed);
  }

  static int[] dims(int... dims) {
    return dims;
  }

  Arr fill(int[] dims, DoubleSupplier source) {
    return Arr.build(DType.F64, dims, i -> source.getAsDouble());
  }

  /** Uniform numbers. */
  Arr uniform(double low, double high, int... dims) {
    return fill(dims, () -> low + (high - low) * random.nextDouble());
  }

  /** Standard normal numbers. */
  Arr normal(int... dims) {
    return Arr.normal(random, dims);
  }

  /** Numbers of either sign and of at least 0.2 in size. */
  Arr awayFromZero(int... dims) {
    return fill(dims, () -> (random.nextBoolean() ? 1 : -1) * (0.2 + 1.8 * random.nextDouble()));
  }

  /** Numbers at least 0.1 away from every whole one. */
  Arr awayFromWhole(int... dims) {
    return fill(dims, () -> random.nextInt(-5, 5) + 0.1 + 0.8 * random.nextDouble());
  }

  /** Different numbers, at least 0.2 apart, in random order. */
  Arr distinct(int... dims) {
    List<Double> values = new ArrayList<>();
    int n = Arr.size(dims);
    for (int i = 0; i < n; i++) {
      values.add(0.3 * (i - n / 2.0) + 0.1 * random.nextDouble());
    }
    Collections.shuffle(values, random);
    return Arr.real(dims, values.stream().mapToDouble(d -> d).toArray());
  }

  /** Few different numbers, so that many are equal. */
  Arr ties(int... dims) {
    return fill(dims, () -> random.nextInt(3) - 1);
  }

  /** Whole numbers of either sign. */
  Arr whole(int low, int high, int... dims) {
    return Arr.build(DType.I32, dims, i -> random.nextInt(low, high));
  }

  /** Any bits. */
  Arr words(int... dims) {
    return Arr.build(DType.I32, dims, i -> random.nextInt());
  }

  /** Truth values. */
  Arr truth(int... dims) {
    return Arr.build(DType.BOOL, dims, i -> random.nextInt(2));
  }

  /** Every value against every value, as two vectors. */
  static Arr[] pairs(double... values) {
    int n = values.length;
    double[] a = new double[n * n];
    double[] b = new double[n * n];
    for (int i = 0; i < n * n; i++) {
      a[i] = values[i / n];
      b[i] = values[i % n];
    }
    return new Arr[] {Arr.vector(a), Arr.vector(b)};
  }

  /** A vector of whole numbers. */
  static Arr ints(int... values) {
    return new Arr(
        DType.I32, dims(values.length), Arrays.stream(values).asDoubleStream().toArray());
  }
}
