package org.hesse.backend.cuda;

import static jcuda.driver.JCudaDriver.cuCtxSetCurrent;
import static jcuda.driver.JCudaDriver.cuDeviceGet;
import static jcuda.driver.JCudaDriver.cuDevicePrimaryCtxRelease;
import static jcuda.driver.JCudaDriver.cuDevicePrimaryCtxRetain;
import static jcuda.driver.JCudaDriver.cuInit;
import static jcuda.driver.JCudaDriver.cuLaunchKernel;
import static jcuda.driver.JCudaDriver.cuMemAlloc;
import static jcuda.driver.JCudaDriver.cuMemcpyDtoH;
import static jcuda.driver.JCudaDriver.cuMemcpyHtoD;
import static jcuda.driver.JCudaDriver.cuModuleGetFunction;
import static jcuda.driver.JCudaDriver.cuModuleLoadData;
import static jcuda.driver.JCudaDriver.cuStreamCreate;
import static jcuda.driver.JCudaDriver.cuStreamSynchronize;
import static jcuda.nvrtc.JNvrtc.nvrtcCompileProgram;
import static jcuda.nvrtc.JNvrtc.nvrtcCreateProgram;
import static jcuda.nvrtc.JNvrtc.nvrtcDestroyProgram;
import static jcuda.nvrtc.JNvrtc.nvrtcGetCUBIN;
import static jcuda.nvrtc.JNvrtc.nvrtcGetCUBINSize;
import static jcuda.nvrtc.JNvrtc.nvrtcGetProgramLog;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import jcuda.CudaException;
import jcuda.NativePointerObject;
import jcuda.Pointer;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUfunction;
import jcuda.driver.CUmodule;
import jcuda.driver.CUstream;
import jcuda.driver.CUstream_flags;
import jcuda.driver.JCudaDriver;
import jcuda.nvrtc.JNvrtc;
import jcuda.nvrtc.nvrtcProgram;
import org.hesse.testing.SimulatedDevice;

/** A device with a context and a stream, driven through nothing but JCuda. */
final class RawDevice implements AutoCloseable {
  final CUdevice device = new CUdevice();
  final CUcontext context = new CUcontext();
  final CUstream stream = new CUstream();

  RawDevice(int ordinal) {
    SimulatedDevice.require();
    JCudaDriver.setExceptionsEnabled(true);
    JNvrtc.setExceptionsEnabled(true);
    cuInit(0);
    cuDeviceGet(device, ordinal);
    cuDevicePrimaryCtxRetain(context, device);
    cuCtxSetCurrent(context);
    cuStreamCreate(stream, CUstream_flags.CU_STREAM_NON_BLOCKING);
  }

  /** Frees everything. */
  @Override
  public void close() {
    if (SimulatedDevice.isSimulated()) {
      SimulatedDevice.clear();
    }
    cuDevicePrimaryCtxRelease(device);
  }

  /** Compiles to what a module is loaded from; the exception's message is the compiler's log. */
  static byte[] compile(String name, String source, String... options) {
    nvrtcProgram program = new nvrtcProgram();
    try {
      String header = Files.readString(Path.of("kernels", "hesse.cuh"));
      nvrtcCreateProgram(
          program, source, name, 1, new String[] {header}, new String[] {"hesse.cuh"});
      try {
        nvrtcCompileProgram(program, options.length, options);
      } catch (CudaException e) {
        String[] log = new String[1];
        nvrtcGetProgramLog(program, log);
        throw new IllegalArgumentException(log[0], e);
      }
      long[] size = new long[1];
      nvrtcGetCUBINSize(program, size);
      byte[] image = new byte[(int) size[0]];
      nvrtcGetCUBIN(program, image);
      return image;
    } catch (IOException e) {
      throw new AssertionError(e);
    } finally {
      nvrtcDestroyProgram(program);
    }
  }

  CUmodule load(String source) {
    CUmodule module = new CUmodule();
    cuModuleLoadData(module, compile("planted.cu", source, "--gpu-architecture=sm_80"));
    return module;
  }

  CUfunction function(CUmodule module, String name) {
    CUfunction function = new CUfunction();
    cuModuleGetFunction(function, module, name);
    return function;
  }

  /** A pointer that tells its address. */
  static final class Space extends CUdeviceptr {
    long address() {
      return getNativePointer();
    }
  }

  /** Memory that nothing has been written to. */
  Space space(long bytes) {
    Space pointer = new Space();
    cuMemAlloc(pointer, bytes);
    return pointer;
  }

  Space floats(float... values) {
    Space pointer = space(4L * values.length);
    cuMemcpyHtoD(pointer, Pointer.to(values), 4L * values.length);
    return pointer;
  }

  Space doubles(double... values) {
    Space pointer = space(8L * values.length);
    cuMemcpyHtoD(pointer, Pointer.to(values), 8L * values.length);
    return pointer;
  }

  float[] floats(CUdeviceptr pointer, int count) {
    float[] values = new float[count];
    cuMemcpyDtoH(Pointer.to(values), pointer, 4L * count);
    return values;
  }

  double[] doubles(CUdeviceptr pointer, int count) {
    double[] values = new double[count];
    cuMemcpyDtoH(Pointer.to(values), pointer, 8L * count);
    return values;
  }

  int[] ints(CUdeviceptr pointer, int count) {
    int[] values = new int[count];
    cuMemcpyDtoH(Pointer.to(values), pointer, 4L * count);
    return values;
  }

  /** One-dimensional, without waiting; each argument is a pointer to the value. */
  void enqueue(
      CUfunction function, int blocks, int threads, int shared, NativePointerObject... args) {
    cuLaunchKernel(function, blocks, 1, 1, threads, 1, 1, shared, stream, arguments(args), null);
  }

  static Pointer arguments(NativePointerObject... args) {
    Pointer[] pointers = new Pointer[args.length];
    for (int i = 0; i < args.length; i++) {
      pointers[i] = args[i] instanceof CUdeviceptr p ? Pointer.to(p) : (Pointer) args[i];
    }
    return Pointer.to(pointers);
  }

  void run(CUfunction function, int blocks, int threads, NativePointerObject... args) {
    enqueue(function, blocks, threads, 0, args);
    cuStreamSynchronize(stream);
  }
}
