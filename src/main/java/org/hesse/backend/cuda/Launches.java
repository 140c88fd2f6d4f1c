package org.hesse.backend.cuda;

import java.util.List;

/** Launches one after the other, and the scratch memory that they share. */
record Launches(List<Launch> launches, long scratchBytes) implements Prepared {
  @Override
  public void enqueue(Run run) {
    for (Launch launch : launches) {
      launch.enqueue(run);
    }
  }
}
