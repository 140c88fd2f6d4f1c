package org.hesse.testing;

import org.hesse.Device;
import org.hesse.Hesse;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Runs every test on the device that the system property {@code hesse.test.device} names, "cuda"
 * say: on the simulated one where {@code hesse.cuda} does not name a real one's libraries. Found by
 * JUnit's automatic detection of extensions.
 */
public final class ChosenDevice implements BeforeAllCallback {
  private static final String PROPERTY = "hesse.test.device";

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
