package org.hesse.backend.cuda;

import java.util.List;

/** Launches one after the other, and the scratch memory that they share. */
class Launches implements Prepared {
  private final List<Launch> all;
  private final long scratchBytes;

  Launches(List<Launch> all, long scratchBytes) {
    this.all = List.copyOf(all);
    this.scratchBytes = scratchBytes;
  }

  /** The same. */
  Launches(Launches other) {
    this(other.all, other.scratchBytes);
  }

  @Override
  public final void enqueue(Run run) {
    for (Launch launch : all) {
      launch.enqueue(run);
    }
  }

  @Override
  public final long scratchBytes() {
    return scratchBytes;
  }

  @Override
  public final int kernels() {
    return all.size();
  }
}
