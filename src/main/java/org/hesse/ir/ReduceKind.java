package org.hesse.ir;

/** Reductions. */
public enum ReduceKind {
  /** Sum; 0 over nothing. Real or I32. */
  SUM,
  /** Maximum; −∞ (I32: the smallest) over nothing, NaN if an element is NaN. Real or I32. */
  MAX
}
