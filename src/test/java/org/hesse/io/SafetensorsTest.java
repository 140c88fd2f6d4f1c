package org.hesse.io;

import static org.hesse.io.Bad.assertBad;
import static org.hesse.io.Bad.write;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsTest {
  // Written by the format's own Python library:
  // safetensors.numpy.save({'b.half': np.array([0.1, -3], 'f2'), 'a': np.array([[1.5, 2.5]], 'f4'),
  //     'n': np.array([5, -6], 'i8'), 'flag': np.array([True, False, True]), 's': np.array(2.25)},
  //     {'format': 'np', 'note': 'ä "q"'})
  private static final String ST =
      "UAEAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJmb3JtYXQiOiJucCIsIm5vdGUiOiLDpCBcInFcIiJ9LC"
          + "JuIjp7ImR0eXBlIjoiSTY0Iiwic2hhcGUiOlsyXSwiZGF0YV9vZmZzZXRzIjpbMCwxNl19LCJzIjp7"
          + "ImR0eXBlIjoiRjY0Iiwic2hhcGUiOltdLCJkYXRhX29mZnNldHMiOlsxNiwyNF19LCJhIjp7ImR0eX"
          + "BlIjoiRjMyIiwic2hhcGUiOlsxLDJdLCJkYXRhX29mZnNldHMiOlsyNCwzMl19LCJiLmhhbGYiOnsi"
          + "ZHR5cGUiOiJGMTYiLCJzaGFwZSI6WzJdLCJkYXRhX29mZnNldHMiOlszMiwzNl19LCJmbGFnIjp7Im"
          + "R0eXBlIjoiQk9PTCIsInNoYXBlIjpbM10sImRhdGFfb2Zmc2V0cyI6WzM2LDM5XX19ICAFAAAAAAAA"
          + "APr/////////AAAAAAAAAkAAAMA/AAAgQGYuAMIBAAE=";

  @TempDir Path folder;

  /** A file of a header with each ' in it a ", and some data. */
  static byte[] bytes(String header, int... data) {
    byte[] text = header.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    ByteBuffer b = ByteBuffer.allocate(8 + text.length + data.length);
    b.order(ByteOrder.LITTLE_ENDIAN).putLong(text.length).put(text);
    for (int v : data) {
      b.put((byte) v);
    }
    return b.array();
  }

  private SafetensorsFile read(String header, int... data) throws DataException {
    return Safetensors.read(write(folder, "m.safetensors", bytes(header, data)));
  }

  @Test
  void readsWhatTheFormatsOwnLibraryWrites() throws Exception {
    Path file = write(folder, "lib.safetensors", Base64.getDecoder().decode(ST));
    SafetensorsFile f = Safetensors.read(file);
    assertEquals(List.of("n", "s", "a", "b.half", "flag"), List.copyOf(f.tensors().keySet()));
    assertEquals(Map.of("format", "np", "note", "ä \"q\""), f.metadata());
    assertArrayEquals(new int[] {5, -6}, f.tensor("n").toIntArray());
    assertEquals(Shape.scalar(), f.tensor("s").shape());
    assertEquals(DType.F64, f.tensor("s").dtype());
    assertArrayEquals(new double[] {2.25}, f.tensor("s").toDoubleArray());
    assertEquals(Shape.of(1, 2), f.tensor("a").shape());
    assertArrayEquals(new float[] {1.5f, 2.5f}, f.tensor("a").toFloatArray());
    assertArrayEquals(new float[] {0.099975586f, -3}, f.tensor("b.half").toFloatArray());
    assertEquals(DType.BOOL, f.tensor("flag").dtype());
    assertArrayEquals(new int[] {1, 0, 1}, f.tensor("flag").cast(DType.I32).toIntArray());
    assertEquals(
        new Safetensors.Stored("b.half", "F16", Shape.of(2), 4), Safetensors.inspect(file).get(3));
    String message = assertThrows(IllegalArgumentException.class, () -> f.tensor("x")).getMessage();
    assertTrue(message.contains("n, s, a, b.half, flag"), message);
  }

  @Test
  void widensOtherFormats() throws Exception {
    SafetensorsFile f =
        read(
            "{'bf':{'dtype':'BF16','shape':[2],'data_offsets':[0,4]},"
                + "'u8':{'dtype':'U8','shape':[2],'data_offsets':[4,6]},"
                + "'i16':{'dtype':'I16','shape':[1],'data_offsets':[6,8]},"
                + "'u32':{'dtype':'U32','shape':[1],'data_offsets':[8,12]},"
                + "'none':{'dtype':'F64','shape':[0,5],'data_offsets':[12,12],'x':[{}]}}   \n",
            0xc0,
            0x3f,
            0x80,
            0xff,
            0,
            255,
            0xfe,
            0xff,
            4,
            0,
            0,
            0);
    assertArrayEquals(new float[] {1.5f, Float.NEGATIVE_INFINITY}, f.tensor("bf").toFloatArray());
    assertArrayEquals(new int[] {0, 255}, f.tensor("u8").toIntArray());
    assertArrayEquals(new int[] {-2}, f.tensor("i16").toIntArray());
    assertArrayEquals(new int[] {4}, f.tensor("u32").toIntArray());
    assertEquals(Shape.of(0, 5), f.tensor("none").shape());
    assertEquals(Map.of(), read("{}").tensors());
  }

  @Test
  void writesWhatItReads() throws Exception {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    tensors.put("flags", Tensor.of(new boolean[] {true, false, true}, 3));
    tensors.put("z.weight", Tensor.of(new float[] {1, -0f, Float.NaN, 4}, 2, 2));
    tensors.put("a.bias", Tensor.of(new float[] {7}, 1));
    tensors.put("ü \"n\"\n", Tensor.of(new int[] {Integer.MIN_VALUE, 9}, 2));
    tensors.put("d", Tensor.of(new double[] {Math.PI}, 1).reshape());
    tensors.put("empty", Tensor.of(new float[0], 0, 3));
    Path file = folder.resolve("w.safetensors");
    Safetensors.write(file, tensors, Map.of("format", "pt"));
    SafetensorsFile back = Safetensors.read(file);
    assertEquals(
        List.of("d", "z.weight", "a.bias", "ü \"n\"\n", "empty", "flags"),
        List.copyOf(back.tensors().keySet()));
    assertEquals(Map.of("format", "pt"), back.metadata());
    tensors.forEach((name, t) -> {
      Tensor b = back.tensor(name);
      assertEquals(t.shape(), b.shape());
      assertEquals(t.dtype(), b.dtype());
      assertArrayEquals(t.cast(DType.F64).toDoubleArray(), b.cast(DType.F64).toDoubleArray());
    });
    byte[] bytes = Files.readAllBytes(file);
    assertEquals(0, ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong() % 8);
    Safetensors.write(file, back.tensors(), back.metadata());
    assertArrayEquals(bytes, Files.readAllBytes(file));
    try (var files = Files.list(folder)) {
      assertEquals(1, files.count(), "a temporary file is left over");
    }
  }

  @Test
  void readsTensorsLargerThanItsBuffer() throws Exception {
    float[] values = new float[300_007];
    for (int i = 0; i < values.length; i++) {
      values[i] = i * 0.5f;
    }
    Path file = folder.resolve("large.safetensors");
    Safetensors.write(
        file,
        Map.of("a", Tensor.of(values, values.length), "b", Tensor.of(new int[] {3}, 1)),
        Map.of());
    assertArrayEquals(values, Safetensors.read(file).tensor("a").toFloatArray());
    assertArrayEquals(new int[] {3}, Safetensors.read(file).tensor("b").toIntArray());
  }

  @Test
  void refusesToWriteWhatItCannot() throws Exception {
    Tensor t = Tensor.of(new float[1], 1);
    Path nowhere = folder.resolve("none").resolve("m.safetensors");
    assertBad(nowhere, () -> Safetensors.write(nowhere, Map.of("a", t), Map.of()), "no folder");
    assertBad(folder, () -> Safetensors.write(folder, Map.of("a", t), Map.of()), "is a folder");
    Path file = folder.resolve("m.safetensors");
    assertThrows(
        IllegalArgumentException.class,
        () -> Safetensors.write(file, Map.of("__metadata__", t), Map.of()));
  }

  @Test
  void keepsTheOldFileWhenWritingFails() throws Exception {
    Path file = write(folder, "old.safetensors", "old");
    Map<String, String> tooMuch = Map.of("note", "x".repeat(Safetensors.LONGEST_HEADER));
    assertThrows(IllegalArgumentException.class, () -> Safetensors.write(file, Map.of(), tooMuch));
    assertEquals("old", Files.readString(file));
    try (var files = Files.list(folder)) {
      assertEquals(1, files.count(), "a temporary file is left over");
    }
  }

  @Test
  void followsSymbolicLinks() throws Exception {
    Path target = write(folder, "target", "old");
    Path link = Files.createSymbolicLink(folder.resolve("link"), target);
    Safetensors.write(link, Map.of("a", Tensor.of(new float[1], 1)), Map.of());
    assertTrue(Files.isSymbolicLink(link));
    assertEquals(1, Safetensors.read(target).tensors().size());
  }

  @Test
  void readsTheReferenceModel() throws Exception {
    Path file = Path.of("../shared/models/digits-mlp.safetensors");
    assumeTrue(Files.exists(file), "the shared models are not here");
    SafetensorsFile f = Safetensors.read(file);
    assertEquals(
        List.of("0.weight", "0.bias", "2.weight", "2.bias"), List.copyOf(f.tensors().keySet()));
    assertEquals(Shape.of(32, 64), f.tensor("0.weight").shape());
    assertEquals(Shape.of(32), f.tensor("0.bias").shape());
    assertEquals(Shape.of(10, 32), f.tensor("2.weight").shape());
    assertEquals(Shape.of(10), f.tensor("2.bias").shape());
  }
}
