package org.hesse.plan;

import static java.util.stream.Collectors.joining;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.hesse.backend.Instruction;
import org.hesse.backend.Schedule;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;

/**
 * Writes schedules for people. Each step is numbered and shows its domain and, below, its register
 * program; memory is {@code in0}, {@code out0} or, in the arena, {@code f32@offset}, with strides.
 *
 * <pre>
 * 1 step, arena 0 bytes
 * 0: map [6]
 *      v0 = load in0[1]
 *      v1 = exp v0 : F32
 *      out0[1] ← v1
 * </pre>
 */
final class SchedulePrinter {
  private SchedulePrinter() {}

  static String text(Schedule schedule) {
    long bytes = 0;
    for (var part : schedule.arena().entrySet()) {
      bytes += part.getKey().bytes() * part.getValue();
    }
    int count = schedule.steps().size();
    StringBuilder out = new StringBuilder();
    out.append(count).append(count == 1 ? " step" : " steps");
    out.append(", arena ").append(bytes).append(" bytes\n");
    steps(out, "", schedule.steps());
    return out.toString();
  }

  private static void steps(StringBuilder out, String indent, List<Step> steps) {
    for (int i = 0; i < steps.size(); i++) {
      StringBuilder text = new StringBuilder();
      step(text, steps.get(i));
      out.append(indent).append(i).append(": ");
      out.append(text.toString().stripTrailing().replace("\n", "\n" + indent)).append('\n');
    }
  }

  private static void loop(StringBuilder out, Step.Loop loop) {
    if (loop.rounds() instanceof Step.Test(var steps, var flag)) {
      line(out, "while " + view(flag));
      steps(out, "       ", steps);
      line(out, "do");
    }
    loop.before().forEach(m -> line(out, move(m)));
    steps(out, "     ", loop.body());
    loop.after().forEach(m -> line(out, move(m)));
  }

  private static String move(Step.Move m) {
    return "move " + m.count() + ": " + view(m.to()) + " ← " + view(m.from());
  }

  private static void step(StringBuilder out, Step step) {
    out.append(step.heading()).append('\n');
    switch (step) {
      case Step.Map m -> {
        code(out, m.code());
        m.stores().forEach(s -> line(out, view(s.view()) + " ← v" + s.value()));
      }
      case Step.Reduce r -> {
        code(out, r.code());
        line(out, view(r.out()) + " ← reduce v" + (r.code().size() - 1));
      }
      case Step.Dot d -> line(out, view(d.out()) + " ← " + view(d.lhs()) + " · " + view(d.rhs()));
      case Step.Contract c ->
          line(out, view(c.out()) + " ← " + view(c.lhs()) + " · " + view(c.rhs()));
      case Step.ArgMax a -> line(out, view(a.out()) + " ← " + view(a.in()));
      case Step.Cumsum c -> line(out, view(c.out()) + " ← " + view(c.in()));
      case Step.Fold f -> line(out, view(f.out()) + " ← " + view(f.in()));
      case Step.Gather g -> {
        String index = view(g.at()) + " of " + g.extent() + " by " + g.stride();
        line(out, view(g.out()) + " ← " + view(g.in()) + " at " + index);
      }
      case Step.ScatterAdd s ->
          line(out, view(s.out()) + " at " + view(s.at()) + " ← " + view(s.in()));
      case Step.RandomBits r -> line(out, view(r.out()) + " ← " + view(r.key()));
      case Step.Factor f -> {
        String in = f.operands().stream().map(SchedulePrinter::matrices).collect(joining(" "));
        line(out, matrices(f.out()) + " ← " + in);
      }
      case Step.Check c -> line(out, view(c.flags()) + " or: " + c.message());
      case Step.Loop l -> loop(out, l);
      case Step.Composite c -> {
        String in = c.operands().stream().map(SchedulePrinter::items).collect(joining(" "));
        line(out, items(c.out()) + " ← " + in);
      }
    }
  }

  private static String items(Step.Items items) {
    return Arrays.toString(items.item()) + " " + view(items.view());
  }

  private static String matrices(Step.Matrices m) {
    return m.rows() + "×" + m.columns() + " " + view(m.view());
  }

  private static void line(StringBuilder out, String text) {
    out.append("     ").append(text).append('\n');
  }

  private static void code(StringBuilder out, List<Instruction> code) {
    for (int i = 0; i < code.size(); i++) {
      line(out, "v" + i + " = " + instruction(code.get(i)));
    }
  }

  private static String instruction(Instruction instruction) {
    return switch (instruction) {
      case Instruction.Load(View view) -> "load " + view(view);
      case Instruction.Constant(var dtype, double value) -> "constant " + value + " : " + dtype;
      case Instruction.Index(long[] strides) -> "index " + Arrays.toString(strides);
      case Instruction.Apply(var op, var dtype, var arguments) ->
          op.mnemonic() + arguments.stream().map(a -> " v" + a).collect(joining()) + " : " + dtype;
    };
  }

  private static String view(View view) {
    Slot slot = view.slot();
    String name =
        switch (slot.space()) {
          case INPUT -> "in" + slot.index();
          case OUTPUT -> "out" + slot.index();
          case ARENA -> lower(slot.dtype()) + "@" + slot.offset();
        };
    String offset = view.offset() == 0 ? "" : "+" + view.offset();
    return name + offset + Arrays.toString(view.strides());
  }

  private static String lower(Enum<?> name) {
    return name.name().toLowerCase(Locale.ROOT);
  }
}
