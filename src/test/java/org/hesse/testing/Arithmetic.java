package org.hesse.testing;

import java.util.Arrays;
import java.util.List;
import org.hesse.backend.Instruction;
import org.hesse.backend.Step;

/** Counts the arithmetic that a plan does: what fusion computes again is counted again. */
public final class Arithmetic {
  private Arithmetic() {}

  /** Operations on elements; a multiplication and its addition are two, any function is one. */
  public static double of(List<Step> steps) {
    return steps.stream().mapToDouble(Arithmetic::of).sum();
  }

  private static double of(Step step) {
    return switch (step) {
      case Step.Map m -> elements(m.domain()) * applied(m.code());
      case Step.Reduce r -> elements(r.domain()) * (applied(r.code()) + 1);
      case Step.Dot d -> 2.0 * d.batch() * d.m() * d.n() * d.k();
      case Step.Contract c -> 2 * elements(c.domain());
      case Step.ArgMax a -> elements(a.domain());
      case Step.Cumsum c -> elements(c.domain());
      case Step.ScatterAdd s -> elements(s.domain());
      case Step.Fold f -> elements(f.domain());
      case Step.Gather g -> 0;
      case Step.RandomBits b -> 0;
      case Step.Check c -> 0;
      case Step.Composite c -> throw new IllegalArgumentException("not counted: " + c.kind());
      case Step.Loop l -> rounds(l) * of(l.body());
      case Step.Factor f -> throw new IllegalArgumentException("not counted: " + f.kind());
    };
  }

  private static double rounds(Step.Loop loop) {
    if (loop.rounds() instanceof Step.Count count) {
      return count.length();
    }
    throw new IllegalArgumentException("not counted: rounds until a condition fails");
  }

  private static double elements(int[] domain) {
    return Arrays.stream(domain).asDoubleStream().reduce(1, (a, b) -> a * b);
  }

  private static double applied(List<Instruction> code) {
    return code.stream().filter(i -> i instanceof Instruction.Apply).count();
  }
}
