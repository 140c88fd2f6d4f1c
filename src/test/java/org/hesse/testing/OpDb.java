package org.hesse.testing;

import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;

/**
 * Every operation with operands to try it on and its reference: adding an operation is adding a row
 * to one of the tables below. The tests of this package run every row through all that must hold of
 * an operation, see {@link Property}.
 */
public final class OpDb {
  private static final List<OpRow> ROWS = build();

  private static volatile Set<Property> asked = EnumSet.noneOf(Property.class);

  private OpDb() {}

  /** All rows. */
  public static List<OpRow> rows() {
    return ROWS;
  }

  /** One test for each row that has a property. */
  public static Stream<DynamicTest> check(Property property, Consumer<Case> check) {
    asked.add(property);
    return ROWS.stream()
        .filter(r -> !property.samples(r).isEmpty())
        .map(r ->
            dynamicTest(
                r.name(), () -> property.samples(r).forEach(s -> check.accept(new Case(r, s)))));
  }

  /** A set to which every property that is asked for from now on is added. */
  static Set<Property> record() {
    asked = EnumSet.noneOf(Property.class);
    return asked;
  }

  private static List<OpRow> build() {
    List<OpRow> rows = new ArrayList<>();
    rows.addAll(ElementwiseRows.rows());
    rows.addAll(ShapeRows.rows());
    rows.addAll(ReductionRows.rows());
    rows.addAll(IndexRows.rows());
    rows.addAll(FactorRows.rows());
    rows.addAll(MatrixRows.rows());
    rows.addAll(LayerRows.rows());
    rows.addAll(CompositeRows.rows());
    rows.addAll(LoopRows.rows());
    return List.copyOf(rows);
  }
}
