package org.hesse.backend.cuda;

import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR;
import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import jcuda.driver.CUdevice;
import jcuda.driver.JCudaDriver;
import org.hesse.Device;
import org.hesse.backend.DeviceUnavailableException;

/** The GPUs that the driver shows this process. */
public final class CudaDevices {
  private static final int NAME_BYTES = 256;

  /** What the simulated device calls itself. */
  private static final String SIMULATED = "Simulated";

  private CudaDevices() {}

  /**
   * All of them, in the driver's order.
   *
   * @throws DeviceUnavailableException if there is no driver, or it does not work or shows none
   */
  public static List<Device.Info> list() {
    CudaLoader.requireDriver();
    List<Device.Info> devices = new ArrayList<>();
    CudaErrors.required(() -> {
      int[] number = new int[1];
      JCudaDriver.cuDeviceGetCount(number);
      int count = number[0];
      JCudaDriver.cuDriverGetVersion(number);
      String driver = version(number[0]);
      for (int i = 0; i < count; i++) {
        devices.add(info(i, driver));
      }
    });
    return devices;
  }

  /**
   * One of them.
   *
   * @throws DeviceUnavailableException if it is not there; the message lists those that are
   */
  public static Device.Info of(int index) {
    List<Device.Info> all = list();
    if (index < all.size()) {
      return all.get(index);
    }
    throw new DeviceUnavailableException(
        Device.cuda(index)
            + " is not there; expected one of:\n"
            + all.stream().map(Device.Info::toString).collect(Collectors.joining("\n")));
  }

  private static Device.Info info(int index, String driver) {
    CUdevice device = new CUdevice();
    JCudaDriver.cuDeviceGet(device, index);
    byte[] text = new byte[NAME_BYTES];
    JCudaDriver.cuDeviceGetName(text, text.length, device);
    int length = 0;
    while (length < text.length && text[length] != 0) {
      length++;
    }
    String name = new String(text, 0, length, StandardCharsets.UTF_8);
    long[] bytes = new long[1];
    JCudaDriver.cuDeviceTotalMem(bytes, device);
    String capability =
        attribute(device, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
            + "."
            + attribute(device, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
    return new Device.Info(
        Device.cuda(index), name, capability, bytes[0], driver, name.startsWith(SIMULATED));
  }

  private static int attribute(CUdevice device, int which) {
    int[] value = new int[1];
    JCudaDriver.cuDeviceGetAttribute(value, which, device);
    return value[0];
  }

  /** 12040 is 12.4. */
  static String version(int number) {
    return number / 1000 + "." + number % 1000 / 10;
  }
}
