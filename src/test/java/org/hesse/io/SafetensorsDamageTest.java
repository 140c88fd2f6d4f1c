package org.hesse.io;

import static org.hesse.io.Bad.assertBad;
import static org.hesse.io.Bad.write;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.hesse.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that are truncated, damaged or lie. */
class SafetensorsDamageTest {
  @TempDir Path folder;

  private void bad(byte[] content, String... parts) {
    Path file = write(folder, "bad.safetensors", content);
    assertBad(file, () -> Safetensors.read(file), parts);
    assertBad(file, () -> Safetensors.inspect(file), parts);
  }

  /** What only the data show. */
  private void badData(byte[] content, String... parts) {
    Path file = write(folder, "bad.safetensors", content);
    assertBad(file, () -> Safetensors.read(file), parts);
  }

  /** A header of one tensor "t" with these fields, and 8 bytes of data. */
  private void badTensor(String fields, String... parts) {
    String[] all = Arrays.copyOf(parts, parts.length + 1);
    all[parts.length] = "tensor \"t\"";
    bad(SafetensorsTest.bytes("{'t':{" + fields + "}}", new int[8]), all);
  }

  private void badHeader(String header, String... parts) {
    bad(SafetensorsTest.bytes(header, new int[8]), parts);
  }

  private static String tensor(String name, int begin, int end) {
    return "'%s':{'dtype':'U8','shape':[%d],'data_offsets':[%d,%d]}"
        .formatted(name, end - begin, begin, end);
  }

  @Test
  void headerLengths() throws Exception {
    Path none = folder.resolve("none.safetensors");
    assertBad(none, () -> Safetensors.read(none), "no such file");
    bad(new byte[0], "the file is empty");
    bad(new byte[7], "7 bytes cannot hold the header's length");
    bad(new byte[8], "not a JSON object");
    bad(new byte[] {100, 0, 0, 0, 0, 0, 0, 0, '{', '}'}, "header of 100 bytes", "2 are left");
    bad(new byte[] {-1, -1, -1, -1, -1, -1, -1, -1, '{', '}'}, "18446744073709551615 bytes");
    bad(new byte[] {0, 0, 0, 0, 0, 0, 0, 127, '{', '}'}, "100 MB is the most");
    // A sparse file: large enough for its header, which is too long all the same.
    Path sparse = folder.resolve("sparse.safetensors");
    try (RandomAccessFile f = new RandomAccessFile(sparse.toFile(), "rw")) {
      f.setLength(150_000_000);
      f.writeLong(Long.reverseBytes(100_000_001));
    }
    assertBad(sparse, () -> Safetensors.read(sparse), "100 MB is the most");
  }

  @Test
  void headersThatAreNoJson() {
    badHeader("", "not a JSON object");
    badHeader("[1]", "not a JSON object");
    badHeader(" {}", "not a JSON object");
    badHeader("{", "bad JSON");
    badHeader("{'a'", "bad JSON");
    badHeader("{'a':}", "bad JSON");
    badHeader("{} {}", "after the closing brace");
    badHeader("{}x", "bad JSON");
    badHeader("{'a\nb':1}", "bad JSON");
    badHeader("{" + tensor("a", 0, 8) + ",}", "bad JSON");
    badHeader("{\u0000}", "bad JSON");
    byte[] notUtf8 = SafetensorsTest.bytes("{'##':1}");
    notUtf8[10] = (byte) 0xff;
    bad(notUtf8, "not UTF-8");
  }

  @Test
  void duplicates() {
    badHeader("{" + tensor("a", 0, 4) + "," + tensor("a", 4, 8) + "}", "bad JSON", "uplicate");
    badTensor("'dtype':'U8','dtype':'U8','shape':[8],'data_offsets':[0,8]", "uplicate", "\"t\"");
    badHeader("{'__metadata__':{'a':'b','a':'c'}," + tensor("t", 0, 8) + "}", "uplicate");
  }

  @Test
  void depthBombs() {
    badHeader("{'a':" + "[".repeat(100_000), "tensor \"a\": is not described by an object");
    badHeader("{'a':{'b':" + "[".repeat(100_000), "bad JSON", "nesting depth");
    badHeader("{'a':{'b':" + "{'c':".repeat(100_000), "bad JSON", "nesting depth");
    badHeader("{'a':{'shape':" + "[".repeat(100_000), "tensor \"a\": shape holds");
  }

  @Test
  void fields() {
    badTensor("'shape':[8],'data_offsets':[0,8]", "dtype is missing");
    badTensor("'dtype':'U8','data_offsets':[0,8]", "shape is missing");
    badTensor("'dtype':'U8','shape':[8]", "data_offsets is missing");
    badTensor("'dtype':8,'shape':[8],'data_offsets':[0,8]", "dtype is not a string");
    badTensor("'dtype':'U8','shape':8,'data_offsets':[0,8]", "shape is not an array");
    badTensor("'dtype':'U8','shape':[8],'data_offsets':null", "data_offsets is not an array");
    badTensor("'dtype':'U8','shape':['8'],'data_offsets':[0,8]", "shape holds \"8\"");
    badTensor("'dtype':'U8','shape':[[8]],'data_offsets':[0,8]", "shape holds");
    badTensor("'dtype':'U8','shape':[8.0],'data_offsets':[0,8]", "no whole number");
    badTensor("'dtype':'U8','shape':[8],'data_offsets':[0,8e0]", "no whole number");
    badTensor("'dtype':'U8','shape':[8],'data_offsets':[0]", "1 numbers, not begin and end");
    badTensor("'dtype':'U8','shape':[8],'data_offsets':[0,4,8]", "3 numbers, not begin and end");
    badTensor("'dtype':'F8_E4M3','shape':[8],'data_offsets':[0,8]", "\"F8_E4M3\" is not read");
    badTensor("'dtype':'f32','shape':[2],'data_offsets':[0,8]", "\"f32\" is not read");
    badHeader("{'t':3}", "tensor \"t\": is not described by an object");
    badHeader("{'t':[]}", "tensor \"t\": is not described by an object");
    badHeader("{'__metadata__':3}", "__metadata__ is not an object");
    badHeader("{'__metadata__':{'a':3}}", "__metadata__", "\"a\" is not a string");
    badHeader("{'__metadata__':{'a':null}}", "__metadata__", "\"a\" is not a string");
  }

  @Test
  void numbers() {
    badTensor("'dtype':'U8','shape':[8],'data_offsets':[-8,0]", "0 ≤ begin ≤ end");
    badTensor("'dtype':'U8','shape':[8],'data_offsets':[8,0]", "0 ≤ begin ≤ end");
    badTensor("'dtype':'U8','shape':[8],'data_offsets':[0,9223372036854775808]", "too large");
    badTensor("'dtype':'U8','shape':[8],'data_offsets':[0,9223372036854775807]", "span");
    badTensor(
        "'dtype':'U8','shape':[8],'data_offsets':[9223372036854775799,9223372036854775807]",
        "beyond the file's 8 data bytes");
    badTensor("'dtype':'U8','shape':[9],'data_offsets':[0,9]", "beyond the file's 8 data bytes");
    badTensor("'dtype':'U8','shape':[7],'data_offsets':[0,8]", "takes 7 bytes", "span 8");
    badTensor("'dtype':'F32','shape':[3],'data_offsets':[0,8]", "takes 12 bytes", "span 8");
    badTensor("'dtype':'U8','shape':[-8],'data_offsets':[0,8]", "negative extent");
    badTensor("'dtype':'U8','shape':[-2,-4],'data_offsets':[0,8]", "negative extent");
    badTensor("'dtype':'U8','shape':[1e99],'data_offsets':[0,8]", "no whole number");
    badTensor("'dtype':'U8','shape':[99999999999999999999],'data_offsets':[0,8]", "too large");
    // 2³² · 2³² + 8 elements wrap around to 8.
    badTensor("'dtype':'U8','shape':[4294967296,4294967296],'data_offsets':[0,0]", "too large");
    badTensor("'dtype':'F64','shape':[2305843009213693953],'data_offsets':[0,8]", "too large");
    badTensor("'dtype':'U8','shape':[2147483647,2,0],'data_offsets':[0,0]", "too large");
    badTensor(
        "'dtype':'U8','shape':[" + "1,".repeat(100_000) + "8],'data_offsets':[0,8]", "too many");
    badTensor("'dtype':'U8','shape':[" + "9".repeat(100_000) + "],'data_offsets':[0,8]", "exceeds");
  }

  @Test
  void layouts() {
    badHeader("{" + tensor("a", 0, 5) + "," + tensor("b", 4, 8) + "}", "tensor \"b\"", "overlaps");
    badHeader("{" + tensor("a", 0, 8) + "," + tensor("b", 0, 8) + "}", "overlaps");
    badHeader("{" + tensor("b", 5, 8) + "," + tensor("a", 0, 4) + "}", "tensor \"b\"", "hole");
    badHeader("{" + tensor("a", 1, 8) + "}", "tensor \"a\"", "hole");
    badHeader("{" + tensor("a", 0, 7) + "}", "trailing bytes", "take 7", "has 8");
    badHeader("{}", "trailing bytes");
    badHeader("{" + tensor("a", 0, 9) + "}", "beyond", "truncated");
    badHeader("{" + tensor("line\\nbreak", 0, 9) + "}", "line\\u000abreak");
    badHeader("{" + tensor("x".repeat(9_000), 0, 9) + "}", "(9000 characters)");
  }

  @Test
  void values() {
    badData(
        SafetensorsTest.bytes(
            "{'t':{'dtype':'I64','shape':[2],'data_offsets':[0,16]}}",
            1,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            1,
            0,
            0,
            0),
        "tensor \"t\"",
        "element 1 is 4294967296",
        "does not fit");
    badData(
        SafetensorsTest.bytes(
            "{'t':{'dtype':'U64','shape':[1],'data_offsets':[0,8]}}",
            255,
            255,
            255,
            255,
            255,
            255,
            255,
            255),
        "element 0 is 18446744073709551615");
    badData(
        SafetensorsTest.bytes("{'t':{'dtype':'BOOL','shape':[2],'data_offsets':[0,2]}}", 1, 2),
        "element 1 is the byte 2, not 0 or 1");
  }

  private byte[] good() throws Exception {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    tensors.put("0.weight", Tensor.of(new float[] {1, 2, 3, 4, 5, 6}, 3, 2));
    tensors.put("0.bias", Tensor.of(new double[] {1, 2, 3}, 3));
    tensors.put("n", Tensor.of(new int[] {1, 2}, 2));
    tensors.put("flag", Tensor.of(new boolean[] {true, false, true}, 3));
    Path file = folder.resolve("good.safetensors");
    Safetensors.write(file, tensors, Map.of("format", "pt"));
    return Files.readAllBytes(file);
  }

  @Test
  void everyTruncationIsNoticed() throws Exception {
    byte[] good = good();
    for (int length = 0; length < good.length; length++) {
      bad(Arrays.copyOf(good, length), "");
    }
    bad(Arrays.copyOf(good, good.length + 1), "trailing bytes");
  }

  /** Whatever the bytes, the outcome is a file's content or one line that says what is wrong. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void randomDamageEndsWell(long seed) throws Exception {
    byte[] good = good();
    int header = good[0] & 0xff | (good[1] & 0xff) << 8;
    Random random = new Random(seed);
    String alphabet = "0123456789-+.eE[]{}\",:\\u tfn\u0000";
    Path file = folder.resolve("fuzz.safetensors");
    int wrong = 0;
    for (int round = 0; round < 1000; round++) {
      byte[] bytes = good.clone();
      for (int k = random.nextInt(4); k >= 0; k--) {
        int at = random.nextInt(round % 2 == 0 ? 8 + header : bytes.length);
        bytes[at] =
            switch (random.nextInt(3)) {
              case 0 -> (byte) (bytes[at] ^ 1 << random.nextInt(8));
              case 1 -> (byte) random.nextInt(256);
              default -> (byte) alphabet.charAt(random.nextInt(alphabet.length()));
            };
      }
      if (random.nextInt(8) == 0) {
        bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length + 20));
      }
      Files.write(file, bytes);
      try {
        assertTrue(Safetensors.read(file).tensors().size() <= 5);
      } catch (DataException e) {
        wrong++;
        assertTrue(e.getMessage().startsWith(file.toString()), e.getMessage());
        assertTrue(e.getMessage().lines().count() == 1, e.getMessage());
      }
    }
    assertTrue(wrong > 500, "only " + wrong + " of 1000 were noticed");
  }

  /** A header may claim gigabytes; nothing is set aside for them. */
  @Test
  void claimsSetNoMemoryAside() throws Exception {
    com.sun.management.ThreadMXBean threads =
        (com.sun.management.ThreadMXBean) java.lang.management.ManagementFactory.getThreadMXBean();
    badTensor("'dtype':'U8','shape':[8],'data_offsets':[0,9]", "span");
    long before = threads.getCurrentThreadAllocatedBytes();
    badTensor(
        "'dtype':'F64','shape':[2000000000],'data_offsets':[0,16000000000]",
        "beyond the file's 8 data bytes");
    bad(new byte[] {0, 0, (byte) 0xe0, 5, 0, 0, 0, 0, '{', '}'}, "98566144 bytes", "2 are left");
    long taken = threads.getCurrentThreadAllocatedBytes() - before;
    assertTrue(taken < 10_000_000, taken + " bytes were allocated");
  }
}
