package org.hesse.backend.cuda;

import static jcuda.driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
import static jcuda.driver.CUresult.CUDA_ERROR_INVALID_VALUE;
import static jcuda.driver.JCudaDriver.cuFuncSetAttribute;
import static jcuda.driver.JCudaDriver.cuLaunchKernel;
import static jcuda.driver.JCudaDriver.cuMemcpyHtoD;
import static jcuda.driver.JCudaDriver.cuMemsetD32Async;
import static jcuda.driver.JCudaDriver.cuModuleGetGlobal;
import static jcuda.driver.JCudaDriver.cuModuleLoadData;
import static jcuda.driver.JCudaDriver.cuStreamSynchronize;
import static jcuda.nvrtc.JNvrtc.nvrtcCompileProgram;
import static jcuda.nvrtc.JNvrtc.nvrtcCreateProgram;
import static jcuda.nvrtc.JNvrtc.nvrtcGetPTX;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import java.util.Random;
import jcuda.CudaException;
import jcuda.Pointer;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUfunction;
import jcuda.driver.CUmodule;
import jcuda.driver.CUresult;
import jcuda.nvrtc.nvrtcProgram;
import org.hesse.testing.SimulatedDevice;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Correct kernels on the simulated device: it finds nothing, and the results are right. */
class SimulatedKernelsTest {
  private static final String SOURCE =
      """
      #include "hesse.cuh"
      template <class T>
      __device__ __forceinline__ T warp_sum(T v) {
        for (int d = 16; d > 0; d >>= 1) v += __shfl_down_sync(0xffffffffu, v, d);
        return v;
      }
      template <class T>
      __device__ void sum(const T* __restrict__ x, T* __restrict__ out, int n) {
        __shared__ T part[32];
        T v = 0;
        for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) v += x[i];
        v = warp_sum(v);
        if ((threadIdx.x & 31) == 0) part[threadIdx.x / 32] = v;
        __syncthreads();
        if (threadIdx.x < 32) {
          v = warp_sum(threadIdx.x < blockDim.x / 32 ? part[threadIdx.x] : T(0));
          if (threadIdx.x == 0) out[blockIdx.x] = v;
        }
      }
      extern "C" __global__ void sum_f32(const float* x, float* out, int n) { sum(x, out, n); }
      extern "C" __global__ void sum_f64(const double* x, double* out, int n) { sum(x, out, n); }

      extern "C" __global__ void transpose(const double* x, double* y, int rows, int columns) {
        __shared__ double tile[16][17];
        int r = blockIdx.y * 16 + threadIdx.y, c = blockIdx.x * 16 + threadIdx.x;
        if (r < rows && c < columns) tile[threadIdx.y][threadIdx.x] = x[r * columns + c];
        __syncthreads();
        r = blockIdx.y * 16 + threadIdx.x;
        c = blockIdx.x * 16 + threadIdx.y;
        if (r < rows && c < columns) y[c * rows + r] = tile[threadIdx.x][threadIdx.y];
      }

      struct Shape { long long extents[3]; int shift; };
      __constant__ float scale[2] = {2.0f, 3.0f};
      extern "C" __global__ void arguments(float* y, Shape shape, float f, double d, long long l, int i) {
        y[threadIdx.x] = scale[threadIdx.x & 1] * (shape.extents[2] + shape.shift + f + (float)d + l + i);
      }

      extern "C" __global__ void last_block(const int* x, int* parts, unsigned* done, int* out) {
        __shared__ bool last;
        if (threadIdx.x == 0) {
          parts[blockIdx.x] = x[blockIdx.x] * 2;
          __threadfence();
          last = atomicAdd(done, 1u) == gridDim.x - 1;
        }
        __syncthreads();
        if (last && threadIdx.x == 0) {
          int s = 0;
          for (int b = 0; b < gridDim.x; b++) s += parts[b];
          *out = s;
        }
      }

      extern "C" __global__ void votes(int* y) {
        int t = threadIdx.x;
        y[t] = __ballot_sync(0xffffffffu, t % 3 == 0);
        y[t] += __syncthreads_count(t < 5) + 100 * __syncthreads_or(t == 9) + 1000 * __syncthreads_and(t < 63);
        if (__any_sync(0xffffffffu, t == 40)) y[t] = -1;
      }

      extern "C" __global__ void atomics(int* i, float* f, double* d, unsigned long long* u) {
        atomicAdd(i, (int)threadIdx.x);
        atomicMax(i + 1, (int)threadIdx.x);
        atomicMin(i + 2, -(int)threadIdx.x);
        atomicAdd(f, 0.5f);
        atomicAdd(d, 0.25);
        atomicAdd(u, 1ull << 40);
        int seen = atomicAdd(i + 3, 0), before;
        do { before = seen; seen = atomicCAS(i + 3, before, before + 2); } while (seen != before);
      }

      extern "C" __global__ void big_shared(float* x, int n) {
        HESSE_DYNAMIC_SHARED(float, all);
        for (int i = threadIdx.x; i < n; i += blockDim.x) all[i] = i;
        __syncthreads();
        x[threadIdx.x] = all[n - 1 - threadIdx.x];
      }

      extern "C" __global__ void math(const double* x, double* y) {
        double v = x[threadIdx.x];
        double s, c;
        sincos(v, &s, &c);
        float4 four = make_float4(1, 2, 3, (float)v);
        double2 two = make_double2(exp(v), log1p(v));
        double all[] = {two.x, two.y, s, c, tanh(v), erf(v), erfc(v), rsqrt(v), fma(v, v, 1.0), expf((float)v),
                        four.w, fmaxf(four.x, four.y), min(3, 2), __clz(1), __popc(7u), __umulhi(1u << 31, 6u),
                        (double)__float_as_int(1.0f), copysign(2.0, -v), isnan(v / 0.0 - v / 0.0) ? 1.0 : 0.0,
                        nextafter(v, 10.0), pow(v, 3.0), fabsf(-1.5f), floor(-v), __longlong_as_double(__double_as_longlong(v))};
        for (int k = 0; k < 24; k++) y[threadIdx.x * 24 + k] = all[k];
      }
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
      String said = SimulatedDevice.message();
      bench.close();
      assertEquals("", said);
    }
  }

  private CUfunction kernel(String name) {
    return bench.function(module, name);
  }

  private static Pointer of(int value) {
    return Pointer.to(new int[] {value});
  }

  @Test
  void sumsByWarpsAndSharedMemoryInAllOrders() {
    Random random = new Random(3);
    float[] values = new float[1000];
    double[] wide = new double[1000];
    double exact = 0;
    for (int i = 0; i < values.length; i++) {
      values[i] = random.nextInt(-100, 100);
      wide[i] = values[i];
      exact += wide[i];
    }
    CUdeviceptr x = bench.floats(values);
    CUdeviceptr w = bench.doubles(wide);
    for (int launch = 0; launch < 4; launch++) {
      CUdeviceptr out = bench.space(3 * 4);
      CUdeviceptr wideOut = bench.space(3 * 8);
      bench.run(kernel("sum_f32"), 3, 128, x, out, of(1000));
      bench.run(kernel("sum_f64"), 3, 128, w, wideOut, of(1000));
      float[] parts = bench.floats(out, 3);
      assertEquals(exact, parts[0] + parts[1] + parts[2]);
      assertEquals(exact, Arrays.stream(bench.doubles(wideOut, 3)).sum());
    }
  }

  @Test
  void transposesThroughSharedMemory() {
    int rows = 37;
    int columns = 21;
    double[] values = new double[rows * columns];
    Arrays.setAll(values, i -> i);
    CUdeviceptr x = bench.doubles(values);
    CUdeviceptr y = bench.space(8L * values.length);
    cuLaunchKernel(
        kernel("transpose"),
        2,
        3,
        1,
        16,
        16,
        1,
        0,
        bench.stream,
        RawDevice.arguments(x, y, of(rows), of(columns)),
        null);
    cuStreamSynchronize(bench.stream);
    double[] result = bench.doubles(y, values.length);
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        assertEquals(values[r * columns + c], result[c * rows + r]);
      }
    }
  }

  @Test
  void passesStructsAndNumbersOfAllSizesAndConstants() {
    CUdeviceptr y = bench.space(8);
    Pointer[] arguments = {
      Pointer.to(new long[] {1, 2, 3, 4}),
      Pointer.to(new float[] {0.5f}),
      Pointer.to(new double[] {0.25}),
      Pointer.to(new long[] {10}),
      of(20)
    };
    bench.run(
        kernel("arguments"),
        1,
        2,
        y,
        arguments[0],
        arguments[1],
        arguments[2],
        arguments[3],
        arguments[4]);
    assertArrayEquals(new float[] {2 * 37.75f, 3 * 37.75f}, bench.floats(y, 2));
    CUdeviceptr scale = new CUdeviceptr();
    long[] size = new long[1];
    cuModuleGetGlobal(scale, size, module, "scale");
    assertEquals(8, size[0]);
    cuMemcpyHtoD(scale, Pointer.to(new float[] {1, 5}), 8);
    bench.run(
        kernel("arguments"),
        1,
        2,
        y,
        arguments[0],
        arguments[1],
        arguments[2],
        arguments[3],
        arguments[4]);
    assertArrayEquals(new float[] {37.75f, 5 * 37.75f}, bench.floats(y, 2));
  }

  @Test
  void theLastBlockMayReadWhatTheOthersWrote() {
    CUdeviceptr x = bench.space(5 * 4);
    cuMemcpyHtoD(x, Pointer.to(new int[] {1, 2, 3, 4, 5}), 5 * 4);
    CUdeviceptr done = bench.space(4);
    CUdeviceptr out = bench.space(4);
    for (int launch = 0; launch < 4; launch++) {
      cuMemsetD32Async(done, 0, 1, bench.stream);
      bench.run(kernel("last_block"), 5, 32, x, bench.space(5 * 4), done, out);
      assertEquals(30, bench.ints(out, 1)[0]);
    }
  }

  @Test
  void votes() {
    CUdeviceptr y = bench.space(64 * 4);
    bench.run(kernel("votes"), 1, 64, y);
    int[] result = bench.ints(y, 64);
    int ballot = 0;
    for (int t = 0; t < 32; t += 3) {
      ballot |= 1 << t;
    }
    for (int t = 0; t < 64; t++) {
      assertEquals(t < 32 ? ballot + 5 + 100 : -1, result[t]);
    }
  }

  @Test
  void atomics() {
    CUdeviceptr i = bench.space(16);
    CUdeviceptr f = bench.space(4);
    CUdeviceptr d = bench.space(8);
    CUdeviceptr u = bench.space(8);
    cuMemsetD32Async(i, 0, 4, bench.stream);
    cuMemsetD32Async(f, 0, 1, bench.stream);
    cuMemsetD32Async(d, 0, 2, bench.stream);
    cuMemsetD32Async(u, 0, 2, bench.stream);
    bench.run(kernel("atomics"), 2, 64, i, f, d, u);
    assertArrayEquals(new int[] {2 * 63 * 32, 63, -63, 256}, bench.ints(i, 4));
    assertEquals(64, bench.floats(f, 1)[0]);
    assertEquals(32, bench.doubles(d, 1)[0]);
    assertEquals(Double.longBitsToDouble(128L << 40), bench.doubles(u, 1)[0]);
  }

  @Test
  void sharedMemoryBeyondTheUsualLimitMustBeAskedFor() {
    CUdeviceptr x = bench.space(32 * 4);
    int bytes = 60 * 1024;
    CUfunction kernel = kernel("big_shared");
    CudaException e =
        assertThrows(
            CudaException.class, () -> bench.enqueue(kernel, 1, 32, bytes, x, of(bytes / 4)));
    assertEquals(CUresult.stringFor(CUDA_ERROR_INVALID_VALUE), e.getMessage());
    SimulatedDevice.clear();
    cuFuncSetAttribute(kernel, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, bytes);
    bench.enqueue(kernel, 1, 32, bytes, x, of(bytes / 4));
    cuStreamSynchronize(bench.stream);
    assertEquals(bytes / 4 - 1, bench.floats(x, 32)[0]);
  }

  @Test
  void mathematicsByCudasNames() {
    double v = 0.75;
    CUdeviceptr y = bench.space(24 * 8);
    bench.run(kernel("math"), 1, 1, bench.doubles(v), y);
    double[] expected = {
      Math.exp(v),
      Math.log1p(v),
      Math.sin(v),
      Math.cos(v),
      Math.tanh(v),
      0.7111556336535151,
      0.2888443663464849,
      1 / Math.sqrt(v),
      v * v + 1,
      Math.exp(v),
      v,
      2,
      2,
      31,
      3,
      3,
      Float.floatToIntBits(1),
      -2,
      1,
      Math.nextUp(v),
      v * v * v,
      1.5,
      -1,
      v
    };
    double[] result = bench.doubles(y, 24);
    for (int k = 0; k < 24; k++) {
      double tolerance = k == 9 ? 1e-6 : 1e-14;
      assertEquals(expected[k], result[k], tolerance * Math.abs(expected[k]), "number " + k);
    }
  }

  @Test
  void ptxCanBeLoadedToo() {
    nvrtcProgram program = new nvrtcProgram();
    String source = "extern \"C\" __global__ void one(float* x) { *x = 1; }";
    nvrtcCreateProgram(program, source, "one.cu", 0, null, null);
    nvrtcCompileProgram(program, 0, new String[0]);
    String[] ptx = new String[1];
    nvrtcGetPTX(program, ptx);
    CUmodule loaded = new CUmodule();
    cuModuleLoadData(loaded, ptx[0]);
    CUdeviceptr x = bench.space(4);
    bench.run(bench.function(loaded, "one"), 1, 1, x);
    assertEquals(1, bench.floats(x, 1)[0]);
  }

  /** Names come from the preprocessed source where the source alone does not show them. */
  @Test
  void findsKernelsBehindMacrosAndNoneInCommentsOrFalseConditions() {
    CUmodule loaded =
        bench.load(
            """
            #include "hesse.cuh"
            #define ENTRY(name, value) \\
              extern "C" __global__ void __launch_bounds__(THREADS, 2) name(int* x) { x[threadIdx.x] = value; }
            #define THREADS (32 * 2)
            ENTRY(three, 3)
            #if 0
            extern "C" __global__ void gone(int* x) { no such thing }
            #endif
            // extern "C" __global__ void commented(int* x) {}
            ENTRY(four, 4)
            """);
    CUdeviceptr x = bench.space(64 * 4);
    bench.run(bench.function(loaded, "three"), 1, 64, x);
    assertEquals(3, bench.ints(x, 64)[63]);
    bench.run(bench.function(loaded, "four"), 1, 64, x);
    assertEquals(4, bench.ints(x, 64)[0]);
    CUfunction bounded = bench.function(loaded, "four");
    assertThrows(CudaException.class, () -> bench.run(bounded, 1, 65, x));
    assertThrows(CudaException.class, () -> bench.function(loaded, "gone"));
    assertThrows(CudaException.class, () -> bench.function(loaded, "commented"));
    SimulatedDevice.clear();
  }
}
