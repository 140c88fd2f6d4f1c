package org.hesse.backend.cpu;

import java.lang.reflect.Array;
import org.hesse.DType;
import org.hesse.Device;
import org.hesse.backend.Buffer;

/** Storage on the host: one heap array, owned by the garbage collector. */
public final class CpuBuffer implements Buffer {
  private final DType dtype;
  private final Object array;

  CpuBuffer(DType dtype, Object array) {
    this.dtype = dtype;
    this.array = array;
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
    return Array.getLength(array);
  }

  @Override
  public Object toArray() {
    return Arrays.copy(array);
  }

  /** The array itself, for this package only. */
  Object array() {
    return array;
  }

  @Override
  public String toString() {
    return "CpuBuffer[" + dtype + ", " + size() + " elements]";
  }
}
