package org.hesse.cli;

import org.hesse.Device;
import org.hesse.Hesse;
import org.hesse.backend.DeviceUnavailableException;
import org.hesse.backend.cuda.CudaDevices;
import org.hesse.backend.cuda.CudaLibraries;

/**
 * Where a command computes.
 *
 * @param info the device
 * @param why why there, if that was left to the program; else empty
 */
record Placement(Device.Info info, String why) {
  private static final String AUTO = "auto";

  /**
   * Makes a device the current one.
   *
   * @param option what --device says
   * @throws Failure if it cannot be used
   */
  static Placement choose(String option) {
    if (option.equals(AUTO)) {
      return automatic();
    }
    Device wanted;
    try {
      wanted = Device.parse(option);
    } catch (IllegalArgumentException e) {
      throw Failure.badInput(
          "--device: '" + option + "' is unknown; expected auto, cpu or cuda[:INDEX]");
    }
    try {
      return at(wanted, "");
    } catch (DeviceUnavailableException e) {
      throw Failure.missing(
          "--device " + option + ": " + e.getMessage() + "\nor compute with --device cpu", e);
    }
  }

  /** The first GPU if it can be used, and is real; else the host processor. */
  private static Placement automatic() {
    if (!CudaLibraries.hasDriver()) {
      return at(Device.CPU, "no NVIDIA driver");
    }
    try {
      if (CudaDevices.of(0).simulated()) {
        return at(Device.CPU, "the GPU is simulated");
      }
      return at(Device.cuda(0), "the first GPU");
    } catch (DeviceUnavailableException e) {
      String first = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
      return at(Device.CPU, first + "; 'hesse doctor' says more");
    }
  }

  private static Placement at(Device device, String why) {
    Hesse.setDevice(device);
    Device.Info info =
        device.kind() == Device.Kind.CPU
            ? new Device.Info(device, Machine.processor(), "", Machine.memory(), "", false)
            : CudaDevices.of(device.index());
    return new Placement(info, why);
  }

  /** The device's name, which says so if it is no real one. */
  private String name() {
    return info.device() + (info.simulated() ? " (simulated)" : "");
  }

  /** The name of the current device. */
  static String current() {
    Device device = Hesse.device();
    boolean simulated =
        device.kind() == Device.Kind.CUDA && CudaDevices.of(device.index()).simulated();
    return device + (simulated ? " (simulated)" : "");
  }

  @Override
  public String toString() {
    return name() + (why.isEmpty() ? "" : " (" + why + ")");
  }
}
