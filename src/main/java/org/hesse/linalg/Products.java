package org.hesse.linalg;

import java.util.Arrays;
import java.util.concurrent.CancellationException;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.Tensor;

/**
 * Makes, checks and counts an algorithm's products, and reports its progress.
 *
 * <p>Those {@link #scaled} are of A over a power of two, where A is so large or so small that
 * squares of its products, or squares of these, would over- or underflow.
 */
final class Products {
  private final LinearMap operator;
  private final Progress progress;
  private final Unit unit;
  private int count;

  /** What products are divided by, 0 before the first one tells. */
  private static final class Unit {
    double value;

    Unit(double value) {
      this.value = value;
    }
  }

  private Products(LinearMap operator, Progress progress, Unit unit) {
    this.operator = operator;
    this.progress = progress;
    this.unit = unit;
  }

  Products(LinearMap operator, Progress progress) {
    this(operator, progress, new Unit(1));
  }

  /** Products with A/{@link #unit}. */
  static Products scaled(LinearMap operator, Progress progress) {
    return new Products(operator, progress, new Unit(0));
  }

  /** Products with the adjoint, over the same unit. */
  Products adjoint() {
    return new Products(operator.adjoint(), Progress.NONE, unit);
  }

  /** What A is divided by, 1 unless it is of extreme scale; the first product tells. */
  double unit() {
    return unit.value == 0 ? 1 : unit.value;
  }

  /** The unit for vectors whose squares are to be safe: that of a number as large as theirs. */
  static double unit(Tensor product) {
    double largest = product.abs().max().item();
    int exponent = Math.getExponent(largest);
    boolean single = product.dtype() == DType.F32;
    boolean safe = Math.abs(exponent) <= (single ? 30 : 200);
    return safe || largest == 0 || !Double.isFinite(largest)
        ? 1
        : Math.scalb(1.0, Math.clamp(exponent, single ? -126 : -1000, 1000));
  }

  private Tensor inUnits(Tensor product) {
    if (unit.value == 0) {
      unit.value = unit(product);
    }
    return unit.value == 1 ? product : Basis.divide(product, unit.value);
  }

  LinearMap operator() {
    return operator;
  }

  /** Counts products that were made before the run was interrupted. */
  void resume(int made) {
    count += made;
  }

  /** Keeps the unit; how many products there were the algorithm knows. */
  void save(State state) {
    state.put("unit", unit.value);
  }

  /** Goes on in the unit that {@link #save} wrote. */
  void load(State state) {
    unit.value = state.doubles("unit")[0];
  }

  /** Products made so far. */
  int count() {
    return count;
  }

  Tensor apply(Tensor v) {
    Tensor product = operator.apply(v);
    count++;
    requireLike(product, v);
    return inUnits(product);
  }

  Tensor applyAll(Tensor vs) {
    if (vs.dim(0) == 1) {
      return apply(vs.select(0, 0)).insertAxis(0);
    }
    Tensor products = operator.applyAll(vs);
    count += vs.dim(0);
    requireLike(products, vs);
    return inUnits(products);
  }

  /** The product with each vector; several are one block. */
  Tensor[] applyEach(Tensor... vs) {
    if (vs.length == 1) {
      return new Tensor[] {apply(vs[0])};
    }
    Tensor block = applyAll(Tensor.stack(0, vs));
    Tensor[] products = new Tensor[vs.length];
    Arrays.setAll(products, i -> block.select(0, i));
    return products;
  }

  private void requireLike(Tensor product, Tensor v) {
    Shape expected = v.shape().with(v.rank() - 1, operator.rows());
    if (!product.shape().equals(expected) || product.dtype() != v.dtype()) {
      throw new IllegalArgumentException(
          "operator: "
              + operator
              + " answered a vector of shape "
              + v.shape()
              + " and dtype "
              + v.dtype()
              + " with "
              + product.shape()
              + " and "
              + product.dtype()
              + "; expected "
              + expected
              + " and the dtype of the vector");
    }
  }

  void report(String stage, int done, int total) {
    if (!progress.step(stage, done, total)) {
      throw new CancellationException(
          stage
              + ": cancelled by the progress callback at "
              + done
              + " of "
              + total
              + " after "
              + count
              + " products");
    }
  }

  /** Throws if ⟨u, Av⟩ and ⟨v, Au⟩ for unit u, v differ by more than products may err. */
  void requireSymmetric(double uAv, double vAu, int number, double scale, double tolerance) {
    if (Math.abs(uAv - vAu) > tolerance * scale) {
      throw new NumericalException(
          "operator: "
              + operator
              + " is not symmetric: for unit vectors u, v ⟨u, Av⟩ = "
              + uAv * unit()
              + " (product "
              + number
              + ") but ⟨v, Au⟩ = "
              + vAu * unit()
              + ", where ‖A‖ is at least "
              + scale * unit()
              + "; check that the same product made twice "
              + "is the same (no dropout, the same batches in each pass) and that the operator "
              + "is a symmetric one; if its products are only that accurate, raise "
              + "symmetryTolerance above "
              + tolerance);
    }
  }

  /** Throws if a number computed from a product shows that the product is not finite. */
  void requireFinite(double measured, Tensor product, int number) {
    if (Double.isFinite(measured)) {
      return;
    }
    double[] x = product.toDoubleArray();
    int bad = 0;
    int first = -1;
    for (int i = 0; i < x.length; i++) {
      if (!Double.isFinite(x[i])) {
        bad++;
        first = first < 0 ? i : first;
      }
    }
    String found =
        bad == 0
            ? "the square of its norm overflows; scale the operator down"
            : bad
                + " of its "
                + x.length
                + " entries are, the first at index "
                + first
                + " is "
                + x[first]
                + "; check that parameters and data are finite and that the loss does "
                + "not overflow in "
                + product.dtype();
    throw new NumericalException(
        "product " + number + " with " + operator + " is NaN or infinite: " + found);
  }

  static void requireSymmetric(LinearOperator operator, String algorithm) {
    if (!operator.symmetric()) {
      throw new IllegalArgumentException(
          "operator: "
              + operator
              + " is not symmetric; "
              + algorithm
              + " needs a symmetric one; "
              + "use A.plus(A.adjoint()).scale(0.5) or A.adjoint().times(A), or assumeSymmetric() "
              + "if it is");
    }
    if (operator.size() < 1) {
      throw new IllegalArgumentException("operator: " + operator + " has no rows");
    }
    Operators.requireReal(operator.dtype(), "operator");
  }
}
