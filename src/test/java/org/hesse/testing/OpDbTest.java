package org.hesse.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.hesse.DType;
import org.hesse.Graphs;
import org.hesse.Matrices;
import org.hesse.Tensor;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.CompareKind;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.ReduceKind;
import org.hesse.ir.UnaryKind;
import org.hesse.nn.Activation;
import org.hesse.nn.Loss;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The table has a row for everything. */
class OpDbTest {
  /** What no operation makes: inputs of programs and what the transforms put in. */
  private static final Set<Class<?>> NOT_OPERATIONS =
      Set.of(
          Op.Parameter.class,
          Op.Leaf.class,
          Op.Placeholder.class,
          Op.Copy.class,
          Op.Nested.class,
          Op.Barrier.class);

  private static Set<Object> used() {
    Set<Object> used = new HashSet<>();
    for (OpRow row : OpDb.rows()) {
      for (OpRow.Sample s : row.samples()) {
        List<Tensor> in = Case.tensors(s.operands(), DType.F64);
        for (Node n : Graphs.program(row.op(), in).nodes()) {
          used.add(n.op().getClass());
          switch (n.op()) {
            case Op.Unary(UnaryKind kind) -> used.add(kind);
            case Op.Binary(BinaryKind kind) -> used.add(kind);
            case Op.Compare(CompareKind kind) -> used.add(kind);
            case Op.Reduce(ReduceKind kind, var axes) -> used.add(kind);
            default -> {}
          }
        }
      }
    }
    return used;
  }

  @Test
  void everyPrimitiveIsUsed() {
    Set<Object> missing = new HashSet<>(List.of(Op.class.getPermittedSubclasses()));
    missing.addAll(List.of(UnaryKind.values()));
    missing.addAll(List.of(BinaryKind.values()));
    missing.addAll(List.of(CompareKind.values()));
    missing.addAll(List.of(ReduceKind.values()));
    missing.addAll(List.of(Op.Nested.class.getPermittedSubclasses()));
    missing.removeAll(NOT_OPERATIONS);
    missing.removeAll(used());
    assertEquals(Set.of(), missing, "primitives without a row");
  }

  /** A row is named for its method, with more words before or after. */
  @Test
  void everyPublicOperationHasARow() {
    Set<String> words = new HashSet<>();
    OpDb.rows().forEach(r -> words.addAll(List.of(r.name().split(" "))));
    Set<String> missing = new TreeSet<>();
    for (Class<?> home : List.of(Tensor.class, Matrices.class)) {
      for (Method m : home.getMethods()) {
        boolean operation = home == Matrices.class || m.getReturnType() == Tensor.class;
        if (operation
            && m.getDeclaringClass() != Object.class
            && !m.getName().equals("of")
            && !words.contains(m.getName())) {
          missing.add(m.getName());
        }
      }
    }
    for (Enum<?>[] constants : List.of(Activation.values(), Loss.values())) {
      Stream.of(constants).map(Enum::name).filter(n -> !words.contains(n)).forEach(missing::add);
    }
    assertEquals(Set.of(), missing, "methods without a row");
  }

  @Test
  void namesAreUniqueAndRowsHaveSamples() {
    List<String> names = OpDb.rows().stream().map(OpRow::name).toList();
    assertEquals(names.size(), new HashSet<>(names).size(), names.toString());
    Stream<OpRow> empty = OpDb.rows().stream().filter(r -> r.samples().isEmpty());
    assertEquals(List.of(), empty.map(OpRow::name).toList(), "rows without a sample");
  }

  /** A row has every property, or says why not; and a reason is for what it does not have. */
  @Test
  void noRowSkipsAPropertyInSilence() {
    List<String> silent = new ArrayList<>();
    for (OpRow row : OpDb.rows()) {
      for (Property p : Property.values()) {
        boolean checked = !p.samples(row).isEmpty();
        String reason = row.reasons().getOrDefault(p, "");
        if (checked == !reason.isBlank()) {
          silent.add(row + ": " + p);
        }
      }
    }
    assertEquals(
        List.of(),
        silent,
        "rows that are not checked for a property: give them order 3 and a smooth sample of at"
            + " most 64 elements, or say why not by OpRow.without or notDifferentiable");
  }

  /** The tests as they are, not run: which properties they go through the table for. */
  @Test
  void everyPropertyIsChecked() throws ReflectiveOperationException {
    Set<Property> checked = OpDb.record();
    List<Class<?>> tests =
        List.of(OpDbForwardTest.class, OpDbDerivativeTest.class, OpDbVmapTest.class);
    for (Class<?> test : tests) {
      var constructor = test.getDeclaredConstructor();
      Object instance = constructor.newInstance();
      for (Method m : test.getDeclaredMethods()) {
        if (m.isAnnotationPresent(TestFactory.class)) {
          m.setAccessible(true);
          assertTrue(((Stream<?>) m.invoke(instance)).findAny().isPresent(), m.getName());
        }
      }
    }
    checked.add(Property.SCALAR_LOOPS); // ScalarPathTest, in a process of its own
    assertEquals(EnumSet.allOf(Property.class), checked);
  }

  /** Each operand kind that the generators promise: scalars, extents of 0 and 1, large ones. */
  @Test
  void samplesAreVaried() {
    Set<String> seen = new TreeSet<>();
    for (OpRow row : OpDb.rows()) {
      for (OpRow.Sample s : row.samples()) {
        for (Arr a : s.operands()) {
          seen.add(a.dtype().toString());
          if (a.rank() == 0) {
            seen.add("scalar");
          }
          Arrays.stream(a.dims()).filter(d -> d < 2).forEach(d -> seen.add("extent " + d));
          if (a.size() > 2000) {
            seen.add("more than a block");
          }
          if (Arrays.stream(a.values()).anyMatch(Double::isNaN)) {
            seen.add("NaN");
          }
        }
      }
    }
    Set<String> promised =
        Set.of("F64", "I32", "BOOL", "scalar", "extent 0", "extent 1", "more than a block", "NaN");
    assertEquals(promised, seen);
  }
}
