package org.hesse.backend.cuda;

import java.util.List;

/** Work that is enqueued one after the other, and the scratch memory that it shares. */
class Launches implements Prepared {
  private final List<? extends Prepared> all;
  private final long scratchBytes;
  private final boolean capturable;

  Launches(List<? extends Prepared> all, long scratchBytes) {
    this(all, scratchBytes, true);
  }

  /**
   * @param capturable whether all of it can be part of a graph
   */
  Launches(List<? extends Prepared> all, long scratchBytes, boolean capturable) {
    this.all = List.copyOf(all);
    this.scratchBytes = scratchBytes;
    this.capturable = capturable;
  }

  /** The same. */
  Launches(Launches other) {
    this(other.all, other.scratchBytes, other.capturable);
  }

  @Override
  public final void enqueue(Run run) {
    for (Prepared work : all) {
      work.enqueue(run);
    }
  }

  @Override
  public final long scratchBytes() {
    return scratchBytes;
  }

  @Override
  public final boolean capturable() {
    return capturable;
  }

  @Override
  public final int kernels() {
    return all.stream().mapToInt(Prepared::kernels).sum();
  }
}
