package org.hesse.benchmarks;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.grad;
import static org.hesse.Autodiff.valueAndGrad;
import static org.hesse.ControlFlow.scan;

import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import org.hesse.DType;
import org.hesse.Donate;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.hesse.Tree;
import org.hesse.curvature.Hessian;
import org.hesse.curvature.Objective;
import org.hesse.io.Dataset;
import org.hesse.nn.Loss;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import org.hesse.optim.Optimizer;
import org.hesse.optim.Sgd;
import org.hesse.optim.TrainState;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** A training step, a gradient and Hessian products of small classifiers. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class MlpBenchmark {
  private static final int STEPS = 10;

  /** Architecture and batch size. */
  @Param({"mlp:2-64-64-2:tanh@32", "mlp:784-256-10:relu@128", "mlp:784-256-10:tanh@128"})
  public String workload;

  private BiFunction<TrainState<Mlp>, Dataset, TrainState<Mlp>> step;
  private BiFunction<TrainState<Mlp>, Stacked, TrainState<Mlp>> steps;
  private TrainState<Mlp> state;
  private TrainState<Mlp> other;
  private Stacked batches;
  private Dataset batch;
  private Objective<Mlp> objective;
  private Hessian<Mlp> hessian;
  private Tensor vector;
  private Tensor vectors;

  /** Inputs and labels of several batches, stacked along a first axis. */
  private record Stacked(Tensor x, Tensor y) {}

  /** Makes a model, a batch and vectors from a fixed seed. */
  @Setup
  public void setUp() {
    String[] parts = workload.split("@", 2);
    MlpShape shape = MlpShape.parse(parts[0]);
    int samples = Integer.parseInt(parts[1]);
    RngKey[] keys = RngKey.of(1).split(5);
    Tensor x = keys[0].normal(DType.F32, samples, shape.inputs());
    Tensor y = keys[1].uniform(DType.F32, samples).mul(shape.outputs()).cast(DType.I32);
    batch = Dataset.classification("random", x, y, shape.outputs());
    Optimizer sgd = new Sgd(0.01, 0.9, 0);
    Mlp model = Mlp.init(keys[2], shape, DType.F32);
    BiFunction<Mlp, Dataset, Mlp> gradient =
        (m, b) -> valueAndGrad((Mlp p) -> loss(p, b)).apply(m).gradient();
    step =
        compile(
            (TrainState<Mlp> s, Dataset b) -> s.update(sgd, gradient.apply(s.model(), b)),
            Donate.first());
    steps =
        compile(
            (TrainState<Mlp> first, Stacked all) ->
                scan(
                    (TrainState<Mlp> s, Stacked b) ->
                        s.update(
                            sgd,
                            grad((Mlp m) -> Loss.CROSS_ENTROPY.apply(m.apply(b.x()), b.y()))
                                .apply(s.model())),
                    first,
                    all),
            Donate.first());
    state = TrainState.init(Tree.map(model, Tensor::copy), sgd);
    other = TrainState.init(Tree.map(model, Tensor::copy), sgd);
    batches =
        new Stacked(
            keys[0].normal(DType.F32, STEPS, samples, shape.inputs()),
            keys[1]
                .uniform(DType.F32, STEPS, samples)
                .mul(shape.outputs())
                .cast(DType.I32));
    objective = Objective.ofLoss(model, MlpBenchmark::loss, List.of(batch));
    hessian = Hessian.of(objective);
    vector = keys[3].normal(DType.F32, hessian.size());
    vectors = keys[4].normal(DType.F32, 16, hessian.size());
  }

  private static Tensor loss(Mlp model, Dataset batch) {
    return Loss.CROSS_ENTROPY.apply(model.apply(batch.x()), batch.y());
  }

  /** One step of gradient descent with momentum, which donates its state. */
  @Benchmark
  public TrainState<Mlp> step() {
    state = step.apply(state, batch);
    return state;
  }

  /** One of ten such steps in one call. */
  @Benchmark
  @OperationsPerInvocation(STEPS)
  public TrainState<Mlp> stepOfTen() {
    other = steps.apply(other, batches);
    return other;
  }

  /** Loss and gradient. */
  @Benchmark
  public Tensor gradient() {
    return objective.lossAndGradient().gradient();
  }

  /** One Hessian product. */
  @Benchmark
  public Tensor product() {
    return hessian.apply(vector);
  }

  /** A block of 16 Hessian products. */
  @Benchmark
  public Tensor block() {
    return hessian.applyAll(vectors);
  }
}
