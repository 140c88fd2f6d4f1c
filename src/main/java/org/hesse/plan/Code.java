package org.hesse.plan;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.hesse.DType;
import org.hesse.backend.Instruction;
import org.hesse.backend.View;
import org.hesse.ir.Op;

/** A register program under construction; equal instructions are one value. */
final class Code {
  private final List<Instruction> instructions = new ArrayList<>();
  private final Map<Object, Integer> known = new HashMap<>();

  /** A constant by its bits, so that 0 and −0 differ. */
  private record Literal(DType dtype, long bits) {}

  List<Instruction> instructions() {
    return List.copyOf(instructions);
  }

  int size() {
    return instructions.size();
  }

  /** The number of the value that an instruction defines. */
  int add(Instruction instruction) {
    Object key =
        switch (instruction) {
          case Instruction.Load load -> load;
          case Instruction.Constant(DType dtype, double value) ->
              new Literal(dtype, Double.doubleToRawLongBits(value));
          case Instruction.Index(long[] strides) -> Arrays.stream(strides).boxed().toList();
          case Instruction.Apply apply -> apply;
        };
    Integer value = known.putIfAbsent(key, instructions.size());
    if (value != null) {
      return value;
    }
    instructions.add(instruction);
    return instructions.size() - 1;
  }

  int load(View view) {
    return add(new Instruction.Load(view));
  }

  int constant(DType dtype, double value) {
    return add(new Instruction.Constant(dtype, value));
  }

  int apply(Op op, DType dtype, List<Integer> arguments) {
    return add(new Instruction.Apply(op, dtype, arguments));
  }

  /** An instruction of another program with its arguments renumbered. */
  static Instruction renumbered(Instruction instruction, int[] numbers) {
    return instruction instanceof Instruction.Apply(Op op, DType dtype, List<Integer> arguments)
        ? new Instruction.Apply(op, dtype, arguments.stream().map(a -> numbers[a]).toList())
        : instruction;
  }
}
