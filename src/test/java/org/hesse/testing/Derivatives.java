package org.hesse.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.hesse.Autodiff;
import org.hesse.DType;
import org.hesse.GradientReport;
import org.hesse.Shape;
import org.hesse.Tensor;

/** Checks that hold for every differentiable function, and tensors to try them on. */
public final class Derivatives {
  private static final double TOLERANCE = 1e-9;

  private Derivatives() {}

  /** Normal numbers that depend on the seed alone. */
  public static Tensor normal(long seed, DType dtype, int... dims) {
    Random random = new Random(seed);
    double[] x = random.doubles(Shape.of(dims).size()).map(u -> random.nextGaussian()).toArray();
    return tensor(x, dims).cast(dtype);
  }

  /** An F64 tensor; unlike {@link Tensor#of}, no dims make a scalar. */
  public static Tensor tensor(double[] x, int... dims) {
    return Tensor.of(x, x.length).reshape(dims);
  }

  /**
   * Everything: duality, differences up to an order, batches, compilation.
   *
   * @param x operands of F64; the function must be smooth around them
   */
  public static void check(Function<List<Tensor>, Tensor> f, int order, Tensor... x) {
    List<Tensor> at = List.of(x);
    duality(f, at);
    differences(f, at, order);
    batches(f, at);
    close(f.apply(at), Autodiff.compile(f).apply(at));
  }

  /** The same for a linear function of one operand, with its transpose. */
  public static void checkLinear(
      UnaryOperator<Tensor> f, UnaryOperator<Tensor> transposed, Tensor x) {
    check(in -> f.apply(in.get(0)), 2, x);
    Tensor u = normal(17, DType.F64, f.apply(x).shape().dims());
    close(transposed.apply(u), Autodiff.vjp(f, x).pullback().apply(u));
    // Transposed twice it is the function itself.
    Function<Tensor, Tensor> back = v -> Autodiff.vjp(f, x).pullback().apply(v);
    close(f.apply(x), Autodiff.vjp(back, u).pullback().apply(x));
  }

  /** ⟨u, Jv⟩ = ⟨Jᵀu, v⟩. */
  private static void duality(Function<List<Tensor>, Tensor> f, List<Tensor> x) {
    List<Tensor> v = new ArrayList<>();
    for (Tensor t : x) {
      v.add(normal(v.size() + 3, DType.F64, t.shape().dims()));
    }
    Tensor jv = Autodiff.jvp(f, x, v).tangent();
    Tensor u = normal(11, DType.F64, jv.shape().dims());
    List<Tensor> back = Autodiff.vjp(f, x).pullback().apply(u);
    double right = 0;
    for (int i = 0; i < v.size(); i++) {
      right += back.get(i).mul(v.get(i)).sum().item();
    }
    double left = u.mul(jv).sum().item();
    double size = u.mul(jv).abs().sum().item();
    assertEquals(left, right, TOLERANCE * Math.max(1, size));
  }

  private static void differences(Function<List<Tensor>, Tensor> f, List<Tensor> x, int order) {
    if (x.stream().anyMatch(t -> t.size() == 0)) {
      return;
    }
    Tensor weights = normal(23, DType.F64, f.apply(x).shape().dims());
    Function<List<Tensor>, Tensor> loss =
        in -> {
          Tensor y = f.apply(in);
          return y.sin().mul(weights).sum();
        };
    GradientReport report = Autodiff.checkGradients(loss, x, order);
    assertTrue(report.passed(), report.worst().toString());
  }

  /** A batch of examples at once, against one after the other; also the gradient's. */
  private static void batches(Function<List<Tensor>, Tensor> f, List<Tensor> x) {
    int size = 3;
    Function<List<Tensor>, List<Tensor>> gradient =
        in -> Autodiff.vjp(f, in).pullback().apply(f.apply(in));
    for (int only = -1; only < x.size(); only++) {
      List<Tensor> batch = new ArrayList<>();
      for (int i = 0; i < x.size(); i++) {
        if (only < 0 || only == i) {
          Tensor t = x.get(i);
          batch.add(normal(31 + i, DType.F64, t.shape().insert(0, size).dims()));
        }
      }
      int mapped = only;
      Function<List<Tensor>, List<Tensor>> all = in -> mapped < 0 ? in : with(x, mapped, in.get(0));
      Tensor y = Autodiff.vmap((List<Tensor> in) -> f.apply(all.apply(in))).apply(batch);
      Function<List<Tensor>, List<Tensor>> g = in -> gradient.apply(all.apply(in));
      List<Tensor> back = Autodiff.vmap(g).apply(batch);
      for (int b = 0; b < size; b++) {
        int at = b;
        List<Tensor> one = batch.stream().map(t -> t.select(0, at)).toList();
        close(f.apply(all.apply(one)), y.select(0, b));
        List<Tensor> expected = g.apply(one);
        for (int i = 0; i < x.size(); i++) {
          close(expected.get(i), back.get(i).select(0, b));
        }
      }
    }
  }

  private static List<Tensor> with(List<Tensor> x, int at, Tensor by) {
    List<Tensor> out = new ArrayList<>(x);
    out.set(at, by);
    return out;
  }

  /** Equal shapes and dtypes, and elements up to rounding. */
  public static void close(Tensor expected, Tensor actual) {
    assertEquals(expected.dtype(), actual.dtype());
    close(expected.shape(), expected.toDoubleArray(), actual, expected.dtype());
  }

  /** Elements up to rounding, given as plain numbers. */
  public static void close(Shape shape, double[] expected, Tensor actual, DType dtype) {
    assertEquals(shape, actual.shape());
    assertEquals(dtype, actual.dtype());
    double[] a = actual.toDoubleArray();
    double size = 1;
    for (double e : expected) {
      size = Double.isFinite(e) ? Math.max(size, Math.abs(e)) : size;
    }
    double tolerance = dtype == DType.F32 ? 1e-5 : dtype == DType.F64 ? TOLERANCE : 0;
    assertEquals(expected.length, a.length);
    for (int i = 0; i < a.length; i++) {
      assertEquals(expected[i], a[i], tolerance * size, "element " + i + " of " + actual.shape());
    }
  }
}
