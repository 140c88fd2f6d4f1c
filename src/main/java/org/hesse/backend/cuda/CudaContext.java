package org.hesse.backend.cuda;

import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR;
import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR;
import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN;
import static jcuda.driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import jcuda.CudaException;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUstream;
import jcuda.driver.CUstream_flags;
import jcuda.driver.JCudaDriver;
import jcuda.jcublas.JCublas2;
import jcuda.jcublas.cublasAtomicsMode;
import jcuda.jcublas.cublasHandle;
import jcuda.jcublas.cublasPointerMode;
import jcuda.jcusolver.JCusolverDn;
import jcuda.jcusolver.cusolverDnHandle;
import jcuda.runtime.cudaStream_t;
import org.hesse.Device;
import org.hesse.backend.NativeFiles;
import org.jspecify.annotations.Nullable;

/**
 * One device in use: its stream, its libraries' handles, its memory and its compiled kernels. There
 * is one stream, and who puts work on it holds the {@link #lock}; the order of the work is that of
 * the calls.
 */
final class CudaContext {
  /** What cuBLAS recommends for its largest devices. */
  private static final long CUBLAS_WORKSPACE = 32L << 20;

  private final Device device;
  private final CUdevice handle = new CUdevice();
  private final CUcontext context = new CUcontext();
  private final CUstream stream = new CUstream();
  private final ReentrantLock lock = new ReentrantLock();
  private final String name;
  private final boolean simulated;
  private final int multiprocessors;
  private final int architecture;
  private final int sharedBytesPerBlock;
  private final MemoryPool pool;
  private final CudaModules modules;
  private final Ledger ledger;
  private final Staging staging;
  private final ArgumentBlock arguments = new ArgumentBlock();
  private final Set<CudaExecutable> executables =
      java.util.Collections.newSetFromMap(new WeakHashMap<>());
  private final ConcurrentLinkedQueue<CUgraphExec> discarded = new ConcurrentLinkedQueue<>();
  private volatile @Nullable cublasHandle cublas;
  private volatile @Nullable cusolverDnHandle cusolver;

  CudaContext(Device.Info info) {
    this.device = info.device();
    this.name = info.name();
    this.simulated = info.simulated();
    JCudaDriver.cuDeviceGet(handle, device.index());
    JCudaDriver.cuDevicePrimaryCtxRetain(context, handle);
    boolean ready = false;
    try {
      JCudaDriver.cuCtxSetCurrent(context);
      JCudaDriver.cuStreamCreate(stream, CUstream_flags.CU_STREAM_NON_BLOCKING);
      this.multiprocessors = attribute(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
      this.architecture =
          10 * attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
              + attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
      this.sharedBytesPerBlock = attribute(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
      this.pool = new MemoryPool(isSimulated(), this::trim);
      this.modules =
          new CudaModules(this, new CubinCache(cacheFolder(simulated), CubinCache.LIMIT));
      this.ledger = new Ledger(this);
      this.staging = new Staging(this);
      ready = true;
    } finally {
      if (!ready) {
        close();
      }
    }
  }

  /**
   * Gives back what a device that cannot be used has taken: the context is this process's own, and
   * goes with its stream, its memory and its modules.
   */
  void close() {
    try {
      cublasHandle blas = cublas;
      if (blas != null) {
        JCublas2.cublasDestroy(blas);
      }
      cusolverDnHandle solver = cusolver;
      if (solver != null) {
        JCusolverDn.cusolverDnDestroy(solver);
      }
    } catch (CudaException e) {
      // The error that it is closed for.
    } finally {
      JCudaDriver.cuDevicePrimaryCtxRelease(handle);
    }
  }

  /** The simulated compiler has a cache of its own, and what it makes depends on more. */
  private static @Nullable Path cacheFolder(boolean simulated) {
    if (simulated && System.getProperty("hesse.cache") == null) {
      return null;
    }
    try {
      return NativeFiles.cached("kernels");
    } catch (IOException e) {
      return null;
    }
  }

  private int attribute(int which) {
    int[] value = {0};
    JCudaDriver.cuDeviceGetAttribute(value, which, handle);
    return value[0];
  }

  /**
   * Gives back what plans hold to be quick. Whoever waited before this for garbage to be found may
   * go on in another thread of the system, if it is a virtual one.
   */
  private void trim() {
    JCudaDriver.cuCtxSetCurrent(context);
    executables.forEach(CudaExecutable::trim);
  }

  /** Takes the device for the calling thread. May be nested. */
  void lock() {
    lock.lock();
    if (lock.getHoldCount() == 1) {
      boolean ready = false;
      try {
        JCudaDriver.cuCtxSetCurrent(context);
        discardLater();
        ready = true;
      } finally {
        if (!ready) {
          lock.unlock();
        }
      }
    }
  }

  /**
   * Does something with the device taken for the calling thread.
   *
   * @throws RuntimeException an error of CUDA, in words
   */
  <T extends @Nullable Object> T locked(Supplier<T> work) {
    try {
      lock();
      try {
        return work.get();
      } finally {
        unlock();
      }
    } catch (CudaException e) {
      throw CudaErrors.explained(e);
    }
  }

  private void discardLater() {
    if (!discarded.isEmpty()) {
      try {
        discardGraphs();
      } catch (CudaException e) {
        // The error of some kernel. Who waits for that gets it, not who closes a tensor.
      }
    }
  }

  /** Destroys a graph some time later; from any thread. */
  void discard(CUgraphExec graph) {
    discarded.add(graph);
  }

  /** Destroys the graphs that are not needed any more, once they do not run. */
  void discardGraphs() {
    JCudaDriver.cuStreamSynchronize(stream);
    for (CUgraphExec g = discarded.poll(); g != null; g = discarded.poll()) {
      JCudaDriver.cuGraphExecDestroy(g);
    }
  }

  /** Ends a {@link #lock}. */
  void unlock() {
    lock.unlock();
  }

  /** Which device it is. */
  Device device() {
    return device;
  }

  /** Whether it is a stand-in for tests. */
  boolean isSimulated() {
    return simulated;
  }

  /** What compiled code depends on beside its source. */
  String identity() {
    return (isSimulated() ? "simulated " : "") + architecture;
  }

  /** How many multiprocessors the device has. */
  int multiprocessors() {
    return multiprocessors;
  }

  /** Compute capability, 90 for 9.0. */
  int architecture() {
    return architecture;
  }

  /** Bytes of shared memory that a block may ask for at most. */
  int sharedBytesPerBlock() {
    return sharedBytesPerBlock;
  }

  /** The stream that everything is enqueued on. */
  CUstream stream() {
    return stream;
  }

  /** The device's memory. */
  MemoryPool pool() {
    return pool;
  }

  /** Which runs have failed. */
  Ledger ledger() {
    return ledger;
  }

  /** Copies from and to the host. */
  Staging staging() {
    return staging;
  }

  /** Where launches put their arguments. */
  ArgumentBlock arguments() {
    return arguments;
  }

  /** Remembers what may have memory to spare. */
  void register(CudaExecutable executable, PlanMemory memory) {
    var _ =
        locked(() -> {
          executables.add(executable);
          return CudaBuffer.CLEANER.register(executable, memory);
        });
  }

  /** A function of one of the files in {@code kernels/}, "rows.cu" say, compiled if it must be. */
  Kernel kernel(String file, String entry) {
    return loaded(() -> modules.file(file, entry));
  }

  /**
   * A function of a generated source, compiled if it must be. The same text is compiled once. It
   * may include the headers in {@code kernels/}.
   */
  Kernel generated(String source, String entry) {
    return loaded(() -> modules.generated(source, entry));
  }

  /** Code takes memory of the device, too, of which the pool may have all that is left. */
  private Kernel loaded(Supplier<Kernel> kernel) {
    return locked(() -> {
      try {
        return kernel.get();
      } catch (CudaException e) {
        if (!CudaErrors.isOutOfMemory(e)) {
          throw e;
        }
        pool.release();
        return kernel.get();
      }
    });
  }

  /** How many sources have been compiled here that no cache had. */
  int compilations() {
    return modules.compilations();
  }

  /** On the context's stream, with a workspace of its own, pointers to scalars on the host. */
  cublasHandle cublas() {
    cublasHandle made = cublas;
    return made != null ? made : locked(this::createCublas);
  }

  private cublasHandle createCublas() {
    cublasHandle made = new cublasHandle();
    JCublas2.cublasCreate(made);
    JCublas2.cublasSetStream(made, new cudaStream_t(stream));
    // After the stream, which resets it.
    MemoryPool.Block workspace = pool.take(CUBLAS_WORKSPACE, "workspace of cuBLAS");
    JCublas2.cublasSetWorkspace(made, Pointers.device(workspace.address()), CUBLAS_WORKSPACE);
    JCublas2.cublasSetPointerMode(made, cublasPointerMode.CUBLAS_POINTER_MODE_HOST);
    JCublas2.cublasSetAtomicsMode(made, cublasAtomicsMode.CUBLAS_ATOMICS_NOT_ALLOWED);
    cublas = made;
    return made;
  }

  /** On the context's stream. */
  cusolverDnHandle cusolver() {
    cusolverDnHandle made = cusolver;
    return made != null ? made : locked(this::createCusolver);
  }

  private cusolverDnHandle createCusolver() {
    cusolverDnHandle made = new cusolverDnHandle();
    JCusolverDn.cusolverDnCreate(made);
    JCusolverDn.cusolverDnSetStream(made, new cudaStream_t(stream));
    cusolver = made;
    return made;
  }

  /** Waits until all that was enqueued is done. */
  void synchronize() {
    var _ = locked(() -> JCudaDriver.cuStreamSynchronize(stream));
  }

  @Override
  public String toString() {
    return device + " (" + name + ")";
  }
}
