package org.hesse.testing;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.hesse.Tensor;

/**
 * One operation: how the engine computes it, how plain loops compute it, and what to try it on.
 *
 * @param name for messages
 * @param op the operation
 * @param reference the same in plain Java
 * @param magnitude the size of the numbers that the result is rounded at: the result itself where
 *     each element comes from one rounded function, sums of absolute values for sums
 * @param ulps allowed error, in units of the dtype's epsilon times the magnitude
 * @param order derivatives that exist everywhere on smooth samples: 3, or 0 for results that are
 *     not real or that stop derivatives
 * @param samples what to try
 * @param reasons the properties that cannot be checked, each with the reason
 */
public record OpRow(
    String name,
    Function<List<Tensor>, Tensor> op,
    Function<List<Arr>, Arr> reference,
    Function<List<Arr>, Arr> magnitude,
    double ulps,
    int order,
    List<Sample> samples,
    Map<Property, String> reasons) {

  /**
   * Operands to try.
   *
   * @param smooth whether the operation has derivatives there and its reference difference
   *     quotients; otherwise the sample is for values only
   */
  public record Sample(boolean smooth, List<Arr> operands) {
    /** A sample for everything. */
    public static Sample smooth(Arr... operands) {
      return new Sample(true, List.of(operands));
    }

    /** A sample for values only. */
    public static Sample edge(Arr... operands) {
      return new Sample(false, List.of(operands));
    }
  }

  /** A row whose result is rounded once or a few times at its own size. */
  public static OpRow of(
      String name,
      int order,
      double ulps,
      Function<List<Tensor>, Tensor> op,
      Function<List<Arr>, Arr> reference,
      List<Sample> samples) {
    return new OpRow(name, op, reference, reference, ulps, order, List.copyOf(samples), Map.of());
  }

  /** A row whose result is a sum: rounded at the size of the sum of its absolute terms. */
  public OpRow summing() {
    return sized(in -> reference.apply(in.stream().map(a -> a.map(Math::abs)).toList()));
  }

  /** The same row with another notion of size. */
  public OpRow sized(Function<List<Arr>, Arr> size) {
    return new OpRow(name, op, reference, size, ulps, order, samples, reasons);
  }

  /** The same row for which a property cannot be checked, and why. */
  public OpRow without(Property property, String reason) {
    Map<Property, String> more = new EnumMap<>(Property.class);
    more.putAll(reasons);
    more.put(property, reason);
    return new OpRow(name, op, reference, magnitude, ulps, order, samples, more);
  }

  /** The same row without the properties of derivatives beyond its order, and why. */
  public OpRow notDifferentiable(String reason) {
    OpRow row = this;
    for (Property p : Property.values()) {
      row = p.order() > order ? row.without(p, "not differentiable: " + reason) : row;
    }
    return row;
  }

  /** Whether a property is not checked, be it with a reason or not. */
  boolean isWithout(Property p) {
    return p.order() > order || reasons.containsKey(p);
  }

  @Override
  public String toString() {
    return name;
  }
}
