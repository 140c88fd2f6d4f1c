package org.hesse.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import org.hesse.DType;
import org.hesse.Matrices;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.hesse.Tree;
import org.hesse.curvature.Hessian;
import org.hesse.curvature.Objective;
import org.hesse.io.Dataset;
import org.hesse.io.Datasets;
import org.hesse.io.Npz;
import org.hesse.io.Safetensors;
import org.hesse.io.Task;
import org.hesse.linalg.Eigenpairs;
import org.hesse.linalg.Lanczos;
import org.hesse.linalg.LinearOperator;
import org.hesse.linalg.PowerIteration;
import org.hesse.nn.Loss;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import org.hesse.optim.Adam;
import org.hesse.optim.Training;

/**
 * Leading eigenvalues of a network's Hessian by each eigensolver, as a table: products, time and
 * error. Arguments: the folder with {@code models} and {@code data}, {@code ../shared} by default,
 * and how many eigenvalues, 10 by default. Without the folder a network is trained on embedded data,
 * and its reference values come from the dense matrix.
 */
public final class EigenSolvers {
  private static final MlpShape SHAPE = MlpShape.parse("mlp:64-32-10:tanh");
  private static final int WARM_UPS = 3;
  private static final int RUNS = 5;

  private EigenSolvers() {}

  private record Problem(LinearOperator hessian, double[] expected) {}

  /** Prints the table. */
  public static void main(String[] arguments) throws IOException {
    Path shared = Path.of(arguments.length > 0 ? arguments[0] : "../shared");
    int k = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 10;
    boolean there = Files.isRegularFile(shared.resolve("models/digits-mlp.safetensors"));
    for (DType dtype : new DType[] {DType.F64, DType.F32}) {
      Problem problem = there ? stored(shared, dtype) : trained(dtype);
      System.out.printf(
          "Top %d by magnitude, %s, of the %s (%s):%n%n",
          k, dtype, problem.hessian, there ? "stored network" : "network trained here");
      System.out.println("| method | products | ms | largest relative error | largest bound | all |");
      System.out.println("|---|---:|---:|---:|---:|---|");
      solvers(k).forEach((name, solver) -> measure(name, solver, problem, k));
      System.out.println();
    }
  }

  private static Map<String, Function<LinearOperator, Eigenpairs>> solvers(int k) {
    Map<String, Function<LinearOperator, Eigenpairs>> all = new LinkedHashMap<>();
    all.put("power iteration, 1e-2", h -> PowerIteration.of(h).largest(k).tolerance(1e-2).run());
    all.put("power iteration, 1e-3", h -> PowerIteration.of(h).largest(k).maxSteps(5000).run());
    all.put("Lanczos", h -> lanczos(h, k, 1).run());
    all.put("Lanczos, one search", h -> lanczos(h, k, 1).checkMultiplicity(false).run());
    for (int b : new int[] {4, 16}) {
      all.put("Lanczos, blocks of " + b, h -> lanczos(h, k, b).run());
      all.put(
          "Lanczos, blocks of " + b + ", one search",
          h -> lanczos(h, k, b).checkMultiplicity(false).run());
    }
    return all;
  }

  private static Lanczos lanczos(LinearOperator h, int k, int block) {
    return Lanczos.of(h).largest(k).tolerance(1e-4).block(block);
  }

  private static void measure(
      String name, Function<LinearOperator, Eigenpairs> solver, Problem problem, int k) {
    for (int i = 0; i < WARM_UPS; i++) {
      var _ = solver.apply(problem.hessian);
    }
    double[] times = new double[RUNS];
    Eigenpairs pairs = null;
    for (int i = 0; i < RUNS; i++) {
      long start = System.nanoTime();
      pairs = solver.apply(problem.hessian);
      times[i] = (System.nanoTime() - start) * 1e-6;
    }
    Arrays.sort(times);
    double error = 0;
    double bound = 0;
    for (int i = 0; i < k; i++) {
      double expected = problem.expected[i];
      error = Math.max(error, Math.abs(pairs.values()[i] / expected - 1));
      bound = Math.max(bound, pairs.residuals()[i] / Math.abs(expected));
    }
    System.out.printf(
        Locale.ROOT,
        "| %s | %d | %.0f | %.1e | %.1e | %s |%n",
        name,
        pairs.matvecs(),
        times[RUNS / 2],
        error,
        bound,
        pairs.complete() ? "checked" : pairs.converged() ? "not checked" : "not converged");
  }

  private static Hessian<Mlp> hessian(Mlp model, Dataset data) {
    return Hessian.of(Objective.of(model, Loss.CROSS_ENTROPY, data.batches(data.size())));
  }

  private static Problem stored(Path shared, DType dtype) throws IOException {
    Path models = shared.resolve("models");
    String csv = shared.resolve("data/digits.csv").toString();
    Mlp model =
        Mlp.load(SHAPE, Safetensors.read(models.resolve("digits-mlp.safetensors")).tensors());
    Tensor spectrum = Npz.read(models.resolve("digits-mlp.spectrum.npz")).get("hessian");
    return new Problem(
        hessian(
            Tree.map(model, t -> t.cast(dtype)), Datasets.open(csv, dtype, Task.CLASSIFICATION)),
        byMagnitude(spectrum));
  }

  private static Problem trained(DType dtype) {
    Dataset data = Datasets.digits(1797, 0, 8, DType.F64);
    Mlp start = Mlp.init(RngKey.of(0), SHAPE, DType.F64);
    Training training = Training.of(Loss.CROSS_ENTROPY, Adam.of(0.01)).epochs(20).batch(64);
    Mlp model = training.fit(start, data.split(0.2, 0)).model();
    double[] expected = byMagnitude(Matrices.eigh(hessian(model, data).toDense()).values());
    Dataset cast = Datasets.digits(1797, 0, 8, dtype);
    return new Problem(hessian(Tree.map(model, t -> t.cast(dtype)), cast), expected);
  }

  private static double[] byMagnitude(Tensor values) {
    return Arrays.stream(values.toDoubleArray())
        .boxed()
        .sorted(Comparator.comparingDouble((Double x) -> -Math.abs(x)))
        .mapToDouble(Double::doubleValue)
        .toArray();
  }
}
