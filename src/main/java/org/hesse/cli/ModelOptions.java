package org.hesse.cli;

import java.nio.file.Path;
import org.hesse.nn.Loss;
import org.hesse.nn.MlpShape;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** Options that say which model meets which data. */
final class ModelOptions {
  /** Before the options of a single command, which have the usual order, −1. */
  private static final int FIRST = -2;

  @Option(
      names = "--data",
      order = FIRST,
      paramLabel = "DATA",
      description = {
        "A built-in data set (digits, two-moons, spirals, sine; digits:5000 sets the count), a CSV"
            + " file with the label last, an NPZ file with x and y, or an IDX pair IMAGES:LABELS."
      })
  @Nullable String data;

  @Option(
      names = "--arch",
      order = FIRST,
      paramLabel = "ARCH",
      converter = ShapeConverter.class,
      description = {
        "Layer widths and activation, such as mlp:64-32-10:tanh. Activations: relu, tanh, sigmoid,"
            + " gelu, silu, softplus, identity; tanh without one."
      })
  @Nullable MlpShape arch;

  @Option(
      names = "--loss",
      order = FIRST,
      paramLabel = "LOSS",
      converter = LossConverter.class,
      description = "cross-entropy (class labels) or mse (real targets). Default: cross-entropy.")
  Loss loss = Loss.CROSS_ENTROPY;

  /** Reads an architecture. */
  static final class ShapeConverter implements ITypeConverter<MlpShape> {
    @Override
    public MlpShape convert(String value) {
      try {
        return MlpShape.parse(value);
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(withoutName(e));
      }
    }
  }

  /** Reads a loss. */
  static final class LossConverter implements ITypeConverter<Loss> {
    @Override
    public Loss convert(String value) {
      try {
        return Loss.parse(value);
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(withoutName(e));
      }
    }
  }

  /** The option's name is put in front by the caller. */
  private static String withoutName(IllegalArgumentException e) {
    return String.valueOf(e.getMessage()).replaceFirst("^(arch|loss): ", "");
  }

  /** Weights to start from, for commands that measure. */
  static final class Weights {
    @Option(
        names = "--model",
        order = FIRST,
        paramLabel = "FILE",
        description =
            "Weights, a safetensors file with the names of PyTorch's nn.Sequential (0.weight,"
                + " 0.bias, 2.weight, …). Needs --arch unless saved by 'hesse train'.")
    @Nullable Path model;
  }
}
