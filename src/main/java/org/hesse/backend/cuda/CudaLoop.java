package org.hesse.backend.cuda;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.IntFunction;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.jspecify.annotations.Nullable;

/**
 * Steps that are run round after round. A loop of a fixed number of rounds that is not too long is
 * part of the graph around it, round after round; a longer one launches a graph of some rounds
 * again and again, whose kernels read the number of the round from a counter on the device. Neither
 * waits for the device. A loop with a condition does, after each round, to read it.
 */
final class CudaLoop implements Prepared {
  /** Graphs are not made longer than about so many kernels by loops. */
  private static final int MOST_LAUNCHES = 2048;

  private static final int COUNTER_BYTES = 4;

  private final CudaContext context;
  private final Step.Rounds rounds;
  private final Round round;
  private final int perGraph;
  private final boolean whole;
  private final long counter;
  private final List<Prepared> test;
  private final List<Prepared> chunk;
  private final List<Prepared> rest;
  private final @Nullable Kernel count;

  private CudaLoop(CudaSteps steps, Step.Loop loop, int level) {
    this.context = steps.context();
    this.rounds = loop.rounds();
    int first = steps.faults().next();
    this.test =
        rounds instanceof Step.Test t
            ? CudaSteps.sections(steps.prepare(t.steps(), level + 1))
            : List.of();
    List<Prepared> body = steps.prepare(loop.body(), level + 1);
    Moves before = new Moves(context, loop.before());
    Moves after = new Moves(context, loop.after());
    int end = steps.faults().next();
    this.counter = steps.locals().reserve(COUNTER_BYTES);
    Note note = end == first ? null : new Note(context, first, end, level);
    int last =
        rounds instanceof Step.Count(int length, boolean reverse) && reverse ? length - 1 : -1;
    // What a condition ends has no sequences, so only errors need to know which round it is.
    boolean counted = note != null || rounds instanceof Step.Count;
    Argument where = counted ? new Argument.Local(counter) : new Argument.I64(0);
    this.round = new Round(before, body, after, note, new Moves.RoundNumber(where, last));
    if (note != null) {
      steps.faults().locate(first, level, where(rounds));
    }
    boolean capturable = body.stream().allMatch(Prepared::capturable);
    switch (rounds) {
      case Step.Count(int length, boolean reverse) -> {
        int launches = Math.max(1, round.launches());
        this.whole = capturable && (long) launches * length <= MOST_LAUNCHES;
        this.perGraph = Math.max(1, Math.min(length, MOST_LAUNCHES / 2 / launches));
        this.chunk = CudaSteps.sections(repeated(round, perGraph));
        this.rest = CudaSteps.sections(repeated(round, length % perGraph));
        this.count = context.kernel("runtime.cu", "hesse_count");
      }
      case Step.Test t -> {
        this.whole = false;
        this.perGraph = 1;
        this.chunk = CudaSteps.sections(round.parts(0));
        this.rest = List.of();
        this.count = counted ? context.kernel("runtime.cu", "hesse_count") : null;
      }
    }
  }

  static CudaLoop prepare(CudaSteps steps, Step.Loop loop, int level) {
    return new CudaLoop(steps, loop, level);
  }

  private static IntFunction<String> where(Step.Rounds rounds) {
    return switch (rounds) {
      case Step.Count(int length, boolean reverse) ->
          t -> "scan, step " + t + " of 0 … " + (length - 1);
      case Step.Test t -> n -> "while loop, round " + n;
    };
  }

  private static List<Prepared> repeated(Round round, int times) {
    List<Prepared> all = new ArrayList<>();
    for (int i = 0; i < times; i++) {
      all.addAll(round.parts(i));
    }
    return all;
  }

  /** Writes down the number of the round that an error was found in. */
  private record Note(Kernel kernel, int first, int end, int level) {
    Note(CudaContext context, int first, int end, int level) {
      this(context.kernel("runtime.cu", "hesse_note_round"), first, end, level);
    }

    void enqueue(Run run, Moves.RoundNumber number, int round) {
      kernel.launch(
          run,
          Launch.Grid.of(1, 32),
          List.of(
              new Argument.Status(),
              new Argument.I32(first),
              new Argument.I32(end),
              new Argument.I32(level),
              number.counter(),
              new Argument.I32(round),
              new Argument.I32(number.last())));
    }
  }

  /** What is done in a round. */
  private record Round(
      Moves before,
      List<Prepared> body,
      Moves after,
      @Nullable Note note,
      Moves.RoundNumber number) {
    int launches() {
      return before.launches()
          + after.launches()
          + (note == null ? 0 : 1)
          + body.stream().mapToInt(Prepared::kernels).sum();
    }

    /** The parts of the round so many after that of the counter. */
    List<Prepared> parts(int round) {
      List<Prepared> parts = new ArrayList<>();
      if (before.launches() > 0) {
        parts.add(new Moved(before, number, round));
      }
      parts.addAll(body);
      if (after.launches() > 0) {
        parts.add(new Moved(after, number, round));
      }
      if (note != null) {
        parts.add(run -> note.enqueue(run, number, round));
      }
      return parts;
    }
  }

  /** Moves of one round. */
  private record Moved(Moves moves, Moves.RoundNumber number, int round) implements Prepared {
    @Override
    public void enqueue(Run run) {
      moves.enqueue(run, number, round);
    }

    @Override
    public int kernels() {
      return moves.launches();
    }
  }

  @Override
  public boolean capturable() {
    return whole;
  }

  @Override
  public int kernels() {
    int length = rounds instanceof Step.Count(int n, boolean reverse) ? n : 1;
    return (int) Math.min(Integer.MAX_VALUE / 2, (long) length * round.launches() + 2);
  }

  @Override
  public long scratchBytes() {
    long most = 0;
    for (Prepared p : test) {
      most = Math.max(most, p.scratchBytes());
    }
    for (Prepared p : round.body) {
      most = Math.max(most, p.scratchBytes());
    }
    return most;
  }

  @Override
  public void enqueue(Run run) {
    switch (rounds) {
      case Step.Count(int length, boolean reverse) -> {
        count(run, 0, false);
        for (int done = 0; done < length / perGraph; done++) {
          requireGoingOn(run);
          chunk.forEach(s -> s.enqueue(run));
          count(run, perGraph, true);
        }
        rest.forEach(s -> s.enqueue(run));
      }
      case Step.Test t -> {
        count(run, 0, false);
        long number = 0;
        while (goesOn(run, t.flag())) {
          try {
            requireGoingOn(run);
          } catch (CancellationException e) {
            throw Faults.with("while loop, round " + number + ": " + e.getMessage(), e);
          }
          chunk.forEach(s -> s.enqueue(run));
          count(run, 1, true);
          number++;
        }
      }
    }
  }

  private void count(Run run, int value, boolean add) {
    if (count != null) {
      count.launch(
          run,
          Launch.Grid.of(1, 32),
          List.of(
              new Argument.Local(counter), new Argument.I32(value), new Argument.I32(add ? 1 : 0)));
    }
  }

  /** Waits for the condition. After an error it does not matter what it says. */
  private boolean goesOn(Run run, View flag) {
    test.forEach(s -> s.enqueue(run));
    return context.ledger().reads(run.address(flag));
  }

  private static void requireGoingOn(Run run) {
    if (!run.inSection() && Thread.currentThread().isInterrupted()) {
      throw new CancellationException("the thread was interrupted");
    }
  }

  /** All that is replayed as graphs in here. */
  List<Section> sections() {
    List<Section> sections = new ArrayList<>();
    for (List<Prepared> parts : List.of(test, chunk, rest)) {
      for (Prepared p : parts) {
        if (p instanceof Section s) {
          sections.add(s);
        } else if (p instanceof CudaLoop loop) {
          sections.addAll(loop.sections());
        }
      }
    }
    return sections;
  }
}
