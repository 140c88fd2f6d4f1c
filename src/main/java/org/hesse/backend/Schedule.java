package org.hesse.backend;

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
 */
public record Schedule(
    List<Slot> inputs, List<Slot> outputs, EnumMap<DType, Long> arena, List<Step> steps) {}
