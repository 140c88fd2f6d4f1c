package org.hesse.testing;

import java.util.concurrent.atomic.AtomicInteger;
import org.hesse.DType;
import org.hesse.Device;
import org.hesse.backend.Backend;
import org.hesse.backend.Buffer;
import org.hesse.backend.Executable;
import org.hesse.backend.Schedule;
import org.hesse.backend.cpu.CpuBackend;
import org.hesse.ir.Node;
import org.jspecify.annotations.Nullable;

/** The host processor under another device's name, which refuses buffers of any other device. */
public final class FakeDevice implements Backend {
  /** Counts runs of plans. */
  public final AtomicInteger runs = new AtomicInteger();

  private final Device device;

  public FakeDevice(Device device) {
    this.device = device;
  }

  private record Memory(Device device, Buffer buffer) implements Buffer {
    @Override
    public DType dtype() {
      return buffer.dtype();
    }

    @Override
    public long size() {
      return buffer.size();
    }

    @Override
    public Object toArray() {
      return buffer.toArray();
    }

    @Override
    public @Nullable Buffer take(String why) {
      Buffer taken = buffer.take(why);
      return taken == null ? null : new Memory(device, taken);
    }

    @Override
    public void close(String why) {
      buffer.close(why);
    }

    @Override
    public @Nullable String given() {
      return buffer.given();
    }
  }

  @Override
  public Device device() {
    return device;
  }

  @Override
  public Buffer upload(Object array) {
    return new Memory(device, CpuBackend.instance().upload(array));
  }

  @Override
  public Buffer allocate(DType dtype, long size) {
    return new Memory(device, CpuBackend.instance().allocate(dtype, size));
  }

  @Override
  public Live live() {
    return CpuBackend.instance().live();
  }

  @Override
  public boolean hasKernel(Node composite) {
    return CpuBackend.instance().hasKernel(composite);
  }

  @Override
  public Executable prepare(Schedule schedule) {
    Executable inner = CpuBackend.instance().prepare(schedule);
    return (inputs, outputs) -> {
      runs.incrementAndGet();
      inner.run(own(inputs), own(outputs));
    };
  }

  private Buffer[] own(Buffer[] buffers) {
    Buffer[] own = new Buffer[buffers.length];
    for (int i = 0; i < own.length; i++) {
      if (!(buffers[i] instanceof Memory m) || !m.device.equals(device)) {
        throw new AssertionError(buffers[i] + " is not on " + device);
      }
      own[i] = m.buffer;
    }
    return own;
  }
}
