package org.hesse.io;

import static org.hesse.io.Bad.assertBad;
import static org.hesse.io.Bad.write;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.stream.IntStream;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NpyTest {
  // Written by NumPy: the array of each comment through np.save, in base64.
  // np.asfortranarray(np.arange(6.).reshape(2, 3) / 4)
  private static final String F8F =
      "k05VTVBZAQB2AHsnZGVzY3InOiAnPGY4JywgJ2ZvcnRyYW5fb3JkZXInOiBUcnVlLCAnc2hhcGUnOi"
          + "AoMiwgMyksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg"
          + "ICAgICAgICAgIAoAAAAAAAAAAAAAAAAAAOg/AAAAAAAA0D8AAAAAAADwPwAAAAAAAOA/AAAAAAAA9D"
          + "8=";
  // np.array([1.5, -2.25, np.nan], '>f4')
  private static final String F4B =
      "k05VTVBZAQB2AHsnZGVzY3InOiAnPmY0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJz"
          + "ogKDMsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg"
          + "ICAgICAgICAgIAo/wAAAwBAAAH/AAAA=";
  // np.array([[1, -2], [2**31 - 1, -2**31]], '<i8')
  private static final String I8 =
      "k05VTVBZAQB2AHsnZGVzY3InOiAnPGk4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJz"
          + "ogKDIsIDIpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg"
          + "ICAgICAgICAgIAoBAAAAAAAAAP7/////////////fwAAAAAAAACA/////w==";
  // np.array([0, 2**31], '<i8')
  private static final String I8X =
      "k05VTVBZAQB2AHsnZGVzY3InOiAnPGk4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJz"
          + "ogKDIsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg"
          + "ICAgICAgICAgIAoAAAAAAAAAAAAAAIAAAAAA";
  // np.array([True, False, True])
  private static final String B1 =
      "k05VTVBZAQB2AHsnZGVzY3InOiAnfGIxJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJz"
          + "ogKDMsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg"
          + "ICAgICAgICAgIAoBAAE=";
  // np.arange(250, 256, dtype='u1').reshape(3, 1, 2)
  private static final String U1 =
      "k05VTVBZAQB2AHsnZGVzY3InOiAnfHUxJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJz"
          + "ogKDMsIDEsIDIpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg"
          + "ICAgICAgICAgIAr6+/z9/v8=";
  // np.array([0.1, 65504, -np.inf], 'f2')
  private static final String F2 =
      "k05VTVBZAQB2AHsnZGVzY3InOiAnPGYyJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJz"
          + "ogKDMsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg"
          + "ICAgICAgICAgIApmLv97APw=";
  // np.float64(2.5)
  private static final String SCALAR =
      "k05VTVBZAQB2AHsnZGVzY3InOiAnPGY4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJz"
          + "ogKCksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg"
          + "ICAgICAgICAgIAoAAAAAAAAEQA==";
  // np.zeros((0, 3), 'f4')
  private static final String EMPTY =
      "k05VTVBZAQB2AHsnZGVzY3InOiAnPGY0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJz"
          + "ogKDAsIDMpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg"
          + "ICAgICAgICAgIAo=";
  // np.array([None, 1], dtype=object)
  private static final String OBJ =
      "k05VTVBZAQB2AHsnZGVzY3InOiAnfE8nLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOi"
          + "AoMiwpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg"
          + "ICAgICAgICAgIAqABJWNAAAAAAAAAIwWbnVtcHkuX2NvcmUubXVsdGlhcnJheZSMDF9yZWNvbnN0cn"
          + "VjdJSTlIwFbnVtcHmUjAduZGFycmF5lJOUSwCFlEMBYpSHlFKUKEsBSwKFlGgDjAVkdHlwZZSTlIwC"
          + "TziUiYiHlFKUKEsDjAF8lE5OTkr/////Sv////9LP3SUYoldlChOSwFldJRiLg==";
  // np.zeros(2, dtype=[('a', 'f4'), ('b', 'i4')])
  private static final String STRUCT =
      "k05VTVBZAQB2AHsnZGVzY3InOiBbKCdhJywgJzxmNCcpLCAoJ2InLCAnPGk0JyldLCAnZm9ydHJhbl"
          + "9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMiwpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAg"
          + "ICAgICAgICAgIAoAAAAAAAAAAAAAAAAAAAAA";
  // np.zeros(1, 'c8')
  private static final String C8 =
      "k05VTVBZAQB2AHsnZGVzY3InOiAnPGM4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJz"
          + "ogKDEsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg"
          + "ICAgICAgICAgIAoAAAAAAAAAAA==";
  // np.asfortranarray(np.arange(24, dtype='>i4').reshape(2, 3, 4))
  private static final String F3 =
      "k05VTVBZAQB2AHsnZGVzY3InOiAnPmk0JywgJ2ZvcnRyYW5fb3JkZXInOiBUcnVlLCAnc2hhcGUnOi"
          + "AoMiwgMywgNCksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg"
          + "ICAgICAgICAgIAoAAAAAAAAADAAAAAQAAAAQAAAACAAAABQAAAABAAAADQAAAAUAAAARAAAACQAAAB"
          + "UAAAACAAAADgAAAAYAAAASAAAACgAAABYAAAADAAAADwAAAAcAAAATAAAACwAAABc=";
  // np.lib.format.write_array(f, np.array([7], '<i4'), version=(2, 0))
  private static final String V2 =
      "k05VTVBZAgB0AAAAeydkZXNjcic6ICc8aTQnLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcG"
          + "UnOiAoMSwpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg"
          + "ICAgICAgICAgIAoHAAAA";

  @TempDir Path folder;

  private Path file(String base64) {
    return write(folder, "a.npy", Base64.getDecoder().decode(base64));
  }

  private Tensor read(String base64) throws DataException {
    return Npy.read(file(base64));
  }

  private void bad(String base64, String... parts) {
    Path file = file(base64);
    assertBad(file, () -> Npy.read(file), parts);
  }

  @Test
  void readsWhatNumPyWrites() throws Exception {
    Tensor f8 = read(F8F);
    assertEquals(DType.F64, f8.dtype());
    assertEquals(Shape.of(2, 3), f8.shape());
    assertArrayEquals(new double[] {0, .25, .5, .75, 1, 1.25}, f8.toDoubleArray());
    Tensor f4 = read(F4B);
    assertEquals(DType.F32, f4.dtype());
    assertArrayEquals(new float[] {1.5f, -2.25f, Float.NaN}, f4.toFloatArray());
    Tensor i8 = read(I8);
    assertEquals(DType.I32, i8.dtype());
    assertArrayEquals(new int[] {1, -2, Integer.MAX_VALUE, Integer.MIN_VALUE}, i8.toIntArray());
    Tensor b1 = read(B1);
    assertEquals(DType.BOOL, b1.dtype());
    assertArrayEquals(new int[] {1, 0, 1}, b1.cast(DType.I32).toIntArray());
    Tensor u1 = read(U1);
    assertEquals(Shape.of(3, 1, 2), u1.shape());
    assertArrayEquals(new int[] {250, 251, 252, 253, 254, 255}, u1.toIntArray());
    assertArrayEquals(
        new float[] {0.099975586f, 65504, Float.NEGATIVE_INFINITY}, read(F2).toFloatArray());
    assertEquals(Shape.scalar(), read(SCALAR).shape());
    assertArrayEquals(new double[] {2.5}, read(SCALAR).toDoubleArray());
    assertEquals(Shape.of(0, 3), read(EMPTY).shape());
    assertEquals(Shape.of(2, 3, 4), read(F3).shape());
    assertArrayEquals(IntStream.range(0, 24).toArray(), read(F3).toIntArray());
    assertArrayEquals(new int[] {7}, read(V2).toIntArray());
  }

  @Test
  void writesWhatItReads() throws Exception {
    float[] many = new float[100_003];
    for (int i = 0; i < many.length; i++) {
      many[i] = i / 7f;
    }
    Tensor[] tensors = {
      Tensor.of(many, many.length, 1),
      Tensor.of(new double[] {1, Double.NaN, -0.0}, 3),
      Tensor.of(new int[] {1, Integer.MIN_VALUE}, 1, 2, 1),
      Tensor.of(new boolean[] {true, false}, 2),
      Tensor.of(new double[] {3}, 1).reshape(),
      Tensor.of(new float[0], 2, 0),
    };
    Path file = folder.resolve("copy.npy");
    for (Tensor t : tensors) {
      Npy.write(file, t);
      Tensor back = Npy.read(file);
      assertEquals(t.shape(), back.shape());
      assertEquals(t.dtype(), back.dtype());
      assertArrayEquals(t.cast(DType.F64).toDoubleArray(), back.cast(DType.F64).toDoubleArray());
      byte[] bytes = Files.readAllBytes(file);
      assertEquals(0, (bytes.length - t.size() * t.dtype().bytes()) % 64);
    }
    try (var files = Files.list(folder)) {
      assertEquals(1, files.count(), "a temporary file is left over");
    }
  }

  @Test
  void writesTheBytesThatNumPyWrites() throws Exception {
    Path file = folder.resolve("b.npy");
    Npy.write(file, Tensor.of(new boolean[] {true, false, true}, 3));
    byte[] ours = Files.readAllBytes(file);
    byte[] theirs = Base64.getDecoder().decode(B1);
    assertArrayEquals(Arrays.copyOfRange(theirs, 128, 131), Arrays.copyOfRange(ours, 128, 131));
    assertEquals(header(theirs), header(ours));
  }

  private static String header(byte[] file) {
    return new String(file, 10, 118, StandardCharsets.US_ASCII).strip();
  }

  @Test
  void refusesWhatItCannotHold() {
    bad(I8X, "element 1 is 2147483648", "does not fit a 32-bit integer");
    bad(OBJ, "Python objects");
    bad(STRUCT, "structured");
    bad(C8, "dtype \"<c8\" is not read");
  }

  @Test
  void namesDamage() {
    byte[] good = Base64.getDecoder().decode(I8);
    for (int length = 1; length < good.length; length++) {
      Path file = write(folder, "short.npy", Arrays.copyOf(good, length));
      assertBad(file, () -> Npy.read(file));
    }
    Path more = write(folder, "more.npy", Arrays.copyOf(good, good.length + 3));
    assertBad(more, () -> Npy.read(more), "trailing bytes", "takes 32 bytes, 35 are there");
    Path none = folder.resolve("none.npy");
    assertBad(none, () -> Npy.read(none), "no such file");
  }

  private void badHeader(String header, String... parts) {
    byte[] text = header.getBytes(StandardCharsets.US_ASCII);
    byte[] all = Arrays.copyOf(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0}, 10);
    all[8] = (byte) text.length;
    all = Arrays.copyOf(all, 10 + text.length + 8);
    System.arraycopy(text, 0, all, 10, text.length);
    Path file = write(folder, "h.npy", all);
    assertBad(file, () -> Npy.read(file), parts);
  }

  @Test
  void namesLiesInTheHeader() {
    badHeader("{'descr': '<f8', 'fortran_order': False}", "must all be there");
    badHeader("{'descr': '<f8', 'fortran_order': 0, 'shape': (1,)}", "True or False expected");
    badHeader("{'descr': '<f8', 'descr': '<f8'}", "\"descr\" is there twice");
    badHeader("{'descr': '<f8', 'x': 1}", "\"x\" is unknown");
    badHeader("{'descr': '<f8', 'fortran_order': False, 'shape': (1,)} 7", "closing brace");
    badHeader("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}", "negative");
    badHeader("{'descr': '<f8', 'fortran_order': False, 'shape': (1.5,)}", "expected");
    badHeader("{'descr': '<f8', 'fortran_order': False, 'shape': (2,)}", "takes 16 bytes");
    badHeader(
        "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999,)}", "whole");
    badHeader(
        "{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", "large");
    badHeader("{'descr': '<f8', 'fortran_order': False, 'shape': (65536, 65536, 0)}", "large");
    badHeader(
        "{'descr': '<f8', 'fortran_order': False, 'shape': (" + "1,".repeat(40) + ")}", "40 axes");
    badHeader("[1, 2]", "'{' expected");
    badHeader("{'descr", "a string expected");
  }
}
