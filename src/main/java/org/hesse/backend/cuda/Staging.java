package org.hesse.backend.cuda;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.reflect.Array;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import jcuda.driver.CUevent;
import jcuda.driver.CUevent_flags;
import jcuda.driver.JCudaDriver;
import org.hesse.DType;
import org.jspecify.annotations.Nullable;

/**
 * Copies between arrays and a device by way of pinned memory, in chunks of which one is on its way
 * while the next one is filled.
 */
final class Staging {
  private static final int CHUNK = 1 << 20;

  /** So many chunks are allocated at most. */
  private static final int MOST = 4;

  private final CudaContext context;

  /** Chunks in the order of the work that uses them. */
  private final ArrayDeque<Chunk> chunks = new ArrayDeque<>();

  /** Pinned memory, and when the device is done with it. */
  private static final class Chunk {
    final Pointers.HostAllocation pointer = new Pointers.HostAllocation();
    final CUevent done = new CUevent();
    final MemorySegment memory;

    Chunk() {
      JCudaDriver.cuMemHostAlloc(pointer, CHUNK, 0);
      JCudaDriver.cuEventCreate(done, CUevent_flags.CU_EVENT_DISABLE_TIMING);
      memory =
          MemorySegment.ofBuffer(pointer.getByteBuffer(0, CHUNK).order(ByteOrder.nativeOrder()));
    }

    void await() {
      JCudaDriver.cuEventSynchronize(done);
    }
  }

  Staging(CudaContext context) {
    this.context = context;
  }

  /** The chunk that is free first, once it is. */
  private Chunk next() {
    if (chunks.size() < MOST) {
      return new Chunk();
    }
    Chunk chunk = chunks.removeFirst();
    chunk.await();
    return chunk;
  }

  /** Enqueues copying an array; returns when the array has been read. */
  void upload(Object array, CudaBuffer to) {
    int perChunk = CHUNK / to.dtype().bytes();
    int size = Array.getLength(array);
    for (int at = 0; at < size; at += perChunk) {
      int n = Math.min(perChunk, size - at);
      Chunk chunk = next();
      fill(array, at, chunk.memory, n);
      long bytes = (long) n * to.dtype().bytes();
      long address = to.address() + (long) at * to.dtype().bytes();
      JCudaDriver.cuMemcpyHtoDAsync(
          Pointers.device(address), chunk.pointer, bytes, context.stream());
      JCudaDriver.cuEventRecord(chunk.done, context.stream());
      chunks.addLast(chunk);
    }
  }

  /** Copies a buffer's elements, once they are computed. */
  Object download(CudaBuffer from) {
    Object array = allocate(from.dtype(), Math.toIntExact(from.size()));
    int perChunk = CHUNK / from.dtype().bytes();
    context.<@Nullable Void>locked(() -> {
      download(from, array, perChunk);
      return null;
    });
    return array;
  }

  private void download(CudaBuffer from, Object array, int perChunk) {
    long address = from.address();
    int size = Array.getLength(array);
    ArrayDeque<Chunk> pending = new ArrayDeque<>();
    int enqueued = 0;
    for (int at = 0; at < size; at += perChunk) {
      while (enqueued < size && pending.size() < 2) {
        int n = Math.min(perChunk, size - enqueued);
        pending.addLast(fetch(address + (long) enqueued * from.dtype().bytes(), from.dtype(), n));
        enqueued += n;
      }
      Chunk chunk = pending.removeFirst();
      chunk.await();
      empty(chunk.memory, array, at, Math.min(perChunk, size - at));
      chunks.addLast(chunk);
    }
  }

  private Chunk fetch(long address, DType dtype, int n) {
    Chunk chunk = next();
    JCudaDriver.cuMemcpyDtoHAsync(
        chunk.pointer, Pointers.device(address), (long) n * dtype.bytes(), context.stream());
    JCudaDriver.cuEventRecord(chunk.done, context.stream());
    return chunk;
  }

  private static Object allocate(DType dtype, int size) {
    return switch (dtype) {
      case F32 -> new float[size];
      case F64 -> new double[size];
      case I32 -> new int[size];
      case BOOL -> new boolean[size];
    };
  }

  private static void fill(Object from, int at, MemorySegment to, int n) {
    switch (from) {
      case float[] x -> MemorySegment.copy(x, at, to, ValueLayout.JAVA_FLOAT, 0, n);
      case double[] x -> MemorySegment.copy(x, at, to, ValueLayout.JAVA_DOUBLE, 0, n);
      case int[] x -> MemorySegment.copy(x, at, to, ValueLayout.JAVA_INT, 0, n);
      case boolean[] x -> {
        for (int i = 0; i < n; i++) {
          to.set(ValueLayout.JAVA_BYTE, i, (byte) (x[at + i] ? 1 : 0));
        }
      }
      default -> throw new IllegalArgumentException("array: " + from.getClass());
    }
  }

  private static void empty(MemorySegment from, Object to, int at, int n) {
    switch (to) {
      case float[] x -> MemorySegment.copy(from, ValueLayout.JAVA_FLOAT, 0, x, at, n);
      case double[] x -> MemorySegment.copy(from, ValueLayout.JAVA_DOUBLE, 0, x, at, n);
      case int[] x -> MemorySegment.copy(from, ValueLayout.JAVA_INT, 0, x, at, n);
      case boolean[] x -> {
        for (int i = 0; i < n; i++) {
          x[at + i] = from.get(ValueLayout.JAVA_BYTE, i) != 0;
        }
      }
      default -> throw new IllegalArgumentException("array: " + to.getClass());
    }
  }
}
