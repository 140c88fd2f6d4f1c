package org.hesse.backend.cuda;

/** Lays out device memory that steps of one plan keep to themselves during a run. */
final class Locals {
  private static final int ALIGNMENT = 16;

  private long size;

  /** The offset of so many bytes; see {@link Argument.Local}. */
  long reserve(long bytes) {
    long at = size;
    size += Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
    return at;
  }

  /** Bytes reserved. */
  long size() {
    return size;
  }
}
