package org.hesse.backend.cpu;

/** What a {@link ColumnKernel} adds up of each element v of a row and u of another. */
enum ColumnTerm {
  /** v. */
  PLAIN,
  /** v u. */
  PRODUCT,
  /** v b, with a number b of the row. */
  SCALED,
  /** (v − a) b u, with numbers a and b of the row. */
  STANDARD
}
