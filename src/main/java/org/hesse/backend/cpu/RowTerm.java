package org.hesse.backend.cpu;

/**
 * What a {@link RowLoop} computes of each element v of one row and u of another; whether it stores
 * it, and whether it adds it up.
 */
enum RowTerm {
  /** v. */
  SUM(false, true),
  /** (v − a)². */
  SQUARES(false, true),
  /** v u. */
  DOT(false, true),
  /** eᵛ⁻ᵃ⁻ᵇ. */
  EXP_SUM(false, true),
  /** eᵛ⁻ᵃ⁻ᵇ u. */
  EXP_DOT(false, true),
  /** c eᵛ⁻ᵃ⁻ᵇ. */
  EXP(true, true),
  /** The same; behind the results, as many as a vector has lanes, the largest u of some each. */
  EXP_AHEAD(true, true),
  /** u − c eᵛ. */
  MINUS_EXP(true, false),
  /** a v. */
  SCALE(true, false),
  /** v − a − b. */
  SHIFT(true, false),
  /** v (u − a). */
  WEIGHTED(true, false),
  /** (v − a) b u. */
  PRODUCT(true, false);

  final boolean stores;
  final boolean sums;

  RowTerm(boolean stores, boolean sums) {
    this.stores = stores;
    this.sums = sums;
  }

  /** Whether there is a u. */
  boolean hasOther() {
    return switch (this) {
      case SUM, SQUARES, EXP_SUM, EXP, SCALE, SHIFT -> false;
      case DOT, EXP_DOT, EXP_AHEAD, MINUS_EXP, WEIGHTED, PRODUCT -> true;
    };
  }
}
