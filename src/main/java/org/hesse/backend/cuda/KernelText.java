package org.hesse.backend.cuda;

import java.util.ArrayList;
import java.util.List;
import org.hesse.DType;
import org.hesse.backend.View;

/**
 * A kernel being generated and its arguments. The text says what is done; addresses, extents,
 * strides and most constants are arguments, so that it is compiled once for all shapes.
 */
final class KernelText {
  /** Of each block of what is generated. */
  static final int THREADS = 256;

  private final boolean wide;
  private final StringBuilder body = new StringBuilder();
  private final List<String> parameters = new ArrayList<>();
  private final List<Argument> arguments = new ArrayList<>();
  private final List<Integer> extents = new ArrayList<>();
  private final List<Long> strides = new ArrayList<>();
  private final List<Integer> words = new ArrayList<>();
  private final List<Double> doubles = new ArrayList<>();

  /**
   * @param wide whether positions or numbers of elements need 64 bits
   */
  KernelText(boolean wide) {
    this.wide = wide;
  }

  /** Adds a line to the kernel's body. */
  void line(String text) {
    body.append("  ").append(text).append('\n');
  }

  /** A parameter of its own. */
  void parameter(String declaration, Argument argument) {
    parameters.add(declaration);
    arguments.add(argument);
  }

  /** A parameter for a number of elements. */
  void count(String name, long value) {
    parameter("Count " + name, wide ? new Argument.I64(value) : new Argument.I32((int) value));
  }

  /** A parameter that points to a view's first element. */
  String pointer(View view, boolean written) {
    String name = (written ? "q" : "p") + parameters.size();
    String type = stored(view.slot().dtype());
    parameter((written ? "" : "const ") + type + "* " + name, new Argument.Address(view));
    return name;
  }

  /** Lines that take a row-major number apart into indices, whose names are returned. */
  List<String> indices(String number, String prefix, int[] dims) {
    String[] names = new String[dims.length];
    String rest = number;
    for (int a = dims.length - 1; a > 0; a--) {
      int axis = extents.size() / 3;
      for (int part : Axes.divisor(dims[a])) {
        extents.add(part);
      }
      String next = prefix + "r" + a;
      names[a] = prefix + a;
      line("Count " + next + " = hesse_quotient(" + rest + ", extents.axis[" + axis + "]);");
      line(
          "At "
              + names[a]
              + " = (At)("
              + rest
              + " - "
              + next
              + " * extents.axis["
              + axis
              + "].extent);");
      rest = next;
    }
    if (dims.length > 0) {
      names[0] = prefix + "0";
      line("At " + names[0] + " = (At)" + rest + ";");
    }
    return List.of(names);
  }

  /** Where an element is, in terms of its indices. */
  String position(List<String> indices, long[] by) {
    StringBuilder sum = new StringBuilder();
    for (int a = 0; a < by.length; a++) {
      if (by[a] != 0) {
        sum.append(sum.isEmpty() ? "" : " + ").append(times(indices.get(a), by[a]));
      }
    }
    return sum.isEmpty() ? "0" : sum.toString();
  }

  /** An index by a stride. */
  String times(String index, long stride) {
    if (stride == 1) {
      return index;
    }
    strides.add(stride);
    return index + " * strides.v[" + (strides.size() - 1) + "]";
  }

  /** A constant of the program; such as are part of many programs stand in the text. */
  String constant(DType dtype, double value) {
    boolean common = value == 1 || value == -1 || value == 2 || value == 0.5;
    boolean zero = Double.doubleToRawLongBits(value) == 0;
    if (dtype == DType.BOOL) {
      return value != 0 ? "true" : "false";
    }
    if (common && (dtype != DType.I32 || value != 0.5) || zero) {
      return "(" + type(dtype) + ")" + value;
    }
    return switch (dtype) {
      case F64 -> {
        doubles.add(value);
        yield "doubles.v[" + (doubles.size() - 1) + "]";
      }
      case F32 -> "__int_as_float(" + word(Float.floatToRawIntBits((float) value)) + ")";
      default -> word((int) value);
    };
  }

  private String word(int bits) {
    words.add(bits);
    return "words.v[" + (words.size() - 1) + "]";
  }

  /** The type of a value. */
  static String type(DType dtype) {
    return switch (dtype) {
      case F32 -> "float";
      case F64 -> "double";
      case I32 -> "int";
      case BOOL -> "bool";
    };
  }

  /** The type of a value in memory. */
  static String stored(DType dtype) {
    return dtype == DType.BOOL ? "unsigned char" : type(dtype);
  }

  /** What comes before all kernels of a source. */
  String header(String include) {
    return "#include \""
        + include
        + "\"\n"
        + (wide
            ? "typedef unsigned long long Count;\ntypedef long long At;\n"
            : "typedef unsigned Count;\ntypedef int At;\n");
  }

  /** The kernel as text. */
  String text(String entry) {
    StringBuilder text = new StringBuilder();
    List<String> all = new ArrayList<>(parameters);
    struct(text, all, "HesseExtent axis", entry, "extents", extents.size() / 3);
    struct(text, all, "At v", entry, "strides", strides.size());
    struct(text, all, "int v", entry, "words", words.size());
    struct(text, all, "double v", entry, "doubles", doubles.size());
    text.append("extern \"C\" __global__ void __launch_bounds__(").append(THREADS).append(") ");
    text.append(entry).append("(\n    ");
    text.append(String.join(", ", all)).append(") {\n").append(body).append("}\n");
    return text.toString();
  }

  private static void struct(
      StringBuilder text,
      List<String> parameters,
      String member,
      String entry,
      String name,
      int size) {
    if (size > 0) {
      String type = "Hesse_" + entry + "_" + name;
      text.append("struct ").append(type).append(" { ").append(member).append("[");
      text.append(size).append("]; };\n");
      parameters.add(type + " " + name);
    }
  }

  /**
   * The arguments in the order of the parameters.
   *
   * @throws UnsupportedOperationException if they are more than a launch can take
   */
  Argument[] arguments() {
    List<Argument> all = new ArrayList<>(arguments);
    if (!extents.isEmpty()) {
      all.add(new Argument.I32s(ints(extents)));
    }
    if (!strides.isEmpty()) {
      long[] longs = strides.stream().mapToLong(Long::longValue).toArray();
      int[] ints = strides.stream().mapToInt(Long::intValue).toArray();
      all.add(wide ? new Argument.I64s(longs) : new Argument.I32s(ints));
    }
    if (!words.isEmpty()) {
      all.add(new Argument.I32s(ints(words)));
    }
    if (!doubles.isEmpty()) {
      all.add(new Argument.F64s(doubles.stream().mapToDouble(Double::doubleValue).toArray()));
    }
    long bytes =
        8L * (arguments.size() + doubles.size() + strides.size() + 4)
            + 4L * (extents.size() + words.size());
    if (bytes > ArgumentBlock.MOST_BYTES) {
      throw new UnsupportedOperationException(
          "a fused step with "
              + arguments.size()
              + " operands takes more arguments than a CUDA"
              + " kernel can have");
    }
    return all.toArray(Argument[]::new);
  }

  private static int[] ints(List<Integer> list) {
    return list.stream().mapToInt(Integer::intValue).toArray();
  }
}
