package org.hesse.backend.cpu;

import org.hesse.DType;
import org.hesse.Device;
import org.hesse.backend.Backend;
import org.hesse.backend.Buffer;
import org.hesse.backend.Executable;
import org.hesse.backend.Schedule;
import org.hesse.ir.CompositeKind;
import org.hesse.ir.Node;
import org.hesse.ir.Op;

/**
 * The host processor. Results do not depend on the number of threads. Uses the Vector API where
 * java was started with {@code --add-modules jdk.incubator.vector}, and scalar loops otherwise,
 * with a warning.
 */
public final class CpuBackend implements Backend {
  private static final CpuBackend INSTANCE = new CpuBackend();

  /** In shorter rows most lanes of a vector are empty, and loops over blocks of rows are faster. */
  private static final int MIN_COLUMNS = 8;

  private CpuBackend() {}

  /** The backend; there is one. */
  public static CpuBackend instance() {
    return INSTANCE;
  }

  /** How many threads share a large step, the calling one included. */
  public static int threads() {
    return Workers.threads();
  }

  /**
   * Sets how many threads share a large step, and the most that OpenBLAS uses. At first it is the
   * system property {@code hesse.threads}, or else the number of processors.
   *
   * @throws IllegalArgumentException if the count is not positive
   */
  public static void setThreads(int count) {
    Workers.setThreads(count);
    OpenBlas.threadsChanged();
  }

  /** Starts or stops counting what {@link #live} tells of; counting takes time. */
  public static void trackLive(boolean on) {
    CpuBuffer.track(on);
  }

  /** Of the buffers made since {@link #trackLive}, those neither closed nor collected. */
  @Override
  public Live live() {
    return CpuBuffer.live();
  }

  @Override
  public Device device() {
    return Device.CPU;
  }

  @Override
  public Buffer upload(Object array) {
    return new CpuBuffer(Arrays.dtype(array), Arrays.copy(array));
  }

  @Override
  public Buffer allocate(DType dtype, long size) {
    return new CpuBuffer(dtype, Arrays.allocate(dtype, size));
  }

  /** The kernels are on vectors; without these, bodies are as good. */
  @Override
  public boolean hasKernel(Node composite) {
    if (!Simd.PRESENT || !(composite.op() instanceof Op.Composite c)) {
      return false;
    }
    return switch (c.kind()) {
      case CompositeKind.AttentionTangent k -> false;
      case CompositeKind.Attention k -> true;
      case CompositeKind.AttentionCotangent k -> true;
      case CompositeKind.Moments k -> true;
      case CompositeKind.Normalize k -> true;
      case CompositeKind.NormalizeTangent k -> true;
      default -> composite.input(0).shape().dim(-1) >= MIN_COLUMNS;
    };
  }

  @Override
  public boolean overwrites() {
    return true;
  }

  @Override
  public Executable prepare(Schedule schedule) {
    return new CpuExecutable(schedule);
  }
}
