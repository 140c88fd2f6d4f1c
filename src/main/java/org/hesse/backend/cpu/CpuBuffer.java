package org.hesse.backend.cpu;

import java.lang.reflect.Array;
import java.util.Collections;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.hesse.DType;
import org.hesse.Device;
import org.hesse.backend.Backend;
import org.hesse.backend.Buffer;
import org.jspecify.annotations.Nullable;

/**
 * Storage on the host: one heap array, owned by the garbage collector. Whoever reads it holds it
 * meanwhile, so that it is not taken for other data.
 */
public final class CpuBuffer implements Buffer {
  /** Added to the number of readers when the storage is taken. */
  private static final int TAKEN = 1 << 30;

  /** Whether live buffers are counted. */
  private static boolean tracking;

  private final DType dtype;

  /** Null when it was closed. */
  private @Nullable Object array;

  private final int size;
  private final AtomicInteger readers = new AtomicInteger();
  private volatile @Nullable String given;

  CpuBuffer(DType dtype, Object array) {
    this.dtype = dtype;
    this.array = array;
    this.size = Array.getLength(array);
    if (tracking) {
      Live.ONES.add(this);
    }
  }

  /** Starts or stops counting the buffers that are made from then on. */
  static void track(boolean on) {
    tracking = on;
    Live.ONES.clear();
  }

  /** Those counted that are neither empty nor collected. */
  static Backend.Live live() {
    long count = 0;
    long bytes = 0;
    synchronized (Live.ONES) {
      for (CpuBuffer b : Live.ONES) {
        count += b.given == null ? 1 : 0;
        bytes += b.given == null ? b.size * (long) b.dtype.bytes() : 0;
      }
    }
    return new Backend.Live(count, bytes);
  }

  /** Apart, so that it costs nothing where nobody counts. */
  private static final class Live {
    static final Set<CpuBuffer> ONES =
        Collections.synchronizedSet(Collections.newSetFromMap(new WeakHashMap<>()));
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
    Object a = array;
    return readers.getAndAdd(TAKEN) == 0 && a != null ? new CpuBuffer(dtype, a) : null;
  }

  @Override
  public synchronized void close(String why) {
    if (given == null) {
      given = why;
      readers.getAndAdd(TAKEN);
      array = null;
    }
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
    // Before the count says that nobody takes it: close() first counts, then forgets it.
    Object a = array;
    if (readers.getAndIncrement() >= TAKEN || a == null) {
      release();
      throw new IllegalStateException("a buffer " + this + " is read, but " + given);
    }
    return a;
  }

  /**
   * The array itself, for whoever is the only one to have this buffer yet.
   *
   * @throws IllegalStateException if it was taken
   */
  Object array() {
    Object a = array;
    if (given != null || a == null) {
      throw new IllegalStateException("a buffer " + this + " is written, but " + given);
    }
    return a;
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
