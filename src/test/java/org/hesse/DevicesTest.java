package org.hesse;

import static org.hesse.Autodiff.checkGradients;
import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.grad;
import static org.hesse.Autodiff.hvp;
import static org.hesse.Autodiff.jacobian;
import static org.hesse.Autodiff.vjp;
import static org.hesse.Autodiff.vmap;
import static org.hesse.ControlFlow.forLoop;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.hesse.backend.DeviceUnavailableException;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import org.hesse.optim.Adam;
import org.hesse.optim.TrainState;
import org.hesse.testing.FakeDevice;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Several devices, two of which are the host processor under other names. */
class DevicesTest {
  private static final FakeDevice FAKE = new FakeDevice(Device.cuda(8001));
  private static final Device GPU = FAKE.device();
  private static final Device OTHER = Device.cuda(8002);

  @BeforeAll
  static void register() {
    // What stands for other devices gives the host's very bits.
    Hesse.setDevice(Device.CPU);
    Backends.register(FAKE);
    Backends.register(new FakeDevice(OTHER));
  }

  @AfterEach
  void backToTheHost() {
    Hesse.setDevice(Device.CPU);
  }

  private static Tensor numbers() {
    return Tensor.of(new double[] {1, -2, 3, 0.5});
  }

  private static void assertOn(Device device, Tensor expected, Tensor actual) {
    assertEquals(device, actual.device());
    assertArrayEquals(expected.toDoubleArray(), actual.toDoubleArray());
  }

  @Test
  void movesThereAndBack() {
    Tensor x = numbers();
    Tensor y = x.to(GPU);
    assertOn(GPU, x, y);
    assertEquals(Device.CPU, x.device());
    assertSame(y, y.to(GPU));
    assertOn(OTHER, x, y.to(OTHER));
    assertOn(Device.CPU, x, y.to(Device.CPU));
  }

  @Test
  void runsWhereTheOperandsAre() {
    Tensor x = numbers();
    Tensor y = x.to(GPU);
    int before = FAKE.runs.get();
    assertOn(GPU, x.mul(2).add(x).sub(1).sum(), y.mul(2).add(y).sub(1).sum());
    assertTrue(FAKE.runs.get() > before);
    assertOn(GPU, x.gt(0).select(x, x.neg()), y.gt(0).select(y, y.neg()));
    Tensor z = Hesse.on(OTHER, () -> y.mul(2));
    assertEquals(GPU, z.device());
  }

  @Test
  void makesTensorsOnTheCurrentDevice() {
    assertEquals(Device.CPU, Hesse.device());
    Hesse.on(
        GPU,
        () -> {
          assertEquals(GPU, Hesse.device());
          List<Tensor> made =
              List.of(
                  numbers(),
                  Tensor.zeros(DType.F32, 2),
                  Tensor.scalar(3, DType.F64),
                  Tensor.arange(DType.I32, 3),
                  Tensor.eye(DType.F64, 2),
                  RngKey.of(7).normal(DType.F32, 3),
                  RngKey.of(7).fold(3).split(2)[1].words());
          made.forEach(t -> assertEquals(GPU, t.device()));
          assertEquals(OTHER, Hesse.on(OTHER, () -> numbers().device()));
          assertThrows(
              IllegalStateException.class,
              () ->
                  Hesse.on(
                      OTHER,
                      () -> {
                        throw new IllegalStateException();
                      }));
          assertEquals(GPU, Hesse.device());
        });
    assertEquals(Device.CPU, numbers().device());
    Hesse.setDevice(GPU);
    assertEquals(GPU, numbers().device());
    assertEquals(GPU, Hesse.device());
  }

  /** The same key gives the same numbers wherever it is, also where that is not current. */
  @Test
  void randomNumbersAreTheSameEverywhere() {
    RngKey key = RngKey.of(11);
    RngKey there = Tree.map(key, t -> t.to(GPU));
    assertOn(GPU, key.fold(3).normal(DType.F64, 5), there.fold(3).normal(DType.F64, 5));
  }

  @Test
  void refusesOperandsOnTwoDevices() {
    Tensor x = numbers();
    Tensor y = x.to(GPU);
    String message = assertThrows(IllegalArgumentException.class, () -> x.add(y)).getMessage();
    assertTrue(
        message.matches(
            "operands are on two devices at DevicesTest.java:\\d+: F64\\[4\\] on cpu and F64\\[4\\]"
                + " on cuda:8001; move one with to\\(Device\\)"),
        message);
    String gradient =
        assertThrows(
                IllegalArgumentException.class, () -> grad((Tensor t) -> t.mul(y).sum()).apply(x))
            .getMessage();
    assertTrue(
        gradient.matches(
            "grad at DevicesTest.java:\\d+: the function's argument is on cpu, but it reads F64\\[4\\]"
                + " on cuda:8001; move one with to\\(Device\\)"),
        gradient);
    assertThrows(IllegalArgumentException.class, () -> Tensor.concat(0, x, y));
  }

  private static Tensor loss(Tensor x) {
    // Made inside a trace: where the traced function runs.
    Tensor weights = Tensor.of(new double[] {0.5, 1, 2, 4});
    return x.tanh().mul(weights).add(Tensor.ones(DType.F64, 4)).square().sum().mul(0.5);
  }

  @Test
  void transformsRunWhereTheirArgumentIs() {
    Tensor x = numbers();
    Tensor y = x.to(GPU);
    Function<Tensor, Tensor> f = DevicesTest::loss;
    assertOn(GPU, grad(f).apply(x), grad(f).apply(y));
    assertOn(GPU, hvp(f, x, x), hvp(f, y, y));
    assertOn(
        GPU,
        vjp(f, x).pullback().apply(Tensor.scalar(2, DType.F64)),
        vjp(f, y).pullback().apply(Tensor.scalar(2, DType.F64).to(GPU)));
    assertOn(GPU, jacobian((Tensor t) -> t.square(), x), jacobian((Tensor t) -> t.square(), y));
    Tensor rows = Tensor.stack(0, x, x.mul(3));
    assertOn(GPU, vmap(f).apply(rows), vmap(f).apply(rows.to(GPU)));
    assertOn(
        GPU,
        forLoop(3, (s, i) -> s.mul(2).add(i.cast(DType.F64)), x),
        forLoop(3, (s, i) -> s.mul(2).add(i.cast(DType.F64)), y));
    assertTrue(checkGradients(f, y, 1).passed());
    Tensor a = Tensor.of(new double[] {4, 1, 1, 3}, 2, 2);
    assertOn(GPU, Matrices.inverse(a), Matrices.inverse(a.to(GPU)));
  }

  @Test
  void compilesForEachDevice() {
    Tensor x = numbers();
    AtomicReference<Device> inside = new AtomicReference<>();
    Function<Tensor, Tensor> f =
        compile((Tensor t) -> {
          inside.set(t.device());
          assertEquals(t.device(), Hesse.device());
          return loss(t);
        });
    for (Device d : List.of(Device.CPU, GPU, OTHER, GPU, Device.CPU)) {
      assertOn(d, loss(x), f.apply(x.to(d)));
    }
    assertEquals(OTHER, inside.get());
    Function<List<Tensor>, Tensor> nothing =
        compile((List<Tensor> none) -> Tensor.zeros(DType.F32, 2));
    assertEquals(Device.CPU, nothing.apply(List.of()).device());
    assertEquals(GPU, Hesse.on(GPU, () -> nothing.apply(List.of())).device());
  }

  @Test
  void compiledFunctionsRefuseTwoDevices() {
    Tensor x = numbers();
    Tensor y = x.to(GPU);
    Function<Pair<Tensor, Tensor>, Tensor> sum =
        compile((Pair<Tensor, Tensor> p) -> p.first().add(p.second()));
    assertOn(Device.CPU, x.add(x), sum.apply(new Pair<>(x, x)));
    String two =
        assertThrows(IllegalArgumentException.class, () -> sum.apply(new Pair<>(x, y)))
            .getMessage();
    assertTrue(
        two.matches(
            "a compiled function is called at DevicesTest.java:\\d+ with leaf 'first' on cpu and leaf"
                + " 'second' on cuda:8001; move one with to\\(Device\\)"),
        two);
    Function<Tensor, Tensor> captures = compile((Tensor t) -> t.add(y));
    String captured =
        assertThrows(IllegalArgumentException.class, () -> captures.apply(x)).getMessage();
    assertTrue(
        captured.contains("an argument on cpu, but captures a tensor of 4 F64 on cuda:8001"),
        captured);
  }

  @Test
  void aTracedFunctionStaysWhereItIs() {
    Tensor y = numbers().to(GPU);
    String moved =
        assertThrows(
                IllegalStateException.class,
                () -> grad((Tensor t) -> t.to(Device.CPU).sum()).apply(y))
            .getMessage();
    assertTrue(moved.contains("to(cpu) at DevicesTest.java"), moved);
    assertTrue(moved.contains("inside grad on a tensor F64[4] of cuda:8001"), moved);
    String on =
        assertThrows(
                IllegalStateException.class,
                () -> grad((Tensor t) -> Hesse.on(OTHER, () -> t.sum())).apply(y))
            .getMessage();
    assertTrue(on.startsWith("on(cuda:8002) at DevicesTest.java"), on);
    assertTrue(on.contains("inside grad, which runs on cuda:8001"), on);
    assertOn(
        GPU,
        Tensor.ones(DType.F64, 4),
        grad((Tensor t) -> Hesse.on(GPU, () -> t.to(GPU).sum())).apply(y));
  }

  @Test
  void trainsWhereTheModelIs() {
    Mlp model = Mlp.init(RngKey.of(3), MlpShape.parse("mlp:4-3-2:tanh"), DType.F64);
    Adam adam = Adam.of(0.01);
    Function<TrainState<Mlp>, TrainState<Mlp>> step =
        compile(
            (TrainState<Mlp> s) ->
                s.update(
                    adam,
                    grad((Mlp m) -> m.apply(Tensor.ones(DType.F64, 5, 4)).square().mean())
                        .apply(s.model())),
            Donate.all());
    Mlp there = Tree.map(model, t -> t.to(GPU));
    TrainState<Mlp> a = TrainState.init(Tree.map(model, Tensor::copy), adam);
    TrainState<Mlp> b = TrainState.init(there, adam);
    for (int i = 0; i < 3; i++) {
      a = step.apply(a);
      b = step.apply(b);
    }
    List<Tensor> expected = Tree.leavesOf(a);
    List<Tensor> actual = Tree.leavesOf(b);
    for (int i = 0; i < expected.size(); i++) {
      assertOn(GPU, expected.get(i), actual.get(i));
    }
  }

  @Test
  void namesADeviceThatIsNotThere() {
    Device absent = Device.cuda(9999);
    for (DeviceUnavailableException e :
        List.of(
            assertThrows(DeviceUnavailableException.class, () -> Hesse.setDevice(absent)),
            assertThrows(DeviceUnavailableException.class, () -> numbers().to(absent)),
            assertThrows(
                DeviceUnavailableException.class, () -> Hesse.on(absent, () -> numbers())))) {
      String message = e.getMessage();
      assertTrue(
          message.startsWith("cuda:9999 is not there; expected one of:")
              || message.startsWith("CUDA cannot be used: "),
          message);
    }
    assertEquals(Device.CPU, Hesse.device());
    assertEquals(Device.CPU, Hesse.devices().getFirst().device());
  }

  @Test
  void readsDeviceNames() {
    assertEquals(Device.cuda(1), Device.parse("cuda:1"));
    assertEquals("cuda:1", Device.cuda(1).toString());
    assertThrows(IllegalArgumentException.class, () -> Device.cuda(-1));
    assertThrows(IllegalArgumentException.class, () -> new Device(Device.Kind.CPU, 1));
    assertThrows(IllegalArgumentException.class, () -> numbers().to(null));
  }
}
