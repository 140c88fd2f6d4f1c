package org.hesse.curvature;

import static org.hesse.curvature.DenseReferences.normal;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.hesse.Autodiff;
import org.hesse.DType;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.hesse.io.Dataset;
import org.hesse.linalg.ConjugateGradients;
import org.hesse.linalg.LinearMap;
import org.hesse.nn.Loss;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What several threads use at once gives each of them the bits that it would have alone. */
class ConcurrentUseTest {
  private static final int THREADS = 4;
  private static final int ROUNDS = 20;

  record Use(Tensor[] vectors, UnaryOperator<Tensor> function) {}

  private static Named<Use> use(String name, int size, UnaryOperator<Tensor> function) {
    Tensor[] vectors = new Tensor[THREADS];
    for (int i = 0; i < THREADS; i++) {
      vectors[i] = normal(20 + i, size).cast(DType.F32);
    }
    return Named.of(name, new Use(vectors, function));
  }

  static Stream<Named<Use>> uses() {
    Mlp m = Mlp.init(RngKey.of(1), MlpShape.parse("mlp:12-40-5:tanh"), DType.F32);
    Tensor labels = Tensor.of(IntStream.range(0, 70).map(i -> i % 5).toArray(), 70);
    Dataset d = Dataset.classification("test", normal(2, 70, 12).cast(DType.F32), labels, 5);
    Objective<Mlp> f = Objective.of(m, Loss.CROSS_ENTROPY, d.batches(32));
    int n = f.size();
    Kfac kfac = Kfac.of(f).run();
    LinearMap jacobian = Jacobian.of(f);
    Function<Tensor, Tensor> compiled =
        Autodiff.compile((Tensor v) -> v.sin().mul(v).matmul(v.cos()).exp().add(v));
    return Stream.of(
        use("Hessian", n, Hessian.of(f)::apply),
        use("Hessian without what it keeps", n, Hessian.of(f).keep(0)::apply),
        use("Gauss-Newton", n, GaussNewton.of(f)::apply),
        use("Monte Carlo Fisher", n, Fisher.monteCarlo(f, 1, 0)::apply),
        use("block", n, v -> Hessian.of(f).applyAll(Tensor.stack(0, v, v.neg())).reshape(-1)),
        use("Jacobian", n, jacobian::apply),
        use("adjoint", jacobian.rows(), jacobian.adjoint()::apply),
        use("K-FAC", n, kfac::apply),
        use("inverse of K-FAC", n, v -> kfac.inverse(Damping.pi(1e-2)).apply(v)),
        use(
            "conjugate gradients",
            n,
            v ->
                ConjugateGradients.of(GaussNewton.of(f).shift(0.1))
                    .tolerance(1e-3)
                    .run(v)
                    .solution()),
        use("K-FAC run", n, v -> Kfac.of(f).run().apply(v)),
        use("compiled", 1000, compiled::apply));
  }

  @ParameterizedTest
  @MethodSource("uses")
  void sameBits(Use use) throws Exception {
    CyclicBarrier barrier = new CyclicBarrier(THREADS);
    List<Future<double[][]>> results = new ArrayList<>();
    try (ExecutorService pool = Executors.newFixedThreadPool(THREADS)) {
      for (Tensor v : use.vectors) {
        results.add(
            pool.submit(() -> {
              barrier.await();
              double[][] all = new double[ROUNDS][];
              for (int i = 0; i < ROUNDS; i++) {
                all[i] = use.function.apply(v).toDoubleArray();
              }
              return all;
            }));
      }
    }
    for (int t = 0; t < THREADS; t++) {
      double[] alone = use.function.apply(use.vectors[t]).toDoubleArray();
      for (double[] together : results.get(t).get()) {
        assertArrayEquals(alone, together);
      }
    }
  }
}
