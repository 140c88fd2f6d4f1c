package org.hesse.backend.cpu;

/** Stands for VectorMask in code derived from vector code for single numbers. */
record LaneMask(boolean set) {
  boolean anyTrue() {
    return set;
  }

  /** Whether lane i, the only one, is set. */
  boolean laneIsSet(int i) {
    return set && i == 0;
  }

  LaneMask not() {
    return new LaneMask(!set);
  }
}
