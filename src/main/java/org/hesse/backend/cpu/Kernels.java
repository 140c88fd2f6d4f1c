package org.hesse.backend.cpu;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.hesse.DType;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.CompareKind;
import org.hesse.ir.Op;
import org.hesse.ir.UnaryKind;

/** Finds the loop for an elementwise primitive: on vectors where there are any, else scalar. */
final class Kernels {
  private record Key(Object operation, DType operand, DType result, boolean simd) {}

  private static final long FEW = 32;

  private static final Map<Key, Kernel> CACHE = new ConcurrentHashMap<>();

  private Kernels() {}

  static Kernel of(Op op, DType operand, DType result) {
    return of(op, operand, result, Simd.PRESENT);
  }

  /**
   * As {@link #of(Op, DType, DType)} for a known number of elements. Few elements do not bring a
   * vector loop to the point where the JIT compiler takes it up, and until then vectors are far
   * slower than scalars. Operations that would round differently stay on vectors.
   */
  static Kernel of(Op op, DType operand, DType result, long size) {
    return of(op, operand, result, onVectors(op, size));
  }

  /** Whether an operation on so many elements is a loop on vectors. */
  static boolean onVectors(Op op, long size) {
    boolean function =
        op instanceof Op.Unary(UnaryKind kind) && Simd.hasFunction(kind)
            || op instanceof Op.Unary(UnaryKind rsqrt) && rsqrt == UnaryKind.RSQRT
            || op instanceof Op.Binary(BinaryKind pow) && pow == BinaryKind.POW;
    return Simd.PRESENT && (function || size >= FEW);
  }

  /** As {@link #of(Op, DType, DType)}, with the choice between vectors and scalars made. */
  static Kernel of(Op op, DType operand, DType result, boolean simd) {
    Object operation =
        switch (op) {
          case Op.Unary u -> u.kind();
          case Op.Binary b -> b.kind();
          case Op.Compare c -> c.kind();
          case Op.Select s -> "select";
          case Op.Cast c -> "cast";
          default ->
              throw new IllegalArgumentException(
                  "instruction "
                      + op
                      + " is not elementwise; a register program applies unary,"
                      + " binary, compare, select and cast");
        };
    Link.Kind link = simd && operand.isReal() ? Link.kind(op) : null;
    if (link != null) {
      Link.Other other = op instanceof Op.Unary ? Link.Other.SELF : Link.Other.EACH;
      return of(new Chain(List.of(new Link(link, other)), List.of()), operand);
    }
    return CACHE.computeIfAbsent(new Key(operation, operand, result, simd), Kernels::make);
  }

  /** The loop for a chain of operations of floats or doubles. */
  static Kernel of(Chain chain, DType dtype) {
    return CACHE.computeIfAbsent(new Key(chain.links(), dtype, dtype, true), Kernels::make);
  }

  /**
   * A function of floats and another of the same operand, whose number is the second argument's:
   * {@link UnaryKind#GELU} and {@link UnaryKind#GELU_SLOPE}, in either order. On vectors only.
   */
  static Kernel ofTwo(UnaryKind first, UnaryKind second) {
    return CACHE.computeIfAbsent(
        new Key(List.of(first, second), DType.F32, DType.F32, true),
        key -> new GeluWithSlope(first == UnaryKind.GELU));
  }

  private static Kernel make(Key key) {
    boolean f32 = key.operand == DType.F32;
    if (key.operation.equals("cast")) {
      boolean reals = key.operand.isReal() && key.result.isReal() && key.operand != key.result;
      return key.simd && reals ? new SimdCast() : new CastKernel();
    }
    if (key.operation.equals("select")) {
      return key.simd && key.operand == DType.F32
          ? new SimdSelectF32()
          : key.simd && key.operand == DType.F64 ? new SimdSelectF64() : new SelectKernel();
    }
    if (!(key.operation instanceof List<?>)) {
      requireSupport(key);
    }
    if (key.simd
        && key.operand.isReal()
        && key.operation instanceof UnaryKind k
        && Simd.hasFunction(k)) {
      Class<? extends Kernel> function = f32 ? SimdFunctionF32.class : SimdFunctionF64.class;
      return Specialized.copy(function, Kernel.class, k);
    }
    if (key.simd && key.operation == BinaryKind.POW && f32) {
      return new SimdPower();
    }
    if (key.operation instanceof List<?> links) {
      Class<? extends Kernel> chain = f32 ? ChainF32.class : ChainF64.class;
      return Specialized.copy(chain, Kernel.class, links.toArray(Link[]::new));
    }
    Class<? extends Kernel> template =
        switch (key.operand) {
          case F32, F64 ->
              switch (key.operation) {
                case UnaryKind k -> f32 ? UnaryF32.class : UnaryF64.class;
                case BinaryKind k -> f32 ? BinaryF32.class : BinaryF64.class;
                case CompareKind k when key.simd ->
                    f32 ? SimdCompareF32.class : SimdCompareF64.class;
                default -> f32 ? CompareF32.class : CompareF64.class;
              };
          case I32 ->
              switch (key.operation) {
                case UnaryKind k -> UnaryI32.class;
                case BinaryKind k -> BinaryI32.class;
                default -> CompareI32.class;
              };
          case BOOL -> key.operation instanceof CompareKind ? CompareBool.class : LogicBool.class;
        };
    return Specialized.copy(template, Kernel.class, key.operation);
  }

  private static void requireSupport(Key key) {
    boolean real = key.operand.isReal();
    boolean integer = key.operand == DType.I32;
    boolean supported =
        switch (key.operation) {
          case UnaryKind k ->
              switch (k) {
                case NOT -> key.operand == DType.BOOL;
                case NEG, ABS, SIGN -> real || integer;
                default -> real;
              };
          case BinaryKind k ->
              switch (k) {
                case SHR -> integer;
                case XOR, AND, OR -> integer || key.operand == DType.BOOL;
                case POW -> real;
                default -> real || integer;
              };
          default -> true;
        };
    if (!supported) {
      throw new IllegalArgumentException(
          "operation " + key.operation + " is not defined for operands of " + key.operand);
    }
  }

  /** About how long one element takes, in units of an addition. */
  static int cost(Op op) {
    return switch (op) {
      case Op.Unary(UnaryKind kind) ->
          switch (kind) {
            case NEG, ABS, SIGN, FLOOR, NOT -> 1;
            case SQRT, RSQRT -> 4;
            default -> 12;
          };
      case Op.Binary(BinaryKind kind) ->
          kind == BinaryKind.POW ? 40 : kind == BinaryKind.DIV ? 4 : 1;
      default -> 1;
    };
  }
}
