package org.hesse.backend.cpu;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Objects;
import org.hesse.DType;
import org.hesse.backend.Instruction;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.ir.Op;
import org.hesse.ir.UnaryKind;
import org.jspecify.annotations.Nullable;

/**
 * A fused cluster's code, ready to be evaluated block by block over the flattened domain. Every
 * instruction, or {@link Chain} of them, is one loop over a block that lies in the first-level
 * cache; dense operands are read where they are, and dense results written where they belong.
 */
final class BlockProgram {
  /** Elements evaluated at a time. */
  static final int BLOCK = 1024;

  /** What is done for a block beside running a kernel: copies from and to strided views. */
  private interface Line {
    void run(Frame frame, Memory memory, long start, int n);

    /** Whether it can do parts of some rows of so many elements, see {@link #hasRows}. */
    default boolean hasRows(int length) {
      return false;
    }

    default void run(Frame frame, Memory memory, long start, int n, int rows, int length) {
      throw new IllegalStateException("no rows of " + length);
    }
  }

  /** A value that is read from a strided view, if need be from a copy in a register. */
  private record Gathered(int value, Slot slot, Strided view, int register) implements Line {
    @Override
    public void run(Frame frame, Memory memory, long start, int n) {
      Object from = memory.array(slot);
      long at = view.contiguous(start, n);
      if (at >= 0) {
        set(frame, value, from, (int) at);
      } else {
        Object to = frame.register(slot.dtype(), register);
        view.gather(from, start, n, to);
        set(frame, value, to, 0);
      }
    }

    @Override
    public boolean hasRows(int length) {
      return view.hasRows(length);
    }

    @Override
    public void run(Frame frame, Memory memory, long start, int n, int rows, int length) {
      set(frame, value, memory.array(slot), (int) view.position(start));
      frame.steps[value] = (int) view.rowStride(length);
    }
  }

  /** A value that is copied to a view. */
  private record Stored(int value, Slot slot, Strided view) implements Line {
    @Override
    public void run(Frame frame, Memory memory, long start, int n) {
      view.scatter(frame.values[value], frame.offsets[value], start, n, memory.array(slot));
    }

    @Override
    public boolean hasRows(int length) {
      return view.hasRows(length);
    }

    @Override
    public void run(Frame frame, Memory memory, long start, int n, int rows, int length) {
      int to = (int) view.position(start);
      int stride = (int) view.rowStride(length);
      Object from = frame.values[value];
      int at = frame.offsets[value];
      int step = frame.steps[value];
      Arrays.copyRows(from, at, step, 1, memory.array(slot), to, stride, 1, rows, n);
    }
  }

  /**
   * A value that is read where it lies: the array, or else the slot that holds it.
   *
   * @param step 1 if elements lie one after another as in the domain, 0 if all blocks read the same
   */
  private record Read(int value, @Nullable Object array, @Nullable Slot slot, int at, int step) {}

  /**
   * What is computed or moved, in order: a kernel, whose value goes to a place or a register, or a
   * line. One class for all, since calls by an interface are what small maps spend their time on.
   */
  private record Operation(
      int value,
      @Nullable Kernel kernel,
      int[] arguments,
      DType dtype,
      int register,
      @Nullable Place place,
      @Nullable Line line) {
    void run(Frame frame, Memory memory, long start, int n) {
      if (kernel == null) {
        Objects.requireNonNull(line).run(frame, memory, start, n);
        return;
      }
      if (place == null) {
        set(frame, value, frame.register(dtype, register), 0);
      } else {
        set(frame, value, memory.array(place.slot), (int) (place.origin + start));
      }
      kernel.run(frame, arguments, value, n);
    }

    boolean hasRows(int length) {
      return line == null || line.hasRows(length);
    }

    void run(Frame frame, Memory memory, long start, int n, int rows, int length) {
      if (kernel == null) {
        Objects.requireNonNull(line).run(frame, memory, start, n, rows, length);
        return;
      }
      if (place == null) {
        set(frame, value, frame.register(dtype, register), 0);
        frame.steps[value] = n;
      } else {
        set(frame, value, memory.array(place.slot), (int) (place.origin + start));
        frame.steps[value] = length;
      }
      for (int r = 0; r < rows; r++) {
        kernel.run(frame, arguments, value, n);
        frame.move(arguments, value, 1);
      }
      frame.move(arguments, value, -rows);
    }
  }

  private final Read[] reads;
  private final Operation[] operations;
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
    Step.@Nullable Store[] direct = directStores(domain, code, chains, stores);
    int[] lastUse = lastUses(chains, stores, direct, kept);
    Registers registers = new Registers();
    int[] register = new int[values];
    int[] pairs = pairs(code);
    List<Read> read = new ArrayList<>();
    List<Operation> all = new ArrayList<>();
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
      Read where = read(domain, in, chains.spread[v], v);
      boolean done = pairs[v] >= 0 && pairs[v] < v;
      if (where != null) {
        register[v] = -1;
        read.add(where);
      } else if (!done) {
        if (pairs[v] > v) {
          // Its operand is still there, as the second value's place in the code is further on.
          register[pairs[v]] = direct[pairs[v]] == null ? registers.take(in.dtype()) : -1;
          all.add(room(pairs[v], in.dtype(), register[pairs[v]], place(direct[pairs[v]])));
        }
        register[v] = to == null ? registers.take(in.dtype()) : -1;
        all.add(operation(domain, code, chains, v, pairs[v], register[v], place(to)));
      }
      if (lastUse[v] == v) {
        registers.release(in.dtype(), register[v]);
      }
    }
    this.cost = Math.max(1, weight + stores.size());
    for (Step.Store s : stores) {
      if (!s.equals(direct[s.value()])) {
        Strided view = Strided.of(domain, s.view());
        all.add(operation(s.value(), new Stored(s.value(), s.view().slot(), view)));
      }
    }
    this.reads = read.toArray(Read[]::new);
    this.operations = all.toArray(Operation[]::new);
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
    for (Read r : reads) {
      Object array = r.array != null ? r.array : memory.array(Objects.requireNonNull(r.slot));
      set(frame, r.value, array, r.at + r.step * (int) start);
    }
    for (Operation o : operations) {
      o.run(frame, memory, start, n);
    }
  }

  /**
   * Whether the domain is rows of so many elements, of each of which every operand and every result
   * lies in memory element by element.
   */
  boolean hasRows(int length) {
    for (Operation o : operations) {
      if (!o.hasRows(length)) {
        return false;
      }
    }
    return size % length == 0;
  }

  /**
   * Evaluates elements start … start+n−1 and the same ones of the rows that follow, of which each
   * begins {@code length} elements behind the one before: at most {@link #BLOCK} in all. An
   * instruction goes along all of them before the next one begins, see {@link #hasRows}.
   */
  void run(Frame frame, Memory memory, long start, int n, int rows, int length) {
    frame.ensureValues(values);
    for (Read r : reads) {
      Object array = r.array != null ? r.array : memory.array(Objects.requireNonNull(r.slot));
      set(frame, r.value, array, r.at + r.step * (int) start);
      frame.steps[r.value] = r.step * length;
    }
    for (Operation o : operations) {
      o.run(frame, memory, start, n, rows, length);
    }
  }

  /** Where a value goes without a detour through a register. */
  private record Place(Slot slot, long origin) {}

  private static @Nullable Place place(Step.@Nullable Store s) {
    return s == null
        ? null
        : new Place(s.view().slot(), s.view().slot().offset() + s.view().offset());
  }

  /**
   * Functions of floats that share most of their work: for each value the other one, where a loop
   * computes both (see {@link Kernels#ofTwo}); else −1.
   */
  private static int[] pairs(List<Instruction> code) {
    int[] pairs = new int[code.size()];
    java.util.Arrays.fill(pairs, -1);
    for (int v = 0; v < pairs.length && Simd.PRESENT; v++) {
      if (code.get(v) instanceof Instruction.Apply value
          && value.dtype() == DType.F32
          && value.op().equals(new Op.Unary(UnaryKind.GELU))) {
        Op slope = new Op.Unary(UnaryKind.GELU_SLOPE);
        int other = code.indexOf(new Instruction.Apply(slope, DType.F32, value.arguments()));
        if (other >= 0 && pairs[other] < 0) {
          pairs[v] = other;
          pairs[other] = v;
        }
      }
    }
    return pairs;
  }

  /**
   * For each value the store that it can be computed right into: dense, and over no memory that
   * this program still reads, for a later instruction of the same block may want what lies there.
   */
  private static Step.@Nullable Store[] directStores(
      int[] domain, List<Instruction> code, Chain.Finder chains, List<Step.Store> stores) {
    Step.@Nullable Store[] direct = new Step.Store[code.size()];
    for (Step.Store s : stores) {
      boolean computed = code.get(s.value()) instanceof Instruction.Apply;
      if (computed && direct[s.value()] == null && s.view().isDense(domain)) {
        boolean read = false;
        for (int v = 0; v < code.size(); v++) {
          read |=
              code.get(v) instanceof Instruction.Load(View from)
                  && from.slot().overlaps(s.view().slot())
                  && !(from.equals(s.view()) && isDoneWith(v, s.value(), chains, stores));
        }
        direct[s.value()] = read ? null : s;
      }
    }
    return direct;
  }

  /**
   * Whether a value that is loaded is not looked at any more when another one has been stored,
   * whose loop is known to read element for element what it has not yet written.
   */
  private static boolean isDoneWith(
      int load, int stored, Chain.Finder chains, List<Step.Store> stores) {
    for (int v = stored + 1; v < chains.chains.length; v++) {
      if (chains.arguments(v).contains(load)) {
        return false;
      }
    }
    return chains.chains[stored] != null && stores.stream().noneMatch(s -> s.value() == load);
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

  /** A value that is there already; null if it must be computed or gathered. */
  private @Nullable Read read(int[] domain, Instruction instruction, boolean spread, int v) {
    return switch (instruction) {
      case Instruction.Load load -> {
        Strided view = Strided.of(domain, load.view());
        boolean dense = spread && view.isDense();
        yield dense || !spread
            ? new Read(v, null, load.view().slot(), (int) view.position(0), dense ? 1 : 0)
            : null;
      }
      case Instruction.Constant c -> {
        Object block = Arrays.allocate(c.dtype(), Math.min(BLOCK, size));
        Arrays.fill(block, (int) Math.min(BLOCK, size), c.value());
        yield new Read(v, block, null, 0, 0);
      }
      case Instruction.Index index when size <= BLOCK -> {
        int[] all = new int[(int) size];
        new Strided(domain, index.strides(), 0).positions(0, all.length, all);
        yield new Read(v, all, null, 0, 1);
      }
      default -> null;
    };
  }

  private static Operation operation(int v, Line line) {
    return new Operation(v, null, new int[0], DType.BOOL, -1, null, line);
  }

  private Operation operation(
      int[] domain,
      List<Instruction> code,
      Chain.Finder chains,
      int v,
      int pair,
      int register,
      @Nullable Place place) {
    return switch (code.get(v)) {
      case Instruction.Load load -> {
        Strided view = Strided.of(domain, load.view());
        yield operation(v, new Gathered(v, load.view().slot(), view, register));
      }
      case Instruction.Constant c -> throw new IllegalStateException(c + " is computed");
      case Instruction.Index index -> {
        Strided at = new Strided(domain, index.strides(), 0);
        yield operation(
            v,
            (frame, memory, start, n) -> {
              int[] to = (int[]) frame.register(DType.I32, register);
              at.positions(start, n, to);
              set(frame, v, to, 0);
            });
      }
      case Instruction.Apply apply when pair >= 0 -> {
        int[] arguments = {apply.arguments().get(0), pair};
        Kernel kernel = Kernels.ofTwo(unary(apply), unary((Instruction.Apply) code.get(pair)));
        yield new Operation(v, kernel, arguments, apply.dtype(), register, place, null);
      }
      case Instruction.Apply apply -> {
        int[] arguments = chains.arguments(v).stream().mapToInt(Integer::intValue).toArray();
        Chain chain = chains.chains[v];
        Kernel kernel =
            chain != null
                ? Kernels.of(chain, apply.dtype())
                : Kernels.of(apply.op(), operandType(code, apply), apply.dtype(), size);
        yield new Operation(v, kernel, arguments, apply.dtype(), register, place, null);
      }
    };
  }

  private static UnaryKind unary(Instruction.Apply apply) {
    return ((Op.Unary) apply.op()).kind();
  }

  /** Says where a value goes that another one's operation computes. */
  private static Operation room(int v, DType dtype, int register, @Nullable Place place) {
    Kernel nothing = (frame, arguments, result, n) -> {};
    return new Operation(v, nothing, new int[0], dtype, register, place, null);
  }

  /** The type that an operation works on; a selection is typed by what it selects. */
  private static DType operandType(List<Instruction> code, Instruction.Apply apply) {
    return code.get(apply.arguments().getLast()).dtype();
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
