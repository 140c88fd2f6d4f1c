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
  private @Nullable cublasHandle cublas;
  private @Nullable cusolverDnHandle cusolver;

  CudaContext(int index) {
    CudaLoader.requireAll();
    Device.Info info = CudaDevices.of(index);
    this.device = info.device();
    this.name = info.name();
    this.simulated = info.simulated();
    JCudaDriver.cuDeviceGet(handle, index);
    JCudaDriver.cuDevicePrimaryCtxRetain(context, handle);
    JCudaDriver.cuCtxSetCurrent(context);
    JCudaDriver.cuStreamCreate(stream, CUstream_flags.CU_STREAM_NON_BLOCKING);
    this.multiprocessors = attribute(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
    this.architecture =
        10 * attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
            + attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
    this.sharedBytesPerBlock = attribute(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
    this.pool = new MemoryPool(isSimulated(), () -> executables.forEach(CudaExecutable::trim));
    this.modules = new CudaModules(this, new CubinCache(cacheFolder(simulated)));
    this.ledger = new Ledger(this);
    this.staging = new Staging(this);
  }

  /** The simulated compiler has a cache of its own, and what it makes depends on more. */
  private static @Nullable Path cacheFolder(boolean simulated) {
    if (simulated && System.getProperty("hesse.cache") == null) {
      return null;
    }
    try {
      return given == null
          ? null
          : java.nio.file.Files.createDirectories(Path.of(given).resolve("cuda"));
    } catch (IOException e) {
      return null;
    }
  }

  private int attribute(int which) {
    int[] value = {0};
    JCudaDriver.cuDeviceGetAttribute(value, which, handle);
    return value[0];
  }

  /** Takes the device for the calling thread. May be nested. */
  void lock() {
    lock.lock();
    if (lock.getHoldCount() == 1) {
      JCudaDriver.cuCtxSetCurrent(context);
      if (!discarded.isEmpty()) {
        discardGraphs();
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
    lock();
    try {
      executables.add(executable);
      CudaBuffer.CLEANER.register(executable, memory);
    } finally {
      unlock();
    }
  }

  /** A function of one of the files in {@code kernels/}, "rows.cu" say, compiled if it must be. */
  Kernel kernel(String file, String entry) {
    lock();
    try {
      return modules.file(file, entry);
    } finally {
      unlock();
    }
  }

  /**
   * A function of a generated source, compiled if it must be. The same text is compiled once. It
   * may include the headers in {@code kernels/}.
   */
  Kernel generated(String source, String entry) {
    lock();
    try {
      return modules.generated(source, entry);
    } finally {
      unlock();
    }
  }

  /** How many sources have been compiled here that no cache had. */
  int compilations() {
    return modules.compilations();
  }

  /** On the context's stream, with a workspace of its own, pointers to scalars on the host. */
  cublasHandle cublas() {
    cublasHandle made = cublas;
    if (made == null) {
      lock();
      try {
        made = new cublasHandle();
        JCublas2.cublasCreate(made);
        JCublas2.cublasSetStream(made, new cudaStream_t(stream));
        // After the stream, which resets it.
        MemoryPool.Block workspace = pool.take(CUBLAS_WORKSPACE, "workspace of cuBLAS");
        JCublas2.cublasSetWorkspace(made, Pointers.device(workspace.address()), CUBLAS_WORKSPACE);
        JCublas2.cublasSetPointerMode(made, cublasPointerMode.CUBLAS_POINTER_MODE_HOST);
        JCublas2.cublasSetAtomicsMode(made, cublasAtomicsMode.CUBLAS_ATOMICS_NOT_ALLOWED);
        cublas = made;
      } finally {
        unlock();
      }
    }
    return made;
  }

  /** On the context's stream. */
  cusolverDnHandle cusolver() {
    cusolverDnHandle made = cusolver;
    if (made == null) {
      lock();
      try {
        made = new cusolverDnHandle();
        JCusolverDn.cusolverDnCreate(made);
        JCusolverDn.cusolverDnSetStream(made, new cudaStream_t(stream));
        cusolver = made;
      } finally {
        unlock();
      }
    }
    return made;
  }

  /** Waits until all that was enqueued is done. */
  void synchronize() {
    lock();
    try {
      JCudaDriver.cuStreamSynchronize(stream);
    } finally {
      unlock();
    }
  }

  @Override
  public String toString() {
    return device + " (" + name + ")";
  }
}
