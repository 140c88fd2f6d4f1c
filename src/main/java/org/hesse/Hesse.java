package org.hesse;

import java.lang.ScopedValue.CallableOp;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.hesse.backend.Backend;
import org.hesse.backend.Buffer;
import org.hesse.backend.DeviceUnavailableException;
import org.hesse.backend.cuda.CudaDevices;
import org.hesse.backend.cuda.CudaLibraries;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.hesse.plan.Evaluator;

/** The library's version, the devices that it runs on, and the programs that run there. */
public final class Hesse {
  private static final ScopedValue<Device> CURRENT = ScopedValue.newInstance();

  private static volatile Device process = Device.CPU;

  private Hesse() {}

  /**
   * The current device, on which tensors are made: that of the innermost {@link #on}, or else that
   * of {@link #setDevice}, which is the host processor at first. Inside a transform it is where the
   * transformed function will run. Operations on tensors run where these are, whatever the current
   * device.
   */
  public static Device device() {
    return CURRENT.isBound() ? CURRENT.get() : process;
  }

  /**
   * Makes a device the current one of the whole process.
   *
   * @throws DeviceUnavailableException if it is not there or cannot be used; the message says why
   */
  public static void setDevice(Device device) {
    process = Backends.of(given("setDevice", device)).device();
  }

  /**
   * Runs a body with another current device.
   *
   * @return the body's result, whose tensors stay where they are
   * @throws DeviceUnavailableException if the device is not there or cannot be used
   * @throws IllegalStateException inside a transform, if the transformed function runs elsewhere
   */
  public static <R, X extends Throwable> R on(Device device, CallableOp<? extends R, X> body)
      throws X {
    Device checked = Backends.of(given("on", device)).device();
    Trace trace = Trace.current();
    if (trace != null && !checked.equals(device())) {
      throw new IllegalStateException(
          "on("
              + checked
              + ")"
              + CallSite.here()
              + " inside "
              + trace.transform()
              + ", which runs on "
              + device()
              + "; a function runs on one device as a whole: choose it outside");
    }
    return at(checked, Misuse.given("on", "body", body, "a function"));
  }

  /** The same for a body without a result. */
  public static void on(Device device, Runnable body) {
    Misuse.given("on", "body", body, "a function");
    on(
        device,
        () -> {
          body.run();
          return device;
        });
  }

  static <R, X extends Throwable> R at(Device device, CallableOp<? extends R, X> body) throws X {
    return ScopedValue.where(CURRENT, device).call(body);
  }

  private static Device given(String call, Device device) {
    return Misuse.given(call, "device", device, "such as Device.CPU or Device.cuda(0)");
  }

  /**
   * Waits until the current device has done all that it was given, as timing does that reads no
   * result. The host processor is never behind.
   *
   * @throws RuntimeException the first error that the device's work has met since the last call and
   *     that reading a result has not thrown, such as an {@link IndexOutOfBoundsException}
   */
  public static void synchronize() {
    backend().synchronize();
  }

  /** The host processor, and every GPU that can be used; {@code hesse doctor} says why not. */
  public static List<Device.Info> devices() {
    List<Device.Info> all = new ArrayList<>();
    long memory = Runtime.getRuntime().maxMemory();
    all.add(new Device.Info(Device.CPU, "host processor", "", memory, "", false));
    if (CudaLibraries.hasDriver()) {
      try {
        all.addAll(CudaDevices.list());
      } catch (DeviceUnavailableException e) {
        // None that can be used.
      }
    }
    return List.copyOf(all);
  }

  /** The library's version, as its jar states it; "development" outside a jar. */
  public static String version() {
    String v = Hesse.class.getPackage().getImplementationVersion();
    return v == null ? "development" : v;
  }

  /**
   * The results of a program: the reverse of {@link Autodiff#program}. Inside a transform it
   * becomes part of what is traced, so that a graph that was read or rewritten can be
   * differentiated, mapped and compiled like the function that it came from.
   *
   * <pre>{@code
   * Program p = program(f, x);
   * Hesse.run(p, Tree.leavesOf(x));  // the leaves of f.apply(x)
   * }</pre>
   *
   * @param arguments the program's inputs, in order; the tensors that it has captured, which come
   *     last, may be left out
   * @return one tensor for each output
   * @throws IllegalArgumentException if number, shapes or dtypes of the arguments do not fit
   */
  public static List<Tensor> run(Program program, List<Tensor> arguments) {
    return ProgramCall.run(
        Misuse.given("run", "program", program, "from Autodiff.program"),
        Misuse.given("run", "arguments", arguments, "a list of tensors"));
  }

  static Backend backend() {
    return Backends.of(device());
  }

  /** Runs the program that computes the nodes, as one plan. */
  static List<Tensor> evaluate(List<Node> nodes) {
    return evaluate(Backends::reading, nodes);
  }

  /** The same where the backend depends on more than the leaves that are read. */
  static List<Tensor> evaluate(Function<List<Node>, Backend> where, List<Node> nodes) {
    Buffer[] values = Evaluator.evaluate(where, nodes);
    List<Tensor> tensors = new ArrayList<>();
    for (int i = 0; i < values.length; i++) {
      Node n = nodes.get(i);
      tensors.add(
          n.op() instanceof Op.Leaf
              ? Tensor.of(values[i], n.shape())
              : Tensor.fresh(values[i], n.shape()));
    }
    return tensors;
  }
}
