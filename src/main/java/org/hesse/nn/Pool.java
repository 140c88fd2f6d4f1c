package org.hesse.nn;

import java.util.List;
import org.hesse.Sliding;
import org.hesse.Tensor;

/**
 * Makes one element of each window of a plane.
 *
 * @param kind which
 * @param window extents of the window, one for each spatial axis
 * @param sliding stride, padding and dilation
 */
public record Pool(Kind kind, List<Integer> window, Sliding sliding) implements Layer {
  /** What is made of a window. */
  public enum Kind {
    /** The largest element; padding never is. */
    MAX,
    /** The mean; padding counts as zeros. */
    AVERAGE
  }

  /** Copies the list. */
  public Pool {
    window = List.copyOf(window);
  }

  /** The largest element of each of the windows that lie side by side. */
  public static Pool max(Integer... window) {
    return new Pool(
        Kind.MAX, List.of(window), new Sliding(List.of(window), List.of(0), List.of(1)));
  }

  /** The mean of each of the windows that lie side by side. */
  public static Pool average(Integer... window) {
    return new Pool(Kind.AVERAGE, List.of(window), max(window).sliding);
  }

  /**
   * Applies the layer.
   *
   * @param x [batch, channels, spatial…]
   * @return [batch, channels, positions…]
   */
  @Override
  public Tensor apply(Tensor x) {
    int[] size = window.stream().mapToInt(w -> w).toArray();
    return kind == Kind.MAX ? x.maxPool(size, sliding) : x.averagePool(size, sliding);
  }
}
