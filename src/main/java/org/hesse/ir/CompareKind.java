package org.hesse.ir;

/** Comparisons, IEEE: every one but {@link #NE} is false where an operand is NaN. */
public enum CompareKind {
  /** a = b. */
  EQ,
  /** a ≠ b. */
  NE,
  /** a &lt; b. */
  LT,
  /** a ≤ b. */
  LE,
  /** a &gt; b. */
  GT,
  /** a ≥ b. */
  GE
}
