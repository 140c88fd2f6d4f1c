package org.hesse.benchmarks;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.LongFunction;
import java.util.function.Supplier;
import org.hesse.DType;
import org.hesse.Tensor;
import org.hesse.Tree;
import org.hesse.curvature.BlockCurvature;
import org.hesse.curvature.Ekfac;
import org.hesse.curvature.Fisher;
import org.hesse.curvature.Hessian;
import org.hesse.curvature.Kfac;
import org.hesse.curvature.Objective;
import org.hesse.io.Datasets;
import org.hesse.io.Npz;
import org.hesse.io.Safetensors;
import org.hesse.io.Task;
import org.hesse.linalg.Eigenpairs;
import org.hesse.linalg.Estimate;
import org.hesse.linalg.Lanczos;
import org.hesse.linalg.Quadrature;
import org.hesse.linalg.StochasticLanczosQuadrature;
import org.hesse.linalg.TraceEstimate;
import org.hesse.linalg.TraceEstimator;
import org.hesse.nn.Loss;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;

/**
 * Hesse's half of {@code benchmarks/curvature.sh}: the curvature of digits-mlp in F32 against its
 * spectrum in F64. Arguments: the folder with {@code models} and {@code data}, and what to do:
 *
 * <ul>
 *   <li>{@code warm}: each measurement with several seeds, a line each of tab-separated root mean
 *       square error, mean stated error, products and median milliseconds
 *   <li>the name of a measurement: once, for whoever measures the process
 *   <li>{@code factors}: a table of Kronecker factors against the dense Fisher matrix
 * </ul>
 */
public final class CurvatureTable {
  private static final MlpShape SHAPE = MlpShape.parse("mlp:64-32-10:tanh");
  private static final int WARM_UPS = 3;
  private static final int RUNS = 5;

  private final Objective<Mlp> objective;
  private final Hessian<Mlp> hessian;

  /** All eigenvalues, of the largest magnitude first. */
  private final double[] spectrum;

  /** What a measurement is off by, what it says that it may be, and what it took. */
  private record Outcome(double error, double stated, int products) {}

  private CurvatureTable(Path shared) throws IOException {
    Path models = shared.resolve("models");
    Mlp model =
        Mlp.load(SHAPE, Safetensors.read(models.resolve("digits-mlp.safetensors")).tensors());
    var data =
        Datasets.open(
            shared.resolve("data/digits.csv").toString(), DType.F32, Task.CLASSIFICATION);
    objective =
        Objective.of(
            Tree.map(model, t -> t.cast(DType.F32)),
            Loss.CROSS_ENTROPY,
            data.batches(data.size()));
    hessian = Hessian.of(objective);
    Tensor values = Npz.read(models.resolve("digits-mlp.spectrum.npz")).get("hessian");
    spectrum =
        Arrays.stream(values.toDoubleArray())
            .boxed()
            .sorted(Comparator.comparingDouble((Double x) -> -Math.abs(x)))
            .mapToDouble(Double::doubleValue)
            .toArray();
  }

  /** Does what the arguments say. */
  public static void main(String[] arguments) throws IOException {
    CurvatureTable table = new CurvatureTable(Path.of(arguments[0]));
    switch (arguments[1]) {
      case "warm" -> table.measurements().forEach(CurvatureTable::warm);
      case "factors" -> table.factors();
      default -> {
        var _ = table.measurements().get(arguments[1]).apply(0);
      }
    }
  }

  private Map<String, LongFunction<Outcome>> measurements() {
    Map<String, LongFunction<Outcome>> all = new LinkedHashMap<>();
    all.put("eigenvalues", this::eigenvalues);
    all.put("trace", seed -> trace(TraceEstimator.hutchinson(hessian).probes(100), seed));
    all.put(
        "accurate-trace",
        seed -> trace(TraceEstimator.of(hessian).probes(10_000).relativeError(0.01), seed));
    all.put("density", this::density);
    return all;
  }

  private Outcome eigenvalues(long seed) {
    Eigenpairs top = Lanczos.of(hessian).largest(5).seed(seed).run();
    double error = 0;
    double bound = 0;
    for (int i = 0; i < 5; i++) {
      error = Math.max(error, Math.abs(top.values()[i] / spectrum[i] - 1));
      bound = Math.max(bound, top.residuals()[i] / Math.abs(top.values()[i]));
    }
    return new Outcome(error, bound, top.matvecs());
  }

  private Outcome trace(TraceEstimator estimator, long seed) {
    double expected = Arrays.stream(spectrum).sum();
    TraceEstimate e = estimator.seed(seed).run();
    Estimate trace = e.trace();
    return new Outcome(
        Math.abs(trace.value() / expected - 1), trace.relativeError(), e.matvecs());
  }

  /** Its error is a distance, its band the mean half width over the density's mass. */
  private Outcome density(long seed) {
    Quadrature q =
        StochasticLanczosQuadrature.of(hessian).probes(10).steps(100).seed(seed).run();
    return new Outcome(q.wasserstein1(spectrum), q.density().uncertainty(), q.matvecs());
  }

  private static void warm(String name, LongFunction<Outcome> measurement) {
    for (int i = 0; i < WARM_UPS; i++) {
      var _ = measurement.apply(i);
    }
    double[] times = new double[RUNS];
    double squares = 0;
    double stated = 0;
    double products = 0;
    for (int i = 0; i < RUNS; i++) {
      long start = System.nanoTime();
      Outcome o = measurement.apply(i);
      times[i] = (System.nanoTime() - start) * 1e-6;
      squares += o.error * o.error / RUNS;
      stated += o.stated / RUNS;
      products += (double) o.products / RUNS;
    }
    Arrays.sort(times);
    System.out.printf(
        Locale.ROOT,
        "%s\t%.1e\t%.1e\t%.0f\t%.0f%n",
        name,
        Math.sqrt(squares),
        stated,
        products,
        times[RUNS / 2]);
  }

  // ---- Kronecker factors

  private void factors() {
    Fisher<Mlp> fisher = Fisher.exact(objective);
    Tensor dense = fisher.toDense();
    System.out.println("| matrix | relative error | ms |");
    System.out.println("|---|---:|---:|");
    row("dense Fisher matrix", 0, fisher::toDense);
    System.out.printf(
        Locale.ROOT, "| its diagonal blocks, a layer each | %.3f | |%n", relative(dense, layers(dense)));
    row("K-FAC, type 2", relative(dense, factors(Kfac.of(objective).run())), Kfac.of(objective)::run);
    row(
        "EKFAC, type 2",
        relative(dense, factors(Ekfac.of(objective).run())),
        Ekfac.of(objective)::run);
  }

  private static Tensor factors(BlockCurvature k) {
    return k.toDense();
  }

  /** The part of the matrix within layers. */
  private Tensor layers(Tensor dense) {
    int[] layer = new int[objective.size()];
    int number = 0;
    for (Objective<Mlp> part : objective.perLayer().values()) {
      for (String path : part.paths()) {
        int from = objective.layout().offset(path);
        Arrays.fill(layer, from, from + (int) objective.layout().shape(path).size(), number);
      }
      number++;
    }
    Tensor of = Tensor.of(layer, layer.length);
    return of.insertAxis(0).eq(of.insertAxis(1)).select(dense, Tensor.zeros(dense.dtype(), 1, 1));
  }

  private static double relative(Tensor dense, Tensor other) {
    return Math.sqrt(other.sub(dense).square().sum().item() / dense.square().sum().item());
  }

  private static void row(String name, double error, Supplier<?> run) {
    double[] times = new double[RUNS];
    for (int i = -WARM_UPS; i < RUNS; i++) {
      long start = System.nanoTime();
      var _ = run.get();
      times[Math.max(i, 0)] = (System.nanoTime() - start) * 1e-6;
    }
    Arrays.sort(times);
    System.out.printf(Locale.ROOT, "| %s | %.3f | %.0f |%n", name, error, times[RUNS / 2]);
  }
}
