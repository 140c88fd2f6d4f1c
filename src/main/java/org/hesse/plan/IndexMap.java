package org.hesse.plan;

import java.util.Arrays;
import org.hesse.Shape;
import org.hesse.ir.Axes;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.jspecify.annotations.Nullable;

/**
 * Which element of a node is meant at each index of a domain: along each axis of the node, {@code
 * offset[axis] + Σⱼ coefficient[axis][j] · iⱼ}. Equal by value.
 */
final class IndexMap {
  private final int[] domain;
  private final long[] offset;
  private final long[][] coefficient;

  IndexMap(int[] domain, long[] offset, long[][] coefficient) {
    this.domain = domain;
    this.offset = offset;
    this.coefficient = coefficient;
  }

  /** A position in row-major order: {@code offset + Σⱼ strides[j] · iⱼ}. */
  record Linear(long offset, long[] strides) {}

  /** A domain axis that must become two, the inner one of extent {@code inner}. */
  record Split(int axis, int inner) {}

  /** Every index of a shape, with one domain axis for each of its axes. */
  static IndexMap identity(Shape shape) {
    int rank = shape.rank();
    long[][] c = new long[rank][rank];
    for (int a = 0; a < rank; a++) {
      c[a][a] = shape.dim(a) == 1 ? 0 : 1;
    }
    return new IndexMap(shape.dims(), new long[rank], c);
  }

  int rank() {
    return offset.length;
  }

  /** The index along one axis. */
  Linear along(int axis) {
    return new Linear(offset[axis], coefficient[axis].clone());
  }

  /** Whether {@link #through} understands this primitive; a reshape needs more. */
  static boolean isView(Op op) {
    return switch (op) {
      case Op.Broadcast b -> true;
      case Op.Permute p -> true;
      case Op.Slice s -> true;
      case Op.Window w -> true;
      case Op.Reverse r -> true;
      case Op.StopGradient s -> true;
      case Op.Reshape r -> true;
      default -> false;
    };
  }

  /** For an index into a view, the index into its operand; null for an awkward reshape. */
  @Nullable IndexMap through(Node view) {
    Node in = view.input(0);
    return switch (view.op()) {
      case Op.StopGradient s -> this;
      case Op.Broadcast(Axes axes) -> pick(axes);
      case Op.Permute(Axes axes) -> pick(axes.inverse());
      case Op.Slice(Axes start, Axes stride) -> affine(start.toArray(), stride.toArray());
      case Op.Window(int axis, int stride, int dilation) -> windowed(axis, stride, dilation);
      case Op.Reverse(Axes axes) -> reversed(axes, in.shape());
      case Op.Reshape r -> unflatten(linear(view.shape()), in.shape());
      default -> throw new IllegalArgumentException(view + " is not a view");
    };
  }

  /** Axis i of the outcome is axis {@code axes[i]} of this. */
  private IndexMap pick(Axes axes) {
    long[] o = new long[axes.size()];
    long[][] c = new long[axes.size()][];
    for (int i = 0; i < o.length; i++) {
      o[i] = offset[axes.get(i)];
      c[i] = coefficient[axes.get(i)];
    }
    return new IndexMap(domain, o, c);
  }

  /** Each index i becomes {@code start + i · stride}. */
  IndexMap affine(int[] start, int[] stride) {
    long[] o = new long[rank()];
    long[][] c = new long[rank()][];
    for (int a = 0; a < o.length; a++) {
      long s = stride[a];
      o[a] = start[a] + offset[a] * s;
      c[a] = Arrays.stream(coefficient[a]).map(v -> v * s).toArray();
    }
    return new IndexMap(domain, o, c);
  }

  /** An axis and the next become one, of index {@code stride · i + dilation · j}. */
  private IndexMap windowed(int axis, int stride, int dilation) {
    IndexMap joined = pick(Axes.of(axis + 1).complement(rank()));
    long[] sum = coefficient[axis].clone();
    for (int j = 0; j < sum.length; j++) {
      sum[j] = stride * sum[j] + dilation * coefficient[axis + 1][j];
    }
    joined.offset[axis] = stride * offset[axis] + dilation * offset[axis + 1];
    joined.coefficient[axis] = sum;
    return joined;
  }

  private IndexMap reversed(Axes axes, Shape shape) {
    long[] o = offset.clone();
    long[][] c = coefficient.clone();
    for (int a : axes.toArray()) {
      o[a] = shape.dim(a) - 1 - o[a];
      c[a] = Arrays.stream(c[a]).map(v -> -v).toArray();
    }
    return new IndexMap(domain, o, c);
  }

  /** The position in row-major order of a node with this shape. */
  Linear linear(Shape shape) {
    long o = 0;
    long[] s = new long[domain.length];
    long step = 1;
    for (int a = rank() - 1; a >= 0; a--) {
      o += offset[a] * step;
      for (int j = 0; j < s.length; j++) {
        s[j] += coefficient[a][j] * step;
      }
      step *= shape.dim(a);
    }
    return new Linear(o, s);
  }

  /** The map whose row-major position this is, or null if an axis' index would not be affine. */
  private @Nullable IndexMap unflatten(Linear position, Shape shape) {
    Digits digits = new Digits(domain, position);
    int rank = shape.rank();
    long[] o = new long[rank];
    long[][] c = new long[rank][];
    long step = shape.size();
    for (int a = 0; a < rank; a++) {
      step /= shape.dim(a);
      Linear digit = digits.take(step);
      if (digit == null) {
        return null;
      }
      o[a] = digit.offset;
      c[a] = digit.strides;
    }
    return new IndexMap(domain, o, c);
  }

  /** Where {@link #through} a reshape fails, the finer domain on which it may succeed. */
  @Nullable Split wantedSplit(Node reshape) {
    Shape shape = reshape.input(0).shape();
    Digits digits = new Digits(domain, linear(reshape.shape()));
    long step = shape.size();
    for (int a = 0; a < shape.rank(); a++) {
      step /= shape.dim(a);
      if (digits.take(step) == null) {
        return digits.wantedSplit(step);
      }
    }
    return null;
  }

  /** A row-major position from which digits are taken, the most significant first. */
  private static final class Digits {
    private final int[] domain;
    private long offset;
    private final long[] strides;

    Digits(int[] domain, Linear position) {
      this.domain = domain;
      this.offset = position.offset;
      this.strides = position.strides.clone();
    }

    /**
     * Takes the digit of weight {@code step} off. Terms with strides that {@code step} divides
     * belong to it; the others must together stay below {@code step}, else there is no such digit.
     */
    @Nullable Linear take(long step) {
      long low = 0;
      long high = 0;
      for (int j = 0; j < strides.length; j++) {
        if (strides[j] % step != 0) {
          low += Math.min(0, strides[j] * (domain[j] - 1));
          high += Math.max(0, strides[j] * (domain[j] - 1));
        }
      }
      long digitOffset = Math.floorDiv(offset + low, step);
      long rest = offset - digitOffset * step;
      if (rest + high >= step) {
        return null;
      }
      long[] digit = new long[strides.length];
      for (int j = 0; j < strides.length; j++) {
        if (strides[j] % step == 0) {
          digit[j] = strides[j] / step;
          strides[j] = 0;
        }
      }
      offset = rest;
      return new Linear(digitOffset, digit);
    }

    @Nullable Split wantedSplit(long step) {
      for (int j = 0; j < strides.length; j++) {
        long s = Math.abs(strides[j]);
        if (s != 0 && s < step && step % s == 0) {
          long inner = step / s;
          if (inner < domain[j] && domain[j] % inner == 0) {
            return new Split(j, (int) inner);
          }
        }
      }
      return null;
    }
  }

  @Override
  public boolean equals(Object o) {
    return o instanceof IndexMap m
        && Arrays.equals(offset, m.offset)
        && Arrays.deepEquals(coefficient, m.coefficient);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(offset) * 31 + Arrays.deepHashCode(coefficient);
  }
}
