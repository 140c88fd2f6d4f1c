package org.hesse.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.hesse.DType;
import org.hesse.Tensor;
import org.hesse.io.DataException;
import org.hesse.io.Dataset;
import org.hesse.io.Datasets;
import org.hesse.io.Disk;
import org.hesse.io.Npy;
import org.hesse.io.Npz;
import org.hesse.io.Safetensors;
import org.hesse.io.SafetensorsFile;
import org.hesse.io.Task;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code hesse inspect}. */
@Command(
    name = "inspect",
    versionProvider = Main.Version.class,
    sortOptions = false,
    abbreviateSynopsis = true,
    optionListHeading = "%nOptions:%n",
    description = {
      "Lists the tensors of a weight file (safetensors) or data set (NPZ, NPY, CSV, IDX, or a"
          + " built-in name): shape, number format, range of values, how many are NaN or infinite."
    },
    footer = {
      "",
      "Examples:",
      "  hesse inspect model.safetensors",
      "  hesse inspect data.npz --json -",
      "  hesse inspect two-moons:400"
    })
final class InspectCommand implements Callable<Integer> {
  private static final double MOST_WHOLE = 1e10;

  private final Terminal terminal;

  @Parameters(paramLabel = "FILE", arity = "1", description = "What to look into.")
  String file = "";

  @Option(
      names = "--json",
      arity = "0..1",
      fallbackValue = "-",
      paramLabel = "FILE",
      description = "Write JSON to a file, or to stdout without one.")
  @Nullable Path json;

  @Mixin StandardOptions standard;

  InspectCommand(Terminal terminal) {
    this.terminal = terminal;
  }

  /**
   * What is known of a tensor.
   *
   * @param format as it is stored in a weight file; of arrays and data sets as it is read
   * @param min least finite value; null if there is none
   * @param max greatest finite value; null if there is none
   */
  record Entry(
      String name,
      List<Integer> shape,
      String format,
      long size,
      @Nullable Double min,
      @Nullable Double max,
      long nan,
      long infinite) {}

  /** What a file holds. */
  record Contents(
      String file,
      String kind,
      @Nullable Long bytes,
      List<Entry> tensors,
      Map<String, String> metadata) {}

  @Override
  public Integer call() throws IOException {
    Outputs.require("--json", json);
    Outputs.requireOther("--json", json, "FILE", file);
    Contents contents = contents();
    Text text = new Text(terminal, json);
    lines(contents).forEach(text::line);
    if (json != null) {
      Json.write(contents, json, terminal);
    }
    return Failure.DONE;
  }

  private Contents contents() throws IOException {
    String name = file.toLowerCase(Locale.ROOT);
    if (name.endsWith(".safetensors")) {
      return weights(Path.of(file));
    }
    if (name.endsWith(".npz")) {
      return of("NPZ", entries(Npz.read(Path.of(file))), Map.of());
    }
    if (name.endsWith(".npy")) {
      return of("NPY", entries(Map.of("array", Npy.read(Path.of(file)))), Map.of());
    }
    if (!Datasets.recognizes(file)) {
      throw Failure.badInput(unknown());
    }
    Dataset data = dataset();
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    tensors.put("x", data.x());
    tensors.put("y", data.y());
    Map<String, String> notes =
        data.classes() > 0 ? Map.of("classes", Integer.toString(data.classes())) : Map.of();
    return of("data set", entries(tensors), notes);
  }

  private String unknown() {
    String problem = file.isEmpty() ? "FILE is empty" : file + ": " + Disk.describe(Path.of(file));
    String remedy =
        file.matches("(?i).*\\.(pt|pth|bin|ckpt)")
            ? "; of PyTorch's files those written by safetensors.torch.save_file can be read"
            : "";
    return problem
        + "; inspect takes .safetensors, .npy and data sets: "
        + Datasets.accepted()
        + remedy;
  }

  /** Targets are read as labels where they can be, else as real numbers. */
  private Dataset dataset() throws DataException {
    try {
      return Datasets.open(file, DType.F64, Task.CLASSIFICATION);
    } catch (DataException asLabels) {
      try {
        return Datasets.open(file, DType.F64, Task.REGRESSION);
      } catch (DataException e) {
        throw asLabels;
      }
    }
  }

  private Contents weights(Path path) throws DataException {
    SafetensorsFile read = Safetensors.read(path);
    Map<String, String> formats =
        Safetensors.inspect(path).stream()
            .collect(Collectors.toMap(s -> s.name(), s -> s.format()));
    List<Entry> entries = new ArrayList<>();
    read.tensors()
        .forEach((name, t) -> entries.add(entry(name, t, formats.getOrDefault(name, "?"))));
    return of("safetensors", entries, read.metadata());
  }

  private Contents of(String kind, List<Entry> entries, Map<String, String> notes)
      throws DataException {
    Long bytes = null;
    try {
      bytes = Files.isRegularFile(Path.of(file)) ? Long.valueOf(Files.size(Path.of(file))) : null;
    } catch (InvalidPathException e) {
      bytes = null; // the name of a built-in data set
    } catch (IOException e) {
      throw new DataException(file + ": " + e.getMessage(), e);
    }
    return new Contents(file, kind, bytes, entries, notes);
  }

  private static List<Entry> entries(Map<String, Tensor> tensors) {
    List<Entry> entries = new ArrayList<>();
    tensors.forEach((name, t) -> entries.add(entry(name, t, t.dtype().toString())));
    return entries;
  }

  private static Entry entry(String name, Tensor t, String format) {
    double[] values = t.cast(DType.F64).toDoubleArray();
    double min = Double.POSITIVE_INFINITY;
    double max = Double.NEGATIVE_INFINITY;
    long nan = 0;
    long infinite = 0;
    for (double v : values) {
      if (Double.isNaN(v)) {
        nan++;
      } else if (Double.isInfinite(v)) {
        infinite++;
      } else {
        min = Math.min(min, v);
        max = Math.max(max, v);
      }
    }
    boolean any = min <= max;
    List<Integer> shape = Arrays.stream(t.shape().dims()).boxed().toList();
    return new Entry(
        name, shape, format, values.length, any ? min : null, any ? max : null, nan, infinite);
  }

  private static String bound(Entry e, @Nullable Double value) {
    if (value == null) {
      return "-";
    }
    boolean whole = e.format.matches("[IU]\\d+|BOOL");
    return whole && Math.abs(value) < MOST_WHOLE
        ? Long.toString(value.longValue())
        : Numbers.significant(value, 5);
  }

  private static List<String> lines(Contents c) {
    List<String> lines = new ArrayList<>();
    lines.add(c.file + ": " + c.kind + (c.bytes == null ? "" : ", " + Numbers.bytes(c.bytes)));
    int width = c.tensors.stream().mapToInt(e -> e.name.length()).max().orElse(4);
    int shapes = c.tensors.stream().mapToInt(e -> e.shape.toString().length()).max().orElse(5);
    String format =
        "  %-"
            + Math.max(4, width)
            + "s  %-"
            + Math.max(5, shapes)
            + "s  %-6s  %11s  %11s  %5s  %8s";
    lines.add(
        String.format(
            Locale.ROOT,
            format,
            "name",
            "shape",
            "format",
            "least",
            "greatest",
            "NaN",
            "infinite"));
    for (Entry e : c.tensors) {
      lines.add(
          String.format(
              Locale.ROOT,
              format,
              e.name,
              e.shape,
              e.format,
              bound(e, e.min),
              bound(e, e.max),
              e.nan,
              e.infinite));
    }
    long values = c.tensors.stream().mapToLong(Entry::size).sum();
    lines.add(
        "  " + Numbers.count(c.tensors.size(), "tensor") + ", " + Numbers.count(values, "value"));
    c.metadata.forEach((k, v) -> lines.add("  " + k + ": " + v));
    return lines;
  }
}
