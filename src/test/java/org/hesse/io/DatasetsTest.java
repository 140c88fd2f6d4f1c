package org.hesse.io;

import static org.hesse.io.Bad.message;
import static org.hesse.io.Bad.write;
import static org.hesse.io.Task.CLASSIFICATION;
import static org.hesse.io.Task.REGRESSION;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DatasetsTest {
  @TempDir Path folder;

  private static void assertContains(String message, String... parts) {
    for (String part : parts) {
      assertTrue(message.contains(part), () -> "expected \"" + part + "\" in: " + message);
    }
  }

  /** Checksum of all values in steps of 1/255 of [low, high]. */
  private static long checksum(Dataset d, double low, double high) {
    CRC32 crc = new CRC32();
    for (double v : d.x().toDoubleArray()) {
      crc.update((int) Math.rint(255 * (v - low) / (high - low)));
    }
    for (int label : d.y().toIntArray()) {
      crc.update(label);
    }
    return crc.getValue();
  }

  @Test
  void digitsAreTheSameOnEveryPlatform() {
    assertEquals(
        List.of(1398965180L, 1916291666L, 2401078928L, 4102354088L),
        List.of(
            checksum(Datasets.digits(300, 7, DType.F32), 0, 1),
            checksum(Datasets.digits(50, 7, 28, DType.F64), 0, 1),
            checksum(Datasets.twoMoons(300, 7, 0.1, DType.F64), -4, 4),
            checksum(Datasets.spirals(300, 7, 3, 0.1, DType.F64), -4, 4)));
  }

  @Test
  void digitsAreBalancedGreyImages() {
    Dataset d = Datasets.digits(500, 3, DType.F32);
    assertEquals(Shape.of(500, 256), d.x().shape());
    assertEquals(10, d.classes());
    int[] count = new int[10];
    for (int label : d.y().toIntArray()) {
      count[label]++;
    }
    assertArrayEquals(new int[] {50, 50, 50, 50, 50, 50, 50, 50, 50, 50}, count);
    float[] x = d.x().toFloatArray();
    for (int i = 0; i < 500; i++) {
      double ink = 0;
      for (int p = 0; p < 256; p++) {
        float v = x[256 * i + p];
        assertTrue(v >= 0 && v <= 1);
        ink += v;
      }
      assertTrue(ink > 8 && ink < 110, "image " + i + " has ink " + ink);
    }
  }

  @Test
  void anImageDependsOnSeedAndIndexOnly() {
    float[] few = Datasets.digits(13, 3, DType.F32).x().toFloatArray();
    float[] many = Datasets.digits(40, 3, DType.F32).x().toFloatArray();
    assertArrayEquals(few, Arrays.copyOf(many, few.length));
    assertFalse(Arrays.equals(few, Datasets.digits(13, 4, DType.F32).x().toFloatArray()));
  }

  /** Hard enough to be worth training on: nearest neighbours do well, class means do not. */
  @Test
  void digitsAreLearnableButNotTrivial() {
    Dataset.Split s = Datasets.digits(1200, 11, DType.F32).split(0.25, 1);
    double nearest = nearest(s.train(), s.test());
    assertTrue(nearest > 0.9 && nearest < 1, "nearest neighbour: " + nearest);
    double mean = nearest(means(s.train()), s.test());
    assertTrue(mean > 0.7 && mean < 0.97, "nearest class mean: " + mean);
  }

  private static Dataset means(Dataset d) {
    float[] x = d.x().toFloatArray();
    int[] y = d.y().toIntArray();
    float[] mean = new float[d.classes() * d.features()];
    for (int i = 0; i < y.length; i++) {
      for (int p = 0; p < d.features(); p++) {
        mean[y[i] * d.features() + p] += x[i * d.features() + p] * d.classes() / y.length;
      }
    }
    int[] labels = new int[d.classes()];
    Arrays.setAll(labels, i -> i);
    return Dataset.classification(
        "means",
        Tensor.of(mean, d.classes(), d.features()),
        Tensor.of(labels, labels.length),
        d.classes());
  }

  private static double nearest(Dataset train, Dataset test) {
    float[] a = train.x().toFloatArray();
    float[] b = test.x().toFloatArray();
    int[] labels = train.y().toIntArray();
    int[] truth = test.y().toIntArray();
    int d = train.features();
    int right = 0;
    for (int i = 0; i < truth.length; i++) {
      double best = Double.MAX_VALUE;
      int guess = -1;
      for (int j = 0; j < labels.length; j++) {
        double distance = 0;
        for (int p = 0; p < d; p++) {
          double e = a[j * d + p] - b[i * d + p];
          distance += e * e;
        }
        if (distance < best) {
          best = distance;
          guess = labels[j];
        }
      }
      right += guess == truth[i] ? 1 : 0;
    }
    return (double) right / truth.length;
  }

  @Test
  void plainShapesAreWhereTheyShouldBe() throws Exception {
    Dataset moons = Datasets.open("two-moons:200:noise=0", DType.F64, CLASSIFICATION);
    double[] x = moons.x().toDoubleArray();
    for (int i = 0; i < 200; i++) {
      boolean lower = moons.y().toIntArray()[i] == 1;
      double cx = lower ? x[2 * i] - 1 : x[2 * i];
      double cy = lower ? 0.5 - x[2 * i + 1] : x[2 * i + 1];
      assertEquals(1, Math.hypot(cx, cy), 1e-12);
      assertTrue(cy >= 0);
    }
    Dataset spirals = Datasets.open("spirals:100:arms=5:seed=2", DType.F32, CLASSIFICATION);
    assertEquals(5, spirals.classes());
    for (int i = 0; i < 100; i++) {
      float[] p = spirals.x().toFloatArray();
      assertTrue(Math.hypot(p[2 * i], p[2 * i + 1]) <= 1.000001);
    }
    Dataset sine = Datasets.open("sine:50:noise=0", DType.F64, REGRESSION);
    assertEquals(Shape.of(50, 1), sine.y().shape());
    double at = sine.x().toDoubleArray()[7];
    assertEquals(Math.sin(3 * at) + at / 2, sine.y().toDoubleArray()[7], 1e-12);
  }

  @Test
  void opensBuiltinsBySpec() throws Exception {
    assertEquals(2000, Datasets.open("digits", DType.F32, CLASSIFICATION).size());
    assertEquals(64, Datasets.open("digits:20:side=8", DType.F32, CLASSIFICATION).features());
    assertArrayEquals(
        Datasets.digits(30, 9, DType.F64).x().toDoubleArray(),
        Datasets.open("digits:30", DType.F64, CLASSIFICATION, 9).x().toDoubleArray());
    assertArrayEquals(
        Datasets.digits(30, 8, DType.F64).x().toDoubleArray(),
        Datasets.open("digits:30:seed=8", DType.F64, CLASSIFICATION, 9).x().toDoubleArray());
    for (String name : Datasets.names()) {
      assertContains(String.join("\n", Datasets.help()), name);
    }
  }

  @Test
  void namesWhatIsWrongWithASpec() {
    assertContains(
        message(() -> Datasets.open("mnist", DType.F32, CLASSIFICATION)),
        "\"mnist\"",
        "digits, two-moons, spirals, sine",
        ".csv",
        ".npz",
        "images:labels");
    assertContains(message(() -> open("")), "accepted are");
    assertContains(message(() -> open("a\u0000b")), "accepted are");
    assertContains(message(() -> open("digits:many")), "count \"many\" is not a number");
    assertContains(message(() -> open("digits:")), "count \"\" is not a number");
    assertContains(message(() -> open("digits:0")), "count: 0 is out of range");
    assertContains(message(() -> open("digits:99999999")), "out of range");
    assertContains(message(() -> open("digits:9:side=4")), "8 to 64");
    assertContains(message(() -> open("digits:9:side=9.5")), "not a whole number");
    assertContains(message(() -> open("digits:9:size=9")), "\"size\"", "count, seed, side");
    assertContains(message(() -> open("two-moons:9:noise=-1")), "noise");
    assertContains(message(() -> open("two-moons:9:noise=NaN")), "noise");
    assertContains(message(() -> open("spirals:9:arms=1")), "2 to 100");
    assertContains(message(() -> Datasets.open("digits", DType.F32, REGRESSION)), "class labels");
    assertContains(message(() -> open("sine")), "real targets");
    assertContains(message(() -> open("none.csv")), "none.csv: no such file");
    assertContains(message(() -> open("none.npz")), "none.npz: no such file");
    assertContains(message(() -> open("none-images-idx3-ubyte")), "no such file");
    assertContains(
        message(() -> open("a-images-idx3-ubyte:b-labels-idx1-ubyte")),
        "a-images-idx3-ubyte: no such file");
    assertThrows(
        IllegalArgumentException.class, () -> Datasets.open("digits", DType.I32, CLASSIFICATION));
  }

  private static Dataset open(String spec) throws DataException {
    return Datasets.open(spec, DType.F32, CLASSIFICATION);
  }

  @Test
  void opensFilesByTheirEnding() throws Exception {
    assertEquals(2, open(write(folder, "a.csv", "1,0\n2,1\n").toString()).size());
    assertEquals(2, open(write(folder, "a.TSV", "1\t0\n2\t1\n").toString()).size());
    Path npz = folder.resolve("a.npz");
    Npz.write(npz, Map.of("x", Tensor.of(new float[4], 2, 2), "y", Tensor.of(new int[] {0, 1}, 2)));
    assertEquals(2, open(npz.toString()).classes());
    byte[] pixels = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, -1, 0, -1};
    byte[] labels = {0, 0, 8, 1, 0, 0, 0, 2, 1, 0};
    Path images = write(folder, "t10k-images-idx3-ubyte", pixels);
    write(folder, "t10k-labels-idx1-ubyte", labels);
    Dataset d = open(images.toString());
    assertArrayEquals(new float[] {0, 1, 0, 1}, d.x().toFloatArray());
    assertArrayEquals(new int[] {1, 0}, d.y().toIntArray());
    Path p = write(folder, "p:q", pixels);
    Path l = write(folder, "l", labels);
    assertEquals(2, open(p + ":" + l).size());
    assertContains(
        message(() -> Datasets.open(images.toString(), DType.F32, REGRESSION)), "class labels");
  }

  @Test
  void opensTheSharedDigits() throws Exception {
    Path file = Path.of("../shared/data/digits.csv");
    assumeTrue(Files.exists(file), "the shared data are not here");
    Dataset d = open(file.toString());
    assertEquals(Shape.of(1797, 64), d.x().shape());
    assertEquals(10, d.classes());
    assertEquals(1797, d.y().dim(0));
  }
}
