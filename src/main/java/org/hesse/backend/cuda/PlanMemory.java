package org.hesse.backend.cuda;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a plan holds of its device: its memory and its graphs. Apart from the plan, so that it can
 * be given back when the plan is garbage. The caller holds the device's lock, except for {@link
 * #run}.
 */
final class PlanMemory implements Runnable {
  private final CudaContext context;
  private final List<Prepared> parts;
  private final MemoryPool.@Nullable Block[] staged;
  private @Nullable Workspace workspace;

  /**
   * @param slots how many inputs and outputs there are
   */
  PlanMemory(CudaContext context, List<Prepared> parts, int slots) {
    this.context = context;
    this.parts = parts;
    this.staged = new MemoryPool.Block[slots];
  }

  /** Arena and scratch memory; null if there is none at the moment. */
  @Nullable Workspace workspace() {
    return workspace;
  }

  void setWorkspace(Workspace workspace) {
    this.workspace = workspace;
  }

  /** The plan's own place of an input or output; null if it has none. */
  MemoryPool.@Nullable Block staged(int slot) {
    return staged[slot];
  }

  void setStaged(int slot, MemoryPool.Block block) {
    staged[slot] = block;
  }

  /** All that is replayed as graphs. */
  List<Section> sections() {
    List<Section> sections = new ArrayList<>();
    for (Prepared part : parts) {
      if (part instanceof Section s) {
        sections.add(s);
      }
      if (part instanceof CudaLoop loop) {
        sections.addAll(loop.sections());
      }
    }
    return sections;
  }

  /** Gives everything back, which a later run takes anew. */
  void release() {
    run();
    context.discardGraphs();
  }

  /** Gives back what nobody will ask for any more; from any thread. */
  @Override
  public void run() {
    sections().forEach(s -> s.clear(context));
    for (int i = 0; i < staged.length; i++) {
      MemoryPool.Block block = staged[i];
      if (block != null) {
        staged[i] = null;
        context.pool().give(block);
      }
    }
    Workspace memory = workspace;
    if (memory != null) {
      workspace = null;
      context.pool().give(memory.block());
    }
  }
}
