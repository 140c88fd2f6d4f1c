package org.hesse.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.hesse.DType;
import org.hesse.Tensor;
import org.hesse.io.DataException;
import org.hesse.io.Dataset;
import org.hesse.io.Datasets;
import org.hesse.io.Safetensors;
import org.hesse.io.SafetensorsFile;
import org.hesse.io.Task;
import org.hesse.nn.Activation;
import org.hesse.nn.Loss;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import org.jspecify.annotations.Nullable;

/** Reads data and weights, and sees to it that they fit the architecture and the loss. */
final class Problem {
  /** Under this name {@code train} notes the architecture in a weight file. */
  static final String ARCH_NOTE = "hesse.arch";

  private static final long MOST_PARAMETERS = 2_000_000_000L;
  private static final int HIDDEN = 32;
  private static final int FEW_FEATURES = 8;

  private Problem() {}

  /** Opens a data set as [N, features]. */
  static Dataset data(String spec, Loss loss, DType dtype) throws DataException {
    Task task = loss == Loss.CROSS_ENTROPY ? Task.CLASSIFICATION : Task.REGRESSION;
    Dataset d = Datasets.open(spec, dtype, task);
    if (d.size() == 0) {
      throw Failure.badInput(spec + ": has no samples");
    }
    return d.x().rank() == 2
        ? d
        : new Dataset(d.name(), d.x().reshape(d.size(), d.features()), d.y(), d.classes());
  }

  /** How many outputs a model of the data needs. */
  static int outputs(Dataset data) {
    return data.classes() > 0 ? data.classes() : data.y().dim(1);
  }

  /** A small architecture for data. */
  static MlpShape defaultShape(Dataset data) {
    List<Integer> widths = new ArrayList<>(List.of(data.features(), HIDDEN));
    if (data.features() <= FEW_FEATURES) {
      widths.add(HIDDEN);
    }
    widths.add(outputs(data));
    return new MlpShape(widths, Activation.TANH);
  }

  /** How many numbers the weights of an architecture are. */
  static long parameters(MlpShape shape) {
    long n = 0;
    for (int i = 0; i < shape.depth(); i++) {
      n += (shape.width(i) + 1L) * shape.width(i + 1);
    }
    return n;
  }

  /** Refuses an architecture that does not fit the data. */
  static void requireFit(MlpShape shape, Dataset data) {
    if (parameters(shape) > MOST_PARAMETERS) {
      throw Failure.badInput(
          "--arch: "
              + shape
              + " has "
              + Numbers.whole(parameters(shape))
              + " parameters; at most "
              + Numbers.whole(MOST_PARAMETERS)
              + " fit one vector");
    }
    String name = data.name();
    // That a single sample has no choice is its smaller problem.
    if (data.classes() > 0 && shape.outputs() == 1 && data.size() > 1) {
      throw Failure.badInput(
          name
              + (data.classes() == 1 ? ": all labels are 0" : ": has labels")
              + ", and one output has no choice between classes; expected two classes or more (or"
              + " --loss mse for real targets)");
    }
    if (shape.inputs() != data.features()) {
      throw Failure.badInput(
          name
              + ": has "
              + Numbers.count(data.features(), "feature")
              + ", but "
              + shape
              + " takes "
              + shape.inputs());
    }
    if (data.classes() > shape.outputs()) {
      throw Failure.badInput(
          name
              + ": label "
              + (data.classes() - 1)
              + " is out of range for "
              + shape
              + ", whose "
              + shape.outputs()
              + " outputs stand for labels 0 to "
              + (shape.outputs() - 1));
    }
    // Fewer labels than outputs are fine: a part of the data may lack some.
    if (data.classes() == 0 && outputs(data) != shape.outputs()) {
      throw Failure.badInput(
          name
              + ": has "
              + Numbers.count(outputs(data), "target value")
              + ", but "
              + shape
              + " has "
              + Numbers.count(shape.outputs(), "output"));
    }
  }

  /** Weights as they are stored. */
  static SafetensorsFile weights(Path file) throws DataException {
    return Safetensors.read(file);
  }

  /** The real dtype of most precision among the weights. */
  static DType dtype(SafetensorsFile weights) {
    return weights.tensors().values().stream().anyMatch(t -> t.dtype() == DType.F64)
        ? DType.F64
        : DType.F32;
  }

  /** The architecture given, or else the one noted in the file. */
  static MlpShape shape(Path file, SafetensorsFile weights, @Nullable MlpShape given) {
    if (given != null) {
      return given;
    }
    String note = weights.metadata().get(ARCH_NOTE);
    if (note == null) {
      throw Failure.badInput(
          file
              + ": does not say which architecture it is of; give it with --arch, such as"
              + " --arch mlp:64-32-10:tanh");
    }
    try {
      return MlpShape.parse(note);
    } catch (IllegalArgumentException e) {
      throw Failure.badInput(file + ": " + ARCH_NOTE + " in its metadata: " + e.getMessage());
    }
  }

  /** A network with stored weights in some precision. */
  static Mlp load(Path file, SafetensorsFile weights, MlpShape shape, DType dtype) {
    Map<String, Tensor> state = new LinkedHashMap<>();
    weights.tensors().forEach((name, t) -> state.put(name, t.cast(dtype)));
    try {
      Mlp model = Mlp.load(shape, state);
      requireFinite(file, state);
      return model;
    } catch (IllegalArgumentException e) {
      throw Failure.badInput(file + ": " + e.getMessage());
    }
  }

  private static void requireFinite(Path file, Map<String, Tensor> state) {
    state.forEach((name, t) -> {
      for (double v : t.toDoubleArray()) {
        if (!Double.isFinite(v)) {
          throw Failure.badInput(file + ": the weight '" + name + "' holds " + v);
        }
      }
    });
  }
}
