package org.hesse.backend.cuda;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import jcuda.CudaException;
import jcuda.driver.CUresult;
import jcuda.driver.JCudaDriver;
import org.jspecify.annotations.Nullable;

/**
 * Device memory that is kept for later use when it is given back. Everything on a device is in the
 * order of one stream, so a block can be handed out again at once; the one given back last goes
 * first, so that a program that does the same again finds the same addresses. The caller holds the
 * device's lock, except to give a block back.
 */
final class MemoryPool {
  /** Sizes are multiples of this, and addresses, too. */
  private static final long GRAIN = 512;

  /** Smaller blocks are cut from slabs of this size. */
  private static final long SLAB = 2 << 20;

  private static final int LISTED = 8;

  /** How often garbage is looked for before memory counts as exhausted. */
  private static final int SEARCHES = 3;

  /** Milliseconds in which some of the garbage found is given back. */
  private static final int PAUSE = 20;

  /** Releases what it can of memory that is only kept to be quick; called when none is left. */
  interface Reserves {
    void release();
  }

  /** A stretch of device memory. */
  static final class Block {
    private final long address;
    private final long bytes;
    private final boolean ownAllocation;
    private String what = "";

    private Block(long address, long bytes, boolean ownAllocation) {
      this.address = address;
      this.bytes = bytes;
      this.ownAllocation = ownAllocation;
    }

    long address() {
      return address;
    }

    long bytes() {
      return bytes;
    }
  }

  private final Reserves reserves;
  private final boolean exact;
  private final Map<Long, ArrayDeque<Block>> free = new HashMap<>();
  private final Set<Block> live = new HashSet<>();
  private final ConcurrentLinkedQueue<Block> returned = new ConcurrentLinkedQueue<>();
  private long liveBytes;
  private long heldBytes;
  private long slab;
  private long slabLeft;

  /**
   * @param exact whether each block is an allocation of its own and of just the size that was asked
   *     for, so that a simulated device can tell when something reaches beyond it
   */
  MemoryPool(boolean exact, Reserves reserves) {
    this.exact = exact;
    this.reserves = reserves;
  }

  /**
   * A block of at least so many bytes, with whatever was in it.
   *
   * @param what it is for, in messages
   * @throws OutOfMemoryError if the device has none left
   */
  Block take(long bytes, String what) {
    drain();
    long size = sizeOf(bytes);
    ArrayDeque<Block> kept = free.get(size);
    Block block = kept == null ? null : kept.pollFirst();
    if (block == null) {
      block = isSmall(size) ? fromSlab(size) : allocate(size);
    }
    block.what = what;
    live.add(block);
    liveBytes += block.bytes;
    return block;
  }

  private boolean isSmall(long size) {
    return size < SLAB / 2 && !exact;
  }

  /** The same for what can be done without; null if others would have to give memory back. */
  @Nullable Block takeSpare(long bytes, String what) {
    drain();
    long size = sizeOf(bytes);
    ArrayDeque<Block> kept = free.get(size);
    if (!isSmall(size) && (kept == null || kept.isEmpty())) {
      long address = tryAllocate(size);
      if (address == 0) {
        return null;
      }
      heldBytes += size;
      free.computeIfAbsent(size, s -> new ArrayDeque<>()).addFirst(new Block(address, size, true));
    }
    return take(bytes, what);
  }

  /** Gives a block back; from any thread, once. */
  void give(Block block) {
    returned.add(block);
  }

  /** Blocks that are in use. */
  int liveBlocks() {
    drain();
    return live.size();
  }

  /** Bytes that are in use. */
  long liveBytes() {
    drain();
    return liveBytes;
  }

  /** Bytes that the driver has given us. */
  long heldBytes() {
    return heldBytes;
  }

  /** Multiples of the grain; large sizes have four significant bits, so that they recur. */
  private long sizeOf(long bytes) {
    if (exact) {
      return Math.max(bytes, 1);
    }
    long size = Math.max(GRAIN, Math.ceilDiv(bytes, GRAIN) * GRAIN);
    long step = Math.max(GRAIN, Long.highestOneBit(size) >>> 3);
    return Math.ceilDiv(size, step) * step;
  }

  private void drain() {
    for (Block block = returned.poll(); block != null; block = returned.poll()) {
      live.remove(block);
      liveBytes -= block.bytes;
      free.computeIfAbsent(block.bytes, b -> new ArrayDeque<>()).addFirst(block);
    }
  }

  private Block fromSlab(long size) {
    if (slabLeft < size) {
      slab = allocate(SLAB).address;
      slabLeft = SLAB;
    }
    Block block = new Block(slab, size, false);
    slab += size;
    slabLeft -= size;
    return block;
  }

  private Block allocate(long size) {
    long address = tryAllocate(size);
    if (address == 0) {
      releaseFree();
      address = tryAllocate(size);
    }
    for (int i = 0; address == 0 && i < SEARCHES; i++) {
      collect();
      release();
      address = tryAllocate(size);
    }
    if (address == 0) {
      throw new OutOfMemoryError(exhausted(size));
    }
    heldBytes += size;
    return new Block(address, size, true);
  }

  /** Gives all that is not in use back to the driver, and what plans keep to be quick. */
  void release() {
    reserves.release();
    releaseFree();
  }

  private static long tryAllocate(long size) {
    Pointers.Allocation allocation = new Pointers.Allocation();
    try {
      int result = JCudaDriver.cuMemAlloc(allocation, size);
      return result == CUresult.CUDA_SUCCESS ? allocation.address() : 0;
    } catch (CudaException e) {
      if (String.valueOf(e.getMessage()).contains("OUT_OF_MEMORY")) {
        return 0;
      }
      throw e;
    }
  }

  /**
   * Has the garbage collector find buffers that nothing refers to, and waits while they are given
   * back, which another thread does one after the other.
   */
  private void collect() {
    System.gc();
    try {
      int before;
      do {
        before = returned.size();
        Thread.sleep(PAUSE);
      } while (returned.size() > before);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Hands what is free back to the driver, which waits until nothing uses it any more. */
  private void releaseFree() {
    drain();
    for (ArrayDeque<Block> blocks : free.values()) {
      blocks.removeIf(block -> {
        if (block.ownAllocation) {
          JCudaDriver.cuMemFree(Pointers.device(block.address));
          heldBytes -= block.bytes;
        }
        return block.ownAllocation;
      });
    }
  }

  private String exhausted(long size) {
    long[] left = {0};
    long[] total = {0};
    JCudaDriver.cuMemGetInfo(left, total);
    List<Block> largest = new ArrayList<>(live);
    largest.sort(Comparator.comparingLong((Block b) -> b.bytes).reversed());
    StringBuilder text = new StringBuilder();
    text.append("the device has no ").append(bytes(size)).append(" of memory left: ");
    text.append(bytes(left[0])).append(" of ").append(bytes(total[0])).append(" are free, and ");
    text.append(bytes(liveBytes)).append(" in ").append(live.size());
    text.append(" buffers are in use here. The largest:");
    for (Block b : largest.subList(0, Math.min(LISTED, largest.size()))) {
      text.append("\n  ").append(bytes(b.bytes)).append(": ").append(b.what);
    }
    text.append("\nClose tensors that are not needed any more, take smaller batches, or donate");
    text.append(" the state of a training loop.");
    return text.toString();
  }

  private static String bytes(long n) {
    return n < 10 << 10
        ? n + " B"
        : n < 10 << 20
            ? (n >> 10) + " KiB"
            : n < 10L << 30 ? (n >> 20) + " MiB" : (n >> 30) + " GiB";
  }
}
