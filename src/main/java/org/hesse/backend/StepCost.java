package org.hesse.backend;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What steps that are run as one need at least.
 *
 * @param operations on numbers: two for each multiplication and addition of a product, one for each
 *     instruction of a map at each index, however much an exponential takes; of composites and
 *     factorisations 0, which are not counted
 * @param bytes of memory that they read or write, each element once
 */
public record StepCost(long operations, long bytes) {
  /** Elements that a step reads or writes; the same ones of two steps are equal. */
  private record Touched(Slot slot, long offset, long elements) {
    static Touched of(int[] domain, View view) {
      long elements = 1;
      for (int a = 0; a < domain.length; a++) {
        elements *= view.strides()[a] == 0 ? 1 : domain[a];
      }
      return new Touched(view.slot(), view.offset(), elements);
    }
  }

  /** Of all steps; of a loop all its rounds, or one where their number is not known. */
  public static StepCost of(List<Step> steps) {
    Set<Touched> touched = new HashSet<>();
    long operations = 0;
    for (Step step : steps) {
      operations += add(step, touched);
    }
    long bytes = 0;
    for (Touched t : touched) {
      bytes += t.elements * t.slot.dtype().bytes();
    }
    return new StepCost(operations, bytes);
  }

  private static long add(Step step, Set<Touched> to) {
    return switch (step) {
      case Step.Map m -> {
        m.stores().forEach(s -> to.add(Touched.of(m.domain(), s.view())));
        yield Step.Dot.size(m.domain()) * add(m.domain(), m.code(), to);
      }
      case Step.Reduce r -> {
        to.add(Touched.of(kept(r), r.out()));
        yield Step.Dot.size(r.domain()) * (1 + add(r.domain(), r.code(), to));
      }
      case Step.Dot d -> {
        add(to, new int[] {d.batch(), d.m(), d.k()}, d.lhs());
        add(to, new int[] {d.batch(), d.n(), d.k()}, d.rhs());
        add(to, new int[] {d.batch(), d.m(), d.n()}, d.out());
        yield 2L * d.batch() * d.m() * d.n() * d.k();
      }
      case Step.Contract c -> {
        add(to, c.domain(), c.lhs(), c.rhs(), c.out());
        yield 2 * Step.Dot.size(c.domain());
      }
      case Step.Composite c -> {
        c.operands().forEach(o -> add(to, c.batch(), o));
        add(to, c.batch(), c.out());
        yield 0;
      }
      case Step.Factor f -> {
        f.operands().forEach(o -> add(to, f.batch(), o));
        add(to, f.batch(), f.out());
        yield 0;
      }
      case Step.ArgMax a -> {
        add(to, a.domain(), a.in());
        add(to, Arrays.copyOf(a.domain(), a.domain().length - 1), a.out());
        yield Step.Dot.size(a.domain());
      }
      case Step.Cumsum c -> {
        add(to, c.domain(), c.in(), c.out());
        yield Step.Dot.size(c.domain());
      }
      case Step.Gather g -> {
        add(to, g.domain(), g.at(), g.out());
        yield 0;
      }
      case Step.ScatterAdd s -> {
        add(to, s.domain(), s.in());
        yield Step.Dot.size(s.domain());
      }
      case Step.Fold f -> {
        add(to, f.domain(), f.in());
        yield Step.Dot.size(f.domain());
      }
      case Step.RandomBits r -> {
        to.add(new Touched(r.out().slot(), r.out().offset(), r.keys() * r.count()));
        yield r.keys() * r.count();
      }
      case Step.Check c -> {
        to.add(new Touched(c.flags().slot(), c.flags().offset(), c.count()));
        yield 0;
      }
      case Step.Loop l -> {
        long round = 0;
        for (Step s : l.body()) {
          round += add(s, to);
        }
        yield round * (l.rounds() instanceof Step.Count c ? c.length() : 1);
      }
    };
  }

  /** Adds what a register program loads; its number of operations. */
  private static long add(int[] domain, List<Instruction> code, Set<Touched> to) {
    long operations = 0;
    for (Instruction i : code) {
      if (i instanceof Instruction.Load load) {
        to.add(Touched.of(domain, load.view()));
      }
      operations += i instanceof Instruction.Apply ? 1 : 0;
    }
    return operations;
  }

  private static void add(Set<Touched> to, int[] domain, View... views) {
    for (View view : views) {
      to.add(Touched.of(domain, view));
    }
  }

  private static void add(Set<Touched> to, int[] batch, Step.Items items) {
    int[] domain = Arrays.copyOf(batch, batch.length + items.item().length);
    System.arraycopy(items.item(), 0, domain, batch.length, items.item().length);
    add(to, domain, items.view());
  }

  private static void add(Set<Touched> to, int batch, Step.Matrices m) {
    add(to, new int[] {batch, m.rows(), m.columns()}, m.view());
  }

  private static int[] kept(Step.Reduce r) {
    int[] domain = r.domain();
    int end = r.outer() + r.reduced();
    int[] kept = Arrays.copyOf(domain, domain.length - r.reduced());
    System.arraycopy(domain, end, kept, r.outer(), domain.length - end);
    return kept;
  }
}
