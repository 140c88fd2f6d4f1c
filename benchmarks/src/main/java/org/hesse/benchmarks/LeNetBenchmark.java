package org.hesse.benchmarks;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.valueAndGrad;

import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import org.hesse.DType;
import org.hesse.RngKey;
import org.hesse.Sliding;
import org.hesse.Tensor;
import org.hesse.io.Dataset;
import org.hesse.nn.Convolution;
import org.hesse.nn.Layer;
import org.hesse.nn.Linear;
import org.hesse.nn.Loss;
import org.hesse.nn.Pool;
import org.hesse.optim.Optimizer;
import org.hesse.optim.Sgd;
import org.hesse.optim.TrainState;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** A training step of a small convolutional network; {@code convolutions.py} times PyTorch's. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class LeNetBenchmark {
  /** Activation and batch size. */
  @Param({"relu@64", "tanh@64"})
  public String workload;

  private BiFunction<TrainState<LeNet>, Dataset, TrainState<LeNet>> step;
  private TrainState<LeNet> state;
  private Dataset batch;

  /**
   * LeNet-5 for pictures of 28 × 28.
   *
   * @param relu whether the activation is that, and not tanh
   */
  public record LeNet(
      Convolution conv1, Convolution conv2, Linear fc1, Linear fc2, Linear fc3, boolean relu)
      implements Layer {
    static LeNet init(RngKey key, boolean relu) {
      RngKey[] k = key.split(5);
      int[] window = {5, 5};
      return new LeNet(
          Convolution.init(k[0], 1, 6, window, Sliding.by(1).padded(2), 1, DType.F32),
          Convolution.init(k[1], 6, 16, window, Sliding.by(1), 1, DType.F32),
          Linear.init(k[2], 400, 120, DType.F32),
          Linear.init(k[3], 120, 84, DType.F32),
          Linear.init(k[4], 84, 10, DType.F32),
          relu);
    }

    private Tensor activate(Tensor x) {
      return relu ? x.relu() : x.tanh();
    }

    @Override
    public Tensor apply(Tensor x) {
      Pool pool = Pool.max(2, 2);
      Tensor h = pool.apply(activate(conv1.apply(x)));
      h = pool.apply(activate(conv2.apply(h)));
      h = activate(fc1.apply(h.reshape(h.dim(0), -1)));
      return fc3.apply(activate(fc2.apply(h)));
    }
  }

  /** Makes a model and a batch from a fixed seed. */
  @Setup
  public void setUp() {
    String[] parts = workload.split("@", 2);
    int samples = Integer.parseInt(parts[1]);
    RngKey[] keys = RngKey.of(1).split(3);
    Tensor x = keys[0].normal(DType.F32, samples, 1, 28, 28);
    Tensor y = keys[1].uniform(DType.F32, samples).mul(10).cast(DType.I32);
    batch = Dataset.classification("random", x, y, 10);
    Optimizer sgd = new Sgd(0.01, 0.9, 0);
    state = TrainState.init(LeNet.init(keys[2], parts[0].equals("relu")), sgd);
    step =
        compile(
            (TrainState<LeNet> s, Dataset b) ->
                s.update(
                    sgd,
                    valueAndGrad((LeNet m) -> Loss.CROSS_ENTROPY.apply(m.apply(b.x()), b.y()))
                        .apply(s.model())
                        .gradient()));
  }

  /** One step of gradient descent with momentum. */
  @Benchmark
  public TrainState<LeNet> step() {
    return step.apply(state, batch);
  }
}
