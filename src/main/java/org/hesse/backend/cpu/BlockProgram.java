package org.hesse.backend.cpu;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import org.hesse.DType;
import org.hesse.backend.Instruction;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.jspecify.annotations.Nullable;

/**
 * A fused cluster's code, ready to be evaluated block by block over the flattened domain. Every
 * instruction, or {@link Chain} of them, is one loop over a block that lies in the first-level
 * cache; dense operands are read where they are, and dense results written where they belong.
 */
final class BlockProgram {
  /** Elements evaluated at a time. */
  static final int BLOCK = 1024;

  /** Places one value of the program for the current block. */
  private interface Line {
    void run(Frame frame, Memory memory, long start, int n);
  }

  private final Line[] lines;
  private final long size;
  private final int cost;
  private final int width;
  private final int values;

  /**
   * @param kept number of a value that must be there when a block is done, or −1
   */
  BlockProgram(int[] domain, List<Instruction> code, List<Step.Store> stores, int kept) {
    this.size = size(domain);
    this.width = width(domain, code);
    this.values = code.size();
    Chain.Finder chains = new Chain.Finder(code, size, stores, kept);
    Step.@Nullable Store[] direct = directStores(domain, code, stores);
    int[] lastUse = lastUses(chains, stores, direct, kept);
    Registers registers = new Registers();
    int[] register = new int[values];
    List<Line> all = new ArrayList<>();
    int weight = 0;
    for (int v = 0; v < values; v++) {
      Instruction in = code.get(v);
      Step.Store to = direct[v];
      if (in instanceof Instruction.Apply apply) {
        weight += Kernels.cost(apply.op());
      }
      if (chains.inside[v]) {
        continue;
      }
      for (int a : chains.arguments(v)) {
        if (lastUse[a] == v) {
          registers.release(code.get(a).dtype(), register[a]);
          lastUse[a] = -1;
        }
      }
      boolean needsRegister = to == null && !(in instanceof Instruction.Constant);
      register[v] = needsRegister ? registers.take(in.dtype()) : -1;
      Place place = to == null ? null : new Place(to.view().slot(), origin(to));
      all.add(line(domain, code, chains, v, register[v], place));
      if (lastUse[v] == v) {
        registers.release(in.dtype(), register[v]);
      }
    }
    this.cost = Math.max(1, weight + stores.size());
    for (Step.Store s : stores) {
      if (!s.equals(direct[s.value()])) {
        all.add(store(domain, s));
      }
    }
    this.lines = all.toArray(Line[]::new);
  }

  static long size(int[] domain) {
    long size = 1;
    for (int d : domain) {
      size = Math.multiplyExact(size, d);
    }
    return size;
  }

  /** As many elements as a repeated row has, so that no block copies it, if these are enough. */
  private static int width(int[] domain, List<Instruction> code) {
    for (Instruction in : code) {
      if (in instanceof Instruction.Load load) {
        Strided view = Strided.of(domain, load.view());
        if (!view.isDense() && view.row() >= BLOCK / 4 && view.row() <= BLOCK) {
          return view.row();
        }
      }
    }
    return BLOCK;
  }

  /** How many elements to evaluate at a time, from a multiple of this, where all are wanted. */
  int width() {
    return width;
  }

  /** Elements of the domain. */
  long size() {
    return size;
  }

  /** About how long one element takes, in units of an addition. */
  int cost() {
    return Math.max(1, cost);
  }

  /** Evaluates elements start … start+n−1, with n at most {@link #BLOCK}. */
  void run(Frame frame, Memory memory, long start, int n) {
    frame.ensureValues(values);
    for (Line line : lines) {
      line.run(frame, memory, start, n);
    }
  }

  /** Where a value goes without a detour through a register. */
  private record Place(Slot slot, long origin) {}

  private static long origin(Step.Store s) {
    return s.view().slot().offset() + s.view().offset();
  }

  /**
   * For each value the store that it can be computed right into: dense, and over no memory that
   * this program reads, for a later instruction of the same block may still want what lies there.
   */
  private static Step.@Nullable Store[] directStores(
      int[] domain, List<Instruction> code, List<Step.Store> stores) {
    Step.@Nullable Store[] direct = new Step.Store[code.size()];
    for (Step.Store s : stores) {
      boolean computed = code.get(s.value()) instanceof Instruction.Apply;
      if (computed && direct[s.value()] == null && s.view().isDense(domain)) {
        boolean read = false;
        for (Instruction in : code) {
          read |=
              in instanceof Instruction.Load load && load.view().slot().overlaps(s.view().slot());
        }
        direct[s.value()] = read ? null : s;
      }
    }
    return direct;
  }

  /** The last instruction that reads each value; the value itself if none does. */
  private static int[] lastUses(
      Chain.Finder chains, List<Step.Store> stores, Step.@Nullable Store[] direct, int kept) {
    int[] last = new int[direct.length];
    for (int v = 0; v < last.length; v++) {
      last[v] = v;
      for (int a : chains.arguments(v)) {
        last[a] = v;
      }
    }
    for (Step.Store s : stores) {
      if (!s.equals(direct[s.value()])) {
        last[s.value()] = Integer.MAX_VALUE;
      }
    }
    if (kept >= 0) {
      last[kept] = Integer.MAX_VALUE;
    }
    return last;
  }

  private Line line(
      int[] domain,
      List<Instruction> code,
      Chain.Finder chains,
      int v,
      int register,
      @Nullable Place place) {
    return switch (code.get(v)) {
      case Instruction.Load load -> {
        Strided view = Strided.of(domain, load.view());
        yield chains.spread[v] ? load(v, load, view, register) : number(v, load, view);
      }
      case Instruction.Constant c -> {
        Object block = Arrays.allocate(c.dtype(), Math.min(BLOCK, size));
        Arrays.fill(block, (int) Math.min(BLOCK, size), c.value());
        yield (frame, memory, start, n) -> set(frame, v, block, 0);
      }
      case Instruction.Index index -> {
        Strided at = new Strided(domain, index.strides(), 0);
        if (size <= BLOCK) {
          int[] all = new int[(int) size];
          at.positions(0, all.length, all);
          yield (frame, memory, start, n) -> set(frame, v, all, (int) start);
        }
        yield (frame, memory, start, n) -> {
          int[] to = (int[]) frame.register(DType.I32, register);
          at.positions(start, n, to);
          set(frame, v, to, 0);
        };
      }
      case Instruction.Apply apply -> {
        int[] arguments = chains.arguments(v).stream().mapToInt(Integer::intValue).toArray();
        DType dtype = apply.dtype();
        Chain chain = chains.chains[v];
        Kernel kernel =
            chain != null
                ? Kernels.of(chain, dtype)
                : Kernels.of(apply.op(), operandType(code, apply), dtype, size);
        yield (frame, memory, start, n) -> {
          if (place == null) {
            set(frame, v, frame.register(dtype, register), 0);
          } else {
            set(frame, v, memory.array(place.slot), (int) (place.origin + start));
          }
          kernel.run(frame, arguments, v, n);
        };
      }
    };
  }

  /** The type that an operation works on; a selection is typed by what it selects. */
  private static DType operandType(List<Instruction> code, Instruction.Apply apply) {
    return code.get(apply.arguments().getLast()).dtype();
  }

  /** A number that is read as such. */
  private static Line number(int v, Instruction.Load load, Strided view) {
    Slot slot = load.view().slot();
    int at = (int) view.position(0);
    return (frame, memory, start, n) -> set(frame, v, memory.array(slot), at);
  }

  private static Line load(int v, Instruction.Load load, Strided view, int register) {
    Slot slot = load.view().slot();
    if (view.isDense()) {
      long origin = view.position(0);
      return (frame, memory, start, n) -> set(frame, v, memory.array(slot), (int) (origin + start));
    }
    return (frame, memory, start, n) -> {
      Object from = memory.array(slot);
      long at = view.contiguous(start, n);
      if (at >= 0) {
        set(frame, v, from, (int) at);
      } else {
        Object to = frame.register(slot.dtype(), register);
        view.gather(from, start, n, to);
        set(frame, v, to, 0);
      }
    };
  }

  private static Line store(int[] domain, Step.Store s) {
    Strided view = Strided.of(domain, s.view());
    Slot slot = s.view().slot();
    return (frame, memory, start, n) ->
        view.scatter(
            frame.values[s.value()], frame.offsets[s.value()], start, n, memory.array(slot));
  }

  private static void set(Frame frame, int v, Object array, int offset) {
    frame.values[v] = array;
    frame.offsets[v] = offset;
  }

  /** Registers that are free again, for each dtype, and how many there are. */
  private static final class Registers {
    private final EnumMap<DType, ArrayDeque<Integer>> free = new EnumMap<>(DType.class);
    private final EnumMap<DType, Integer> used = new EnumMap<>(DType.class);

    int take(DType dtype) {
      Integer r = free.computeIfAbsent(dtype, d -> new ArrayDeque<>()).pollFirst();
      return r != null ? r : used.merge(dtype, 1, Integer::sum) - 1;
    }

    void release(DType dtype, int register) {
      if (register >= 0) {
        free.computeIfAbsent(dtype, d -> new ArrayDeque<>()).addFirst(register);
      }
    }
  }
}
