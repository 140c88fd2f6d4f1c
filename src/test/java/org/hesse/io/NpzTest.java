package org.hesse.io;

import static org.hesse.io.Bad.assertBad;
import static org.hesse.io.Bad.write;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NpzTest {
  // Written by NumPy, in base64.
  // np.savez_compressed(f, x=np.arange(8, dtype='f4').reshape(4, 2) / 8,
  //     y=np.array([0, 2, 1, 2]))
  private static final String NPZC =
      "UEsDBC0AAAAIAAAAIQDkxx3l//////////8FABQAeC5ucHkBABAAoAAAAAAAAABcAAAAAAAAAJvsF+"
          + "obEMnIUMZQrZ6SWpxcpG6loG6TZqKuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GiY6Ckaa"
          + "Ogq1CmQDLgYIsGNgaADiA0DMYM/AoADEDkCcYA8AUEsDBC0AAAAIAAAAIQCH3qZs//////////8FAB"
          + "QAeS5ucHkBABAAoAAAAAAAAABMAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TaaGuo6Cell9U"
          + "UpSYF59flJIKEndLzClOBYoXZyQWpAL5GiY6mjoKtQoUAC4GKGCC0oxofABQSwECLQMtAAAACAAAAC"
          + "EA5Mcd5VwAAACgAAAABQAAAAAAAAAAAAAAgAEAAAAAeC5ucHlQSwECLQMtAAAACAAAACEAh96mbEwA"
          + "AACgAAAABQAAAAAAAAAAAAAAgAGTAAAAeS5ucHlQSwUGAAAAAAIAAgBmAAAAFgEAAAAA";
  // np.savez(f, x=np.arange(4, dtype='f8').reshape(2, 2), y=np.array([0.5, -1.5], 'f4'))
  private static final String NPZ =
      "UEsDBC0AAAAAAAAAIQCjIIiE//////////8FABQAeC5ucHkBABAAoAAAAAAAAACgAAAAAAAAAJNOVU"
          + "1QWQEAdgB7J2Rlc2NyJzogJzxmOCcsICdmb3J0cmFuX29yZGVyJzogRmFsc2UsICdzaGFwZSc6ICgy"
          + "LCAyKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC"
          + "AgICAgICAKAAAAAAAAAAAAAAAAAADwPwAAAAAAAABAAAAAAAAACEBQSwMELQAAAAAAAAAhAIHm4x//"
          + "/////////wUAFAB5Lm5weQEAEACIAAAAAAAAAIgAAAAAAAAAk05VTVBZAQB2AHsnZGVzY3InOiAnPG"
          + "Y0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsKSwgfSAgICAgICAgICAgICAg"
          + "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAA/AADAv1BLAQ"
          + "ItAy0AAAAAAAAAIQCjIIiEoAAAAKAAAAAFAAAAAAAAAAAAAACAAQAAAAB4Lm5weVBLAQItAy0AAAAA"
          + "AAAAIQCB5uMfiAAAAIgAAAAFAAAAAAAAAAAAAACAAdcAAAB5Lm5weVBLBQYAAAAAAgACAGYAAACWAQ"
          + "AAAAA=";

  @TempDir Path folder;

  private Path file(String base64) {
    return write(folder, "d.npz", Base64.getDecoder().decode(base64));
  }

  @Test
  void readsWhatNumPyWrites() throws Exception {
    Map<String, Tensor> arrays = Npz.read(file(NPZC));
    assertEquals(List.of("x", "y"), List.copyOf(arrays.keySet()));
    Dataset d = Npz.dataset(file(NPZC), DType.F64, Task.CLASSIFICATION);
    assertEquals(Shape.of(4, 2), d.x().shape());
    assertEquals(DType.F64, d.x().dtype());
    assertEquals(0.875, d.x().toDoubleArray()[7]);
    assertArrayEquals(new int[] {0, 2, 1, 2}, d.y().toIntArray());
    assertEquals(3, d.classes());
    Dataset r = Npz.dataset(file(NPZ), DType.F32, Task.REGRESSION);
    assertEquals(Shape.of(2, 1), r.y().shape());
    assertArrayEquals(new float[] {0.5f, -1.5f}, r.y().toFloatArray());
    assertEquals(DType.F32, r.x().dtype());
  }

  @Test
  void writesWhatItReads() throws Exception {
    Map<String, Tensor> arrays = new LinkedHashMap<>();
    arrays.put("z", Tensor.of(new float[] {1, 2, 3}, 3, 1));
    arrays.put("a/b", Tensor.of(new int[] {5}, 1));
    Path file = folder.resolve("w.npz");
    Npz.write(file, arrays);
    byte[] first = Files.readAllBytes(file);
    Map<String, Tensor> back = Npz.read(file);
    assertEquals(List.of("z", "a/b"), List.copyOf(back.keySet()));
    assertEquals(Shape.of(3, 1), arrays.get("z").shape());
    assertArrayEquals(new float[] {1, 2, 3}, back.get("z").toFloatArray());
    Npz.write(file, back);
    assertArrayEquals(first, Files.readAllBytes(file));
  }

  @Test
  void namesDamage() throws Exception {
    byte[] good = Base64.getDecoder().decode(NPZ);
    for (int length = 1; length < good.length; length += 7) {
      Path file = write(folder, "short.npz", Arrays.copyOf(good, length));
      assertBad(file, () -> Npz.read(file), "not a readable NPZ");
    }
    byte[] flipped = good.clone();
    flipped[185] ^= 1;
    Path file = write(folder, "flipped.npz", flipped);
    assertBad(file, () -> Npz.read(file), "array \"x\"", "checksum");
    byte[] deflated = Base64.getDecoder().decode(NPZC);
    for (int i = 0; i < deflated.length; i++) {
      byte[] bytes = deflated.clone();
      bytes[i] ^= 0x55;
      Path some = write(folder, "some.npz", bytes);
      try {
        Map<String, Tensor> _ = Npz.read(some);
      } catch (DataException e) {
        assertBad(some, () -> Npz.read(some));
      }
    }
    Path other = folder.resolve("other.npz");
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(out)) {
      zip.putNextEntry(new ZipEntry("readme.txt"));
      zip.write(1);
    }
    Files.write(other, out.toByteArray());
    assertBad(other, () -> Npz.read(other), "entry \"readme.txt\" is not an array");
  }

  private void badData(Tensor x, Tensor y, Task task, String... parts) throws Exception {
    Path file = folder.resolve("bad.npz");
    Npz.write(file, Map.of("x", x, "y", y));
    assertBad(file, () -> Npz.dataset(file, DType.F32, task), parts);
  }

  @Test
  void namesWhatIsNoDataSet() throws Exception {
    Tensor x = Tensor.of(new double[] {1, 2, 3, 4}, 2, 2);
    Tensor labels = Tensor.of(new int[] {0, 1}, 2);
    badData(x, Tensor.of(new int[3], 3), Task.CLASSIFICATION, "x [2, 2] and y [3]");
    badData(labels, labels, Task.CLASSIFICATION, "x [2] and y [2]");
    badData(x, Tensor.of(new int[] {0, -1}, 2), Task.CLASSIFICATION, "y, element 1: label -1");
    badData(x, Tensor.of(new float[] {0, .5f}, 2), Task.CLASSIFICATION, "label 0.5", "regression");
    badData(x, Tensor.of(new int[4], 2, 2), Task.CLASSIFICATION, "class labels are [N]");
    badData(x, Tensor.of(new float[2], 2, 1, 1), Task.REGRESSION, "targets are [N] or [N, k]");
    badData(
        Tensor.of(new double[] {1, 2, Double.NaN, 4}, 2, 2),
        labels,
        Task.CLASSIFICATION,
        "x, element [1, 0]: NaN is not a finite number");
    badData(
        Tensor.of(new double[] {1, 1e300, 3, 4}, 2, 2),
        labels,
        Task.CLASSIFICATION,
        "x, element [0, 1]: 1.0E300 is too large for F32");
    badData(
        x,
        Tensor.of(new float[] {1, Float.POSITIVE_INFINITY}, 2),
        Task.REGRESSION,
        "y, element [1]: Infinity");
    Path file = folder.resolve("one.npz");
    Npz.write(file, Map.of("images", x));
    assertBad(
        file, () -> Npz.dataset(file, DType.F32, Task.CLASSIFICATION), "\"x\" and \"y\"", "images");
  }
}
