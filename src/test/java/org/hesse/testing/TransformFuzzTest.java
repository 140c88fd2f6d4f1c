package org.hesse.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.LongStream;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.CompareKind;
import org.hesse.ir.FactorKind;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.hesse.ir.ReduceKind;
import org.hesse.ir.UnaryKind;
import org.hesse.testing.RandomPrograms.Case;
import org.hesse.testing.TransformChecks.Tally;
import org.junit.jupiter.api.Test;

/**
 * Transforms of random differentiable programs against each other, loops and difference quotients.
 * -Dhesse.fuzz=N draws more of them, -Dhesse.fuzz.seed=S from there on.
 */
class TransformFuzzTest {
  private static final int COUNT = Integer.getInteger("hesse.fuzz", 10_000);
  private static final long FIRST = Long.getLong("hesse.fuzz.seed", 0);

  /** Primitives that no program has, and why. */
  private static final Map<Object, String> NOT_DRAWN =
      Map.ofEntries(
          Map.entry(Op.Leaf.class, "holds data"),
          Map.entry(Op.Placeholder.class, "is put in by transforms"),
          Map.entry(Op.Nested.class, "stands above as its kinds"),
          Map.entry(Op.Check.class, "is put in by linear solvers"),
          Map.entry(Op.Barrier.class, "is put in by the planner"),
          Map.entry(Op.RandomBits.class, "has whole results"),
          Map.entry(Op.ArgMax.class, "has whole results"),
          Map.entry(UnaryKind.NOT, "has truth values"),
          Map.entry(BinaryKind.SHR, "has whole results"),
          Map.entry(BinaryKind.XOR, "has whole results"),
          Map.entry(BinaryKind.OR, "has truth values"),
          Map.entry(FactorKind.Factor.LU_ROWS, "is whole"),
          Map.entry(FactorKind.Gaps.class, "is put in by derivatives"),
          Map.entry(FactorKind.Part.class, "stands below as its factors"));

  @Test
  void transformsAgree() {
    Tally tally = new Tally();
    List<Long> failing =
        LongStream.range(FIRST, FIRST + COUNT)
            .parallel()
            .filter(seed -> !passes(SmoothPrograms.draw(seed), seed, tally))
            .boxed()
            .toList();
    if (!failing.isEmpty()) {
      long seed = failing.get(0);
      throw Shrinker.explain(failing.size() + " fail", SmoothPrograms.draw(seed), seed);
    }
    double quotients = tally.quotients.doubleValue();
    assertTrue(quotients > 3.0 * COUNT, quotients + " difference quotients");
    double skipped = tally.skipped.doubleValue() / quotients;
    assertTrue(skipped < 1e-3, "difference quotients that say nothing: " + skipped);
  }

  private static boolean passes(Case drawn, long seed, Tally tally) {
    try {
      TransformChecks.check(drawn, seed, tally);
      return true;
    } catch (RuntimeException | AssertionError e) {
      return false;
    }
  }

  @Test
  void everyPrimitiveIsDrawn() {
    Set<Object> missing = new HashSet<>(List.of(Op.class.getPermittedSubclasses()));
    missing.addAll(List.of(FactorKind.class.getPermittedSubclasses()));
    List<Object[]> kinds =
        List.of(UnaryKind.values(), BinaryKind.values(), CompareKind.values(), ReduceKind.values());
    kinds.forEach(k -> missing.addAll(List.of(k)));
    missing.removeAll(NOT_DRAWN.keySet());
    for (long seed = 0; seed < 3000; seed++) {
      SmoothPrograms.draw(seed).program().nodes().forEach(n -> missing.removeAll(parts(n)));
    }
    assertEquals(Set.of(), missing, "draw them in SmoothPrograms, or say in NOT_DRAWN why not");
  }

  private static List<Object> parts(Node n) {
    Object kind =
        switch (n.op()) {
          case Op.Unary(UnaryKind k) -> k;
          case Op.Binary(BinaryKind k) -> k;
          case Op.Compare(CompareKind k) -> k;
          case Op.Reduce(ReduceKind k, var axes) -> k;
          case Op.Factor(FactorKind.Part(FactorKind.Factor factor)) -> factor;
          case Op.Factor(FactorKind k) -> k.getClass();
          default -> n.op();
        };
    return List.of(n.op().getClass(), kind);
  }

  /** A derivative wrong by a thousandth, at the end of a program. */
  private static Case planted(long seed) {
    Case drawn = SmoothPrograms.draw(seed);
    Program p = drawn.program();
    Node wrong = CustomTanh.of(p.outputs().get(0), 1.001);
    return new Case(Program.capture(p.inputs(), List.of(wrong)), drawn.inputs());
  }

  @Test
  void wrongRulesAreFound() {
    long found = LongStream.range(0, 200).filter(s -> !passes(planted(s), s, new Tally())).count();
    // Programs that do not depend on their inputs, or have no element, cannot show it.
    assertTrue(found > 150, "found " + found);
  }

  @Test
  void whatFailsIsMadeSmallAndShown() {
    long seed =
        LongStream.range(0, 200)
            .filter(s -> planted(s).program().nodes().size() > 20)
            .filter(s -> !planted(s).program().print().contains("body ("))
            .filter(s -> !passes(planted(s), s, new Tally()))
            .findFirst()
            .orElseThrow();
    String text = Shrinker.explain("planted", planted(seed), seed).getMessage();
    String small = text.substring(text.indexOf("as does"), text.lastIndexOf("}"));
    assertTrue(text.startsWith("planted, seed " + seed), text);
    String large = planted(seed).program().print();
    assertTrue(small.contains("custom_jvp"), text);
    assertTrue(2 * small.lines().count() < large.lines().count(), text);
  }
}
