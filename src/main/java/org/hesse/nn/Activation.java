package org.hesse.nn;

import java.util.Arrays;
import java.util.Locale;
import org.hesse.Functions;
import org.hesse.Tensor;

/** Elementwise nonlinearities. */
public enum Activation implements Layer {
  /** max(x, 0), with derivative 0 at 0. */
  RELU {
    @Override
    public Tensor apply(Tensor x) {
      return x.relu();
    }
  },
  /** Hyperbolic tangent. */
  TANH {
    @Override
    public Tensor apply(Tensor x) {
      return x.tanh();
    }
  },
  /** 1/(1 + e⁻ˣ). */
  SIGMOID {
    @Override
    public Tensor apply(Tensor x) {
      return x.sigmoid();
    }
  },
  /** x Φ(x) with the exact normal distribution function (Hendrycks and Gimpel, 2016). */
  GELU {
    @Override
    public Tensor apply(Tensor x) {
      return Functions.gelu(x);
    }
  },
  /** x σ(x). */
  SILU {
    @Override
    public Tensor apply(Tensor x) {
      return x.mul(x.sigmoid());
    }
  },
  /** log(1 + eˣ). */
  SOFTPLUS {
    @Override
    public Tensor apply(Tensor x) {
      return x.softplus();
    }
  },
  /** x itself: a deep linear network. */
  IDENTITY {
    @Override
    public Tensor apply(Tensor x) {
      return x;
    }
  };

  /**
   * The activation of a name, in any case.
   *
   * @throws IllegalArgumentException if there is none
   */
  public static Activation parse(String name) {
    for (Activation a : values()) {
      if (a.name().equalsIgnoreCase(name)) {
        return a;
      }
    }
    throw new IllegalArgumentException(
        "activation: '"
            + name
            + "' is unknown; expected one of "
            + Arrays.toString(values()).toLowerCase(Locale.ROOT));
  }
}
