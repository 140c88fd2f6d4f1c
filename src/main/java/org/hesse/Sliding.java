package org.hesse;

import java.util.Arrays;
import java.util.List;
import org.hesse.ops.Convolutions;

/**
 * How a window slides over the spatial axes of a tensor. Each list has one number for every spatial
 * axis, or a single one for all of them.
 *
 * @param stride steps between positions, 1 or more
 * @param padding elements added at both ends, 0 or more
 * @param dilation steps between neighbours in the window, 1 or more
 */
public record Sliding(List<Integer> stride, List<Integer> padding, List<Integer> dilation) {
  /** Checks and copies the lists. */
  public Sliding {
    stride = checked("stride", stride, 1);
    padding = checked("padding", padding, 0);
    dilation = checked("dilation", dilation, 1);
  }

  private static List<Integer> checked(String what, List<Integer> values, int least) {
    if (values.isEmpty() || values.stream().anyMatch(v -> v < least)) {
      throw new IllegalArgumentException(
          what + ": " + values + "; expected numbers of " + least + " or more");
    }
    return List.copyOf(values);
  }

  /** Steps of the given size, no padding, no dilation. */
  public static Sliding by(int... stride) {
    return new Sliding(list(stride), List.of(0), List.of(1));
  }

  /** The same with elements added at both ends of each axis. */
  public Sliding padded(int... padding) {
    return new Sliding(stride, list(padding), dilation);
  }

  /** The same with gaps in the window. */
  public Sliding dilated(int... dilation) {
    return new Sliding(stride, padding, list(dilation));
  }

  private static List<Integer> list(int[] values) {
    return Arrays.stream(values).boxed().toList();
  }

  /** The numbers for each of the axes behind the first two of a tensor. */
  Convolutions.Slide over(int rank) {
    int axes = Math.max(0, rank - 2);
    return new Convolutions.Slide(
        spread("stride", stride, axes),
        spread("padding", padding, axes),
        spread("dilation", dilation, axes));
  }

  private static int[] spread(String what, List<Integer> values, int axes) {
    if (values.size() != 1 && values.size() != axes) {
      throw new IllegalArgumentException(
          what + ": " + values + "; expected 1 number or " + axes + ", one for each spatial axis");
    }
    int[] all = new int[axes];
    Arrays.setAll(all, i -> values.get(values.size() == 1 ? 0 : i));
    return all;
  }
}
