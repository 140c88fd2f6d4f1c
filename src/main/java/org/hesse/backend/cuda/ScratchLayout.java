package org.hesse.backend.cuda;

/** Lays out the scratch memory of a step. */
final class ScratchLayout {
  private static final int ALIGNMENT = 256;

  private long size;

  /** So many bytes. */
  Argument.Scratch reserve(long bytes) {
    long at = size;
    size += Math.ceilDiv(Math.max(1, bytes), ALIGNMENT) * ALIGNMENT;
    return new Argument.Scratch(at);
  }

  /** Bytes reserved. */
  long bytes() {
    return size;
  }
}
