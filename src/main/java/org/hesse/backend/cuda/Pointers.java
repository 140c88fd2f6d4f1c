package org.hesse.backend.cuda;

import jcuda.Pointer;
import jcuda.driver.CUdeviceptr;

/** JCuda's pointers from and to plain addresses. */
final class Pointers {
  private static final CUdeviceptr NULL = new CUdeviceptr();

  private Pointers() {}

  /** A device pointer. */
  static CUdeviceptr device(long address) {
    return NULL.withByteOffset(address);
  }

  /** A pointer to native memory of the host, or to memory of the device. */
  static Pointer of(long address) {
    return new Address(address);
  }

  /** Receives the address of an allocation. */
  static final class Allocation extends CUdeviceptr {
    long address() {
      return getNativePointer();
    }
  }

  /** Receives the address of an allocation on the host. */
  static final class HostAllocation extends Pointer {
    long address() {
      return getNativePointer() + getByteOffset();
    }
  }

  private static final class Address extends Pointer {
    Address(long address) {
      super(address);
    }
  }
}
