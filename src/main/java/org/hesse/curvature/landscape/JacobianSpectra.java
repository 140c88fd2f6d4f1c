package org.hesse.curvature.landscape;

import static org.hesse.Autodiff.jacobian;
import static org.hesse.Autodiff.linearize;
import static org.hesse.Autodiff.vjp;
import static org.hesse.Autodiff.vmap;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.hesse.DType;
import org.hesse.Hesse;
import org.hesse.Matrices;
import org.hesse.Tensor;
import org.hesse.curvature.landscape.JacobianSpectrum.SingularValue;
import org.hesse.linalg.Eigenpairs.Eigenpair;
import org.hesse.linalg.Lanczos;
import org.hesse.linalg.LinearMap;
import org.hesse.linalg.LinearOperator;
import org.hesse.linalg.NumericalException;
import org.hesse.nn.Layer;

/**
 * Computes a {@link JacobianSpectrum} for each sample of a batch.
 *
 * <p>Jacobians with up to {@link #dense} rows or columns are formed, those of several samples at
 * once, and decomposed in F64. Of larger ones Lanczos finds the largest eigenvalues and the
 * smallest of JJᵀ or JᵀJ, whichever is smaller. An eigenvalue σ² known to ± r gives σ to ± σ − √(σ²
 * − r), so small singular values are known to about √ε·‖J‖ only, and their bounds say so.
 */
public final class JacobianSpectra {
  private static final int NUMBERS_TOGETHER = 1 << 22;

  private final Layer f;
  private final Tensor x;
  private int dense = 500;
  private int top = 5;
  private double tolerance;
  private long seed;

  JacobianSpectra(Layer f, Tensor x) {
    if (x.rank() < 1 || x.dim(0) < 1 || !x.dtype().isReal()) {
      throw new IllegalArgumentException(
          "x: " + x.dtype() + x.shape() + "; expected F32 or F64 [batch, …] of 1 sample or more");
    }
    this.f = f;
    this.x = x;
    this.tolerance = x.dtype() == DType.F64 ? 1e-6 : 1e-4;
  }

  /** Up to how many rows or columns, whichever are fewer, a Jacobian is formed; default 500. */
  public JacobianSpectra dense(int size) {
    dense = atLeast("dense", 0, size);
    return this;
  }

  /** How many of the largest singular values are wanted where not all are; default 5. */
  public JacobianSpectra top(int count) {
    top = atLeast("top", 1, count);
    return this;
  }

  /** As {@link Lanczos#tolerance}, of squared singular values relative to the largest. */
  public JacobianSpectra tolerance(double relative) {
    if (!(relative > 0 && relative < 1)) {
      throw new IllegalArgumentException(
          "tolerance: " + relative + "; expected a number between 0 and 1, such as 1e-6");
    }
    tolerance = relative;
    return this;
  }

  /** Seeds start vectors; default 0. */
  public JacobianSpectra seed(long number) {
    seed = number;
    return this;
  }

  private static int atLeast(String name, int least, int value) {
    if (value < least) {
      throw new IllegalArgumentException(name + ": " + value + "; expected " + least + " or more");
    }
    return value;
  }

  /**
   * Computes the singular values.
   *
   * @return one spectrum for each sample, in order
   * @throws NumericalException if a Jacobian is not finite
   */
  public List<JacobianSpectrum> run() {
    return Hesse.on(x.device(), this::computed);
  }

  private List<JacobianSpectrum> computed() {
    Tensor y = f.apply(x.slice(0, 0, 1));
    if (y.rank() < 1 || y.dim(0) != 1 || !y.dtype().isReal()) {
      throw new IllegalArgumentException(
          "f: gives " + y.dtype() + y.shape() + " for one sample; expected F32 or F64 [1, …]");
    }
    int rows = Math.toIntExact(y.size());
    int columns = Math.toIntExact(x.size() / x.dim(0));
    if (rows == 0 || columns == 0) {
      throw new IllegalArgumentException(
          "f: maps " + columns + " inputs to " + rows + " outputs; expected 1 or more of each");
    }
    List<JacobianSpectrum> spectra = new ArrayList<>();
    if (Math.min(rows, columns) <= dense) {
      int together = (int) Math.clamp((long) NUMBERS_TOGETHER / rows / columns, 1, x.dim(0));
      for (int from = 0; from < x.dim(0); from += together) {
        int to = Math.min(x.dim(0), from + together);
        spectra.addAll(ofDense(x.slice(0, from, to), rows, columns));
      }
    } else {
      for (int i = 0; i < x.dim(0); i++) {
        spectra.add(ofProducts(x.select(0, i), rows, columns));
      }
    }
    return spectra;
  }

  /** f of one sample, from vector to vector. */
  private Function<Tensor, Tensor> single(Tensor like) {
    int[] dims = like.insertAxis(0).shape().dims();
    return v -> f.apply(v.reshape(dims)).reshape(-1);
  }

  private List<JacobianSpectrum> ofDense(Tensor samples, int rows, int columns) {
    Function<Tensor, Tensor> one = single(samples.select(0, 0));
    Tensor flat = samples.reshape(samples.dim(0), columns);
    Tensor jacobians = vmap((Tensor v) -> jacobian(one, v)).apply(flat).cast(DType.F64);
    int k = Math.min(rows, columns);
    double[] s = singularValues(jacobians);
    List<JacobianSpectrum> spectra = new ArrayList<>();
    for (int i = 0; i < samples.dim(0); i++) {
      double[] mine = Arrays.copyOfRange(s, i * k, (i + 1) * k);
      double residual = rounding(Math.max(rows, columns)) * mine[0];
      List<SingularValue> values =
          Arrays.stream(mine).mapToObj(v -> new SingularValue(v, residual)).toList();
      spectra.add(new JacobianSpectrum(rows, columns, values, true));
    }
    return spectra;
  }

  private static double[] singularValues(Tensor jacobians) {
    double largest = jacobians.abs().max().item();
    if (!Double.isFinite(largest)) {
      throw new NumericalException(
          "a Jacobian has an element " + largest + ", so it has no singular values");
    }
    return Matrices.svd(jacobians).s().toDoubleArray();
  }

  /** What rounding of the products changes singular values by, relative to the largest. */
  private double rounding(int size) {
    return 4 * (1 + Math.log(size) / Math.log(2)) * x.dtype().epsilon();
  }

  private JacobianSpectrum ofProducts(Tensor sample, int rows, int columns) {
    Function<Tensor, Tensor> one = single(sample);
    Tensor at = sample.reshape(-1);
    Function<Tensor, Tensor> forward = linearize(one, at).pushforward();
    Function<Tensor, Tensor> backward = vjp(one, at).pullback();
    LinearMap j = LinearMap.ofFunctions(rows, columns, x.dtype(), forward::apply, backward::apply);
    LinearOperator gram = rows < columns ? j.adjoint().gram() : j.gram();
    int wanted = Math.min(top, gram.size());
    List<SingularValue> values = new ArrayList<>();
    List<Eigenpair> largest = search(gram, wanted);
    largest.forEach(p -> values.add(root(p.value(), p.residual())));
    if (wanted < gram.size()) {
      // Shifted by the largest, the smallest is the largest, and one tolerance fits both.
      double shift = largest.getFirst().value();
      Eigenpair least = search(gram.scale(-1).shift(shift), 1).getFirst();
      values.add(root(shift - least.value(), least.residual()));
    }
    return new JacobianSpectrum(rows, columns, values, wanted == gram.size());
  }

  private List<Eigenpair> search(LinearOperator operator, int count) {
    return Lanczos.of(operator)
        .largestAlgebraic(count)
        .tolerance(tolerance)
        .seed(seed)
        .run()
        .pairs();
  }

  private static SingularValue root(double square, double residual) {
    double value = Math.sqrt(Math.max(0, square));
    double low = Math.sqrt(Math.max(0, square - residual));
    double high = Math.sqrt(Math.max(0, square + residual));
    return new SingularValue(value, Math.max(value - low, high - value));
  }
}
