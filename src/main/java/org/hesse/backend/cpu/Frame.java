package org.hesse.backend.cpu;

import java.lang.reflect.Array;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import org.hesse.DType;
import org.jspecify.annotations.Nullable;

/** Scratch memory of one thread: where each value of a block program lies, and its registers. */
final class Frame {
  /** The most floats that are folded at a time. */
  static final int FOLDED = 4 * BlockProgram.BLOCK;

  /**
   * Scratch arrays of more elements are made anew each time, as a thread would keep them forever.
   */
  private static final int LARGEST_KEPT = 1 << 23;

  private static final Object NOTHING = new float[0];

  private static final ThreadLocal<Frame> CURRENT = ThreadLocal.withInitial(Frame::new);

  /** For each value of the program the array that holds the current block. */
  Object[] values = new Object[16];

  /** For each value where in the array the block begins. */
  int[] offsets = new int[16];

  /** For each value how far the next row is, where a block is parts of some rows. */
  int[] steps = new int[16];

  /** Partial results of a reduction and what rounding has taken from them. */
  final double[] sums = new double[BlockProgram.BLOCK];

  final double[] lost = new double[BlockProgram.BLOCK];

  /** A power's base, its exponent, and the power. */
  final double[] base = new double[BlockProgram.BLOCK];

  final double[] exponent = new double[BlockProgram.BLOCK];
  final double[] power = new double[BlockProgram.BLOCK];

  /** The last few elements of some blocks, filled up to a vector each. */
  final float[] restF32 = new float[128];

  final double[] restF64 = new double[128];

  /** Halves of blocks that are being folded. */
  final float[] halfF32 = new float[FOLDED];

  final double[] halfF64 = new double[BlockProgram.BLOCK];

  /** Results on the way to a strided output. */
  private final EnumMap<DType, Object> results = new EnumMap<>(DType.class);

  /** Registers of each dtype, see {@link #number}. */
  private final @Nullable Object[][] registers = new @Nullable Object[DType.values().length][8];

  private final EnumMap<DType, Object> panels = new EnumMap<>(DType.class);
  private final EnumMap<DType, Object> shared = new EnumMap<>(DType.class);

  private final List<EnumMap<DType, Object>> areas = new ArrayList<>();

  /** The scratch memory of the calling thread. */
  static Frame current() {
    return CURRENT.get();
  }

  /** Lets go of the arrays that the last blocks were in, which may be large. */
  void forget() {
    java.util.Arrays.fill(values, NOTHING);
  }

  void ensureValues(int count) {
    if (values.length < count) {
      values = new Object[2 * count];
      offsets = new int[2 * count];
      steps = new int[2 * count];
    }
  }

  /** Goes so many rows on with some values, of which one may be named twice, and another one. */
  void move(int[] some, int other, int rows) {
    for (int i = 0; i < some.length; i++) {
      boolean again = false;
      for (int j = 0; j < i; j++) {
        again |= some[j] == some[i];
      }
      offsets[some[i]] += again ? 0 : rows * steps[some[i]];
    }
    offsets[other] += rows * steps[other];
  }

  /** A register of one block; the contents stay until the register is used again. */
  Object register(DType dtype, int number) {
    int kind = number(dtype);
    @Nullable Object[] rs = registers[kind];
    if (number >= rs.length) {
      rs = java.util.Arrays.copyOf(rs, 2 * number);
      registers[kind] = rs;
    }
    Object r = rs[number];
    if (r == null) {
      r = Arrays.allocate(dtype, BlockProgram.BLOCK);
      rs[number] = r;
    }
    return r;
  }

  /** Registers are looked for so often that a map of them takes its time. */
  private static int number(DType dtype) {
    return switch (dtype) {
      case F32 -> 0;
      case F64 -> 1;
      case I32 -> 2;
      case BOOL -> 3;
    };
  }

  /** A block apart from all registers. */
  Object result(DType dtype) {
    return results.computeIfAbsent(dtype, d -> Arrays.allocate(d, BlockProgram.BLOCK));
  }

  /** A large scratch array for what one task packs, at least as long as asked for. */
  Object panel(DType dtype, int size) {
    return atLeast(panels, dtype, size);
  }

  /** A large scratch array for what all tasks of the calling thread's step read. */
  Object shared(DType dtype, int size) {
    return atLeast(shared, dtype, size);
  }

  /** A large scratch array of a step that runs other steps. */
  Object area(DType dtype, int number, int size) {
    while (areas.size() <= number) {
      areas.add(new EnumMap<>(DType.class));
    }
    return atLeast(areas.get(number), dtype, size);
  }

  private static Object atLeast(EnumMap<DType, Object> arrays, DType dtype, int size) {
    Object a = arrays.get(dtype);
    if (a == null || Array.getLength(a) < size) {
      a = Arrays.allocate(dtype, size);
      if (size <= LARGEST_KEPT) {
        arrays.put(dtype, a);
      }
    }
    return a;
  }
}
