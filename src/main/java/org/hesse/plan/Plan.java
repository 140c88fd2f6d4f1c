package org.hesse.plan;

import java.util.List;
import java.util.function.IntFunction;
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

  private Plan(Backend backend, Program program, Schedule schedule) {
    this.backend = backend;
    this.program = program;
    this.schedule = schedule;
    this.executable = backend.prepare(schedule);
  }

  /** Simplifies a program, fuses and schedules it, lays out its memory and prepares it to run. */
  public static Plan compile(Backend backend, Program program) {
    Program whole = Inline.inline(program, n -> Composites.hasKernel(backend, n));
    Program simple = Simplify.simplify(whole);
    return new Plan(backend, simple, Lower.lower(simple));
  }

  /**
   * Runs the plan.
   *
   * @param inputs a buffer for each input of the program, in order; only read
   * @return a fresh buffer for each output, in order
   * @throws IllegalArgumentException if number, dtype or size of the inputs are not the program's
   */
  public Buffer[] run(Buffer[] inputs) {
    return run(inputs, i -> null);
  }

  /**
   * Runs the plan, and writes outputs to buffers that are there already.
   *
   * @param spares a buffer for an output's number, of its dtype and size, which nobody reads; null
   *     for a fresh one
   */
  public Buffer[] run(Buffer[] inputs, IntFunction<@Nullable Buffer> spares) {
    check(inputs);
    List<Slot> slots = schedule.outputs();
    Buffer[] outputs = new Buffer[slots.size()];
    for (int i = 0; i < outputs.length; i++) {
      Slot slot = slots.get(i);
      Buffer spare = spares.apply(i);
      outputs[i] = spare != null ? spare : backend.allocate(slot.dtype(), slot.size());
    }
    executable.run(inputs, outputs);
    return outputs;
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
