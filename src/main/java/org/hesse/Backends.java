package org.hesse;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.hesse.backend.Backend;
import org.hesse.backend.Buffer;
import org.hesse.backend.cpu.CpuBackend;
import org.hesse.backend.cuda.CudaBackend;
import org.hesse.ir.Node;
import org.hesse.ir.Op;

/** The backend of each device, made when it is first used. */
final class Backends {
  private static final Map<Device, Backend> OTHERS = new ConcurrentHashMap<>();

  private Backends() {}

  /**
   * The backend of a device.
   *
   * @throws org.hesse.backend.DeviceUnavailableException if it is not there or cannot be used
   */
  static Backend of(Device device) {
    if (device.kind() == Device.Kind.CPU) {
      return CpuBackend.instance();
    }
    Backend known = OTHERS.get(device);
    if (known == null) {
      known = CudaBackend.of(device.index());
      OTHERS.put(device, known);
    }
    return known;
  }

  /** Has a backend stand for its device, in tests of several devices. */
  static void register(Backend backend) {
    OTHERS.put(backend.device(), backend);
  }

  /**
   * Where the program runs that reads these leaves: where they are, or on the current device if
   * there are none.
   *
   * @throws IllegalArgumentException if they are on several devices
   */
  static Backend reading(List<Node> leaves) {
    if (leaves.isEmpty()) {
      return of(Hesse.device());
    }
    Device device = buffer(leaves.getFirst()).device();
    for (Node leaf : leaves) {
      Device other = buffer(leaf).device();
      if (!other.equals(device)) {
        throw new IllegalArgumentException(
            "operands are on two devices"
                + CallSite.here()
                + ": "
                + describe(leaves.getFirst())
                + " and "
                + describe(leaf)
                + "; move one with to(Device)");
      }
    }
    return of(device);
  }

  /**
   * The backend of a device, where a transformed function of arguments on it runs.
   *
   * @throws IllegalArgumentException if the program reads a leaf that is elsewhere
   */
  static Backend reading(String transform, Device device, List<Node> leaves) {
    for (Node leaf : leaves) {
      if (!buffer(leaf).device().equals(device)) {
        throw new IllegalArgumentException(
            transform
                + CallSite.here()
                + ": the function's argument is on "
                + device
                + ", but it reads "
                + describe(leaf)
                + "; move one with to(Device)");
      }
    }
    return of(device);
  }

  private static Buffer buffer(Node leaf) {
    return (Buffer) ((Op.Leaf) leaf.op()).value();
  }

  private static String describe(Node leaf) {
    return leaf.dtype().toString() + leaf.shape() + " on " + buffer(leaf).device();
  }
}
