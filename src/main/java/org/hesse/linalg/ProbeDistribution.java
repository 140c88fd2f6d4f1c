package org.hesse.linalg;

import org.hesse.DType;
import org.hesse.RngKey;
import org.hesse.Tensor;

/** Distribution of random probe vectors; the entries are independent, of mean 0 and variance 1. */
public enum ProbeDistribution {
  /** Each entry is −1 or 1. Of all such distributions the one of least variance for a trace. */
  RADEMACHER,
  /** Each entry is standard normal; the direction is uniform on the sphere. */
  NORMAL;

  Tensor draw(RngKey key, DType dtype, int size) {
    return this == RADEMACHER ? key.rademacher(dtype, size) : key.normal(dtype, size);
  }
}
