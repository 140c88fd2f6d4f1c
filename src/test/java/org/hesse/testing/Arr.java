package org.hesse.testing;

import java.util.Arrays;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import java.util.function.ToDoubleFunction;
import org.hesse.DType;
import org.hesse.Tensor;

/**
 * An array on the host, written with loops as plain as can be: what the references of the tests
 * compute with. It shares no code with the engine.
 *
 * @param dtype F64 stands for either real type
 * @param dims extents, outermost first
 * @param values row-major; truth values are 0 and 1
 */
public record Arr(DType dtype, int[] dims, double[] values) {
  /** Checks that the number of values fits. */
  public Arr {
    if (values.length != size(dims)) {
      throw new IllegalArgumentException(values.length + " values for " + Arrays.toString(dims));
    }
  }

  /** A real array. */
  public static Arr real(int[] dims, double... values) {
    return new Arr(DType.F64, dims, values);
  }

  /** A real vector. */
  public static Arr vector(double... values) {
    return real(new int[] {values.length}, values);
  }

  /** A copy of a tensor's values. */
  public static Arr of(Tensor t) {
    DType dtype = t.dtype().isReal() ? DType.F64 : t.dtype();
    return new Arr(dtype, t.shape().dims(), t.toDoubleArray());
  }

  /** Product of the extents. */
  public static int size(int[] dims) {
    int n = 1;
    for (int d : dims) {
      n *= d;
    }
    return n;
  }

  /** Number of elements. */
  public int size() {
    return values.length;
  }

  /** Number of axes. */
  public int rank() {
    return dims.length;
  }

  /** Calls back with every index in row-major order; the array passed is reused. */
  public static void forEach(int[] dims, Consumer<int[]> body) {
    int[] index = new int[dims.length];
    int n = size(dims);
    for (int i = 0; i < n; i++) {
      body.accept(index);
      for (int a = dims.length - 1; a >= 0; a--) {
        if (++index[a] < dims[a]) {
          break;
        }
        index[a] = 0;
      }
    }
  }

  /** An array whose elements are a function of their index. */
  public static Arr build(DType dtype, int[] dims, ToDoubleFunction<int[]> f) {
    double[] v = new double[size(dims)];
    int[] at = {0};
    forEach(dims, index -> v[at[0]++] = f.applyAsDouble(index));
    return new Arr(dtype, dims, v);
  }

  /** The element at an index. */
  public double at(int... index) {
    return values[offset(index)];
  }

  /** The position of an index in row-major order. */
  public int offset(int... index) {
    int at = 0;
    for (int a = 0; a < dims.length; a++) {
      at = at * dims[a] + index[a];
    }
    return at;
  }

  /** A function of every element. */
  public Arr map(DoubleUnaryOperator f) {
    return map(dtype, f);
  }

  /** A function of every element, with another element type. */
  public Arr map(DType result, DoubleUnaryOperator f) {
    return new Arr(result, dims, Arrays.stream(values).map(f).toArray());
  }

  /** Extents that two arrays broadcast to. */
  public static int[] broadcast(int[] a, int[] b) {
    int[] d = new int[Math.max(a.length, b.length)];
    for (int i = 1; i <= d.length; i++) {
      int x = i <= a.length ? a[a.length - i] : 1;
      int y = i <= b.length ? b[b.length - i] : 1;
      d[d.length - i] = x == 1 ? y : x;
    }
    return d;
  }

  /** NumPy's broadcasting. */
  public Arr broadcastTo(int... to) {
    int lead = to.length - dims.length;
    return build(
        dtype,
        to,
        index -> {
          int[] own = new int[dims.length];
          for (int a = 0; a < own.length; a++) {
            own[a] = dims[a] == 1 ? 0 : index[lead + a];
          }
          return at(own);
        });
  }

  /** A function of pairs of elements, broadcast. */
  public static Arr zip(DType dtype, Arr a, Arr b, DoubleBinaryOperator f) {
    int[] d = broadcast(a.dims, b.dims);
    Arr x = a.broadcastTo(d);
    Arr y = b.broadcastTo(d);
    double[] v = new double[size(d)];
    for (int i = 0; i < v.length; i++) {
      v[i] = f.applyAsDouble(x.values[i], y.values[i]);
    }
    return new Arr(dtype, d, v);
  }

  /** Folds over axes, which disappear. */
  public Arr reduce(double start, DoubleBinaryOperator f, int... axes) {
    boolean[] gone = new boolean[dims.length];
    for (int a : axes) {
      gone[a < 0 ? a + dims.length : a] = true;
    }
    int[] kept = pick(dims, gone);
    double[] v = new double[size(kept)];
    Arrays.fill(v, start);
    Arr out = new Arr(dtype, kept, v);
    forEach(
        dims,
        index -> {
          int o = out.offset(pick(index, gone));
          v[o] = f.applyAsDouble(v[o], at(index));
        });
    return out;
  }

  private static int[] pick(int[] from, boolean[] gone) {
    int[] to = new int[from.length];
    int n = 0;
    for (int a = 0; a < from.length; a++) {
      if (!gone[a]) {
        to[n++] = from[a];
      }
    }
    return Arrays.copyOf(to, n);
  }

  /** The numbers 0 … n−1. */
  public static int[] range(int n) {
    int[] r = new int[n];
    Arrays.setAll(r, i -> i);
    return r;
  }

  /** The same values under other extents. */
  public Arr reshape(int... to) {
    return new Arr(dtype, to, values);
  }

  /** Extents with one changed. */
  public static int[] with(int[] dims, int axis, int extent) {
    int[] d = dims.clone();
    d[axis] = extent;
    return d;
  }

  /** Extents with one more in front. */
  public static int[] front(int extent, int[] dims) {
    int[] d = new int[dims.length + 1];
    d[0] = extent;
    System.arraycopy(dims, 0, d, 1, dims.length);
    return d;
  }

  /** This plus a multiple of another array. */
  public Arr plus(double factor, Arr other) {
    return zip(dtype, this, other, (x, y) -> x + factor * y);
  }

  /** Arrays of one type and extents along a new axis in front. */
  public static Arr stack(Arr... parts) {
    double[] v = new double[parts.length * parts[0].size()];
    for (int i = 0; i < parts.length; i++) {
      System.arraycopy(parts[i].values, 0, v, i * parts[0].size(), parts[0].size());
    }
    return new Arr(parts[0].dtype, front(parts.length, parts[0].dims), v);
  }

  /** Σ aᵢ bᵢ. */
  public double dot(Arr other) {
    double sum = 0;
    for (int i = 0; i < values.length; i++) {
      sum += values[i] * other.values[i];
    }
    return sum;
  }

  /** Largest absolute value. */
  public double maxAbs() {
    return Arrays.stream(values).map(Math::abs).reduce(0, Math::max);
  }

  /** Standard normal numbers. */
  public static Arr normal(Random random, int... dims) {
    return build(DType.F64, dims, i -> random.nextGaussian());
  }

  /** The values as they are in a real type: rounded for F32. Other types stay. */
  public Arr rounded(DType real) {
    return dtype == DType.F64 && real == DType.F32 ? map(x -> (float) x) : this;
  }

  /** A tensor; real values in the type given. */
  public Tensor tensor(DType real) {
    Tensor flat =
        switch (dtype == DType.F64 ? real : dtype) {
          case F64 -> Tensor.of(values);
          case F32 -> {
            float[] f = new float[values.length];
            for (int i = 0; i < f.length; i++) {
              f[i] = (float) values[i];
            }
            yield Tensor.of(f);
          }
          case I32 -> Tensor.of(Arrays.stream(values).mapToInt(x -> (int) x).toArray());
          case BOOL -> {
            boolean[] b = new boolean[values.length];
            for (int i = 0; i < b.length; i++) {
              b[i] = values[i] != 0;
            }
            yield Tensor.of(b);
          }
        };
    return flat.reshape(dims);
  }

  /** An F64 tensor, or one of its own type. */
  public Tensor tensor() {
    return tensor(DType.F64);
  }

  @Override
  public String toString() {
    return dtype + Arrays.toString(dims) + " " + Arrays.toString(values);
  }
}
