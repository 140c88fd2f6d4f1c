package org.hesse.backend.cuda;

import java.lang.ref.Cleaner;
import java.util.concurrent.atomic.AtomicInteger;
import org.hesse.DType;
import org.hesse.Device;
import org.hesse.backend.Buffer;
import org.jspecify.annotations.Nullable;

/**
 * Storage on a device. It is freed when the buffer is closed or garbage; who has work enqueued that
 * reads it need not hold it, for what is done with the memory later comes later on the same stream.
 */
final class CudaBuffer implements Buffer {
  /** Of everything on devices. */
  static final Cleaner CLEANER = Cleaner.create();

  private final CudaContext context;
  private final DType dtype;
  private final long size;
  private final @Nullable Storage storage;
  private final Cleaner.@Nullable Cleanable cleanable;
  private volatile @Nullable String given;

  /** The run that writes it, if that can fail. */
  private volatile @Nullable Outcome outcome;

  /** Memory with the number of buffers that it belongs to. */
  private static final class Storage {
    final MemoryPool pool;
    final MemoryPool.Block block;
    final AtomicInteger owners = new AtomicInteger();

    Storage(MemoryPool pool, MemoryPool.Block block) {
      this.pool = pool;
      this.block = block;
    }
  }

  /** What is left to do when a buffer is gone; must not refer to the buffer. */
  private record Release(Storage storage) implements Runnable {
    @Override
    public void run() {
      if (storage.owners.decrementAndGet() == 0) {
        storage.pool.give(storage.block);
      }
    }
  }

  private CudaBuffer(CudaContext context, DType dtype, long size, @Nullable Storage storage) {
    this.context = context;
    this.dtype = dtype;
    this.size = size;
    this.storage = storage;
    if (storage == null) {
      this.cleanable = null;
    } else {
      storage.owners.incrementAndGet();
      this.cleanable = CLEANER.register(this, new Release(storage));
    }
  }

  /** A fresh one; the caller holds the device's lock. */
  static CudaBuffer allocate(CudaContext context, DType dtype, long size) {
    if (size == 0) {
      return new CudaBuffer(context, dtype, 0, null);
    }
    long bytes = Math.multiplyExact(size, dtype.bytes());
    MemoryPool.Block block = context.pool().take(bytes, "tensor of " + size + " " + dtype);
    return new CudaBuffer(context, dtype, size, new Storage(context.pool(), block));
  }

  CudaContext context() {
    return context;
  }

  @Override
  public Device device() {
    return context.device();
  }

  @Override
  public DType dtype() {
    return dtype;
  }

  @Override
  public long size() {
    return size;
  }

  /** Bytes of its elements. */
  long bytes() {
    return size * dtype.bytes();
  }

  /**
   * Where its elements are; 0 if it has none. The caller holds the device's lock until what is done
   * with the address has been enqueued.
   *
   * @throws IllegalStateException if the storage is gone
   */
  long address() {
    if (given != null) {
      throw new IllegalStateException("a buffer " + this + " is used, but " + given);
    }
    return storage == null ? 0 : storage.block.address();
  }

  @Nullable Outcome outcome() {
    return outcome;
  }

  void setOutcome(@Nullable Outcome outcome) {
    this.outcome = outcome;
  }

  @Override
  public Object toArray() {
    Outcome writer = outcome;
    if (writer != null) {
      context.synchronize();
      context.ledger().require(writer);
      outcome = null;
    }
    return context.staging().download(this);
  }

  @Override
  public @Nullable Buffer take(String why) {
    return context.<@Nullable Buffer>locked(() -> {
      if (given != null) {
        return null;
      }
      given = why;
      CudaBuffer taken = new CudaBuffer(context, dtype, size, storage);
      release();
      return taken;
    });
  }

  @Override
  public @Nullable String given() {
    return given;
  }

  @Override
  public void close(String why) {
    context.<@Nullable Void>locked(() -> {
      if (given == null) {
        given = why;
        release();
      }
      return null;
    });
  }

  private void release() {
    if (cleanable != null) {
      cleanable.clean();
    }
  }

  @Override
  public String toString() {
    return "CudaBuffer[" + device() + ", " + dtype + ", " + size + " elements]";
  }
}
