package org.hesse.backend.cuda;

import static jcuda.driver.CUresult.CUDA_ERROR_ASSERT;
import static jcuda.driver.CUresult.CUDA_ERROR_ILLEGAL_ADDRESS;
import static jcuda.driver.CUresult.CUDA_ERROR_INVALID_HANDLE;
import static jcuda.driver.CUresult.CUDA_ERROR_INVALID_VALUE;
import static jcuda.driver.CUresult.CUDA_ERROR_LAUNCH_FAILED;
import static jcuda.driver.CUresult.CUDA_ERROR_MISALIGNED_ADDRESS;
import static jcuda.driver.CUresult.CUDA_ERROR_OUT_OF_MEMORY;
import static jcuda.driver.JCudaDriver.cuCtxSetCurrent;
import static jcuda.driver.JCudaDriver.cuLaunchKernel;
import static jcuda.driver.JCudaDriver.cuMemAlloc;
import static jcuda.driver.JCudaDriver.cuMemFree;
import static jcuda.driver.JCudaDriver.cuMemcpyDtoD;
import static jcuda.driver.JCudaDriver.cuMemcpyHtoD;
import static jcuda.driver.JCudaDriver.cuModuleUnload;
import static jcuda.driver.JCudaDriver.cuStreamCreate;
import static jcuda.driver.JCudaDriver.cuStreamDestroy;
import static jcuda.driver.JCudaDriver.cuStreamSynchronize;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import jcuda.CudaException;
import jcuda.Pointer;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUfunction;
import jcuda.driver.CUmodule;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream;
import org.hesse.testing.SimulatedDevice;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Plants faults in kernels and in calls, each of which the simulated device has to find. */
class SimulatedDeviceTest {
  private static final String SOURCE =
      """
      #include "hesse.cuh"
      extern "C" __global__ void add_one(float* x, int shift) {
        x[(int)threadIdx.x + shift] += 1.0f;
      }
      extern "C" __global__ void fill(float* x) { x[threadIdx.x] = 1.0f; }
      extern "C" __global__ void read(const float* from, float* to) { to[threadIdx.x] = from[threadIdx.x]; }
      extern "C" __global__ void reverse(float* x, int shift, int barrier) {
        __shared__ float tile[64];
        tile[threadIdx.x + shift] = x[threadIdx.x];
        if (barrier) __syncthreads();
        x[threadIdx.x] = tile[63 - threadIdx.x];
      }
      extern "C" __global__ void rotate(float* x, int barrier) {
        HESSE_DYNAMIC_SHARED(float, tile);
        tile[threadIdx.x] = x[threadIdx.x];
        __syncthreads();
        float next = tile[(threadIdx.x + 1) % blockDim.x];
        if (barrier) __syncthreads();
        tile[threadIdx.x] = next;
        __syncthreads();
        x[threadIdx.x] = tile[threadIdx.x];
      }
      extern "C" __global__ void warp_reverse(float* x, int barrier) {
        __shared__ float tile[32];
        tile[threadIdx.x] = x[threadIdx.x];
        if (barrier) __syncwarp();
        x[threadIdx.x] = tile[31 - threadIdx.x];
      }
      extern "C" __global__ void same_element(float* x) { x[0] = (float)blockIdx.x; }
      extern "C" __global__ void unwritten_shared(float* x) {
        __shared__ float tile[64];
        if (threadIdx.x > 0) tile[threadIdx.x] = 1.0f;
        __syncthreads();
        x[threadIdx.x] = tile[threadIdx.x];
      }
      extern "C" __global__ void some_leave(float* x) {
        if (threadIdx.x > 40) return;
        __syncthreads();
        x[threadIdx.x] = 1.0f;
      }
      extern "C" __global__ void two_barriers(float* x) {
        if (threadIdx.x > 31) {
          __syncthreads();
        } else {
          __syncthreads();
        }
        x[threadIdx.x] = 1.0f;
      }
      extern "C" __global__ void lonely_shuffle(float* x) {
        float v = x[threadIdx.x];
        if (threadIdx.x != 7) v += __shfl_down_sync(0xffffffffu, v, 1);
        x[threadIdx.x] = v;
      }
      extern "C" __global__ void left_out(float* x) {
        if (threadIdx.x < 16) x[threadIdx.x] = __shfl_xor_sync(0x0000ffffu, x[threadIdx.x], 16);
      }
      extern "C" __global__ void misaligned(float* x) { *(double*)(x + 1) = 1.0; }
      extern "C" __global__ void order(int* count, int* x) { x[threadIdx.x] = atomicAdd(count, 1); }
      extern "C" __global__ void __launch_bounds__(64) bounded(float* x) { x[threadIdx.x] = 1.0f; }
      extern "C" __global__ void asserting(float* x) { assert(threadIdx.x < 3); x[threadIdx.x] = 1.0f; }
      """;

  private RawDevice bench;
  private CUmodule module;

  @BeforeEach
  void open() {
    SimulatedDevice.requireSimulated();
    bench = new RawDevice(0);
    module = bench.load(SOURCE);
  }

  @AfterEach
  void close() {
    if (bench != null) {
      bench.close();
      SimulatedDevice.option("order", 3);
      SimulatedDevice.option("races", 1);
      SimulatedDevice.option("devices", 1);
    }
  }

  private CUfunction kernel(String name) {
    return bench.function(module, name);
  }

  /** The call fails with the code, and the simulator's words hold all of these. */
  private static void assertFound(int code, Executable call, String... words) {
    CudaException e = assertThrows(CudaException.class, call);
    assertEquals(CUresult.stringFor(code), e.getMessage());
    String said = SimulatedDevice.message();
    for (String word : words) {
      assertTrue(said.contains(word), () -> "'" + word + "' in: " + said);
    }
  }

  private static Pointer of(int value) {
    return Pointer.to(new int[] {value});
  }

  // ---- bounds and life time ----

  @Test
  void aKernelThatStaysWithinItsMemoryPasses() {
    CUdeviceptr x = bench.floats(1, 2, 3);
    bench.run(kernel("add_one"), 1, 3, x, of(0));
    assertArrayEquals(new float[] {2, 3, 4}, bench.floats(x, 3));
  }

  @Test
  void anAccessAfterTheEnd() {
    CUdeviceptr x = bench.floats(1, 2, 3);
    assertFound(
        CUDA_ERROR_ILLEGAL_ADDRESS,
        () -> bench.run(kernel("add_one"), 1, 3, x, of(1)),
        "kernel add_one, block (0,0,0), thread (2,0,0)",
        "reads 4 bytes",
        "0 bytes after the end of an allocation of 12 bytes");
  }

  @Test
  void anAccessBeforeTheStart() {
    bench.floats(1, 2, 3);
    CUdeviceptr x = bench.floats(1, 2, 3);
    assertFound(
        CUDA_ERROR_ILLEGAL_ADDRESS,
        () -> bench.run(kernel("add_one"), 1, 1, x, of(-1)),
        "thread (0,0,0): reads 4 bytes",
        "4 bytes before the start of an allocation of 12 bytes");
  }

  @Test
  void aNullPointer() {
    assertFound(
        CUDA_ERROR_ILLEGAL_ADDRESS,
        () -> bench.run(kernel("fill"), 1, 1, new CUdeviceptr()),
        "writes 4 bytes",
        "near the null pointer");
  }

  @Test
  void anAccessBeyondSharedMemory() {
    CUdeviceptr x = bench.floats(new float[64]);
    bench.run(kernel("reverse"), 1, 64, x, of(0), of(1));
    assertFound(
        CUDA_ERROR_ILLEGAL_ADDRESS,
        () -> bench.run(kernel("reverse"), 1, 64, x, of(4096), of(1)),
        "writes 4 bytes",
        "shared memory");
    SimulatedDevice.clear();
    CUdeviceptr y = bench.floats(new float[64]);
    assertFound(
        CUDA_ERROR_ILLEGAL_ADDRESS,
        () -> {
          bench.enqueue(kernel("rotate"), 1, 64, 63 * 4, y, of(1));
          cuStreamSynchronize(bench.stream);
        },
        "thread (63,0,0): writes 4 bytes",
        "0 bytes after the end of the block's dynamic shared memory of 252 bytes");
  }

  @Test
  void memoryThatHasBeenFreed() {
    CUdeviceptr x = bench.floats(1, 2, 3);
    cuMemFree(x);
    bench.floats(4, 5, 6);
    assertFound(
        CUDA_ERROR_ILLEGAL_ADDRESS,
        () -> bench.run(kernel("add_one"), 1, 3, x, of(0)),
        "an allocation of 12 bytes",
        "which has been freed");
    SimulatedDevice.clear();
    assertFound(CUDA_ERROR_INVALID_VALUE, () -> bench.floats(x, 3), "cuMemcpyDtoH", "freed");
    assertFound(CUDA_ERROR_INVALID_VALUE, () -> cuMemFree(x), "double free");
  }

  @Test
  void memoryThatIsFreedBetweenLaunchAndWait() {
    CUdeviceptr x = bench.floats(1, 2, 3);
    bench.enqueue(kernel("add_one"), 1, 3, 0, x, of(0));
    cuMemFree(x);
    cuStreamSynchronize(bench.stream);
    assertEquals(
        "", SimulatedDevice.message(), "freeing waits for the device, as a real driver does");
  }

  @Test
  void aCopyBeyondTheEnd() {
    CUdeviceptr x = bench.floats(1, 2, 3);
    assertFound(
        CUDA_ERROR_INVALID_VALUE,
        () -> cuMemcpyHtoD(x, Pointer.to(new float[4]), 16),
        "cuMemcpyHtoD writes 16 bytes from byte 0 of an allocation of 12 bytes",
        "out of bounds");
  }

  @Test
  void anAddressThatIsNotAligned() {
    assertFound(
        CUDA_ERROR_MISALIGNED_ADDRESS,
        () -> bench.run(kernel("misaligned"), 1, 1, bench.floats(1, 2, 3)),
        "writes 8 bytes at byte 4",
        "misaligned");
  }

  @Test
  void memoryOfAnotherDevice() {
    SimulatedDevice.option("devices", 2);
    CUdeviceptr x = bench.floats(1, 2, 3);
    try (RawDevice second = new RawDevice(1)) {
      CUmodule own = second.load(SOURCE);
      assertFound(
          CUDA_ERROR_ILLEGAL_ADDRESS,
          () -> second.run(second.function(own, "add_one"), 1, 3, x, of(0)),
          "on device 0 while it runs on device 1");
    } finally {
      cuCtxSetCurrent(bench.context);
    }
  }

  @Test
  void moreMemoryThanTheDeviceHas() {
    assertFound(
        CUDA_ERROR_OUT_OF_MEMORY,
        () -> cuMemAlloc(new CUdeviceptr(), 1L << 40),
        "1099511627776 bytes");
  }

  // ---- unwritten memory ----

  @Test
  void readingMemoryThatNothingWasWrittenTo() {
    RawDevice.Space x = bench.space(12);
    CUdeviceptr y = bench.space(12);
    assertFound(
        CUDA_ERROR_LAUNCH_FAILED,
        () -> bench.run(kernel("read"), 1, 3, x, y),
        "reads unwritten memory: 4 bytes at byte");
    SimulatedDevice.clear();
    bench.run(kernel("fill"), 1, 3, x);
    bench.run(kernel("read"), 1, 3, x, y);
    assertArrayEquals(new float[] {1, 1, 1}, bench.floats(y, 3));
    SimulatedDevice.forget(x.address(), 8);
    assertFound(CUDA_ERROR_LAUNCH_FAILED, () -> bench.run(kernel("read"), 1, 3, x, y), "unwritten");
  }

  @Test
  void copyingUnwrittenMemoryToTheHost() {
    CUdeviceptr x = bench.space(12);
    bench.run(kernel("fill"), 1, 2, x);
    CUdeviceptr y = bench.space(12);
    cuMemcpyDtoD(y, x, 12);
    assertFound(
        CUDA_ERROR_LAUNCH_FAILED,
        () -> bench.floats(y, 3),
        "cuMemcpyDtoH reads unwritten memory: byte 8 of an allocation of 12 bytes");
    assertArrayEquals(new float[] {1, 1}, bench.floats(y, 2));
  }

  @Test
  void readingSharedMemoryThatTheBlockHasNotWritten() {
    assertFound(
        CUDA_ERROR_LAUNCH_FAILED,
        () -> bench.run(kernel("unwritten_shared"), 1, 64, bench.space(256)),
        "thread (0,0,0): reads unwritten memory",
        "static shared memory");
  }

  // ---- barriers ----

  @Test
  void aMissingBarrierBetweenWritingAndReading() {
    CUdeviceptr x = bench.floats(new float[64]);
    for (int order = 0; order <= 3; order++) {
      SimulatedDevice.option("order", order);
      bench.run(kernel("reverse"), 1, 64, x, of(0), of(1));
      assertFound(
          CUDA_ERROR_LAUNCH_FAILED,
          () -> bench.run(kernel("reverse"), 1, 64, x, of(0), of(0)),
          "static shared memory");
      SimulatedDevice.clear();
    }
  }

  @Test
  void aMissingBarrierBetweenReadingAndWriting() {
    CUdeviceptr x = bench.floats(new float[64]);
    for (int order = 0; order <= 3; order++) {
      SimulatedDevice.option("order", order);
      bench.enqueue(kernel("rotate"), 1, 64, 256, x, of(1));
      cuStreamSynchronize(bench.stream);
      bench.enqueue(kernel("rotate"), 1, 64, 256, x, of(0));
      assertFound(
          CUDA_ERROR_LAUNCH_FAILED,
          () -> cuStreamSynchronize(bench.stream),
          "missing barrier: ",
          "with no barrier in between");
      SimulatedDevice.clear();
    }
  }

  @Test
  void aMissingBarrierOfAWarp() {
    CUdeviceptr x = bench.floats(new float[32]);
    bench.run(kernel("warp_reverse"), 1, 32, x, of(1));
    assertThrows(CudaException.class, () -> bench.run(kernel("warp_reverse"), 1, 32, x, of(0)));
    assertTrue(
        SimulatedDevice.message().contains("static shared memory"), SimulatedDevice.message());
  }

  @Test
  void aMissingBarrierGivesOtherResultsInOtherOrders() {
    float[] values = new float[64];
    for (int i = 0; i < 64; i++) {
      values[i] = i;
    }
    SimulatedDevice.option("races", 0);
    Set<List<Float>> results = new HashSet<>();
    for (int order = 0; order < 3; order++) {
      SimulatedDevice.option("order", order);
      CUdeviceptr x = bench.floats(values);
      bench.enqueue(kernel("rotate"), 1, 64, 256, x, of(0));
      cuStreamSynchronize(bench.stream);
      float[] result = bench.floats(x, 64);
      results.add(List.of(result[0], result[31], result[63]));
    }
    assertTrue(results.size() > 1, "results " + results);
  }

  @Test
  void threadsRunInDifferentOrders() {
    Set<List<Integer>> orders = new HashSet<>();
    for (int launch = 0; launch < 3; launch++) {
      CUdeviceptr count = bench.floats(0);
      CUdeviceptr x = bench.space(64 * 4);
      bench.run(kernel("order"), 1, 64, count, x);
      orders.add(Arrays.stream(bench.ints(x, 64)).boxed().toList());
    }
    assertEquals(3, orders.size());
  }

  @Test
  void blocksThatWriteTheSameElement() {
    CUdeviceptr x = bench.space(4);
    bench.run(kernel("same_element"), 1, 1, x);
    assertFound(
        CUDA_ERROR_LAUNCH_FAILED,
        () -> bench.run(kernel("same_element"), 2, 1, x),
        "a thread of another block has written in the same launch");
  }

  @Test
  void aBarrierThatSomeThreadsDoNotReach() {
    assertFound(
        CUDA_ERROR_LAUNCH_FAILED,
        () -> bench.run(kernel("some_leave"), 1, 64, bench.space(256)),
        "divergent barrier",
        "has exited");
    SimulatedDevice.clear();
    assertFound(
        CUDA_ERROR_LAUNCH_FAILED,
        () -> bench.run(kernel("two_barriers"), 1, 64, bench.space(256)),
        "divergent __syncthreads");
  }

  @Test
  void aShuffleThatALaneDoesNotReach() {
    assertFound(
        CUDA_ERROR_LAUNCH_FAILED,
        () -> bench.run(kernel("lonely_shuffle"), 1, 32, bench.floats(new float[32])),
        "divergent barrier",
        "thread (7,0,0) has exited");
    SimulatedDevice.clear();
    assertFound(
        CUDA_ERROR_LAUNCH_FAILED,
        () -> bench.run(kernel("left_out"), 1, 32, bench.floats(new float[32])),
        "which mask 0xffff leaves out");
  }

  // ---- launches and handles ----

  @Test
  void launchesOfImpossibleShapes() {
    CUdeviceptr x = bench.space(1 << 16);
    CUfunction fill = kernel("fill");
    assertFound(CUDA_ERROR_INVALID_VALUE, () -> bench.run(fill, 1, 1025, x), "1025x1x1 threads");
    assertFound(CUDA_ERROR_INVALID_VALUE, () -> bench.run(fill, 0, 32, x), "grid of 0x1x1");
    assertFound(
        CUDA_ERROR_INVALID_VALUE,
        () ->
            cuLaunchKernel(
                fill, 1, 65536, 1, 32, 1, 1, 0, bench.stream, RawDevice.arguments(x), null),
        "grid of 1x65536x1");
    assertFound(
        CUDA_ERROR_INVALID_VALUE, () -> bench.enqueue(fill, 1, 32, 49153, x), "49153 bytes");
    assertFound(
        CUDA_ERROR_INVALID_VALUE, () -> bench.run(kernel("bounded"), 1, 96, x), "launch bounds");
    bench.run(kernel("bounded"), 1, 64, x);
  }

  @Test
  void whatHasBeenDestroyed() {
    CUfunction fill = kernel("fill");
    CUdeviceptr x = bench.space(4);
    CUmodule other = bench.load(SOURCE + "// another");
    CUfunction gone = bench.function(other, "fill");
    cuModuleUnload(other);
    assertFound(
        CUDA_ERROR_INVALID_HANDLE, () -> bench.run(gone, 1, 1, x), "its module has been unloaded");
    CUstream destroyed = new CUstream();
    cuStreamCreate(destroyed, 0);
    cuStreamDestroy(destroyed);
    SimulatedDevice.clear();
    assertFound(
        CUDA_ERROR_INVALID_HANDLE, () -> cuStreamSynchronize(destroyed), "has been destroyed");
    bench.run(fill, 1, 1, x);
  }

  @Test
  void aFaultStaysUntilItIsCleared() {
    CUdeviceptr x = bench.floats(1);
    assertThrows(CudaException.class, () -> bench.run(kernel("add_one"), 1, 1, x, of(1)));
    CudaException later = assertThrows(CudaException.class, () -> bench.floats(x, 1));
    assertEquals("CUDA_ERROR_ILLEGAL_ADDRESS", later.getMessage());
    SimulatedDevice.clear();
    assertEquals("", SimulatedDevice.message());
    assertArrayEquals(new float[] {1}, bench.floats(x, 1));
  }

  @Test
  void anAssertionInAKernel() {
    assertFound(
        CUDA_ERROR_ASSERT,
        () -> bench.run(kernel("asserting"), 1, 4, bench.space(16)),
        "thread (3,0,0): assertion failed: threadIdx.x < 3");
  }

  @Test
  void sourceThatDoesNotCompile() {
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> RawDevice.compile("wrong.cu", "\n__global__ void f() { nonsense(); }"));
    assertTrue(e.getMessage().contains("wrong.cu:2"), e.getMessage());
    assertTrue(e.getMessage().contains("nonsense"), e.getMessage());
    assertFalse(e.getMessage().contains("/tmp/"), e.getMessage());
  }

  @Test
  void withoutACompilerTheBuildSaysSo(@TempDir Path out) throws Exception {
    Path build = Path.of("native", "build.sh");
    assumeTrue(Files.exists(build), () -> "there is no " + build + " here");
    ProcessBuilder builder =
        new ProcessBuilder("/bin/sh", build.toString(), out.toString()).redirectErrorStream(true);
    builder.environment().clear();
    builder.environment().put("PATH", out.toString());
    Process process = builder.start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(3, process.waitFor(), said);
    assertTrue(said.contains("no C++ compiler (CXX, g++, clang++, c++)"), said);
  }
}
