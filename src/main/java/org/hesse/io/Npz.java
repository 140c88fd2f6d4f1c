package org.hesse.io;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Enumeration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.hesse.DType;
import org.hesse.Tensor;

/**
 * NumPy's NPZ files: a ZIP archive of named {@linkplain Npy NPY} arrays, compressed ({@code
 * numpy.savez_compressed}) or not ({@code numpy.savez}).
 */
public final class Npz {
  private static final String ENDING = ".npy";

  /** Deflate never shrinks data by more than this factor. */
  private static final long MOST_COMPRESSION = 1032;

  private Npz() {}

  /**
   * Reads all arrays.
   *
   * @return the tensors by name, in the order of the archive; unmodifiable
   * @throws DataException if the file is missing, is no ZIP archive, holds entries that are no
   *     arrays, or if an array is damaged or of a dtype that {@link Npy} does not read
   */
  public static Map<String, Tensor> read(Path file) throws DataException {
    long length = Disk.length(file);
    Map<String, Tensor> arrays = new LinkedHashMap<>();
    try (ZipFile zip = new ZipFile(file.toFile())) {
      Enumeration<? extends ZipEntry> entries = zip.entries();
      while (entries.hasMoreElements()) {
        ZipEntry entry = entries.nextElement();
        String where = file + ": array " + DataException.quote(name(file, entry));
        long size = entry.getSize();
        if (size < 0 || size / MOST_COMPRESSION > length) {
          throw new DataException(
              where + ": " + size + " bytes are announced, more than the file can hold");
        }
        Tensor array;
        try (CheckedInputStream in =
            new CheckedInputStream(zip.getInputStream(entry), new CRC32())) {
          array = Npy.read(in, size, length, where);
          if (in.read() >= 0) {
            throw new DataException(where + ": trailing bytes");
          }
          if (in.getChecksum().getValue() != entry.getCrc()) {
            throw new DataException(where + ": damaged: the checksum does not match");
          }
        }
        if (arrays.put(name(file, entry), array) != null) {
          throw new DataException(where + ": is there twice");
        }
      }
    } catch (IOException | IllegalArgumentException e) {
      throw e instanceof DataException d
          ? d
          : new DataException(file + ": not a readable NPZ (ZIP) archive: " + e.getMessage(), e);
    }
    return Collections.unmodifiableMap(arrays);
  }

  private static String name(Path file, ZipEntry entry) throws DataException {
    String name = entry.getName();
    if (!name.endsWith(ENDING)) {
      throw DataException.in(
          file, "entry " + DataException.quote(name) + " is not an array; names end in .npy");
    }
    return name.substring(0, name.length() - ENDING.length());
  }

  /**
   * Writes tensors uncompressed, in the order of the map. The same tensors give the same bytes; the
   * file appears whole or not at all.
   *
   * @throws DataException if the file cannot be written
   */
  public static void write(Path file, Map<String, Tensor> arrays) throws DataException {
    Disk.replace(file, out -> write(out, arrays));
  }

  private static void write(OutputStream out, Map<String, Tensor> arrays) throws IOException {
    ZipOutputStream zip = new ZipOutputStream(out);
    zip.setLevel(Deflater.NO_COMPRESSION);
    for (Map.Entry<String, Tensor> array : arrays.entrySet()) {
      ZipEntry entry = new ZipEntry(array.getKey() + ENDING);
      // 1980-01-01, the first day that ZIP knows: output must not depend on the clock.
      entry.setTimeLocal(java.time.LocalDateTime.of(1980, 1, 1, 0, 0));
      zip.putNextEntry(entry);
      Npy.write(zip, array.getValue());
      zip.closeEntry();
    }
    zip.finish();
  }

  /**
   * Reads the arrays {@code x} and {@code y} as a data set.
   *
   * @param file holds x [N, …] of any number format, and y: whole numbers [N] from 0 for
   *     classification, real numbers [N] or [N, k] for regression
   * @param dtype F32 or F64, the dtype of x and of real targets
   * @return x [N, …]; y I32 [N] or real [N, k]
   * @throws DataException as {@link #read}, and if x or y is missing, their shapes do not go
   *     together, a value is NaN or infinite, or a label is negative, too large or no whole number
   */
  public static Dataset dataset(Path file, DType dtype, Task task) throws DataException {
    Map<String, Tensor> arrays = read(file);
    Tensor x = arrays.get("x");
    Tensor y = arrays.get("y");
    if (x == null || y == null) {
      throw DataException.in(
          file,
          "a data set needs the arrays \"x\" and \"y\"; the file holds "
              + DataException.quote(String.join(", ", arrays.keySet())));
    }
    return Checks.dataset(file, x, y, dtype, task);
  }
}
