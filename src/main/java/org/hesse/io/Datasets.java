package org.hesse.io;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.hesse.DType;
import org.hesse.Tensor;

/**
 * Data sets by name: generated ones, and files by the ending of their name.
 *
 * <pre>{@code
 * Dataset digits = Datasets.open("digits:2000", DType.F32, Task.CLASSIFICATION);
 * Dataset.Split parts = digits.split(0.2, 7);
 * for (Dataset batch : parts.train().shuffled(1).batches(64)) {
 *   step.apply(batch.x(), batch.y());
 * }
 * }</pre>
 *
 * <p>Sample i of a generated data set depends on the seed, on i and on the options, not on how many
 * samples are asked for; its values are the same on every platform.
 */
public final class Datasets {
  /** Side length in pixels of {@link #digits(int, long, DType)}. */
  public static final int DIGIT_SIDE = 16;

  private static final int MOST_ARMS = 100;

  private static final String ENDINGS =
      ".csv, .tsv, .npz, or an IDX pair as images:labels or as a …images-idx3-ubyte[.gz] file with"
          + " its labels beside it";

  /** A generated data set. */
  private record Builtin(
      String name, int count, String about, Task task, Map<String, Double> options, Maker maker) {
    @FunctionalInterface
    interface Maker {
      Dataset make(int n, long seed, Map<String, Double> options, DType dtype);
    }
  }

  /** Where a data set comes from. */
  @FunctionalInterface
  private interface Source {
    Dataset read(DType dtype, Task task) throws DataException;
  }

  private static final List<Builtin> BUILTINS =
      List.of(
          new Builtin(
              "digits",
              2000,
              "handwriting-like digits, 10 classes, side × side pixels",
              Task.CLASSIFICATION,
              Map.of("side", (double) DIGIT_SIDE),
              (n, seed, o, dtype) -> digits(n, seed, whole(o, "side"), dtype)),
          new Builtin(
              "two-moons",
              1000,
              "two interleaved half circles, 2 classes, 2 features",
              Task.CLASSIFICATION,
              Map.of("noise", 0.1),
              (n, seed, o, dtype) -> twoMoons(n, seed, option(o, "noise"), dtype)),
          new Builtin(
              "spirals",
              1500,
              "spiral arms, one class each, 2 features",
              Task.CLASSIFICATION,
              Map.of("arms", 3.0, "noise", 0.1),
              (n, seed, o, dtype) -> spirals(n, seed, whole(o, "arms"), option(o, "noise"), dtype)),
          new Builtin(
              "sine",
              500,
              "a noisy wave y = sin(3x) + x/2 on [-2, 2], 1 feature, 1 target",
              Task.REGRESSION,
              Map.of("noise", 0.1),
              (n, seed, o, dtype) -> sine(n, seed, option(o, "noise"), dtype)));

  private Datasets() {}

  /** Names of the generated data sets. */
  public static List<String> names() {
    return BUILTINS.stream().map(Builtin::name).toList();
  }

  /** What {@link #open} accepts, a line for each. */
  public static List<String> help() {
    return Stream.concat(
            BUILTINS.stream()
                .map(b ->
                    String.format(
                        "%s[:count%s:seed=S]  %s; count %d unless told",
                        b.name,
                        b.options.keySet().stream()
                            .sorted()
                            .map(k -> ":" + k + "=" + number(option(b.options, k)))
                            .collect(Collectors.joining()),
                        b.about,
                        b.count)),
            Stream.of("a file: " + ENDINGS))
        .toList();
  }

  /** As {@link #open(String, DType, Task, long)} with seed 0. */
  public static Dataset open(String spec, DType dtype, Task task) throws DataException {
    return open(spec, dtype, task, 0);
  }

  /**
   * Generates or reads a data set.
   *
   * @param spec a generated data set: its name, optionally a count and options, such as {@code
   *     digits}, {@code digits:5000:side=28} or {@code two-moons:400:noise=0.2:seed=3}; or a file:
   *     {@code .csv}, {@code .tsv}, {@code .npz} with arrays x and y, or IDX images with their
   *     labels
   * @param dtype F32 or F64, the dtype of x and of real targets
   * @param task what the targets are
   * @param seed of a generated data set, unless {@code spec} names one
   * @throws DataException if the spec is not understood (the message lists what is), the data set
   *     has no targets of that kind, or the file is bad
   */
  public static Dataset open(String spec, DType dtype, Task task, long seed) throws DataException {
    Checks.real(dtype);
    try {
      Optional<Source> source = source(spec, seed);
      if (source.isPresent()) {
        return source.get().read(dtype, task);
      }
      throw bad(
          spec, (spec.isEmpty() ? "the name is empty" : Disk.describe(Path.of(spec))) + expected());
    } catch (InvalidPathException e) {
      throw bad(spec, Disk.describe(e) + expected());
    }
  }

  private static String expected() {
    return "; accepted are " + accepted();
  }

  /** What {@link #open} accepts, in one line. */
  public static String accepted() {
    return String.join(", ", names()) + " (as name:count), or a file: " + ENDINGS;
  }

  /**
   * Whether a spec is of a kind that {@link #open} accepts, going by its name; whether there is
   * such a file and what it holds is another question.
   */
  public static boolean recognizes(String spec) {
    try {
      return source(spec, 0).isPresent();
    } catch (InvalidPathException e) {
      return false;
    }
  }

  /** How a spec is read, if it is of a known kind. */
  private static Optional<Source> source(String spec, long seed) {
    int colon = spec.indexOf(':');
    String name = colon < 0 ? spec : spec.substring(0, colon);
    for (Builtin b : BUILTINS) {
      if (b.name.equals(name)) {
        return Optional.of((dtype, task) -> generate(b, spec, dtype, task, seed));
      }
    }
    return pair(spec).or(() -> file(Path.of(spec)));
  }

  private static Dataset generate(Builtin b, String spec, DType dtype, Task task, long defaultSeed)
      throws DataException {
    if (task != b.task) {
      throw bad(
          spec,
          b.task == Task.CLASSIFICATION
              ? "has class labels, not the real targets that regression needs"
              : "has real targets, not the class labels that classification needs");
    }
    int n = b.count;
    long seed = defaultSeed;
    Map<String, Double> options = new LinkedHashMap<>(b.options);
    List<String> parts = List.of(spec.split(":", -1));
    for (String part : parts.subList(1, parts.size())) {
      int equals = part.indexOf('=');
      String key = equals < 0 ? "count" : part.substring(0, equals);
      String value = part.substring(equals + 1);
      try {
        if (key.equals("count")) {
          n = Integer.parseInt(value);
        } else if (key.equals("seed")) {
          seed = Long.parseLong(value);
        } else if (options.containsKey(key)) {
          options.put(key, Double.parseDouble(value));
        } else {
          throw bad(
              spec,
              "no option "
                  + DataException.quote(key)
                  + "; there are count, seed, "
                  + b.options.keySet().stream().sorted().collect(Collectors.joining(", ")));
        }
      } catch (NumberFormatException e) {
        throw bad(spec, key + " " + DataException.quote(value) + " is not a number");
      }
    }
    try {
      return b.maker.make(n, seed, options, dtype);
    } catch (IllegalArgumentException e) {
      throw bad(spec, String.valueOf(e.getMessage()));
    }
  }

  private static DataException bad(String spec, String problem) {
    return new DataException("data " + DataException.quote(spec) + ": " + problem);
  }

  private static double option(Map<String, Double> options, String key) {
    return Objects.requireNonNull(options.get(key));
  }

  private static int whole(Map<String, Double> options, String key) {
    double value = option(options, key);
    if (value != (int) value) {
      throw new IllegalArgumentException(key + ": " + value + " is not a whole number");
    }
    return (int) value;
  }

  private static String number(double value) {
    return value == (int) value ? Integer.toString((int) value) : Double.toString(value);
  }

  /** An IDX pair; file names may hold colons themselves. */
  private static Optional<Source> pair(String spec) {
    for (int colon = spec.indexOf(':'); colon >= 0; colon = spec.indexOf(':', colon + 1)) {
      if (colon > 0 && colon < spec.length() - 1) {
        Path images = Path.of(spec.substring(0, colon));
        Path labels = Path.of(spec.substring(colon + 1));
        if (isIdx(images) && isIdx(labels)
            || Files.isRegularFile(images) && Files.isRegularFile(labels)) {
          return Optional.of((dtype, task) -> idx(images, labels, dtype, task));
        }
      }
    }
    return Optional.empty();
  }

  private static Optional<Source> file(Path file) {
    String name = Checks.name(file).toLowerCase(Locale.ROOT);
    if (name.endsWith(".csv") || name.endsWith(".tsv")) {
      return Optional.of((dtype, task) -> Csv.read(file, dtype, task));
    }
    if (name.endsWith(".npz")) {
      return Optional.of((dtype, task) -> Npz.dataset(file, dtype, task));
    }
    if (isIdx(file)) {
      return Optional.of((dtype, task) -> {
        var _ = Disk.length(file);
        return idx(file, Idx.labelsBeside(file), dtype, task);
      });
    }
    return Optional.empty();
  }

  private static boolean isIdx(Path file) {
    String name = Checks.name(file).toLowerCase(Locale.ROOT);
    String plain = name.endsWith(".gz") ? name.substring(0, name.length() - 3) : name;
    return plain.endsWith("-ubyte") || plain.endsWith(".idx") || plain.matches(".*\\.idx\\d");
  }

  private static Dataset idx(Path images, Path labels, DType dtype, Task task)
      throws DataException {
    if (task == Task.REGRESSION) {
      throw DataException.in(
          images, "IDX pairs hold class labels, not the real targets that regression needs");
    }
    return Idx.dataset(images, labels, dtype);
  }

  /** {@link #digits(int, long, int, DType)} of 16 × 16 pixels. */
  public static Dataset digits(int n, long seed, DType dtype) {
    return digits(n, seed, DIGIT_SIDE, dtype);
  }

  /**
   * Digits as if written by hand, drawn from pen strokes in several styles with random slant,
   * rotation, stretch, shift, wobble, pen width and grain. Every ten samples in a row hold each
   * digit once.
   *
   * @param side of the images in pixels, 8 to 64
   * @return x [n, side · side], row by row, values k/255 from 0 (paper) to 1 (ink); y I32 [n], 10
   *     classes
   * @throws IllegalArgumentException if n is not positive, the side is out of range, or the images
   *     are too many for one tensor
   */
  public static Dataset digits(int n, long seed, int side, DType dtype) {
    if (side < Digits.SMALLEST_SIDE || side > Digits.LARGEST_SIDE) {
      throw new IllegalArgumentException(
          "side: "
              + side
              + " is out of range; "
              + Digits.SMALLEST_SIDE
              + " to "
              + Digits.LARGEST_SIDE
              + " are drawn");
    }
    int d = side * side;
    double[] x = new double[length(n, d)];
    int[] y = new int[n];
    for (int i = 0; i < n; i++) {
      int[] levels = Digits.draw(seed, i, side);
      for (int p = 0; p < d; p++) {
        x[i * d + p] = levels[p] / 255.0;
      }
      y[i] = Digits.label(seed, i);
    }
    return labelled("digits", x, d, y, Digits.CLASSES, dtype);
  }

  /**
   * Two interleaved half circles of radius 1; samples belong to them in turn.
   *
   * @param noise standard deviation added to both coordinates, 0 or more
   * @return x [n, 2]; y I32 [n], 2 classes
   * @throws IllegalArgumentException if n is not positive or the noise is negative
   */
  public static Dataset twoMoons(int n, long seed, double noise, DType dtype) {
    double[] x = new double[length(n, 2)];
    int[] y = new int[n];
    checkNoise(noise);
    for (int i = 0; i < n; i++) {
      SplitMix random = new SplitMix(seed, i);
      double angle = Math.PI * random.uniform();
      y[i] = i % 2;
      double cos = StrictMath.cos(angle);
      double sin = StrictMath.sin(angle);
      x[2 * i] = (y[i] == 0 ? cos : 1 - cos) + noise * random.gaussian();
      x[2 * i + 1] = (y[i] == 0 ? sin : 0.5 - sin) + noise * random.gaussian();
    }
    return labelled("two-moons", x, 2, y, 2, dtype);
  }

  /**
   * Spiral arms that start at the origin and make three quarters of a turn out to radius 1; samples
   * belong to them in turn.
   *
   * @param arms number of arms, which is the number of classes, 2 to 100
   * @param noise standard deviation of the angle in radians, 0 or more
   * @return x [n, 2]; y I32 [n]
   * @throws IllegalArgumentException if n is not positive, or arms or noise are out of range
   */
  public static Dataset spirals(int n, long seed, int arms, double noise, DType dtype) {
    double[] x = new double[length(n, 2)];
    int[] y = new int[n];
    checkNoise(noise);
    if (arms < 2 || arms > MOST_ARMS) {
      throw new IllegalArgumentException(
          "arms: " + arms + " is out of range; 2 to " + MOST_ARMS + " are possible");
    }
    for (int i = 0; i < n; i++) {
      SplitMix random = new SplitMix(seed, i);
      double radius = random.uniform();
      y[i] = i % arms;
      double angle =
          2 * Math.PI * ((double) y[i] / arms + 0.75 * radius) + noise * random.gaussian();
      x[2 * i] = radius * StrictMath.cos(angle);
      x[2 * i + 1] = radius * StrictMath.sin(angle);
    }
    return labelled("spirals", x, 2, y, arms, dtype);
  }

  /**
   * A noisy wave, y = sin(3x) + x/2 with x uniform in [−2, 2).
   *
   * @param noise standard deviation added to y, 0 or more
   * @return x [n, 1]; y [n, 1], both of the dtype
   * @throws IllegalArgumentException if n is not positive or the noise is negative
   */
  public static Dataset sine(int n, long seed, double noise, DType dtype) {
    Checks.real(dtype);
    double[] x = new double[length(n, 1)];
    double[] y = new double[n];
    checkNoise(noise);
    for (int i = 0; i < n; i++) {
      SplitMix random = new SplitMix(seed, i);
      x[i] = random.uniform(-2, 2);
      y[i] = StrictMath.sin(3 * x[i]) + x[i] / 2 + noise * random.gaussian();
    }
    return Dataset.regression("sine", real(x, dtype, n, 1), real(y, dtype, n, 1));
  }

  private static int length(int n, int features) {
    if (n < 1 || (long) n * features > Element.LONGEST) {
      throw new IllegalArgumentException(
          "count: " + n + " is out of range; 1 to " + Element.LONGEST / features + " are possible");
    }
    return n * features;
  }

  private static void checkNoise(double noise) {
    if (!(noise >= 0 && noise < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException("noise: " + noise + " must be 0 or more");
    }
  }

  private static Dataset labelled(
      String name, double[] x, int features, int[] y, int classes, DType dtype) {
    Checks.real(dtype);
    return Dataset.classification(
        name, real(x, dtype, y.length, features), Tensor.of(y, y.length), classes);
  }

  private static Tensor real(double[] values, DType dtype, int... dims) {
    return dtype == DType.F64 ? Tensor.of(values, dims) : Tensor.of(floats(values), dims);
  }

  private static float[] floats(double[] values) {
    float[] f = new float[values.length];
    for (int i = 0; i < f.length; i++) {
      f[i] = (float) values[i];
    }
    return f;
  }
}
