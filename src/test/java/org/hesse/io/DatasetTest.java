package org.hesse.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.Tensor;
import org.junit.jupiter.api.Test;

class DatasetTest {
  /** n samples of 2×3 values; the first value of sample i is i, its label i mod classes. */
  private static Dataset sample(int n, int classes) {
    float[] x = new float[n * 6];
    for (int i = 0; i < n; i++) {
      Arrays.fill(x, 6 * i, 6 * i + 6, i);
    }
    int[] y = IntStream.range(0, n).map(i -> i % classes).toArray();
    return Dataset.classification("sample", Tensor.of(x, n, 2, 3), Tensor.of(y, n), classes);
  }

  private static int[] ids(Dataset d) {
    float[] x = d.x().toFloatArray();
    return IntStream.range(0, d.size()).map(i -> (int) x[6 * i + 5]).toArray();
  }

  private static void assertPaired(Dataset d, int classes) {
    int[] ids = ids(d);
    assertArrayEquals(Arrays.stream(ids).map(i -> i % classes).toArray(), d.y().toIntArray());
  }

  @Test
  void countsSamplesAndFeatures() {
    Dataset d = sample(5, 2);
    assertEquals(5, d.size());
    assertEquals(6, d.features());
    assertEquals(Task.CLASSIFICATION, d.task());
    assertEquals(DType.F64, d.cast(DType.F64).x().dtype());
    assertEquals(DType.I32, d.cast(DType.F64).y().dtype());
  }

  @Test
  void batchesCoverAllSamplesInOrderWithARaggedLastOne() {
    List<Dataset> batches = sample(10, 3).batches(4);
    assertEquals(List.of(4, 4, 2), batches.stream().map(Dataset::size).toList());
    assertArrayEquals(
        IntStream.range(0, 10).toArray(), batches.stream().flatMapToInt(b -> of(b)).toArray());
    for (Dataset b : batches) {
      assertPaired(b, 3);
      assertEquals(3, b.classes());
      assertEquals("sample", b.name());
      assertEquals(Shape.of(b.size(), 2, 3), b.x().shape());
    }
    assertEquals(1, sample(10, 3).batches(Integer.MAX_VALUE).size());
    assertThrows(IllegalArgumentException.class, () -> sample(3, 1).batches(0));
  }

  private static IntStream of(Dataset d) {
    return Arrays.stream(ids(d));
  }

  @Test
  void takesRanges() {
    assertArrayEquals(new int[] {2, 3, 4}, ids(sample(9, 2).take(2, 5)));
    assertEquals(0, sample(9, 2).take(4, 4).size());
    assertThrows(IndexOutOfBoundsException.class, () -> sample(9, 2).take(4, 10));
    assertThrows(IndexOutOfBoundsException.class, () -> sample(9, 2).take(-1, 2));
    assertThrows(IndexOutOfBoundsException.class, () -> sample(9, 2).take(3, 2));
  }

  @Test
  void shufflesBySeed() {
    Dataset d = sample(100, 7);
    int[] a = ids(d.shuffled(1));
    assertArrayEquals(a, ids(d.shuffled(1)));
    assertFalse(Arrays.equals(a, ids(d.shuffled(2))));
    assertArrayEquals(ids(d), Arrays.stream(a).sorted().toArray());
    assertPaired(d.shuffled(1), 7);
  }

  @Test
  void splitsByClass() {
    Dataset d = sample(103, 4);
    Dataset.Split s = d.split(0.25, 5);
    assertEquals(26, s.test().size());
    assertEquals(77, s.train().size());
    assertPaired(s.test(), 4);
    assertPaired(s.train(), 4);
    int[] all = IntStream.concat(of(s.train()), of(s.test())).sorted().toArray();
    assertArrayEquals(ids(d), all);
    for (int c = 0; c < 4; c++) {
      int label = c;
      long count = Arrays.stream(s.test().y().toIntArray()).filter(y -> y == label).count();
      assertTrue(count == 6 || count == 7, c + ": " + count);
    }
    assertArrayEquals(ids(s.test()), ids(d.split(0.25, 5).test()));
    assertFalse(Arrays.equals(ids(s.test()), ids(d.split(0.25, 6).test())));
  }

  @Test
  void splitsRegressionData() {
    Tensor x = Tensor.of(new double[] {0, 1, 2, 3, 4}, 5, 1);
    Dataset.Split s = Dataset.regression("r", x, x).split(0.4, 1);
    assertEquals(2, s.test().size());
    assertArrayEquals(s.test().x().toDoubleArray(), s.test().y().toDoubleArray());
    assertEquals(Shape.of(3, 1), s.train().y().shape());
    assertEquals(DType.F32, s.train().cast(DType.F32).y().dtype());
  }

  @Test
  void refusesSplitsWithAnEmptyPart() {
    for (double f : new double[] {0, 1, -0.5, 2, 0.001, 0.999, Double.NaN}) {
      assertThrows(IllegalArgumentException.class, () -> sample(10, 2).split(f, 0), "" + f);
    }
  }

  @Test
  void checksWhatItIsMadeOf() {
    Tensor x = Tensor.of(new float[6], 3, 2);
    Tensor labels = Tensor.of(new int[] {0, 1, 2}, 3);
    Tensor targets = Tensor.of(new float[3], 3, 1);
    String message =
        assertThrows(
                IllegalArgumentException.class, () -> Dataset.classification("d", x, labels, 2))
            .getMessage();
    assertTrue(message.contains("label 2 of sample 2"), message);
    assertThrows(IllegalArgumentException.class, () -> Dataset.classification("d", x, targets, 3));
    assertThrows(IllegalArgumentException.class, () -> Dataset.classification("d", x, labels, 0));
    assertThrows(
        IllegalArgumentException.class, () -> Dataset.classification("d", labels, labels, 3));
    assertThrows(IllegalArgumentException.class, () -> Dataset.regression("d", x, labels));
    assertThrows(
        IllegalArgumentException.class,
        () -> Dataset.regression("d", x, Tensor.of(new float[2], 2, 1)));
  }
}
