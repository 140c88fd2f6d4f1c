package org.hesse.plan;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.hesse.backend.Instruction;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;

/** What steps read and write. */
final class Steps {
  private Steps() {}

  static List<Slot> reads(Step step) {
    return switch (step) {
      case Step.Map m -> loads(m.code());
      case Step.Reduce r -> loads(r.code());
      case Step.Dot d -> List.of(d.lhs().slot(), d.rhs().slot());
      case Step.Contract c -> List.of(c.lhs().slot(), c.rhs().slot());
      case Step.ArgMax a -> List.of(a.in().slot());
      case Step.Cumsum c -> List.of(c.in().slot());
      case Step.Fold f -> List.of(f.in().slot());
      case Step.Gather g -> List.of(g.in().slot(), g.at().slot());
      case Step.ScatterAdd s -> List.of(s.in().slot(), s.at().slot());
      case Step.RandomBits r -> List.of(r.key().slot());
      case Step.Check c -> List.of(c.flags().slot());
      case Step.Factor f -> f.operands().stream().map(m -> m.view().slot()).distinct().toList();
      case Step.Loop l -> {
        Stream<Slot> inner = inner(l).flatMap(s -> reads(s).stream());
        Stream<Slot> moved = moves(l).map(m -> m.from().slot());
        Stream<Slot> flag =
            l.rounds() instanceof Step.Test t ? Stream.of(t.flag().slot()) : Stream.of();
        yield Stream.of(inner, moved, flag).flatMap(s -> s).distinct().toList();
      }
      case Step.Composite c -> c.operands().stream().map(m -> m.view().slot()).distinct().toList();
    };
  }

  /** All steps of a loop. */
  private static Stream<Step> inner(Step.Loop loop) {
    return loop.rounds() instanceof Step.Test test
        ? Stream.concat(test.steps().stream(), loop.body().stream())
        : loop.body().stream();
  }

  private static Stream<Step.Move> moves(Step.Loop loop) {
    return Stream.concat(loop.before().stream(), loop.after().stream());
  }

  private static List<Slot> loads(List<Instruction> code) {
    List<Slot> slots = new ArrayList<>();
    for (Instruction i : code) {
      if (i instanceof Instruction.Load(View view) && !slots.contains(view.slot())) {
        slots.add(view.slot());
      }
    }
    return slots;
  }

  static List<Slot> writes(Step step) {
    return switch (step) {
      case Step.Map m -> m.stores().stream().map(s -> s.view().slot()).distinct().toList();
      case Step.Reduce r -> List.of(r.out().slot());
      case Step.Dot d -> List.of(d.out().slot());
      case Step.Contract c -> List.of(c.out().slot());
      case Step.ArgMax a -> List.of(a.out().slot());
      case Step.Cumsum c -> List.of(c.out().slot());
      case Step.Fold f -> List.of(f.out().slot());
      case Step.Gather g -> List.of(g.out().slot());
      case Step.ScatterAdd s -> List.of(s.out().slot());
      case Step.RandomBits r -> List.of(r.out().slot());
      case Step.Factor f -> List.of(f.out().view().slot());
      case Step.Check c -> List.of();
      case Step.Loop l -> {
        Stream<Slot> inner = inner(l).flatMap(s -> writes(s).stream());
        Stream<Slot> moved = moves(l).map(m -> m.to().slot());
        yield Stream.concat(inner, moved).distinct().toList();
      }
      case Step.Composite c -> List.of(c.out().view().slot());
    };
  }

  /** The same step with every view replaced. */
  static Step moved(Step step, UnaryOperator<View> view) {
    return switch (step) {
      case Step.Map(var domain, var code, var stores) ->
          new Step.Map(
              domain,
              moved(code, view),
              stores.stream().map(s -> new Step.Store(s.value(), view.apply(s.view()))).toList());
      case Step.Reduce(var kind, var domain, var outer, var reduced, var code, var out) ->
          new Step.Reduce(kind, domain, outer, reduced, moved(code, view), view.apply(out));
      case Step.Dot(var batch, var m, var n, var k, var lhs, var rhs, var out) ->
          new Step.Dot(batch, m, n, k, view.apply(lhs), view.apply(rhs), view.apply(out));
      case Step.Contract(var domain, var groups, var lhs, var rhs, var out) ->
          new Step.Contract(domain, groups, view.apply(lhs), view.apply(rhs), view.apply(out));
      case Step.ArgMax(var domain, var in, var out) ->
          new Step.ArgMax(domain, view.apply(in), view.apply(out));
      case Step.Cumsum(var domain, var in, var out) ->
          new Step.Cumsum(domain, view.apply(in), view.apply(out));
      case Step.Fold(
              var domain,
              var outer,
              var in,
              var extent,
              var stride,
              var dilation,
              var out) ->
          new Step.Fold(domain, outer, view.apply(in), extent, stride, dilation, view.apply(out));
      case Step.Gather(var domain, var in, var extent, var stride, var at, var out) ->
          new Step.Gather(domain, view.apply(in), extent, stride, view.apply(at), view.apply(out));
      case Step.ScatterAdd(var domain, var batch, var count, var in, var at, var extent, var out) ->
          new Step.ScatterAdd(
              domain, batch, count, view.apply(in), view.apply(at), extent, view.apply(out));
      case Step.RandomBits(var keys, var count, var key, var out) ->
          new Step.RandomBits(keys, count, view.apply(key), view.apply(out));
      case Step.Check(var message, var count, var flags) ->
          new Step.Check(message, count, view.apply(flags));
      case Step.Factor(var kind, var batch, var operands, var out) ->
          new Step.Factor(
              kind, batch, operands.stream().map(m -> moved(m, view)).toList(), moved(out, view));
      case Step.Composite(var kind, var batch, var operands, var out) ->
          new Step.Composite(
              kind, batch, operands.stream().map(m -> moved(m, view)).toList(), moved(out, view));
      case Step.Loop(var rounds, var before, var body, var after) ->
          new Step.Loop(
              moved(rounds, view),
              before.stream().map(m -> moved(m, view)).toList(),
              body.stream().map(s -> moved(s, view)).toList(),
              after.stream().map(m -> moved(m, view)).toList());
    };
  }

  private static Step.Rounds moved(Step.Rounds rounds, UnaryOperator<View> view) {
    return switch (rounds) {
      case Step.Count count -> count;
      case Step.Test(var steps, var flag) ->
          new Step.Test(steps.stream().map(s -> moved(s, view)).toList(), view.apply(flag));
    };
  }

  private static Step.Move moved(Step.Move m, UnaryOperator<View> view) {
    return new Step.Move(m.count(), view.apply(m.from()), view.apply(m.to()));
  }

  private static Step.Items moved(Step.Items items, UnaryOperator<View> view) {
    return new Step.Items(items.item(), view.apply(items.view()));
  }

  private static Step.Matrices moved(Step.Matrices m, UnaryOperator<View> view) {
    return new Step.Matrices(m.rows(), m.columns(), view.apply(m.view()));
  }

  private static List<Instruction> moved(List<Instruction> code, UnaryOperator<View> view) {
    return code.stream()
        .map(i -> i instanceof Instruction.Load(View v) ? new Instruction.Load(view.apply(v)) : i)
        .toList();
  }
}
