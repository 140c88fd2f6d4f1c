package org.hesse.optim;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.valueAndGrad;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
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
import org.hesse.linalg.NumericalException;
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

  /** What is read in an epoch does not grow with its steps. */
  @Test
  void stepsAreNotWaitedFor() {
    SimulatedDevice.requireSimulated();
    Dataset.Split data = data(GPU).split(0.25, 2);
    long[] reads = new long[2];
    for (int i = 0; i < 2; i++) {
      Training training = Training.of(Loss.CROSS_ENTROPY, METHOD).epochs(2).batch(i == 0 ? 18 : 4);
      long before = SimulatedDevice.calls("cuMemcpyDtoHAsync");
      training.fit(model(GPU), data);
      reads[i] = SimulatedDevice.calls("cuMemcpyDtoHAsync") - before;
    }
    assertEquals(reads[0], reads[1]);
  }

  @Test
  void aLossThatIsNotFiniteIsFoundWithItsStep() {
    Training training = Training.of(Loss.CROSS_ENTROPY, Sgd.of(1e200)).epochs(30).batch(4);
    String[] messages = new String[2];
    for (Device device : List.of(Device.CPU, GPU)) {
      Dataset.Split data = data(device).split(0.25, 2);
      MlpShape linear = MlpShape.parse("mlp:2-6-2:identity");
      Mlp model = moved(Mlp.init(RngKey.of(5), linear, DType.F64), device);
      NumericalException e =
          assertThrows(NumericalException.class, () -> training.fit(model, data));
      messages[device.equals(GPU) ? 1 : 0] = String.valueOf(e.getMessage());
    }
    assertEquals(messages[0], messages[1]);
  }

  @Test
  void subsetsStayOnTheirDevice() {
    SimulatedDevice.requireSimulated();
    Dataset here = data(Device.CPU);
    Dataset there = data(GPU);
    long reads = SimulatedDevice.calls("cuMemcpyDtoHAsync");
    List<Dataset> actual = new ArrayList<>(there.shuffled(3).batches(7));
    actual.add(there.take(5, 5));
    actual.add(there.take(5, 9));
    assertEquals(reads, SimulatedDevice.calls("cuMemcpyDtoHAsync"));
    List<Dataset> expected = new ArrayList<>(here.shuffled(3).batches(7));
    expected.add(here.take(5, 5));
    expected.add(here.take(5, 9));
    assertEquals(expected.size(), actual.size());
    for (int i = 0; i < expected.size(); i++) {
      on(GPU, actual.get(i).x());
      on(GPU, actual.get(i).y());
      assertEquals(expected.get(i).x().shape(), actual.get(i).x().shape());
      assertArrayEquals(expected.get(i).x().toDoubleArray(), actual.get(i).x().toDoubleArray());
      assertArrayEquals(expected.get(i).y().toIntArray(), actual.get(i).y().toIntArray());
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
