package org.hesse.backend.cuda;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.LinkedHashSet;
import java.util.Set;
import jcuda.driver.JCudaDriver;
import org.hesse.backend.Buffer;
import org.jspecify.annotations.Nullable;

/**
 * Which runs have failed. Runs that can fail are numbered by tickets; behind each a small kernel
 * counts them and writes down the ticket of one that has found an error, with the error, to pinned
 * memory, where the host looks without waiting. The layout is that of {@code HesseLedger} in {@code
 * kernels/runtime.cu}.
 */
final class Ledger {
  /** Bytes of {@code HesseStatus} and the counter of runs behind it. */
  private static final int STATUS_BYTES = 64;

  private static final int COUNTER = 40;

  /** How many failures the host may be behind. */
  private static final int RECORDS = 64;

  private static final int RECORD_BYTES = 40;
  private static final int BYTES = 16 + RECORDS * RECORD_BYTES;
  private static final int FLAG_BYTES = 64;

  private static final VarHandle SETTLED = ValueLayout.JAVA_LONG.varHandle();

  private final CudaContext context;
  private final Pointers.HostAllocation flag = new Pointers.HostAllocation();
  private final MemorySegment flagMemory;
  private final long status;
  private final long deviceAddress;
  private final MemorySegment host;
  private final ArrayDeque<Outcome> pending = new ArrayDeque<>();
  private long tickets;
  private long seen;

  /**
   * The last run whose failure, if there was one, has been read: a later one may have failed since.
   */
  private long done;

  /** The first failure that nobody has been told of. */
  private @Nullable RuntimeException untold;

  Ledger(CudaContext context) {
    this.context = context;
    this.status = context.pool().take(STATUS_BYTES, "status of kernels").address();
    JCudaDriver.cuMemsetD8Async(Pointers.device(status), (byte) 0, STATUS_BYTES, context.stream());
    Pointers.HostAllocation pinned = new Pointers.HostAllocation();
    JCudaDriver.cuMemHostAlloc(pinned, BYTES, JCudaDriver.CU_MEMHOSTALLOC_DEVICEMAP);
    Pointers.Allocation mapped = new Pointers.Allocation();
    JCudaDriver.cuMemHostGetDevicePointer(mapped, pinned, 0);
    this.deviceAddress = mapped.address();
    this.host =
        MemorySegment.ofBuffer(pinned.getByteBuffer(0, BYTES).order(ByteOrder.nativeOrder()));
    host.fill((byte) 0);
    JCudaDriver.cuMemHostAlloc(flag, FLAG_BYTES, 0);
    this.flagMemory =
        MemorySegment.ofBuffer(flag.getByteBuffer(0, FLAG_BYTES).order(ByteOrder.nativeOrder()));
  }

  /**
   * Waits for the device and reads a truth value; false if a kernel has found an error. The caller
   * holds the device's lock.
   */
  boolean reads(long address) {
    JCudaDriver.cuMemcpyDtoHAsync(flag, Pointers.device(address), 1, context.stream());
    JCudaDriver.cuMemcpyDtoHAsync(
        flag.withByteOffset(8), Pointers.device(status), 4, context.stream());
    JCudaDriver.cuStreamSynchronize(context.stream());
    return flagMemory.get(ValueLayout.JAVA_BYTE, 0) != 0
        && flagMemory.get(ValueLayout.JAVA_INT, 8) == 0;
  }

  /** The device address of the {@code HesseStatus} that all runs share. */
  long status() {
    return status;
  }

  /**
   * What the outcome of a run depends on: those before it that wrote its inputs and that are not
   * known to have ended well.
   *
   * @throws RuntimeException the failure of one of these
   */
  Set<Outcome> before(Buffer[] inputs) {
    Set<Outcome> before = Set.of();
    for (Buffer input : inputs) {
      CudaBuffer buffer = (CudaBuffer) input;
      Outcome writer = buffer.outcome();
      if (writer == null) {
        continue;
      }
      poll();
      throwFailure(writer);
      if (isSettled(writer)) {
        buffer.setOutcome(null);
        continue;
      }
      if (before.isEmpty()) {
        before = new LinkedHashSet<>();
      }
      for (Outcome o : writer.before()) {
        if (!isSettled(o)) {
          before.add(o);
        }
      }
      if (writer.ticket() > 0) {
        before.add(writer);
      }
    }
    return before;
  }

  /** The last step of a plan that can fail. */
  Prepared settle() {
    return new Launch(
        context.kernel("runtime.cu", "hesse_settle"),
        Launch.Grid.of(1, 32),
        new Argument.Status(),
        new Argument.I64(status + COUNTER),
        new Argument.I64(deviceAddress));
  }

  /** The outcome of a run that has been enqueued; null if it cannot fail. */
  @Nullable Outcome outcome(Faults faults, Set<Outcome> before) {
    if (faults.isEmpty()) {
      return before.isEmpty() ? null : new Outcome(0, faults, before);
    }
    Outcome outcome = new Outcome(++tickets, faults, before);
    pending.addLast(outcome);
    return outcome;
  }

  /**
   * Throws if a run has failed that has ended by now; the caller has waited for it.
   *
   * @throws RuntimeException the failure
   */
  void require(Outcome outcome) {
    context.<@Nullable Void>locked(() -> {
      poll();
      throwFailure(outcome);
      return null;
    });
  }

  /**
   * Throws the first failure that nobody has been told of; the caller has waited for the device and
   * holds its lock.
   *
   * @throws RuntimeException the failure
   */
  void requireNone() {
    poll();
    RuntimeException failure = untold;
    if (failure != null) {
      untold = null;
      throw Faults.again(failure);
    }
  }

  @SuppressWarnings("ReferenceEquality") // one and the same failure
  private void throwFailure(Outcome outcome) {
    RuntimeException failure = outcome.failure();
    if (failure != null) {
      if (failure == untold) {
        untold = null;
      }
      throw Faults.again(failure);
    }
  }

  private boolean isSettled(Outcome outcome) {
    return outcome.ticket() <= done && outcome.before().stream().allMatch(o -> o.ticket() <= done);
  }

  /** Looks at what the device has written down. The caller holds the device's lock. */
  private void poll() {
    if (pending.isEmpty()) {
      return;
    }
    long settled = (long) SETTLED.getAcquire(host, 0L);
    long failures = host.get(ValueLayout.JAVA_LONG, 8);
    boolean lost = failures - seen > RECORDS;
    long first = Math.max(seen, failures - RECORDS);
    for (long i = first; i < failures; i++) {
      long at = 16 + i % RECORDS * RECORD_BYTES;
      long ticket = host.get(ValueLayout.JAVA_LONG, at);
      int[] rounds = new int[4];
      for (int level = 0; level < rounds.length; level++) {
        rounds[level] = host.get(ValueLayout.JAVA_INT, at + 24 + 4L * level);
      }
      int code = (int) host.get(ValueLayout.JAVA_LONG, at + 8);
      long value = host.get(ValueLayout.JAVA_LONG, at + 16);
      for (Outcome o : pending) {
        if (o.ticket() == ticket) {
          o.fail(code, value, rounds);
          untold = untold == null ? o.failure() : untold;
        }
      }
    }
    seen = failures;
    done = settled;
    while (!pending.isEmpty() && pending.getFirst().ticket() <= settled) {
      Outcome ended = pending.removeFirst();
      ended.end();
      if (lost && ended.failure() == null) {
        ended.fail(
            new IllegalStateException(
                "a run on "
                    + context.device()
                    + " may have failed, as more than "
                    + RECORDS
                    + " others have, none of whose results was read"));
      }
    }
  }
}
