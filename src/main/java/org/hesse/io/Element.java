package org.hesse.io;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.hesse.DType;
import org.hesse.Tensor;

/** Number formats that files hold, each with the dtype it is read as. */
enum Element {
  F16(2, DType.F32),
  BF16(2, DType.F32),
  F32(4, DType.F32),
  F64(8, DType.F64),
  I8(1, DType.I32),
  U8(1, DType.I32),
  I16(2, DType.I32),
  U16(2, DType.I32),
  I32(4, DType.I32),
  U32(4, DType.I32),
  I64(8, DType.I32),
  U64(8, DType.I32),
  BOOL(1, DType.BOOL);

  /** The longest array a Java virtual machine allocates for certain. */
  static final int LONGEST = Integer.MAX_VALUE - 8;

  /** The highest rank read from a file. */
  static final int HIGHEST_RANK = 32;

  private static final int CHUNK = 1 << 16;

  private final int bytes;
  private final DType dtype;

  Element(int bytes, DType dtype) {
    this.bytes = bytes;
    this.dtype = dtype;
  }

  int bytes() {
    return bytes;
  }

  DType dtype() {
    return dtype;
  }

  /** The format in which a tensor of some dtype is written. */
  static Element of(DType dtype) {
    return switch (dtype) {
      case F32 -> F32;
      case F64 -> F64;
      case I32 -> I32;
      case BOOL -> BOOL;
    };
  }

  /**
   * Checks extents that a file claims.
   *
   * @param where what a message starts with: the file and the tensor
   * @return the extents as ints; their product is at most {@link #LONGEST}
   */
  static int[] dims(long[] claimed, String where) throws DataException {
    String shape = claimed.length <= HIGHEST_RANK ? Arrays.toString(claimed) : "";
    if (claimed.length > HIGHEST_RANK) {
      throw new DataException(
          where + ": has " + claimed.length + " axes; " + HIGHEST_RANK + " is the most");
    }
    int[] dims = new int[claimed.length];
    long product = 1;
    for (int i = 0; i < dims.length; i++) {
      long d = claimed[i];
      if (d < 0) {
        throw new DataException(where + ": shape " + shape + " has a negative extent");
      }
      // LONGEST squared fits a long, so this product never wraps around.
      product = d > LONGEST ? Long.MAX_VALUE : product * d;
      if (product > LONGEST) {
        throw new DataException(
            where + ": shape " + shape + " is too large; " + LONGEST + " elements are the most");
      }
      dims[i] = (int) d;
    }
    return dims;
  }

  static int count(int[] dims) {
    int n = 1;
    for (int d : dims) {
      n *= d;
    }
    return n;
  }

  /**
   * Reads a tensor.
   *
   * @param in stands at the first element
   * @param dims as {@link #dims} returned them
   * @param columnMajor whether the first axis varies fastest in the file
   * @param present bytes known to be there; memory beyond that is set aside only as data arrive
   * @param where what a message starts with: the file and the tensor
   */
  Tensor read(
      InputStream in, ByteOrder order, int[] dims, boolean columnMajor, long present, String where)
      throws IOException {
    int n = count(dims);
    int first = (int) Math.min(n, Math.max(CHUNK, present / bytes));
    Object values =
        switch (dtype) {
          case F32 -> new float[first];
          case F64 -> new double[first];
          case I32 -> new int[first];
          case BOOL -> new boolean[first];
        };
    byte[] chunk = new byte[Math.max(bytes, (int) Math.min(CHUNK, (long) n * bytes))];
    ByteBuffer buffer = ByteBuffer.wrap(chunk).order(order);
    int done = 0;
    while (done < n) {
      int m = Math.min(n - done, chunk.length / bytes);
      int got = in.readNBytes(chunk, 0, m * bytes);
      if (got < m * bytes) {
        throw new DataException(
            String.format(
                "%s: truncated: %d of %d data bytes are there",
                where, (long) done * bytes + got, (long) n * bytes));
      }
      values = grown(values, done + m, n);
      decode(buffer, m, values, done, where);
      done += m;
    }
    if (columnMajor && dims.length > 1) {
      values = rowMajor(values, dims);
    }
    return tensor(values, dims);
  }

  static Tensor tensor(Object values, int[] dims) {
    Tensor tensor =
        switch (values) {
          case float[] a -> Tensor.of(a, dims);
          case double[] a -> Tensor.of(a, dims);
          case int[] a -> Tensor.of(a, dims);
          case boolean[] a -> Tensor.of(a, dims);
          default -> throw new IllegalArgumentException("values: " + values.getClass());
        };
    // Without extents, Tensor.of makes a vector.
    return dims.length == 0 ? tensor.reshape() : tensor;
  }

  private static Object grown(Object values, int needed, int last) {
    int length = java.lang.reflect.Array.getLength(values);
    if (needed <= length) {
      return values;
    }
    int longer = (int) Math.min(last, Math.max(2L * length, needed));
    return switch (values) {
      case float[] a -> Arrays.copyOf(a, longer);
      case double[] a -> Arrays.copyOf(a, longer);
      case int[] a -> Arrays.copyOf(a, longer);
      case boolean[] a -> Arrays.copyOf(a, longer);
      default -> throw new IllegalArgumentException("values: " + values.getClass());
    };
  }

  private void decode(ByteBuffer from, int m, Object values, int at, String where)
      throws DataException {
    from.clear();
    switch (values) {
      case float[] a when this == F32 -> from.asFloatBuffer().get(a, at, m);
      case double[] a -> from.asDoubleBuffer().get(a, at, m);
      case int[] a when this == I32 -> from.asIntBuffer().get(a, at, m);
      case float[] a -> {
        for (int i = 0; i < m; i++) {
          short half = from.getShort(2 * i);
          a[at + i] = this == F16 ? Float.float16ToFloat(half) : Float.intBitsToFloat(half << 16);
        }
      }
      case int[] a -> {
        for (int i = 0; i < m; i++) {
          long v = integer(from, i);
          if (v != (int) v || this == U64 && v < 0) {
            throw new DataException(
                where
                    + ": element "
                    + (at + i)
                    + " is "
                    + (this == U64 ? Long.toUnsignedString(v) : v)
                    + ", which does not fit a 32-bit integer");
          }
          a[at + i] = (int) v;
        }
      }
      case boolean[] a -> {
        for (int i = 0; i < m; i++) {
          byte b = from.get(i);
          if (b != 0 && b != 1) {
            throw new DataException(
                where + ": element " + (at + i) + " is the byte " + (b & 0xff) + ", not 0 or 1");
          }
          a[at + i] = b == 1;
        }
      }
      default -> throw new IllegalArgumentException("values: " + values.getClass());
    }
  }

  private long integer(ByteBuffer from, int i) {
    return switch (this) {
      case I8 -> from.get(i);
      case U8 -> from.get(i) & 0xff;
      case I16 -> from.getShort(2 * i);
      case U16 -> from.getShort(2 * i) & 0xffff;
      case I32 -> from.getInt(4 * i);
      case U32 -> from.getInt(4 * i) & 0xffffffffL;
      case I64, U64 -> from.getLong(8 * i);
      default -> throw new IllegalStateException(this + " is not an integer format");
    };
  }

  @FunctionalInterface
  private interface Copy {
    void element(int to, int from);
  }

  private static Object rowMajor(Object values, int[] dims) {
    return switch (values) {
      case float[] a -> {
        float[] b = new float[a.length];
        walk(dims, (to, from) -> b[to] = a[from]);
        yield b;
      }
      case double[] a -> {
        double[] b = new double[a.length];
        walk(dims, (to, from) -> b[to] = a[from]);
        yield b;
      }
      case int[] a -> {
        int[] b = new int[a.length];
        walk(dims, (to, from) -> b[to] = a[from]);
        yield b;
      }
      case boolean[] a -> {
        boolean[] b = new boolean[a.length];
        walk(dims, (to, from) -> b[to] = a[from]);
        yield b;
      }
      default -> throw new IllegalArgumentException("values: " + values.getClass());
    };
  }

  /** Calls back for every element with its row-major and its column-major position. */
  private static void walk(int[] dims, Copy copy) {
    int n = count(dims);
    int[] step = new int[dims.length];
    int s = 1;
    for (int axis = 0; axis < dims.length; axis++) {
      step[axis] = s;
      s *= dims[axis];
    }
    int[] at = new int[dims.length];
    int from = 0;
    for (int to = 0; to < n; to++) {
      copy.element(to, from);
      int axis = dims.length - 1;
      while (axis >= 0 && ++at[axis] == dims[axis]) {
        from -= (dims[axis] - 1) * step[axis];
        at[axis--] = 0;
      }
      if (axis >= 0) {
        from += step[axis];
      }
    }
  }

  /** Writes the elements of a tensor, row-major and little-endian, in its own dtype. */
  static void write(Tensor tensor, OutputStream out) throws IOException {
    Object values =
        switch (tensor.dtype()) {
          case F32 -> tensor.toFloatArray();
          case F64 -> tensor.toDoubleArray();
          case I32 -> tensor.toIntArray();
          case BOOL -> tensor.cast(DType.I32).toIntArray();
        };
    int n = java.lang.reflect.Array.getLength(values);
    int bytes = tensor.dtype().bytes();
    byte[] chunk = new byte[CHUNK];
    ByteBuffer buffer = ByteBuffer.wrap(chunk).order(ByteOrder.LITTLE_ENDIAN);
    for (int at = 0; at < n; ) {
      int m = Math.min(n - at, CHUNK / bytes);
      switch (values) {
        case float[] a -> buffer.asFloatBuffer().put(a, at, m);
        case double[] a -> buffer.asDoubleBuffer().put(a, at, m);
        case int[] a when bytes == 4 -> buffer.asIntBuffer().put(a, at, m);
        case int[] a -> {
          for (int i = 0; i < m; i++) {
            chunk[i] = (byte) a[at + i];
          }
        }
        default -> throw new IllegalArgumentException("values: " + values.getClass());
      }
      out.write(chunk, 0, m * bytes);
      at += m;
    }
  }
}
