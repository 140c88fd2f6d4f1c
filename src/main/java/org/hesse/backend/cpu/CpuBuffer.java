package org.hesse.backend.cpu;

import java.lang.reflect.Array;
import java.util.Collections;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
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

  private static final AtomicIntegerFieldUpdater<CpuBuffer> READERS =
      AtomicIntegerFieldUpdater.newUpdater(CpuBuffer.class, "readers");

  private static final AtomicReferenceFieldUpdater<CpuBuffer, @Nullable String> GIVEN =
      AtomicReferenceFieldUpdater.newUpdater(CpuBuffer.class, String.class, "given");

  /** Whether live buffers are counted. */
  private static boolean tracking;

  private final DType dtype;

  /** Null when it was closed. */
  private @Nullable Object array;

  private final int size;
  private volatile int readers;
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
  public @Nullable Buffer take(String why) {
    int reading = empty(why);
    Object a = array;
    return reading == 0 && a != null ? new CpuBuffer(dtype, a) : null;
  }

  /**
   * Empties this buffer for a run that writes over it.
   *
   * @return the array if nobody else reads it, else a copy; null if it was taken before
   */
  @Nullable Object takeOrCopy(String why) {
    Object a = array;
    int reading = empty(why);
    // Who else reads it has it for good: it is taken once, and this run leaves it alone.
    return reading < 0 || a == null ? null : reading == 0 ? a : Arrays.copy(a);
  }

  /** Undoes {@link #takeOrCopy} as long as nothing was written. */
  void giveBack() {
    // In this order, or who tries to take it meanwhile would leave word that it had been taken.
    READERS.getAndAdd(this, -TAKEN);
    given = null;
  }

  /** Says more about why an empty buffer is empty. */
  void explain(String why) {
    given = why;
  }

  @Override
  public void close(String why) {
    if (empty(why) >= 0) {
      array = null;
    }
  }

  /**
   * Keeps readers off from now on.
   *
   * @return how many there are at this moment; −1 if they have been kept off before
   */
  private int empty(String why) {
    if (given != null) {
      return -1;
    }
    // Before the count, so that who meets that knows why; a step donates many buffers, and this
    // needs no barrier of its own.
    GIVEN.lazySet(this, why);
    int reading;
    do {
      reading = readers;
      if (reading >= TAKEN) {
        return -1;
      }
    } while (!READERS.compareAndSet(this, reading, reading + TAKEN));
    return reading;
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
    if (READERS.getAndIncrement(this) >= TAKEN || a == null) {
      release();
      throw missing();
    }
    return a;
  }

  /** The error of reading what was taken. */
  IllegalStateException missing() {
    return new IllegalStateException("a buffer " + this + " is read, but " + given);
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
    READERS.getAndDecrement(this);
  }

  @Override
  public String toString() {
    return "CpuBuffer[" + dtype + ", " + size + " elements]";
  }
}
