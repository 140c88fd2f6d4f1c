package org.hesse.testing;

import org.hesse.Device;
import org.hesse.Hesse;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Runs every test on the device that the system property {@code hesse.test.device} names, "cuda"
 * say: a real one if there is a driver, else the simulated one. Found by JUnit's automatic
 * detection of extensions.
 */
public final class ChosenDevice implements BeforeAllCallback {
  static final String PROPERTY = "hesse.test.device";

  @Override
  public void beforeAll(ExtensionContext context) {
    String name = System.getProperty(PROPERTY);
    if (name == null || name.equals("cpu")) {
      return;
    }
    SimulatedDevice.require();
    Hesse.setDevice(Device.parse(name));
  }
}
