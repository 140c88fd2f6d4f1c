package org.hesse.io;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The checked header of a safetensors file: the tensors' data follow it in the order of the
 * entries, without gaps, to the end of the file.
 */
record SafetensorsHeader(List<Entry> entries, Map<String, String> metadata) {
  private static final int DEEPEST = 16;
  private static final JsonFactory JSON =
      JsonFactory.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
          // Names come from files: keep them out of the symbol table that lives for ever.
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(DEEPEST)
                  .maxStringLength(Safetensors.LONGEST_HEADER)
                  .build())
          .build();

  /** One tensor: its extents are checked and {@code end − begin} is the size of its data. */
  record Entry(String name, Element element, int[] dims, long begin, long end) {
    long bytes() {
      return end - begin;
    }
  }

  /**
   * Reads and checks a header, leaving the stream at the first tensor's data.
   *
   * @param length of the file in bytes
   */
  static SafetensorsHeader read(InputStream in, long length, Path file) throws IOException {
    byte[] start = in.readNBytes(8);
    if (start.length < 8) {
      throw DataException.in(
          file, "not a safetensors file: " + length + " bytes cannot hold the header's length");
    }
    long size = ByteBuffer.wrap(start).order(ByteOrder.LITTLE_ENDIAN).getLong();
    if (size < 0 || size > Safetensors.LONGEST_HEADER) {
      throw DataException.in(
          file,
          "not a safetensors file: a header of "
              + Long.toUnsignedString(size)
              + " bytes is announced; 100 MB is the most");
    }
    if (size > length - 8) {
      throw DataException.in(
          file,
          String.format(
              "truncated or not a safetensors file: a header of %d bytes is announced, %d are left",
              size, length - 8));
    }
    byte[] text = in.readNBytes((int) size);
    if (text.length < size) {
      throw DataException.in(file, "truncated within the header");
    }
    if (text.length == 0 || text[0] != '{') {
      throw DataException.in(
          file, "not a safetensors file: the header is not a JSON object, which begins with {");
    }
    return new Parser(file).parse(decoded(text, file)).checked(length - 8 - size, file);
  }

  /** The header's text; Jackson would let some malformed UTF-8 pass. */
  private static String decoded(byte[] text, Path file) throws DataException {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(text)).toString();
    } catch (CharacterCodingException e) {
      throw new DataException(file + ": the header is not UTF-8 text", e);
    }
  }

  /** This header with its entries in the order of their data, which must fill the file. */
  private SafetensorsHeader checked(long dataBytes, Path file) throws DataException {
    List<Entry> sorted = new ArrayList<>(entries);
    sorted.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
    long end = 0;
    String before = "";
    for (Entry e : sorted) {
      if (e.end > dataBytes) {
        throw tensor(
            file,
            e.name,
            "data_offsets "
                + e.begin
                + " to "
                + e.end
                + " lie beyond the file's "
                + dataBytes
                + " data bytes; is the file truncated?");
      }
      if (e.begin < end) {
        throw tensor(
            file,
            e.name,
            "begins at " + e.begin + " and overlaps tensor " + before + ", which ends at " + end);
      }
      if (e.begin > end) {
        throw tensor(file, e.name, "begins at " + e.begin + " and leaves a hole after byte " + end);
      }
      end = e.end;
      before = DataException.quote(e.name);
    }
    if (end != dataBytes) {
      throw DataException.in(
          file, "trailing bytes: tensors take " + end + " data bytes, the file has " + dataBytes);
    }
    return new SafetensorsHeader(List.copyOf(sorted), metadata);
  }

  private static DataException tensor(Path file, String name, String problem) {
    return DataException.in(file, "tensor " + DataException.quote(name) + ": " + problem);
  }

  private static final class Parser {
    private final Path file;
    private String within = "";

    Parser(Path file) {
      this.file = file;
    }

    SafetensorsHeader parse(String text) throws DataException {
      try (JsonParser json = JSON.createParser(text)) {
        return parse(json);
      } catch (DataException e) {
        throw e;
      } catch (JsonProcessingException e) {
        JsonLocation at = e.getLocation();
        String where = at == null ? "" : " at character " + at.getCharOffset();
        String problem = e.getOriginalMessage();
        throw new DataException(
            file + ": " + within + "bad JSON in the header" + where + ": " + problem, e);
      } catch (IOException e) {
        throw Disk.unreadable(file, e);
      }
    }

    private SafetensorsHeader parse(JsonParser json) throws IOException {
      List<Entry> entries = new ArrayList<>();
      Map<String, String> metadata = new LinkedHashMap<>();
      json.nextToken();
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        String name = json.currentName();
        json.nextToken();
        if (name.equals(Safetensors.METADATA)) {
          within = name + ": ";
          metadata(json, metadata);
        } else {
          within = "tensor " + DataException.quote(name) + ": ";
          entries.add(entry(json, name));
        }
        within = "";
      }
      if (json.nextToken() != null) {
        throw DataException.in(file, "bad JSON in the header: text after the closing brace");
      }
      return new SafetensorsHeader(entries, metadata);
    }

    private void metadata(JsonParser json, Map<String, String> metadata) throws IOException {
      if (json.currentToken() != JsonToken.START_OBJECT) {
        throw DataException.in(file, "__metadata__ is not an object of strings");
      }
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        String key = json.currentName();
        if (json.nextToken() != JsonToken.VALUE_STRING) {
          throw DataException.in(
              file, "__metadata__: the value of " + DataException.quote(key) + " is not a string");
        }
        metadata.put(key, json.getText());
      }
    }

    private Entry entry(JsonParser json, String name) throws IOException {
      if (json.currentToken() != JsonToken.START_OBJECT) {
        throw tensor(file, name, "is not described by an object");
      }
      String dtype = null;
      long @Nullable [] shape = null;
      long @Nullable [] offsets = null;
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        String field = json.currentName();
        JsonToken token = json.nextToken();
        switch (field) {
          case "dtype" -> {
            if (token != JsonToken.VALUE_STRING) {
              throw tensor(file, name, "dtype is not a string");
            }
            dtype = json.getText();
          }
          case "shape" -> shape = numbers(json, name, "shape");
          case "data_offsets" -> offsets = numbers(json, name, "data_offsets");
          default -> json.skipChildren();
        }
      }
      if (dtype == null || shape == null || offsets == null) {
        String missing = dtype == null ? "dtype" : shape == null ? "shape" : "data_offsets";
        throw tensor(file, name, missing + " is missing");
      }
      Element element = element(name, dtype);
      int[] dims = Element.dims(shape, file + ": tensor " + DataException.quote(name));
      if (offsets.length != 2) {
        throw tensor(
            file, name, "data_offsets hold " + offsets.length + " numbers, not begin and end");
      }
      if (offsets[0] < 0 || offsets[1] < offsets[0]) {
        throw tensor(
            file, name, "data_offsets " + Arrays.toString(offsets) + " are not 0 ≤ begin ≤ end");
      }
      long needed = (long) Element.count(dims) * element.bytes();
      if (offsets[1] - offsets[0] != needed) {
        throw tensor(
            file,
            name,
            String.format(
                "shape %s of %s takes %d bytes, data_offsets %s span %d",
                Arrays.toString(dims),
                dtype,
                needed,
                Arrays.toString(offsets),
                offsets[1] - offsets[0]));
      }
      return new Entry(name, element, dims, offsets[0], offsets[1]);
    }

    private long[] numbers(JsonParser json, String name, String field) throws IOException {
      if (json.currentToken() != JsonToken.START_ARRAY) {
        throw tensor(file, name, field + " is not an array of whole numbers");
      }
      long[] numbers = new long[4];
      int n = 0;
      while (json.nextToken() != JsonToken.END_ARRAY) {
        if (json.currentToken() != JsonToken.VALUE_NUMBER_INT) {
          throw tensor(
              file,
              name,
              field + " holds " + DataException.quote(shown(json)) + ", which is no whole number");
        }
        if (json.getNumberType() == JsonParser.NumberType.BIG_INTEGER) {
          throw tensor(
              file, name, field + " holds " + DataException.quote(shown(json)) + ": too large");
        }
        if (n == Element.HIGHEST_RANK) {
          throw tensor(file, name, field + " holds too many numbers; " + n + " are the most");
        }
        numbers = n == numbers.length ? Arrays.copyOf(numbers, 2 * n) : numbers;
        numbers[n++] = json.getLongValue();
      }
      return Arrays.copyOf(numbers, n);
    }

    /** The current token's text; the opening bracket of an array or object. */
    private static String shown(JsonParser json) throws IOException {
      String text = json.getText();
      return text == null ? "nothing" : text;
    }

    private Element element(String name, String dtype) throws DataException {
      for (Element e : Element.values()) {
        if (e.name().equals(dtype)) {
          return e;
        }
      }
      throw tensor(
          file,
          name,
          "dtype "
              + DataException.quote(dtype)
              + " is not read; "
              + String.join(" ", Arrays.stream(Element.values()).map(Enum::name).toList())
              + " are");
    }
  }
}
