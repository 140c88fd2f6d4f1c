package org.hesse.backend;

import java.util.List;
import java.util.function.Predicate;
import org.hesse.Device;
import org.jspecify.annotations.Nullable;

/** What every backend requires of the buffers of a run. */
public final class Buffers {
  private Buffers() {}

  /**
   * Checks that there is a buffer for each slot, of its dtype and at least its size.
   *
   * @param what "input" or "output", for the message
   * @param buffers null where the run makes one itself, which is not looked at
   * @param device where the plan runs
   * @param here whether a buffer is there
   * @throws IllegalArgumentException if a buffer does not fit, or their number is another
   */
  public static void check(
      String what,
      List<Slot> slots,
      @Nullable Buffer[] buffers,
      Device device,
      Predicate<Buffer> here) {
    if (buffers.length != slots.size()) {
      throw new IllegalArgumentException(
          what + "s: " + buffers.length + " buffers given, the schedule has " + slots.size());
    }
    for (int i = 0; i < buffers.length; i++) {
      Slot slot = slots.get(i);
      Buffer b = buffers[i];
      if (b == null) {
        continue;
      }
      if (!here.test(b)) {
        throw new IllegalArgumentException(
            what + " " + i + ": on " + b.device() + ", but this plan runs on " + device);
      }
      if (b.dtype() != slot.dtype() || b.size() < slot.size()) {
        throw new IllegalArgumentException(
            String.format(
                "%s %d: %d elements of %s given, expected %d of %s",
                what, i, b.size(), b.dtype(), slot.size(), slot.dtype()));
      }
    }
  }
}
