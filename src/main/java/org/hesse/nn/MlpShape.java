package org.hesse.nn;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * The architecture of an {@link Mlp}.
 *
 * @param widths inputs, hidden layers, outputs; at least two, each at least 1
 * @param activation between the layers
 */
public record MlpShape(List<Integer> widths, Activation activation) {
  private static final String EXPECTED =
      "expected mlp:WIDTH-WIDTH-…[:ACTIVATION], for example mlp:64-32-10:tanh";

  /** Checks the widths. */
  public MlpShape {
    widths = List.copyOf(widths);
    if (widths.size() < 2 || widths.stream().anyMatch(w -> w < 1)) {
      throw new IllegalArgumentException(
          "widths: " + widths + "; expected at least inputs and outputs, each 1 or more");
    }
  }

  /**
   * Reads {@code mlp:64-32-10:tanh}; without an activation it is tanh.
   *
   * @throws IllegalArgumentException if the text is malformed
   */
  public static MlpShape parse(String text) {
    String[] parts = text.split(":", -1);
    if (parts.length < 2 || parts.length > 3 || !parts[0].equals("mlp")) {
      throw new IllegalArgumentException("arch: '" + text + "' is not known; " + EXPECTED);
    }
    List<Integer> widths = new ArrayList<>();
    for (String w : parts[1].split("-", -1)) {
      try {
        widths.add(Integer.parseInt(w));
      } catch (NumberFormatException e) {
        throw new IllegalArgumentException(
            "arch: '" + text + "': '" + w + "' is not a width; " + EXPECTED, e);
      }
    }
    try {
      return new MlpShape(widths, parts.length == 3 ? Activation.parse(parts[2]) : Activation.TANH);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("arch: '" + text + "': " + e.getMessage(), e);
    }
  }

  /** Number of linear layers. */
  public int depth() {
    return widths.size() - 1;
  }

  /** Number of values between layer i − 1 and layer i; 0 gives the inputs. */
  public int width(int i) {
    return widths.get(i);
  }

  /** Number of inputs. */
  public int inputs() {
    return widths.getFirst();
  }

  /** Number of outputs. */
  public int outputs() {
    return widths.getLast();
  }

  /** The text that {@link #parse} reads. */
  @Override
  public String toString() {
    String w = widths.stream().map(Object::toString).collect(Collectors.joining("-"));
    return "mlp:" + w + ":" + activation.name().toLowerCase(Locale.ROOT);
  }
}
