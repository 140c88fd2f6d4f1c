package org.hesse.backend;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import org.hesse.DType;

/**
 * What a plan asks of a backend: steps in order, over inputs, outputs and one arena.
 *
 * @param inputs slots of the inputs, in order
 * @param outputs slots of the outputs, in order
 * @param arena elements of scratch memory needed for each dtype
 * @param steps kernels in an order that respects their dependencies
 * @param over for each output the input whose memory it takes in the same run, or −1; no step
 *     mentions that input, which the output's slot holds in the beginning
 */
public record Schedule(
    List<Slot> inputs,
    List<Slot> outputs,
    EnumMap<DType, Long> arena,
    List<Step> steps,
    int[] over) {
  /** The same, where no output takes an input's memory. */
  public Schedule(
      List<Slot> inputs, List<Slot> outputs, EnumMap<DType, Long> arena, List<Step> steps) {
    this(inputs, outputs, arena, steps, none(outputs.size()));
  }

  private static int[] none(int outputs) {
    int[] over = new int[outputs];
    Arrays.fill(over, -1);
    return over;
  }
}
