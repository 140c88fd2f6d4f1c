package org.hesse.backend.cuda;

import java.util.ArrayList;
import java.util.List;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;

/** Moves of a loop's round, as many in one launch as do not depend on each other. */
final class Moves {
  /** How many fit one launch, see {@code kernels/runtime.cu}. */
  private static final int MOST = 8;

  private static final int THREADS = 256;

  private final List<Group> groups = new ArrayList<>();

  /** Moves that can happen at the same time. */
  private record Group(
      Kernel kernel, Launch.Grid grid, Argument.Addresses addresses, Argument.I64s strides) {}

  Moves(CudaContext context, List<Step.Move> moves) {
    List<Step.Move> together = new ArrayList<>();
    for (Step.Move move : moves) {
      boolean free = together.stream().noneMatch(m -> conflict(m, move));
      if (!free || together.size() == MOST) {
        groups.add(group(context, together));
        together.clear();
      }
      together.add(move);
    }
    if (!together.isEmpty()) {
      groups.add(group(context, together));
    }
  }

  private static boolean conflict(Step.Move a, Step.Move b) {
    return overlap(a.to().slot(), b.from().slot())
        || overlap(a.from().slot(), b.to().slot())
        || overlap(a.to().slot(), b.to().slot());
  }

  private static boolean overlap(Slot a, Slot b) {
    return a.space() == b.space()
        && a.index() == b.index()
        && a.dtype() == b.dtype()
        && a.offset() < b.offset() + b.size()
        && b.offset() < a.offset() + a.size();
  }

  private static Group group(CudaContext context, List<Step.Move> moves) {
    List<View> views = new ArrayList<>();
    long[] strides = new long[3 * MOST];
    long unit = 16;
    long most = 0;
    for (int i = 0; i < MOST; i++) {
      Step.Move move = moves.get(Math.min(i, moves.size() - 1));
      long bytes = move.from().slot().dtype().bytes();
      strides[i] = move.from().strides()[0] * bytes;
      strides[MOST + i] = move.to().strides()[0] * bytes;
      strides[2 * MOST + i] = move.count() * bytes;
      most = Math.max(most, move.count() * bytes);
      long begins = (position(move.from()) | position(move.to())) * bytes;
      long all = begins | strides[i] | strides[MOST + i] | strides[2 * MOST + i];
      unit = all % unit == 0 ? unit : all % 4 == 0 ? Math.min(unit, 4) : 1;
    }
    for (int side = 0; side < 2; side++) {
      for (int i = 0; i < MOST; i++) {
        Step.Move move = moves.get(Math.min(i, moves.size() - 1));
        views.add(side == 0 ? move.from() : move.to());
      }
    }
    long blocks = Math.ceilDiv(Math.ceilDiv(most, unit), THREADS);
    int x = (int) Math.min(blocks, 8L * context.multiprocessors());
    return new Group(
        context.kernel("runtime.cu", "hesse_moves_" + unit),
        new Launch.Grid(x, moves.size(), 1, THREADS, 0),
        new Argument.Addresses(views),
        new Argument.I64s(strides));
  }

  private static long position(View view) {
    return view.slot().offset() + view.offset();
  }

  /** How many launches a round takes. */
  int launches() {
    return groups.size();
  }

  /**
   * Enqueues the moves of a round.
   *
   * @param round number of the round, less what the counter says
   */
  void enqueue(Run run, RoundNumber number, int round) {
    for (Group g : groups) {
      g.kernel.launch(
          run,
          g.grid,
          List.of(
              g.addresses,
              g.strides,
              number.counter(),
              new Argument.I32(round),
              new Argument.I32(number.last())));
    }
  }

  /**
   * How kernels know which round it is.
   *
   * @param counter pointer to a number that is added; null pointer for none
   * @param last −1, or the last round where rounds are in reverse
   */
  record RoundNumber(Argument counter, int last) {}
}
