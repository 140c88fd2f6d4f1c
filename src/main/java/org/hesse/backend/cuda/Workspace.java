package org.hesse.backend.cuda;

import java.util.EnumMap;
import java.util.Objects;
import org.hesse.DType;

/**
 * A plan's own memory on the device, one allocation: the arena with a region for each dtype, the
 * locals and the scratch memory. Runs are in order on one stream, so all of them may use it.
 */
final class Workspace {
  private static final long ALIGNMENT = 256;

  private final MemoryPool.Block block;
  private final EnumMap<DType, Long> regions = new EnumMap<>(DType.class);
  private final long locals;
  private final long scratch;

  Workspace(MemoryPool pool, EnumMap<DType, Long> arena, long localBytes, long scratchBytes) {
    long size = 0;
    EnumMap<DType, Long> offsets = new EnumMap<>(DType.class);
    for (var region : arena.entrySet()) {
      offsets.put(region.getKey(), size);
      size += aligned(region.getValue() * region.getKey().bytes());
    }
    long localsAt = size;
    long scratchAt = localsAt + aligned(localBytes);
    this.block = pool.take(scratchAt + scratchBytes, "arena of a plan");
    offsets.forEach((dtype, offset) -> regions.put(dtype, block.address() + offset));
    this.locals = block.address() + localsAt;
    this.scratch = block.address() + scratchAt;
  }

  private static long aligned(long bytes) {
    return Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
  }

  long arena(DType dtype) {
    return Objects.requireNonNull(regions.get(dtype), "the plan has no such arena");
  }

  long locals() {
    return locals;
  }

  long scratch() {
    return scratch;
  }

  MemoryPool.Block block() {
    return block;
  }
}
