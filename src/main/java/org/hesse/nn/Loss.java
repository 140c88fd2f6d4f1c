package org.hesse.nn;

import org.hesse.DType;
import org.hesse.Functions;
import org.hesse.RngKey;
import org.hesse.Shape;
import org.hesse.Tensor;

/** The losses that the command line knows. Each is the negative logarithm of a likelihood. */
public enum Loss implements Likelihood {
  /**
   * Softmax cross-entropy, the mean over examples, or over all positions of sequences, of −log
   * softmax(logits)[label]. Outputs are logits [N, …, C], targets I32 labels [N, …] in 0 … C−1; any
   * other label makes the loss NaN. Finite, with its derivatives, for logits of ±10⁴.
   *
   * <p>A term is a label. Its Hessian in the logits is diag(p) − ppᵀ with p = softmax(logits).
   */
  CROSS_ENTROPY("cross-entropy") {
    @Override
    public Tensor apply(Tensor logits, Tensor labels) {
      requireLabels(logits, labels);
      return Functions.crossEntropy(logits, labels);
    }

    private static void requireLabels(Tensor logits, Tensor labels) {
      int last = logits.rank() - 1;
      if (last < 1
          || labels.dtype() != DType.I32
          || !labels.shape().equals(logits.shape().remove(last))) {
        throw mismatch(logits, labels, "logits [N, …, C] and I32 labels [N, …]");
      }
    }

    @Override
    public int termAxes(Tensor labels) {
      return labels.rank();
    }

    @Override
    public Tensor hessianProduct(Tensor logits, Tensor labels, Tensor u) {
      requireLabels(logits, labels);
      return fisherProduct(logits, u).div((double) terms(labels));
    }

    @Override
    public String distribution() {
      return "categorical, p(c) = softmax(logits)[c]";
    }

    // diag(√p) − p √pᵀ
    @Override
    public Tensor root(Tensor logits) {
      Tensor p = logits.softmax(-1);
      Tensor sqrt = p.sqrt();
      Tensor diagonal = Tensor.eye(p.dtype(), p.dim(-1)).mul(sqrt.insertAxis(-1));
      return diagonal.sub(p.insertAxis(-1).mul(sqrt.insertAxis(-2)));
    }

    // p ⊙ u − p (p · u)
    @Override
    public Tensor fisherProduct(Tensor logits, Tensor u) {
      Tensor p = logits.softmax(-1);
      Tensor pu = p.mul(u);
      return pu.sub(p.mul(pu.sum(-1).insertAxis(-1)));
    }

    // The largest of logits with Gumbel noise.
    @Override
    public Tensor sample(Tensor logits, RngKey key) {
      Tensor noise = key.uniform(logits.dtype(), logits.shape().dims()).log().neg().log().neg();
      return logits.add(noise).argMax(-1);
    }
  },
  /**
   * Squared error, the mean over examples, positions and outputs. Outputs and targets are both [N,
   * …, k], or [N] for k = 1.
   *
   * <p>A term is a vector of k outputs o, with loss ‖o − t‖²/k, whose Hessian is (2/k) I: the
   * normal distribution with variance k/2 in each output.
   */
  MSE("mse") {
    @Override
    public Tensor apply(Tensor outputs, Tensor targets) {
      requireAlike(outputs, targets);
      return outputs.sub(targets).square().mean();
    }

    @Override
    public int termAxes(Tensor targets) {
      return Math.max(1, targets.rank() - 1);
    }

    @Override
    public Tensor hessianProduct(Tensor outputs, Tensor targets, Tensor u) {
      requireAlike(outputs, targets);
      return u.mul(2.0 / outputs.size());
    }

    private static void requireAlike(Tensor outputs, Tensor targets) {
      if (!outputs.shape().equals(targets.shape())) {
        throw mismatch(outputs, targets, "outputs and targets of one shape");
      }
    }

    @Override
    public String distribution() {
      return "normal, with the outputs as mean and k/2 as the variance of each of k outputs";
    }

    // √(2/k) I
    @Override
    public Tensor root(Tensor outputs) {
      int k = width(outputs);
      Shape shape = outputs.rank() == 1 ? outputs.shape().insert(1, 1) : outputs.shape();
      Tensor identity = Tensor.eye(outputs.dtype(), k).mul(Math.sqrt(2.0 / k));
      return identity.broadcastTo(shape.insert(shape.rank(), k).dims());
    }

    @Override
    public Tensor fisherProduct(Tensor outputs, Tensor u) {
      return u.mul(2.0 / width(outputs));
    }

    @Override
    public Tensor sample(Tensor outputs, RngKey key) {
      Tensor noise = key.normal(outputs.dtype(), outputs.shape().dims());
      return outputs.add(noise.mul(Math.sqrt(width(outputs) / 2.0)));
    }

    private static int width(Tensor outputs) {
      return outputs.rank() == 1 ? 1 : outputs.dim(-1);
    }
  };

  private final String label;

  Loss(String label) {
    this.label = label;
  }

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
