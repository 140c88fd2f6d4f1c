package org.hesse.io;

import static org.hesse.io.Bad.assertBad;
import static org.hesse.io.Bad.write;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.zip.GZIPOutputStream;
import org.hesse.DType;
import org.hesse.Shape;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IdxTest {
  // Python: bytes([0,0,8,3]) + struct.pack('>3I',2,2,3) + bytes([0,51,102,153,204,255]*2), gzipped
  private static final byte[] IMAGES =
      Base64.getDecoder().decode("H4sIAAAAAAACA2Ng4GBmYGBggmJmBuO0mWf+Q0gATDq9mRwAAAA=");
  private static final byte[] LABELS = {0, 0, 8, 1, 0, 0, 0, 2, 7, 3};

  @TempDir Path folder;

  private static byte[] idx(int type, int[] dims, int... data) {
    ByteBuffer b = ByteBuffer.allocate(4 + 4 * dims.length + data.length);
    b.put((byte) 0).put((byte) 0).put((byte) type).put((byte) dims.length);
    for (int d : dims) {
      b.putInt(d);
    }
    for (int v : data) {
      b.put((byte) v);
    }
    return b.array();
  }

  private static byte[] gzip(byte[] bytes) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (GZIPOutputStream zip = new GZIPOutputStream(out)) {
      zip.write(bytes);
    }
    return out.toByteArray();
  }

  @Test
  void readsImagesWithLabels() throws Exception {
    Path images = write(folder, "train-images-idx3-ubyte.gz", IMAGES);
    Path labels = write(folder, "train-labels-idx1-ubyte", LABELS);
    assertEquals(labels, Idx.labelsBeside(images));
    for (DType dtype : new DType[] {DType.F32, DType.F64}) {
      Dataset d = Idx.dataset(images, labels, dtype);
      assertEquals(Shape.of(2, 6), d.x().shape());
      assertEquals(dtype, d.x().dtype());
      assertArrayEquals(
          new double[] {0, 0.2, 0.4, 0.6, 0.8, 1}, Arrays.copyOf(d.x().toDoubleArray(), 6), 1e-7);
      assertArrayEquals(new int[] {7, 3}, d.y().toIntArray());
      assertEquals(8, d.classes());
    }
    assertEquals(Shape.of(2, 2, 3), Idx.read(images).shape());
  }

  @Test
  void readsOtherNumberFormats() throws Exception {
    Path shorts = write(folder, "a", idx(0x0b, new int[] {2}, 1, 0, 0xff, 0xfe));
    assertArrayEquals(new int[] {256, -2}, Idx.read(shorts).toIntArray());
    Path floats = write(folder, "b", idx(0x0d, new int[] {1, 1}, 0x3f, 0xc0, 0, 0));
    assertArrayEquals(new float[] {1.5f}, Idx.read(floats).toFloatArray());
    Path signed = write(folder, "c", idx(0x09, new int[] {1}, 0x80));
    assertArrayEquals(new int[] {-128}, Idx.read(signed).toIntArray());
  }

  @Test
  void namesDamage() throws Exception {
    byte[] good = idx(8, new int[] {2, 3}, 1, 2, 3, 4, 5, 6);
    for (int length = 1; length < good.length; length++) {
      Path file = write(folder, "short", Arrays.copyOf(good, length));
      assertBad(file, () -> Idx.read(file));
    }
    Path cut = write(folder, "cut", Arrays.copyOf(good, good.length - 1));
    assertBad(cut, () -> Idx.read(cut), "truncated", "[2, 3]");
    Path more = write(folder, "more", Arrays.copyOf(good, good.length + 1));
    assertBad(more, () -> Idx.read(more), "trailing bytes", "[2, 3]");
    Path type = write(folder, "type", idx(7, new int[] {1}, 0));
    assertBad(type, () -> Idx.read(type), "type code 0x07 is unknown");
    Path text = write(folder, "text", "hello, world");
    assertBad(text, () -> Idx.read(text), "not an IDX file");
    Path huge = write(folder, "huge", idx(8, new int[] {-1, -1}, 0));
    assertBad(huge, () -> Idx.read(huge), "too large");
    Path lie = write(folder, "lie", idx(0x0e, new int[] {1 << 30}, 0));
    assertBad(lie, () -> Idx.read(lie), "truncated");
    Path gzipLie = write(folder, "lie.gz", gzip(idx(0x0e, new int[] {1 << 30}, 0)));
    assertBad(gzipLie, () -> Idx.read(gzipLie), "truncated");
    Path gzipCut = write(folder, "cut.gz", gzip(Arrays.copyOf(good, good.length - 1)));
    assertBad(gzipCut, () -> Idx.read(gzipCut), "truncated");
    Path halfGzip = write(folder, "half.gz", Arrays.copyOf(gzip(good), 20));
    assertBad(halfGzip, () -> Idx.read(halfGzip), "gzip");
    Path noGzip = write(folder, "no.gz", new byte[] {0x1f, (byte) 0x8b, 1, 2, 3, 4, 5, 6, 7, 8, 9});
    assertBad(noGzip, () -> Idx.read(noGzip), "gzip");
  }

  @Test
  void namesPairsThatDoNotFit() throws Exception {
    Path images = write(folder, "t-images-idx3-ubyte.gz", IMAGES);
    assertBad(
        images, () -> Idx.labelsBeside(images), "no labels beside it", "t-labels-idx1-ubyte.gz");
    Path three = write(folder, "three", idx(8, new int[] {3}, 0, 1, 2));
    assertBad(three, () -> Idx.dataset(images, three, DType.F32), "3 labels", "2 images");
    Path square = write(folder, "square", idx(8, new int[] {2, 1}, 0, 1));
    assertBad(square, () -> Idx.dataset(images, square, DType.F32), "labels are [N]");
    Path negative = write(folder, "negative", idx(9, new int[] {2}, 0, 0xff));
    assertBad(negative, () -> Idx.dataset(images, negative, DType.F32), "label -1");
    Path other = write(folder, "pictures", IMAGES);
    assertBad(other, () -> Idx.labelsBeside(other), "images:labels");
    Files.delete(images);
    assertBad(images, () -> Idx.dataset(images, three, DType.F32), "no such file");
  }
}
