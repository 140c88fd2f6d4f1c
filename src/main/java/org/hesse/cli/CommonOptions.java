package org.hesse.cli;

import org.hesse.DType;
import org.hesse.backend.cpu.CpuBackend;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** Options of every command that computes. */
final class CommonOptions {
  @Option(
      names = "--device",
      paramLabel = "DEVICE",
      description = "Where to compute: auto, cpu or cuda[:INDEX]. Default: ${DEFAULT-VALUE}.")
  String device = "auto";

  @Option(
      names = "--dtype",
      paramLabel = "TYPE",
      converter = DTypeConverter.class,
      description =
          "Precision: float32 or float64. Default: float32; the weights' own with --model; float64"
              + " for check.")
  @Nullable DType dtype;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Seed of every random choice. Default: ${DEFAULT-VALUE}.")
  long seed;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Threads to compute with. Default: one for each processor.")
  @Nullable Integer threads;

  @Option(
      names = {"-q", "--quiet"},
      description = "Show no progress.")
  boolean quiet;

  private @Nullable Placement place;

  /** Reads a dtype's name. */
  static final class DTypeConverter implements ITypeConverter<DType> {
    @Override
    public DType convert(String value) {
      return switch (value) {
        case "float32" -> DType.F32;
        case "float64" -> DType.F64;
        default ->
            throw new TypeConversionException(
                "'" + value + "' is unknown; expected float32 or float64");
      };
    }
  }

  /**
   * Makes the device ready.
   *
   * @throws Failure if it cannot be used, or an option is out of range
   */
  void start() {
    place = Placement.choose(device);
    if (threads != null) {
      Checks.atLeast("--threads", threads, 1);
      CpuBackend.setThreads(threads);
    }
  }

  /** Where the command computes, once it has started. */
  Placement place() {
    if (place == null) {
      throw new IllegalStateException("the command has not started");
    }
    return place;
  }

  /** A dtype's name on the command line. */
  static String name(DType dtype) {
    return dtype == DType.F64 ? "float64" : "float32";
  }
}
