package org.hesse.backend.cuda;

import java.lang.reflect.Array;
import java.util.HashMap;
import java.util.Map;
import jcuda.CudaException;
import org.hesse.DType;
import org.hesse.Device;
import org.hesse.backend.Backend;
import org.hesse.backend.Buffer;
import org.hesse.backend.Executable;
import org.hesse.backend.Schedule;
import org.hesse.ir.Node;
import org.hesse.ir.Op;

/**
 * An NVIDIA GPU. Everything is enqueued on one stream and calls return at once; a result is waited
 * for when it is read. An error that a kernel finds, such as an index out of range, is thrown when
 * a result of that run is read, or given to another run.
 */
public final class CudaBackend implements Backend {
  private static final Map<Integer, CudaBackend> BACKENDS = new HashMap<>();

  private final CudaContext context;

  CudaBackend(CudaContext context) {
    this.context = context;
  }

  /**
   * The backend of a GPU, made and checked when it is first asked for.
   *
   * @param index which of those that the driver shows, from 0 on
   * @throws org.hesse.backend.DeviceUnavailableException if there is none with this index, or CUDA
   *     cannot be used; the message says why and what to do
   */
  public static CudaBackend of(int index) {
    synchronized (BACKENDS) {
      CudaBackend known = BACKENDS.get(index);
      if (known == null) {
        known = new CudaBackend(open(index));
        BACKENDS.put(index, known);
      }
      return known;
    }
  }

  private static CudaContext open(int index) {
    CudaLoader.requireAll();
    Device.Info info = CudaDevices.of(index);
    try {
      CudaContext context = new CudaContext(info);
      boolean sound = false;
      try {
        SelfCheck.run(context);
        sound = true;
      } finally {
        if (!sound) {
          context.close();
        }
      }
      return context;
    } catch (CudaException e) {
      throw CudaErrors.unavailable(e);
    }
  }

  CudaContext context() {
    return context;
  }

  @Override
  public Device device() {
    return context.device();
  }

  @Override
  public Buffer upload(Object array) {
    DType dtype =
        switch (array) {
          case float[] x -> DType.F32;
          case double[] x -> DType.F64;
          case int[] x -> DType.I32;
          case boolean[] x -> DType.BOOL;
          default ->
              throw new IllegalArgumentException(
                  "array: expected float[], double[], int[] or boolean[], not "
                      + array.getClass().getSimpleName());
        };
    return context.locked(() -> {
      CudaBuffer buffer = CudaBuffer.allocate(context, dtype, Array.getLength(array));
      context.staging().upload(array, buffer);
      return buffer;
    });
  }

  @Override
  public Buffer allocate(DType dtype, long size) {
    return context.locked(() -> CudaBuffer.allocate(context, dtype, size));
  }

  /** There is one for each kind. */
  @Override
  public boolean hasKernel(Node composite) {
    return composite.op() instanceof Op.Composite;
  }

  @Override
  public Executable prepare(Schedule schedule) {
    return new CudaExecutable(context, schedule);
  }

  @Override
  public void synchronize() {
    context.lock();
    try {
      context.synchronize();
      context.ledger().requireNone();
    } finally {
      context.unlock();
    }
  }

  /** Tensors and the memory of plans. */
  @Override
  public Live live() {
    return context.locked(() -> new Live(context.pool().liveBlocks(), context.pool().liveBytes()));
  }
}
