package org.hesse.backend.cpu;

import org.hesse.backend.Step;

/** Looks at flags. */
record CheckStep(Step.Check step) implements Prepared {
  @Override
  public void run(Memory memory) {
    boolean[] flags = (boolean[]) memory.array(step.flags().slot());
    long start = step.flags().slot().offset() + step.flags().offset();
    for (long i = start; i < start + step.count(); i++) {
      if (!flags[(int) i]) {
        throw new ArithmeticException(step.message());
      }
    }
  }
}
