package org.hesse.io;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Collectors;
import org.hesse.Tensor;

/**
 * NumPy's NPY files: one array each.
 *
 * <p>Read are {@code f4}, {@code f8}, {@code b1} and {@code i4} as F32, F64, BOOL and I32; {@code
 * f2} widened to F32; {@code i1 u1 i2 u2} widened to I32; {@code u4 i8 u8} as I32 where every value
 * fits. Byte order, C or Fortran layout and format versions 1 to 3 are all understood; object
 * arrays (pickles), strings, complex numbers and structured arrays are errors.
 */
public final class Npy {
  static final int LONGEST_HEADER = 1 << 20;

  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};

  private Npy() {}

  /**
   * Reads an array.
   *
   * @return a tensor of the array's shape; a 0-dimensional array gives a scalar
   * @throws DataException if the file is missing, truncated, longer than its header says, or holds
   *     something that is not listed above
   */
  public static Tensor read(Path file) throws DataException {
    long length = Disk.length(file);
    return Disk.read(file, in -> read(in, length, length, file.toString()));
  }

  /**
   * Writes a tensor as {@code f4}, {@code f8}, {@code i4} or {@code b1}, little-endian, in C
   * layout. The file appears whole or not at all.
   *
   * @throws DataException if the file cannot be written
   */
  public static void write(Path file, Tensor tensor) throws DataException {
    Disk.replace(file, out -> write(out, tensor));
  }

  static void write(OutputStream out, Tensor tensor) throws IOException {
    String descr =
        switch (tensor.dtype()) {
          case F32 -> "<f4";
          case F64 -> "<f8";
          case I32 -> "<i4";
          case BOOL -> "|b1";
        };
    String shape =
        Arrays.stream(tensor.shape().dims())
            .mapToObj(d -> d + ",")
            .collect(Collectors.joining(" ", "(", ")"));
    String header = "{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }";
    // The data begin at a multiple of 64, after a line break.
    int padding = 64 - (MAGIC.length + 4 + header.length() + 1) % 64;
    byte[] text = (header + " ".repeat(padding) + "\n").getBytes(StandardCharsets.US_ASCII);
    ByteBuffer start = ByteBuffer.allocate(MAGIC.length + 4).order(ByteOrder.LITTLE_ENDIAN);
    out.write(start.put(MAGIC).put((byte) 1).put((byte) 0).putShort((short) text.length).array());
    out.write(text);
    Element.write(tensor, out);
  }

  /**
   * Reads an array from a stream that ends with it.
   *
   * @param length of the stream in bytes
   * @param present how many bytes may be set aside before they have been seen
   * @param where what a message starts with
   */
  static Tensor read(InputStream in, long length, long present, String where) throws IOException {
    byte[] start = in.readNBytes(MAGIC.length + 2);
    if (start.length < MAGIC.length + 2
        || !Arrays.equals(start, 0, MAGIC.length, MAGIC, 0, MAGIC.length)) {
      throw new DataException(where + ": not an NPY array: it does not begin with \\x93NUMPY");
    }
    int version = start[MAGIC.length];
    if (version < 1 || version > 3) {
      throw new DataException(
          where + ": NPY format version " + version + " is unknown; 1 to 3 are read");
    }
    int width = version == 1 ? 2 : 4;
    byte[] size = Arrays.copyOf(in.readNBytes(width), 4);
    long text = ByteBuffer.wrap(size).order(ByteOrder.LITTLE_ENDIAN).getInt() & 0xffffffffL;
    long before = MAGIC.length + 2 + width + text;
    if (before > length) {
      throw new DataException(
          where
              + ": truncated: a header of "
              + text
              + " bytes is announced, the file has "
              + length
              + " in all");
    }
    if (text > LONGEST_HEADER) {
      throw new DataException(where + ": a header of " + text + " bytes is too long");
    }
    byte[] bytes = in.readNBytes((int) text);
    if (bytes.length < text) {
      throw new DataException(where + ": truncated within the header");
    }
    Header header =
        new HeaderParser(
                new String(
                    bytes, version == 3 ? StandardCharsets.UTF_8 : StandardCharsets.ISO_8859_1),
                where)
            .parse();
    Element element = element(header.descr, where);
    int[] dims = Element.dims(header.shape, where);
    long data = (long) Element.count(dims) * element.bytes();
    if (data != length - before) {
      throw new DataException(
          String.format(
              "%s: %s: shape %s of %s takes %d bytes, %d are there",
              where,
              data > length - before ? "truncated" : "trailing bytes",
              Arrays.toString(dims),
              DataException.quote(header.descr),
              data,
              length - before));
    }
    ByteOrder order = header.descr.startsWith(">") ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
    return element.read(in, order, dims, header.columnMajor, present, where);
  }

  private static Element element(String descr, String where) throws DataException {
    String kind =
        descr.length() == 3 && "<>|=".indexOf(descr.charAt(0)) >= 0 ? descr.substring(1) : "";
    if (descr.length() > 1 && descr.charAt(1) == 'O') {
      throw new DataException(
          where + ": holds Python objects (a pickle), which Hesse does not read");
    }
    return switch (kind) {
      case "f2" -> Element.F16;
      case "f4" -> Element.F32;
      case "f8" -> Element.F64;
      case "i1" -> Element.I8;
      case "u1" -> Element.U8;
      case "i2" -> Element.I16;
      case "u2" -> Element.U16;
      case "i4" -> Element.I32;
      case "u4" -> Element.U32;
      case "i8" -> Element.I64;
      case "u8" -> Element.U64;
      case "b1" -> Element.BOOL;
      default ->
          throw new DataException(
              where
                  + ": dtype "
                  + DataException.quote(descr)
                  + " is not read; f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 b1 are");
    };
  }

  private record Header(String descr, boolean columnMajor, long[] shape) {}

  /** Reads the one Python literal that heads an NPY file. */
  private static final class HeaderParser {
    private final String text;
    private final String where;
    private int at;

    HeaderParser(String text, String where) {
      this.text = text;
      this.where = where;
    }

    Header parse() throws DataException {
      String descr = null;
      Boolean columnMajor = null;
      long[] shape = null;
      Set<String> seen = new HashSet<>();
      expect('{');
      while (!accept('}')) {
        String key = string();
        if (!seen.add(key)) {
          throw bad("key " + DataException.quote(key) + " is there twice");
        }
        expect(':');
        switch (key) {
          case "descr" -> {
            if (peek() == '[') {
              throw new DataException(where + ": structured arrays are not read");
            }
            descr = string();
          }
          case "fortran_order" -> columnMajor = truth();
          case "shape" -> shape = tuple();
          default -> throw bad("key " + DataException.quote(key) + " is unknown");
        }
        if (!accept(',')) {
          expect('}');
          break;
        }
      }
      if (peek() != 0) {
        throw bad("text after the closing brace");
      }
      if (descr == null || columnMajor == null || shape == null) {
        throw bad("'descr', 'fortran_order' and 'shape' must all be there");
      }
      return new Header(descr, columnMajor, shape);
    }

    private DataException bad(String problem) {
      return new DataException(where + ": bad NPY header: " + problem);
    }

    /** The next character that is not blank, 0 at the end. */
    private char peek() {
      while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
        at++;
      }
      return at < text.length() ? text.charAt(at) : 0;
    }

    private boolean accept(char c) {
      boolean there = peek() == c;
      if (there) {
        at++;
      }
      return there;
    }

    private void expect(char c) throws DataException {
      if (!accept(c)) {
        throw bad("'" + c + "' expected at character " + at);
      }
    }

    private String string() throws DataException {
      char mark = peek();
      int end = mark == '\'' || mark == '"' ? text.indexOf(mark, at + 1) : -1;
      if (end < 0) {
        throw bad("a string expected at character " + at);
      }
      String s = text.substring(at + 1, end);
      at = end + 1;
      return s;
    }

    private boolean truth() throws DataException {
      peek();
      for (String word : new String[] {"True", "False"}) {
        if (text.startsWith(word, at)) {
          at += word.length();
          return word.equals("True");
        }
      }
      throw bad("True or False expected at character " + at);
    }

    private long[] tuple() throws DataException {
      long[] dims = new long[8];
      int n = 0;
      expect('(');
      while (!accept(')')) {
        dims = n == dims.length ? Arrays.copyOf(dims, 2 * n) : dims;
        dims[n++] = number();
        if (!accept(',')) {
          expect(')');
          break;
        }
      }
      return Arrays.copyOf(dims, n);
    }

    private long number() throws DataException {
      peek();
      int start = at;
      if (at < text.length() && text.charAt(at) == '-') {
        at++;
      }
      while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
        at++;
      }
      String digits = text.substring(start, at);
      // Python 2 wrote 5L.
      if (at < text.length() && text.charAt(at) == 'L') {
        at++;
      }
      try {
        return Long.parseLong(digits);
      } catch (NumberFormatException e) {
        throw bad("a whole number expected at character " + start);
      }
    }
  }
}
