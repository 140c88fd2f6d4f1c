package org.hesse.backend.cuda;

import java.lang.ref.Reference;
import java.util.EnumMap;
import java.util.List;
import java.util.Set;
import jcuda.driver.JCudaDriver;
import org.hesse.DType;
import org.hesse.backend.Buffer;
import org.hesse.backend.Buffers;
import org.hesse.backend.Executable;
import org.hesse.backend.Schedule;
import org.hesse.backend.Slot;
import org.jspecify.annotations.Nullable;

/** A schedule's steps, prepared, with the graphs they are replayed as and the plan's memory. */
final class CudaExecutable implements Executable {
  private final CudaContext context;
  private final List<Slot> inputs;
  private final List<Slot> outputs;
  private final EnumMap<DType, Long> arena;
  private final Faults faults = new Faults();
  private final Locals locals = new Locals();
  private final List<Prepared> parts;
  private final long scratchBytes;
  private final boolean replayed;
  private final Bindings bindings;
  private final PlanMemory memory;

  CudaExecutable(CudaContext context, Schedule schedule) {
    this.context = context;
    this.inputs = schedule.inputs();
    this.outputs = schedule.outputs();
    this.arena = new EnumMap<>(schedule.arena());
    this.parts = prepare(schedule);
    this.scratchBytes = parts.stream().mapToLong(Prepared::scratchBytes).max().orElse(0);
    this.replayed = parts.stream().anyMatch(p -> !(p instanceof Section s) || s.isLong());
    this.bindings = bindings();
    this.memory = new PlanMemory(context, parts, inputs.size() + outputs.size());
    context.register(this, memory);
  }

  private Bindings bindings() {
    long[] bytes = new long[inputs.size() + outputs.size()];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = slot(i).size() * slot(i).dtype().bytes();
    }
    return new Bindings(bytes, parts.stream().mapToLong(Prepared::kernels).sum());
  }

  private Slot slot(int i) {
    return i < inputs.size() ? inputs.get(i) : outputs.get(i - inputs.size());
  }

  private List<Prepared> prepare(Schedule schedule) {
    return context.locked(() -> {
      CudaSteps steps = new CudaSteps(context, faults, locals);
      List<Prepared> prepared = steps.prepare(schedule.steps(), 0);
      if (!faults.isEmpty()) {
        prepared.add(context.ledger().settle());
      }
      return CudaSteps.sections(prepared);
    });
  }

  @Override
  public void run(Buffer[] in, Buffer[] out) {
    Buffers.check(
        "input",
        inputs,
        in,
        context.device(),
        b -> b instanceof CudaBuffer c && c.context() == context);
    Buffers.check(
        "output",
        outputs,
        out,
        context.device(),
        b -> b instanceof CudaBuffer c && c.context() == context);
    try {
      context.<@Nullable Void>locked(() -> {
        enqueue(in, out);
        return null;
      });
    } finally {
      // Its graphs and memory are given back when nobody refers to it, by another thread.
      Reference.reachabilityFence(this);
    }
  }

  private void enqueue(Buffer[] in, Buffer[] out) {
    Set<Outcome> before = context.ledger().before(in);
    long[] addresses = new long[in.length + out.length];
    for (int i = 0; i < addresses.length; i++) {
      addresses[i] = buffer(in, out, i).address();
    }
    if (replayed) {
      bindings.observe(addresses);
      allocateStaged();
    }
    enqueue(in, out, addresses, before);
  }

  private static CudaBuffer buffer(Buffer[] in, Buffer[] out, int slot) {
    return (CudaBuffer) (slot < in.length ? in[slot] : out[slot - in.length]);
  }

  private void enqueue(Buffer[] in, Buffer[] out, long[] addresses, Set<Outcome> before) {
    Workspace workspace = memory.workspace();
    if (workspace == null) {
      workspace = new Workspace(context.pool(), arena, locals.size(), scratchBytes);
      memory.setWorkspace(workspace);
    }
    long[] bound = addresses.clone();
    for (int i = 0; i < bound.length; i++) {
      MemoryPool.Block place = memory.staged(i);
      if (place != null) {
        bound[i] = place.address();
        if (i < in.length) {
          copy(addresses[i], bound[i], in[i]);
        }
      }
    }
    Run run =
        new Run(
            context,
            workspace,
            bindings.isSteady(),
            new Run.Bound(
                java.util.Arrays.copyOf(bound, in.length),
                java.util.Arrays.copyOfRange(bound, in.length, bound.length)));
    try {
      for (Prepared part : parts) {
        part.enqueue(run);
      }
    } catch (RuntimeException e) {
      // What has been enqueued may fail yet, and must not be taken for an error of the next run.
      if (!faults.isEmpty()) {
        context.ledger().settle().enqueue(run);
      }
      var _ = context.ledger().outcome(faults, before);
      throw e;
    }
    for (int i = in.length; i < bound.length; i++) {
      if (memory.staged(i) != null) {
        copy(bound[i], addresses[i], out[i - in.length]);
      }
    }
    Outcome outcome = context.ledger().outcome(faults, before);
    for (Buffer b : out) {
      ((CudaBuffer) b).setOutcome(outcome);
    }
  }

  private void copy(long from, long to, Buffer buffer) {
    long bytes = ((CudaBuffer) buffer).bytes();
    JCudaDriver.cuMemcpyDtoDAsync(
        Pointers.device(to), Pointers.device(from), bytes, context.stream());
  }

  private void allocateStaged() {
    for (int i = 0; i < inputs.size() + outputs.size(); i++) {
      Slot slot = slot(i);
      if (memory.staged(i) == null && bindings.isStaged(i) && slot.size() > 0) {
        long bytes = slot.size() * slot.dtype().bytes();
        String what = "a plan's own copy of an input or output";
        MemoryPool.Block place = context.pool().takeSpare(bytes, what);
        if (place == null) {
          bindings.forgo(i);
        } else {
          memory.setStaged(i, place);
        }
      }
    }
  }

  /** Gives its memory back; a later run takes some again. */
  void close() {
    context.<@Nullable Void>locked(() -> {
      trim();
      return null;
    });
  }

  /** Gives back all memory that a later run can do without. The caller holds the lock. */
  void trim() {
    memory.release();
  }

  /** How many graphs have been captured. */
  int captures() {
    return memory.sections().stream().mapToInt(Section::captures).sum();
  }

  /** How many graphs have been launched that were there already. */
  int replays() {
    return memory.sections().stream().mapToInt(Section::replays).sum();
  }
}
