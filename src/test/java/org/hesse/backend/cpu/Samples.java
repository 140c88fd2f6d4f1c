package org.hesse.backend.cpu;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.hesse.DType;
import org.hesse.backend.Instruction;
import org.hesse.backend.View;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.CompareKind;
import org.hesse.ir.Op;
import org.hesse.ir.UnaryKind;

/** Random domains, views and register programs over one input of each dtype. */
final class Samples {
  private static final BinaryKind[] LOGIC = {BinaryKind.AND, BinaryKind.OR, BinaryKind.XOR};
  private static final BinaryKind[] ARITHMETIC = {
    BinaryKind.ADD, BinaryKind.SUB, BinaryKind.MAX, BinaryKind.MIN
  };

  private static final DType[] TYPES = DType.values();
  private static final int SIZE = 1 << 16;

  final Random random;
  final Object[] inputs = new Object[TYPES.length];

  Samples(int seed) {
    random = new Random(seed);
    float[] f = new float[SIZE];
    double[] d = new double[SIZE];
    int[] n = new int[SIZE];
    boolean[] b = new boolean[SIZE];
    for (int i = 0; i < SIZE; i++) {
      f[i] = random.nextInt(-64, 65) / 16f;
      d[i] = random.nextInt(-64, 65) / 16.0;
      n[i] = random.nextInt(-9, 10);
      b[i] = random.nextBoolean();
    }
    inputs[0] = f;
    inputs[1] = d;
    inputs[2] = n;
    inputs[3] = b;
  }

  /** Numbers between 0 and 1. */
  static float[] floats(long seed, int count) {
    Random random = new Random(seed);
    float[] numbers = new float[count];
    for (int i = 0; i < count; i++) {
      numbers[i] = random.nextFloat();
    }
    return numbers;
  }

  int[] domain() {
    int[] d = new int[random.nextInt(5)];
    int size = 1;
    for (int a = 0; a < d.length; a++) {
      int most = Math.max(1, Math.min(SIZE / 16 / size, random.nextBoolean() ? 6 : 3000));
      d[a] = 1 + random.nextInt(most);
      size *= d[a];
    }
    return d;
  }

  /** Dense, permuted, repeated or reversed. */
  View view(int[] domain, DType dtype) {
    long[] strides = new long[domain.length];
    List<Integer> order = new ArrayList<>();
    for (int a = 0; a < domain.length; a++) {
      order.add(random.nextInt(3) == 0 ? 0 : order.size(), a);
    }
    long s = 1;
    long offset = random.nextInt(5);
    for (int i = order.size() - 1; i >= 0; i--) {
      int a = order.get(i);
      int kind = random.nextInt(8);
      if (kind == 0) {
        continue;
      }
      strides[a] = s;
      if (kind == 1) {
        offset += s * (domain[a] - 1);
        strides[a] = -s;
      }
      s *= domain[a] + (random.nextInt(6) == 0 ? 1 : 0);
      if (s > SIZE / 8) {
        break;
      }
    }
    return new View(Plans.input(Arrays.asList(TYPES).indexOf(dtype), dtype, SIZE), offset, strides);
  }

  /** A program whose last value is of the given type. */
  List<Instruction> program(int[] domain, DType result) {
    List<Instruction> code = new ArrayList<>();
    for (DType t : TYPES) {
      code.add(new Instruction.Load(view(domain, t)));
    }
    for (int i = random.nextInt(14); i > 0; i--) {
      code.add(instruction(domain, code, TYPES[random.nextInt(4)]));
    }
    code.add(apply(code, new Op.Cast(), result, TYPES[random.nextInt(4)]));
    return code;
  }

  private Instruction instruction(int[] domain, List<Instruction> code, DType t) {
    boolean truth = t == DType.BOOL;
    return switch (random.nextInt(9)) {
      case 0 -> new Instruction.Load(view(domain, t));
      case 1 -> new Instruction.Constant(t, random.nextInt(3) - 1);
      case 2 -> new Instruction.Index(random.longs(domain.length, -3, 4).toArray());
      case 3 -> apply(code, new Op.Select(), t, DType.BOOL, t, t);
      case 4 -> apply(code, new Op.Cast(), t, TYPES[random.nextInt(4)]);
      case 5 -> {
        DType operand = TYPES[random.nextInt(4)];
        CompareKind kind = List.of(CompareKind.values()).get(random.nextInt(6));
        yield apply(code, new Op.Compare(kind), DType.BOOL, operand, operand);
      }
      case 6 -> {
        UnaryKind number = random.nextBoolean() ? UnaryKind.NEG : UnaryKind.ABS;
        yield apply(code, new Op.Unary(truth ? UnaryKind.NOT : number), t, t);
      }
      default -> {
        BinaryKind[] kinds = truth ? LOGIC : ARITHMETIC;
        yield apply(code, new Op.Binary(kinds[random.nextInt(kinds.length)]), t, t, t);
      }
    };
  }

  private Instruction apply(List<Instruction> code, Op op, DType result, DType... operands) {
    List<Integer> arguments = new ArrayList<>();
    for (DType t : operands) {
      int i = random.nextInt(code.size());
      while (code.get(i).dtype() != t) {
        i = (i + 1) % code.size();
      }
      arguments.add(i);
    }
    return new Instruction.Apply(op, result, arguments);
  }
}
