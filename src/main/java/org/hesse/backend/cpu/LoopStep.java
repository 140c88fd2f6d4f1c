package org.hesse.backend.cpu;

import java.util.List;
import java.util.concurrent.CancellationException;
import org.hesse.backend.Step;
import org.hesse.backend.View;

/**
 * Runs steps round after round on the calling thread; those that are large enough are shared with
 * others, as anywhere. An error names the round, and an interrupt ends the loop between two rounds.
 */
final class LoopStep implements Prepared {
  private final Step.Rounds rounds;
  private final Sequence test;
  private final Sequence body;
  private final Move[] before;
  private final Move[] after;

  /** A {@link Step.Move} with its origins in the arrays. */
  private record Move(Step.Move move, long from, long to) {
    static Move[] of(List<Step.Move> moves) {
      return moves.stream()
          .map(m -> new Move(m, LoopStep.origin(m.from()), LoopStep.origin(m.to())))
          .toArray(Move[]::new);
    }

    void run(Memory memory, int round) {
      Object source = memory.array(move.from().slot());
      Object target = memory.array(move.to().slot());
      int at = (int) (from + round * move.from().strides()[0]);
      int toAt = (int) (to + round * move.to().strides()[0]);
      System.arraycopy(source, at, target, toAt, (int) move.count());
    }
  }

  LoopStep(Step.Loop loop) {
    this.rounds = loop.rounds();
    this.test = new Sequence(rounds instanceof Step.Test t ? t.steps() : List.<Step>of());
    this.body = new Sequence(loop.body());
    this.before = Move.of(loop.before());
    this.after = Move.of(loop.after());
  }

  @Override
  public void run(Memory memory) {
    switch (rounds) {
      case Step.Count(int length, boolean reverse) -> {
        for (int i = 0; i < length; i++) {
          int t = reverse ? length - 1 - i : i;
          try {
            round(memory, t);
          } catch (RuntimeException e) {
            throw located(e, "scan, step " + t + " of 0 … " + (length - 1));
          }
        }
      }
      case Step.Test t -> {
        boolean[] flags = (boolean[]) memory.array(t.flag().slot());
        int at = (int) LoopStep.origin(t.flag());
        long round = 0;
        try {
          for (; goesOn(memory, flags, at); round++) {
            round(memory, 0);
          }
        } catch (RuntimeException e) {
          throw located(e, "while loop, round " + round);
        }
      }
    }
  }

  private static long origin(View view) {
    return view.slot().offset() + view.offset();
  }

  private boolean goesOn(Memory memory, boolean[] flags, int at) {
    test.run(memory);
    return flags[at];
  }

  private void round(Memory memory, int t) {
    if (Thread.currentThread().isInterrupted()) {
      throw new CancellationException("the thread was interrupted");
    }
    for (Move move : before) {
      move.run(memory, t);
    }
    body.run(memory);
    for (Move move : after) {
      move.run(memory, t);
    }
  }

  /** The same kind of exception with the round in its message. */
  private static RuntimeException located(RuntimeException e, String where) {
    String message = where + ": " + e.getMessage();
    RuntimeException located =
        switch (e) {
          case CancellationException c -> new CancellationException(message);
          case IndexOutOfBoundsException i -> new IndexOutOfBoundsException(message);
          case ArithmeticException a -> new ArithmeticException(message);
          default -> new IllegalStateException(message);
        };
    located.initCause(e);
    return located;
  }
}
