package org.hesse.backend.cpu;

import java.lang.reflect.Array;
import java.util.concurrent.atomic.AtomicInteger;
import org.hesse.DType;
import org.hesse.Device;
import org.hesse.backend.Buffer;
import org.jspecify.annotations.Nullable;

/**
 * Storage on the host: one heap array, owned by the garbage collector. Whoever reads it holds it
 * meanwhile, so that it is not taken for other data.
 */
public final class CpuBuffer implements Buffer {
  /** Added to the number of readers when the storage is taken. */
  private static final int TAKEN = 1 << 30;

  private final DType dtype;
  private final Object array;
  private final int size;
  private final AtomicInteger readers = new AtomicInteger();
  private volatile @Nullable String given;

  CpuBuffer(DType dtype, Object array) {
    this.dtype = dtype;
    this.array = array;
    this.size = Array.getLength(array);
  }

  @Override
  public Device device() {
    return Device.CPU;
  }

  @Override
  public DType dtype() {
    return dtype;
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public Object toArray() {
    Object a = hold();
    try {
      return Arrays.copy(a);
    } finally {
      release();
    }
  }

  @Override
  public synchronized @Nullable Buffer take(String why) {
    if (given != null) {
      return null;
    }
    given = why;
    return readers.getAndAdd(TAKEN) == 0 ? new CpuBuffer(dtype, array) : null;
  }

  @Override
  public @Nullable String given() {
    return given;
  }

  /**
   * The array itself, which nobody else writes until {@link #release}.
   *
   * @throws IllegalStateException if it was taken
   */
  Object hold() {
    if (readers.getAndIncrement() >= TAKEN) {
      release();
      throw new IllegalStateException("a buffer " + this + " is read, but " + given);
    }
    return array;
  }

  /**
   * The array itself, for whoever is the only one to have this buffer yet.
   *
   * @throws IllegalStateException if it was taken
   */
  Object array() {
    if (given != null) {
      throw new IllegalStateException("a buffer " + this + " is written, but " + given);
    }
    return array;
  }

  /** Ends a {@link #hold}. */
  void release() {
    readers.getAndDecrement();
  }

  @Override
  public String toString() {
    return "CpuBuffer[" + dtype + ", " + size + " elements]";
  }
}
