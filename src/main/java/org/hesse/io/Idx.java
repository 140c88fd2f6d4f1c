package org.hesse.io;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.Tensor;

/**
 * IDX files, the format of MNIST and its successors: one array each, plain or compressed with gzip
 * (which is recognised by content).
 */
public final class Idx {
  /** Deflate never shrinks data by more than this factor. */
  private static final long MOST_COMPRESSION = 1032;

  private Idx() {}

  /**
   * Reads an array as it is stored.
   *
   * @return I32 for bytes (signed or not), shorts and ints; F32 or F64 for floats and doubles
   * @throws DataException if the file is missing, is no IDX file, or is shorter or longer than its
   *     header says
   */
  public static Tensor read(Path file) throws DataException {
    return array(file).tensor;
  }

  /**
   * Reads images and their labels.
   *
   * @param images [N, …]; bytes are divided by 255, so that they lie in [0, 1]; other numbers are
   *     taken as they are
   * @param labels whole numbers [N] from 0
   * @param dtype F32 or F64, the dtype of x
   * @return x [N, d], each image flattened in row-major order; y I32 [N]
   * @throws DataException as {@link #read}, and if the two files hold different numbers of samples
   *     or a label is out of range
   */
  public static Dataset dataset(Path images, Path labels, DType dtype) throws DataException {
    Checks.real(dtype);
    Array x = array(images);
    Tensor y = read(labels);
    Shape shape = x.tensor.shape();
    if (shape.rank() < 2) {
      throw DataException.in(images, "shape " + shape + ": images are [N, …]");
    }
    if (y.shape().rank() != 1) {
      throw DataException.in(labels, "shape " + y.shape() + ": labels are [N]");
    }
    if (y.dim(0) != shape.dim(0)) {
      throw DataException.in(
          labels, y.dim(0) + " labels do not go with the " + shape.dim(0) + " images of " + images);
    }
    if (shape.size() == 0) {
      throw DataException.in(images, "shape " + shape + " holds no data");
    }
    int[] flat = {shape.dim(0), Math.toIntExact(shape.remove(0).size())};
    Tensor values = x.bytes ? scaled(x.tensor, dtype, flat) : flat(x.tensor, flat);
    // Labels are checked against their own file, the rest against the images'.
    for (double label : y.toDoubleArray()) {
      var _ = Checks.label(label, labels.toString());
    }
    return Checks.dataset(images, values, y, dtype, Task.CLASSIFICATION);
  }

  private static Tensor scaled(Tensor bytes, DType dtype, int[] dims) {
    int[] b = bytes.toIntArray();
    if (dtype == DType.F32) {
      float[] a = new float[b.length];
      for (int i = 0; i < a.length; i++) {
        a[i] = b[i] / 255f;
      }
      return Tensor.of(a, dims);
    }
    double[] a = new double[b.length];
    for (int i = 0; i < a.length; i++) {
      a[i] = b[i] / 255.0;
    }
    return Tensor.of(a, dims);
  }

  private static Tensor flat(Tensor t, int[] dims) {
    return switch (t.dtype()) {
      case F32 -> Tensor.of(t.toFloatArray(), dims);
      case F64 -> Tensor.of(t.toDoubleArray(), dims);
      default -> Tensor.of(t.toIntArray(), dims);
    };
  }

  /**
   * The label file that belongs beside an image file: {@code images} becomes {@code labels} and
   * {@code idx3} becomes {@code idx1} in its name; a {@code .gz} more or less is tried as well.
   *
   * @throws DataException naming what was looked for if there is none
   */
  static Path labelsBeside(Path images) throws DataException {
    String name = Checks.name(images);
    int at = name.lastIndexOf("images");
    if (at < 0) {
      throw DataException.in(
          images,
          "the labels of an IDX file are found by replacing \"images\" in its name, which is not"
              + " there; give both files as images:labels");
    }
    String labels =
        name.substring(0, at) + "labels" + name.substring(at + 6).replace("idx3", "idx1");
    String plain = labels.endsWith(".gz") ? labels.substring(0, labels.length() - 3) : labels;
    Set<String> candidates = new LinkedHashSet<>(Arrays.asList(labels, plain, plain + ".gz"));
    for (String candidate : candidates) {
      Path beside = images.resolveSibling(candidate);
      if (Files.isRegularFile(beside)) {
        return beside;
      }
    }
    throw DataException.in(
        images, "no labels beside it; looked for " + String.join(", ", candidates));
  }

  /** A tensor, and whether its numbers were unsigned bytes. */
  private record Array(Tensor tensor, boolean bytes) {}

  private static Array array(Path file) throws DataException {
    long length = Disk.length(file);
    return Disk.read(
        file,
        raw -> {
          BufferedInputStream in = new BufferedInputStream(raw, 1 << 16);
          in.mark(2);
          boolean zipped = in.read() == 0x1f && in.read() == 0x8b;
          in.reset();
          if (!zipped) {
            return array(in, file.toString(), length, length);
          }
          try (InputStream unzipped = new GZIPInputStream(in, 1 << 16)) {
            long most = Math.multiplyExact(length, MOST_COMPRESSION);
            return array(unzipped, file.toString(), most, length);
          } catch (ZipException | EOFException e) {
            throw new DataException(file + ": damaged gzip file: " + e.getMessage(), e);
          }
        });
  }

  /**
   * Reads an array from a stream that ends with it.
   *
   * @param most bytes that the stream can hold
   * @param present bytes that may be set aside before they have been seen
   */
  private static Array array(InputStream in, String where, long most, long present)
      throws IOException {
    byte[] magic = in.readNBytes(4);
    if (magic.length < 4 || magic[0] != 0 || magic[1] != 0 || magic[3] == 0) {
      throw new DataException(
          where + ": not an IDX file: it does not begin with 0, 0, a type and a rank");
    }
    int type = magic[2] & 0xff;
    Element element =
        switch (type) {
          case 0x08 -> Element.U8;
          case 0x09 -> Element.I8;
          case 0x0b -> Element.I16;
          case 0x0c -> Element.I32;
          case 0x0d -> Element.F32;
          case 0x0e -> Element.F64;
          default ->
              throw new DataException(
                  String.format("%s: not an IDX file: type code 0x%02x is unknown", where, type));
        };
    long[] claimed = new long[magic[3] & 0xff];
    ByteBuffer extents = ByteBuffer.wrap(in.readNBytes(4 * claimed.length));
    if (extents.remaining() < 4 * claimed.length) {
      throw new DataException(where + ": truncated within the header");
    }
    for (int i = 0; i < claimed.length; i++) {
      claimed[i] = extents.getInt() & 0xffffffffL;
    }
    int[] dims = Element.dims(claimed, where);
    long data = (long) Element.count(dims) * element.bytes();
    if (data > most - 4 - 4L * claimed.length) {
      throw new DataException(
          String.format(
              "%s: truncated: shape %s takes %d bytes, more than the file holds",
              where, Arrays.toString(dims), data));
    }
    Tensor tensor = element.read(in, ByteOrder.BIG_ENDIAN, dims, false, present, where);
    if (in.read() >= 0) {
      throw new DataException(
          where + ": trailing bytes after an array of shape " + Arrays.toString(dims));
    }
    return new Array(tensor, element == Element.U8);
  }
}
