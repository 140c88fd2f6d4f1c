package org.hesse.backend.cpu;

/** A step that is ready to run, any number of times and on several threads at once. */
interface Prepared {
  void run(Memory memory);
}
