package org.hesse.optim;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.valueAndGrad;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.function.BiFunction;
import org.hesse.DType;
import org.hesse.Device;
import org.hesse.Donate;
import org.hesse.Hesse;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.hesse.Tree;
import org.hesse.io.Dataset;
import org.hesse.io.Datasets;
import org.hesse.nn.Loss;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import org.hesse.testing.SimulatedDevice;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Training of a model that is on a GPU, which is not the current device. */
class TrainingOnDeviceTest {
  private static final Device GPU = Device.cuda(0);
  private static final MlpShape SHAPE = MlpShape.parse("mlp:2-6-2:tanh");
  private static final Optimizer METHOD = Adam.of(0.01);

  /** Whatever makes the host wait for the device, or the device for the host. */
  private static final List<String> WAITS =
      List.of(
          "cuStreamSynchronize",
          "cuEventSynchronize",
          "cuCtxSynchronize",
          "cuMemAlloc",
          "cuMemFree",
          "cuMemcpyDtoH",
          "cuMemcpyDtoHAsync",
          "cuMemcpyHtoD",
          "cuMemcpyHtoDAsync");

  @BeforeAll
  static void device() {
    SimulatedDevice.require();
  }

  private static <T> T moved(T tree, Device to) {
    return Tree.map(tree, t -> t.to(to));
  }

  private static Dataset data(Device device) {
    return moved(Datasets.twoMoons(48, 1, 0.1, DType.F64), device);
  }

  private static Mlp model(Device device) {
    return moved(Mlp.init(RngKey.of(5), SHAPE, DType.F64), device);
  }

  private static BiFunction<TrainState<Mlp>, Dataset, TrainState<Mlp>> step() {
    return compile(
        (TrainState<Mlp> s, Dataset b) -> {
          var r =
              valueAndGrad((Mlp m) -> Loss.CROSS_ENTROPY.apply(m.apply(b.x()), b.y()))
                  .apply(s.model());
          return s.update(METHOD, r.gradient());
        },
        Donate.first());
  }

  private static double[] parameters(Mlp model) {
    return Tree.of(model).ravel(model).toDoubleArray();
  }

  @Test
  void stepsComputeWhatTheyDoOnTheCpu() {
    double[][] ends = new double[2][];
    for (Device device : List.of(Device.CPU, GPU)) {
      var step = step();
      Dataset batch = data(device);
      TrainState<Mlp> state = TrainState.init(model(device), METHOD);
      for (int i = 0; i < 12; i++) {
        state = step.apply(state, batch);
      }
      state.model().layers().forEach(l -> Tree.leavesOf(l).forEach(t -> on(device, t)));
      ends[device.equals(GPU) ? 1 : 0] = parameters(state.model());
    }
    assertArrayEquals(ends[0], ends[1], 1e-10);
  }

  private static void on(Device device, Tensor t) {
    assertEquals(device, t.device());
  }

  @Test
  void aDonatedStepIsOneGraphAndNobodyWaits() {
    SimulatedDevice.requireSimulated();
    var step = step();
    Dataset batch = data(GPU);
    TrainState<Mlp> state = TrainState.init(model(GPU), METHOD);
    for (int i = 0; i < 12; i++) {
      state = step.apply(state, batch);
    }
    Hesse.on(GPU, Hesse::synchronize);
    long graphs = SimulatedDevice.calls("cuGraphLaunch");
    long kernels = SimulatedDevice.calls("cuLaunchKernel");
    long[] waits = WAITS.stream().mapToLong(SimulatedDevice::calls).toArray();
    for (int i = 0; i < 10; i++) {
      state = step.apply(state, batch);
    }
    assertEquals(graphs + 10, SimulatedDevice.calls("cuGraphLaunch"));
    assertEquals(kernels, SimulatedDevice.calls("cuLaunchKernel"));
    assertArrayEquals(waits, WAITS.stream().mapToLong(SimulatedDevice::calls).toArray());
    assertEquals(22, state.step().item());
  }

  @Test
  void trainingReportsTheLossesOfTheCpu() {
    Training training = Training.of(Loss.CROSS_ENTROPY, METHOD).epochs(2).batch(16).seed(3);
    List<Epoch> expected =
        training.fit(model(Device.CPU), data(Device.CPU).split(0.25, 2)).epochs();
    Training.Result<Mlp> done = training.fit(model(GPU), data(GPU).split(0.25, 2));
    Tree.leavesOf(done.model()).forEach(t -> on(GPU, t));
    for (int i = 0; i < 2; i++) {
      Epoch e = expected.get(i);
      Epoch a = done.epochs().get(i);
      assertEquals(e.train().loss(), a.train().loss(), 1e-10);
      assertEquals(e.test().loss(), a.test().loss(), 1e-10);
      assertEquals(e.test().accuracy(), a.test().accuracy(), 0);
    }
  }

  /** Once, and not at all where a read has thrown it. */
  @Test
  void waitingThrowsWhatNobodyHasRead() {
    Tensor x = Tensor.of(new double[] {1, 2, 3}).to(GPU);
    Tensor outside = Tensor.of(new int[] {1, 7}).to(GPU);
    Hesse.on(
        GPU,
        () -> {
          Hesse.synchronize();
          Tensor unread = x.take(0, outside);
          assertThrows(IndexOutOfBoundsException.class, Hesse::synchronize);
          Hesse.synchronize();
          assertThrows(IndexOutOfBoundsException.class, unread::toDoubleArray);
          Tensor read = x.take(0, outside);
          assertThrows(IndexOutOfBoundsException.class, read::toDoubleArray);
          Hesse.synchronize();
        });
  }
}
