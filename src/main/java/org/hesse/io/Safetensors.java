package org.hesse.io;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.hesse.Shape;
import org.hesse.Tensor;

/**
 * Safetensors files: named tensors behind a JSON header, the usual exchange format of weights.
 *
 * <pre>{@code
 * SafetensorsFile model = Safetensors.read(Path.of("model.safetensors"));
 * Tensor weight = model.tensor("0.weight");
 * Safetensors.write(Path.of("copy.safetensors"), model.tensors(), model.metadata());
 * }</pre>
 *
 * <p>Read are F32, F64, I32 and BOOL as they are; F16 and BF16 widened to F32, which is exact; I8,
 * U8, I16 and U16 widened to I32; U32, I64 and U64 as I32 where every value fits. Other formats are
 * errors that name the tensor.
 */
public final class Safetensors {
  /** Longest header in bytes, the limit of the format's own library. */
  static final int LONGEST_HEADER = 100_000_000;

  static final String METADATA = "__metadata__";

  private static final int ALIGNMENT = 8;

  /**
   * A tensor as the file describes it.
   *
   * @param name its name
   * @param format its number format in the file, such as {@code BF16}
   * @param shape its extents
   * @param bytes how many bytes its data take
   */
  public record Stored(String name, String format, Shape shape, long bytes) {}

  private Safetensors() {}

  /**
   * Reads all tensors.
   *
   * @throws DataException if the file is missing, truncated or inconsistent: the header is no valid
   *     JSON object of the format, a name is there twice, or the data of the tensors overlap, leave
   *     gaps, do not fit their shapes or do not fill the file; also if a format is not listed
   *     above, or a whole number does not fit I32
   */
  public static SafetensorsFile read(Path file) throws DataException {
    long length = Disk.length(file);
    return Disk.read(
        file,
        in -> {
          SafetensorsHeader header = SafetensorsHeader.read(in, length, file);
          Map<String, Tensor> tensors = new LinkedHashMap<>();
          for (SafetensorsHeader.Entry e : header.entries()) {
            String where = file + ": tensor " + DataException.quote(e.name());
            Tensor t =
                e.element().read(in, ByteOrder.LITTLE_ENDIAN, e.dims(), false, e.bytes(), where);
            tensors.put(e.name(), t);
          }
          return new SafetensorsFile(tensors, header.metadata());
        });
  }

  /**
   * Describes all tensors without reading their data, in the order in which the data lie.
   *
   * @throws DataException as {@link #read}, except for what only the data show
   */
  public static List<Stored> inspect(Path file) throws DataException {
    long length = Disk.length(file);
    return Disk.read(
        file,
        in ->
            SafetensorsHeader.read(in, length, file).entries().stream()
                .map(e -> new Stored(e.name(), e.element().name(), Shape.of(e.dims()), e.bytes()))
                .toList());
  }

  /**
   * Writes tensors in their own dtypes. The data lie in the order of the map, wider dtypes first so
   * that each tensor is aligned; the header is padded to 8 bytes. The file appears whole or not at
   * all.
   *
   * @param metadata notes to keep with the tensors, may be empty
   * @throws DataException if the file cannot be written
   * @throws IllegalArgumentException if a tensor is named {@code __metadata__}, which the format
   *     reserves, or the header would exceed 100 MB
   */
  public static void write(Path file, Map<String, Tensor> tensors, Map<String, String> metadata)
      throws DataException {
    if (tensors.containsKey(METADATA)) {
      throw new IllegalArgumentException("tensors: the name " + METADATA + " is reserved");
    }
    // Sorting is stable.
    List<Map.Entry<String, Tensor>> order =
        tensors.entrySet().stream()
            .sorted(Comparator.comparingInt(e -> -e.getValue().dtype().bytes()))
            .toList();
    Disk.replace(
        file,
        out -> {
          byte[] header = header(order, metadata);
          ByteBuffer length = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
          out.write(length.putLong(header.length).array());
          out.write(header);
          for (Map.Entry<String, Tensor> e : order) {
            Element.write(e.getValue(), out);
          }
        });
  }

  private static byte[] header(
      List<Map.Entry<String, Tensor>> tensors, Map<String, String> metadata) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator json = new JsonFactory().createGenerator(bytes)) {
      json.writeStartObject();
      if (!metadata.isEmpty()) {
        json.writeObjectFieldStart(METADATA);
        for (Map.Entry<String, String> note : metadata.entrySet()) {
          json.writeStringField(note.getKey(), note.getValue());
        }
        json.writeEndObject();
      }
      long offset = 0;
      for (Map.Entry<String, Tensor> e : tensors) {
        Tensor t = e.getValue();
        json.writeObjectFieldStart(e.getKey());
        json.writeStringField("dtype", Element.of(t.dtype()).name());
        json.writeFieldName("shape");
        int[] dims = t.shape().dims();
        json.writeArray(dims, 0, dims.length);
        json.writeFieldName("data_offsets");
        long end = offset + t.size() * t.dtype().bytes();
        json.writeArray(new long[] {offset, end}, 0, 2);
        json.writeEndObject();
        offset = end;
      }
      json.writeEndObject();
    }
    while (bytes.size() % ALIGNMENT != 0) {
      bytes.write(' ');
    }
    if (bytes.size() > LONGEST_HEADER) {
      throw new IllegalArgumentException(
          "tensors: the header takes " + bytes.size() + " bytes; the format allows 100 MB");
    }
    return bytes.toByteArray();
  }
}
