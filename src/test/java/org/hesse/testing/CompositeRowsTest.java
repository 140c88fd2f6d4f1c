package org.hesse.testing;

import static org.hesse.Autodiff.grad;
import static org.hesse.Autodiff.jvp;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.hesse.DType;
import org.hesse.Functions;
import org.hesse.Graphs;
import org.hesse.Tensor;
import org.hesse.ir.CompositeKind;
import org.hesse.ir.Op;
import org.junit.jupiter.api.Test;

/** The table has a row for every function and every kind of composite. */
class CompositeRowsTest {
  private record Moved(List<Tensor> x, List<Tensor> u) {}

  private static void collect(Set<Class<?>> used, Function<Moved, ?> f, List<Tensor> x) {
    Graphs.program(f, new Moved(x, x)).nodes().stream()
        .filter(n -> n.op() instanceof Op.Composite)
        .forEach(n -> used.add(((Op.Composite) n.op()).kind().getClass()));
  }

  @Test
  void everyKindIsReached() {
    // Normalisations hold Moments in their bodies, and derivatives bring it to light.
    Set<Class<?>> used = new HashSet<>();
    for (OpRow row : OpDb.rows()) {
      List<OpRow.Sample> samples = Property.FIRST_ORDER.samples(row);
      if (samples.isEmpty()) {
        continue;
      }
      OpRow.Sample s = samples.getFirst();
      Case c = new Case(row, s);
      List<Tensor> x = Case.tensors(c.x(), DType.F64);
      Function<List<Tensor>, Tensor> f = c.op();
      collect(used, m -> f.apply(m.x), x);
      collect(used, m -> jvp(f, m.x, m.u).tangent(), x);
      collect(used, m -> grad((List<Tensor> in) -> f.apply(in).sum()).apply(m.x), x);
    }
    Set<Class<?>> missing = new HashSet<>(List.of(CompositeKind.class.getPermittedSubclasses()));
    missing.removeAll(used);
    assertEquals(Set.of(), missing, "kinds that no row reaches");
  }

  @Test
  void everyFunctionHasARow() {
    Set<String> words = new HashSet<>();
    OpDb.rows().forEach(r -> words.addAll(List.of(r.name().split(" "))));
    Set<String> missing = new TreeSet<>();
    for (Method m : Functions.class.getDeclaredMethods()) {
      if (Modifier.isPublic(m.getModifiers()) && !words.contains(m.getName())) {
        missing.add(m.getName());
      }
    }
    assertEquals(Set.of(), missing, "functions without a row");
  }
}
