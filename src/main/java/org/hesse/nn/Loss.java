package org.hesse.nn;

import org.hesse.DType;
import org.hesse.Functions;
import org.hesse.Shape;
import org.hesse.Tensor;

/** How far a model's outputs are from the targets: the mean over a batch, a scalar. */
public enum Loss {
  /**
   * Softmax cross-entropy, the mean over examples of −log softmax(logits)[label]. Outputs are
   * logits [N, C], targets I32 labels [N] in 0 … C−1; any other label makes the loss NaN. Finite,
   * with its derivatives, for logits of ±10⁴.
   */
  CROSS_ENTROPY("cross-entropy") {
    @Override
    public Tensor apply(Tensor logits, Tensor labels) {
      if (logits.rank() != 2
          || labels.dtype() != DType.I32
          || !labels.shape().equals(logits.shape().remove(1))) {
        throw mismatch(logits, labels, "logits [N, C] and I32 labels [N]");
      }
      return Functions.crossEntropy(logits, labels);
    }
  },
  /** Squared error, the mean over examples and outputs. Both are [N, k]. */
  MSE("mse") {
    @Override
    public Tensor apply(Tensor outputs, Tensor targets) {
      if (!outputs.shape().equals(targets.shape())) {
        throw mismatch(outputs, targets, "outputs and targets of one shape");
      }
      return outputs.sub(targets).square().mean();
    }
  };

  private final String label;

  Loss(String label) {
    this.label = label;
  }

  /** The scalar loss of a batch. */
  public abstract Tensor apply(Tensor outputs, Tensor targets);

  /** The name on the command line. */
  public String label() {
    return label;
  }

  /**
   * The loss of a name.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static Loss parse(String name) {
    for (Loss l : values()) {
      if (l.label.equals(name)) {
        return l;
      }
    }
    throw new IllegalArgumentException(
        "loss: '" + name + "' is unknown; expected cross-entropy or mse");
  }

  private static IllegalArgumentException mismatch(
      Tensor outputs, Tensor targets, String expected) {
    Shape a = outputs.shape();
    return new IllegalArgumentException(
        "loss: outputs are "
            + outputs.dtype()
            + a
            + ", targets "
            + targets.dtype()
            + targets.shape()
            + "; expected "
            + expected);
  }
}
