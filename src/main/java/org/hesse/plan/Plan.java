package org.hesse.plan;

import java.util.Arrays;
import java.util.List;
import org.hesse.backend.Backend;
import org.hesse.backend.Buffer;
import org.hesse.backend.Executable;
import org.hesse.backend.Schedule;
import org.hesse.backend.Slot;
import org.hesse.ir.Program;
import org.jspecify.annotations.Nullable;

/** A program compiled for a backend. Safe for use by several threads at once. */
public final class Plan {
  private final Backend backend;
  private final Program program;
  private final Schedule schedule;
  private final Executable executable;
  private final boolean overwriting;

  private Plan(Backend backend, Program program, Schedule schedule) {
    this.backend = backend;
    this.program = program;
    this.schedule = schedule;
    this.executable = backend.prepare(schedule);
    this.overwriting = Arrays.stream(schedule.over()).anyMatch(i -> i >= 0);
  }

  /** Simplifies a program, fuses and schedules it, lays out its memory and prepares it to run. */
  public static Plan compile(Backend backend, Program program) {
    return compile(backend, program, new boolean[0]);
  }

  /**
   * The same where outputs may take the memory of inputs, if the backend can do so.
   *
   * @param given for each of the first inputs whether it may be written over
   */
  public static Plan compile(Backend backend, Program program, boolean[] given) {
    Program whole = Inline.inline(program, n -> Composites.hasKernel(backend, n));
    Program simple = Simplify.simplify(whole);
    Schedule schedule = Lower.lower(simple);
    return new Plan(
        backend, simple, backend.overwrites() ? Overwrites.of(schedule, given) : schedule);
  }

  /**
   * Runs the plan.
   *
   * @param inputs a buffer for each input of the program, in order; written over are those that the
   *     plan was compiled to write over
   * @return a fresh buffer for each output, in order
   * @throws IllegalArgumentException if number, dtype or size of the inputs are not the program's
   */
  public Buffer[] run(Buffer[] inputs) {
    return run(inputs, null, "it was written over");
  }

  /**
   * Runs the plan, and writes outputs to memory that is there already: that of inputs, where {@link
   * #heir} says so, and spare buffers.
   *
   * @param spares for each output a buffer of its dtype and size, which nobody reads, or null for a
   *     fresh one; null if there are none
   * @param why what the error says when an input that was written over is read again
   */
  public Buffer[] run(Buffer[] inputs, @Nullable Buffer @Nullable [] spares, String why) {
    check(inputs);
    List<Slot> slots = schedule.outputs();
    Buffer[] outputs = new Buffer[slots.size()];
    for (int i = 0; i < outputs.length; i++) {
      Slot slot = slots.get(i);
      Buffer spare = spares == null ? null : spares[i];
      if (schedule.over()[i] < 0) {
        outputs[i] = spare != null ? spare : backend.allocate(slot.dtype(), slot.size());
      }
    }
    if (overwriting) {
      executable.run(inputs, outputs, why);
    } else {
      executable.run(inputs, outputs);
    }
    return outputs;
  }

  /** The output that is written over an input in the same run, or −1. */
  public int heir(int input) {
    for (int r = 0; r < schedule.over().length; r++) {
      if (schedule.over()[r] == input) {
        return r;
      }
    }
    return -1;
  }

  private void check(Buffer[] inputs) {
    List<Slot> slots = schedule.inputs();
    if (inputs.length != slots.size()) {
      throw new IllegalArgumentException(
          "inputs: the plan takes " + slots.size() + " buffers, " + inputs.length + " were given");
    }
    for (int i = 0; i < inputs.length; i++) {
      Slot slot = slots.get(i);
      Buffer b = inputs[i];
      if (b.dtype() != slot.dtype() || b.size() != slot.size()) {
        throw new IllegalArgumentException(
            "inputs: number "
                + i
                + " must have "
                + slot.size()
                + " elements of "
                + slot.dtype()
                + ", not "
                + b.size()
                + " of "
                + b.dtype());
      }
      if (!b.device().equals(backend.device())) {
        throw new IllegalArgumentException(
            "inputs: number "
                + i
                + " is on "
                + b.device()
                + ", the plan runs on "
                + backend.device()
                + "; move it there first");
      }
    }
  }

  /** The program as simplified. */
  public Program program() {
    return program;
  }

  /** The steps that are run. */
  public Schedule schedule() {
    return schedule;
  }

  /** The steps in a readable form: what was fused, and what memory it takes. */
  public String print() {
    return SchedulePrinter.text(schedule);
  }

  @Override
  public String toString() {
    return print();
  }
}
