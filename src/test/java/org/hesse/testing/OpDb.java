package org.hesse.testing;

import java.util.ArrayList;
import java.util.List;

/**
 * Every operation with operands to try it on and its reference: adding an operation is adding a row
 * to one of the tables below. The tests of this package run every row through all that must hold of
 * an operation.
 */
public final class OpDb {
  private static final List<OpRow> ROWS = build();

  private OpDb() {}

  /** All rows. */
  public static List<OpRow> rows() {
    return ROWS;
  }

  /** Rows with derivatives. */
  public static List<OpRow> differentiable() {
    return ROWS.stream().filter(r -> r.order() > 0).toList();
  }

  private static List<OpRow> build() {
    List<OpRow> rows = new ArrayList<>();
    rows.addAll(ElementwiseRows.rows());
    rows.addAll(ShapeRows.rows());
    rows.addAll(ReductionRows.rows());
    rows.addAll(IndexRows.rows());
    rows.addAll(FactorRows.rows());
    return List.copyOf(rows);
  }
}
