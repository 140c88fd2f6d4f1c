package org.hesse.backend.cuda;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jcuda.Pointer;
import org.hesse.DType;

/** The factors that cuBLAS reads on the host, in memory that stays where it is. */
record Scalars(Pointer zero, Pointer one) {
  private static final Scalars F32 = new Scalars(pointer(DType.F32, 0), pointer(DType.F32, 1));
  private static final Scalars F64 = new Scalars(pointer(DType.F64, 0), pointer(DType.F64, 1));

  static Scalars of(DType dtype) {
    return dtype == DType.F32 ? F32 : F64;
  }

  private static Pointer pointer(DType dtype, int value) {
    ByteBuffer memory = ByteBuffer.allocateDirect(8).order(ByteOrder.nativeOrder());
    if (dtype == DType.F32) {
      memory.putFloat(0, value);
    } else {
      memory.putDouble(0, value);
    }
    return Pointer.to(memory);
  }
}
