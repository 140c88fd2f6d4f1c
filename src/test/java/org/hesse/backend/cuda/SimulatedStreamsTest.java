package org.hesse.backend.cuda;

import static jcuda.driver.CUresult.CUDA_ERROR_CAPTURED_EVENT;
import static jcuda.driver.CUresult.CUDA_ERROR_ILLEGAL_ADDRESS;
import static jcuda.driver.CUresult.CUDA_ERROR_NOT_READY;
import static jcuda.driver.CUresult.CUDA_ERROR_STREAM_CAPTURE_IMPLICIT;
import static jcuda.driver.CUresult.CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
import static jcuda.driver.CUresult.CUDA_ERROR_STREAM_CAPTURE_ISOLATION;
import static jcuda.driver.CUresult.CUDA_ERROR_STREAM_CAPTURE_UNJOINED;
import static jcuda.driver.CUresult.CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
import static jcuda.driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_GLOBAL;
import static jcuda.driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED;
import static jcuda.driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL;
import static jcuda.driver.JCudaDriver.cuCtxSetCurrent;
import static jcuda.driver.JCudaDriver.cuCtxSynchronize;
import static jcuda.driver.JCudaDriver.cuEventCreate;
import static jcuda.driver.JCudaDriver.cuEventElapsedTime;
import static jcuda.driver.JCudaDriver.cuEventQuery;
import static jcuda.driver.JCudaDriver.cuEventRecord;
import static jcuda.driver.JCudaDriver.cuEventSynchronize;
import static jcuda.driver.JCudaDriver.cuGraphDestroy;
import static jcuda.driver.JCudaDriver.cuGraphExecDestroy;
import static jcuda.driver.JCudaDriver.cuGraphGetNodes;
import static jcuda.driver.JCudaDriver.cuGraphInstantiate;
import static jcuda.driver.JCudaDriver.cuGraphLaunch;
import static jcuda.driver.JCudaDriver.cuLaunchKernel;
import static jcuda.driver.JCudaDriver.cuMemAlloc;
import static jcuda.driver.JCudaDriver.cuMemAllocHost;
import static jcuda.driver.JCudaDriver.cuMemFree;
import static jcuda.driver.JCudaDriver.cuMemFreeHost;
import static jcuda.driver.JCudaDriver.cuMemcpyDtoHAsync;
import static jcuda.driver.JCudaDriver.cuMemcpyHtoDAsync;
import static jcuda.driver.JCudaDriver.cuMemsetD32Async;
import static jcuda.driver.JCudaDriver.cuModuleLoadData;
import static jcuda.driver.JCudaDriver.cuStreamBeginCapture;
import static jcuda.driver.JCudaDriver.cuStreamCreate;
import static jcuda.driver.JCudaDriver.cuStreamEndCapture;
import static jcuda.driver.JCudaDriver.cuStreamIsCapturing;
import static jcuda.driver.JCudaDriver.cuStreamQuery;
import static jcuda.driver.JCudaDriver.cuStreamSynchronize;
import static jcuda.driver.JCudaDriver.cuStreamWaitEvent;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import jcuda.CudaException;
import jcuda.Pointer;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUevent;
import jcuda.driver.CUfunction;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUmodule;
import jcuda.driver.CUresult;
import jcuda.driver.CUstream;
import org.hesse.testing.SimulatedDevice;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Streams, events and graphs of the simulated device, and calls that a capture forbids. */
class SimulatedStreamsTest {
  private static final String SOURCE =
      """
      extern "C" __global__ void triple(float* x) { x[threadIdx.x] *= 3.0f; }
      extern "C" __global__ void add(float* x, float y) { x[threadIdx.x] += y; }
      """;

  private RawDevice bench;
  private CUfunction triple;
  private CUfunction add;

  @BeforeEach
  void open() {
    SimulatedDevice.requireSimulated();
    bench = new RawDevice(0);
    var module = bench.load(SOURCE);
    triple = bench.function(module, "triple");
    add = bench.function(module, "add");
  }

  @AfterEach
  void close() {
    if (bench != null) {
      bench.close();
    }
  }

  private static void assertFails(int code, Executable call) {
    CudaException e = assertThrows(CudaException.class, call);
    assertEquals(CUresult.stringFor(code), e.getMessage());
  }

  private static Pointer of(float value) {
    return Pointer.to(new float[] {value});
  }

  private CUstream stream() {
    CUstream made = new CUstream();
    cuStreamCreate(made, 1);
    return made;
  }

  private CUevent event() {
    CUevent made = new CUevent();
    cuEventCreate(made, 0);
    return made;
  }

  /** Enqueues on a stream of one's own choice. */
  private void on(CUstream stream, CUfunction function, int threads, Pointer arguments) {
    cuLaunchKernel(function, 1, 1, 1, threads, 1, 1, 0, stream, arguments, null);
  }

  @Test
  void workIsDoneInOrderAndWhenSomebodyWaits() {
    CUdeviceptr x = bench.floats(1, 2);
    Pointer pinned = new Pointer();
    cuMemAllocHost(pinned, 8);
    FloatBuffer host = pinned.getByteBuffer(0, 8).order(ByteOrder.nativeOrder()).asFloatBuffer();
    host.put(0, 100);
    host.put(1, 200);
    cuMemcpyHtoDAsync(x, pinned, 8, bench.stream);
    bench.enqueue(add, 1, 2, 0, x, of(1));
    bench.enqueue(triple, 1, 2, 0, x);
    cuMemcpyDtoHAsync(pinned, x, 8, bench.stream);
    assertEquals(100, host.get(0), "nobody has waited yet");
    cuStreamSynchronize(bench.stream);
    assertEquals(303, host.get(0));
    assertEquals(603, host.get(1));
    cuMemFreeHost(pinned);
  }

  @Test
  void eventsOrderStreamsAndTakeTime() {
    CUdeviceptr x = bench.floats(1);
    CUstream other = stream();
    CUevent start = event();
    CUevent between = event();
    cuEventRecord(start, bench.stream);
    bench.enqueue(add, 1, 1, 0, x, of(1));
    cuEventRecord(between, bench.stream);
    cuStreamWaitEvent(other, between, 0);
    on(other, triple, 1, RawDevice.arguments(x));
    assertFails(CUDA_ERROR_NOT_READY, () -> cuEventQuery(between));
    cuStreamSynchronize(other);
    assertArrayEquals(new float[] {6}, bench.floats(x, 1));
    cuEventSynchronize(between);
    assertEquals(0, cuEventQuery(between));
    float[] time = new float[1];
    cuEventElapsedTime(time, start, between);
    assertTrue(time[0] >= 0 && time[0] < 60_000, () -> "milliseconds: " + time[0]);
  }

  @Test
  void whoeverAsksOftenEnoughGetsAnEnd() {
    CUdeviceptr x = bench.floats(1);
    bench.enqueue(add, 1, 1, 0, x, of(1));
    assertFails(CUDA_ERROR_NOT_READY, () -> cuStreamQuery(bench.stream));
    assertEquals(0, cuStreamQuery(bench.stream));
    assertArrayEquals(new float[] {2}, bench.floats(x, 1));
  }

  @Test
  void aGraphIsReplayedWithWhatItsMemoryHolds() {
    CUdeviceptr x = bench.floats(1, 2);
    cuStreamBeginCapture(bench.stream, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
    bench.enqueue(add, 1, 2, 0, x, of(1));
    bench.enqueue(triple, 1, 2, 0, x);
    int[] status = new int[1];
    cuStreamIsCapturing(bench.stream, status);
    assertEquals(1, status[0]);
    CUgraph graph = new CUgraph();
    cuStreamEndCapture(bench.stream, graph);
    assertArrayEquals(new float[] {1, 2}, bench.floats(x, 2), "captured, not run");
    long[] nodes = new long[1];
    cuGraphGetNodes(graph, null, nodes);
    assertEquals(2, nodes[0]);
    CUgraphExec exec = new CUgraphExec();
    cuGraphInstantiate(exec, graph, 0);
    cuGraphDestroy(graph);
    cuGraphLaunch(exec, bench.stream);
    cuGraphLaunch(exec, bench.stream);
    cuStreamSynchronize(bench.stream);
    assertArrayEquals(new float[] {21, 30}, bench.floats(x, 2));
    cuMemFree(x);
    cuGraphLaunch(exec, bench.stream);
    assertFails(CUDA_ERROR_ILLEGAL_ADDRESS, () -> cuStreamSynchronize(bench.stream));
    SimulatedDevice.clear();
    cuGraphExecDestroy(exec);
  }

  @Test
  void aCaptureSpreadsToStreamsThatWaitForIt() {
    CUdeviceptr x = bench.floats(1);
    CUstream other = stream();
    CUevent fork = event();
    CUevent join = event();
    CUgraph graph = new CUgraph();
    cuStreamBeginCapture(bench.stream, CU_STREAM_CAPTURE_MODE_GLOBAL);
    bench.enqueue(add, 1, 1, 0, x, of(1));
    cuEventRecord(fork, bench.stream);
    cuStreamWaitEvent(other, fork, 0);
    on(other, triple, 1, RawDevice.arguments(x));
    cuEventRecord(join, other);
    cuStreamWaitEvent(bench.stream, join, 0);
    bench.enqueue(add, 1, 1, 0, x, of(1));
    cuStreamEndCapture(bench.stream, graph);
    CUgraphExec exec = new CUgraphExec();
    cuGraphInstantiate(exec, graph, 0);
    cuGraphLaunch(exec, bench.stream);
    cuStreamSynchronize(bench.stream);
    assertArrayEquals(new float[] {7}, bench.floats(x, 1));
  }

  @Test
  void workThatIsNotJoined() {
    CUdeviceptr x = bench.floats(1);
    CUstream other = stream();
    CUevent fork = event();
    cuStreamBeginCapture(bench.stream, CU_STREAM_CAPTURE_MODE_GLOBAL);
    cuEventRecord(fork, bench.stream);
    cuStreamWaitEvent(other, fork, 0);
    on(other, triple, 1, RawDevice.arguments(x));
    assertFails(
        CUDA_ERROR_STREAM_CAPTURE_UNJOINED, () -> cuStreamEndCapture(bench.stream, new CUgraph()));
  }

  /** Makes the call during a capture; it fails, and so does the capture. */
  private void assertIllegal(int code, Executable call) {
    cuStreamBeginCapture(bench.stream, CU_STREAM_CAPTURE_MODE_GLOBAL);
    assertFails(code, call);
    String said = SimulatedDevice.message();
    assertTrue(said.contains("captur"), said);
    int[] status = new int[1];
    cuStreamIsCapturing(bench.stream, status);
    assertEquals(2, status[0], "the capture is spoilt");
    assertFails(
        CUDA_ERROR_STREAM_CAPTURE_INVALIDATED,
        () -> cuStreamEndCapture(bench.stream, new CUgraph()));
    SimulatedDevice.clear();
  }

  @Test
  void callsThatAreIllegalDuringACapture() {
    CUdeviceptr x = bench.floats(1, 2);
    byte[] image = RawDevice.compile("other.cu", SOURCE);
    int unsupported = CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    assertIllegal(unsupported, () -> cuMemAlloc(new CUdeviceptr(), 16));
    assertIllegal(unsupported, () -> cuMemFree(x));
    assertIllegal(unsupported, () -> cuMemAllocHost(new Pointer(), 16));
    assertIllegal(unsupported, () -> cuStreamSynchronize(bench.stream));
    assertIllegal(unsupported, () -> cuStreamQuery(bench.stream));
    assertIllegal(unsupported, () -> cuCtxSynchronize());
    assertIllegal(unsupported, () -> bench.floats(x, 2));
    assertIllegal(
        unsupported, () -> cuMemcpyHtoDAsync(x, Pointer.to(new float[] {1, 2}), 8, bench.stream));
    assertIllegal(unsupported, () -> cuModuleLoadData(new CUmodule(), image));
    assertArrayEquals(new float[] {1, 2}, bench.floats(x, 2));
  }

  @Test
  void eventsOfOtherWorkDuringACapture() {
    CUevent outside = event();
    CUstream other = stream();
    cuEventRecord(outside, other);
    assertIllegal(
        CUDA_ERROR_STREAM_CAPTURE_ISOLATION, () -> cuStreamWaitEvent(bench.stream, outside, 0));
    CUevent inside = event();
    assertIllegal(
        CUDA_ERROR_CAPTURED_EVENT,
        () -> {
          cuEventRecord(inside, bench.stream);
          cuEventSynchronize(inside);
        });
  }

  @Test
  void theDefaultStreamWhileABlockingOneIsCaptured() {
    CUdeviceptr x = bench.floats(1, 2);
    CUstream blocking = new CUstream();
    cuStreamCreate(blocking, 0);
    cuStreamBeginCapture(blocking, CU_STREAM_CAPTURE_MODE_GLOBAL);
    assertFails(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT, () -> cuMemsetD32Async(x, 0, 2, null));
    assertFails(
        CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, () -> cuStreamEndCapture(blocking, new CUgraph()));
  }

  @Test
  void aRelaxedCaptureAllowsAllocation() {
    cuStreamBeginCapture(bench.stream, CU_STREAM_CAPTURE_MODE_RELAXED);
    cuMemFree(bench.space(16));
    CUgraph graph = new CUgraph();
    cuStreamEndCapture(bench.stream, graph);
    long[] nodes = new long[1];
    cuGraphGetNodes(graph, null, nodes);
    assertEquals(0, nodes[0]);
  }

  @Test
  void threadsMayUseTheDeviceAtOnce() throws Exception {
    try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
      Callable<Float> work =
          () -> {
            cuCtxSetCurrent(bench.context);
            CUstream own = stream();
            CUdeviceptr x = bench.floats(0);
            for (int i = 0; i < 100; i++) {
              on(own, add, 1, RawDevice.arguments(x, of(1)));
              cuStreamSynchronize(own);
            }
            return bench.floats(x, 1)[0];
          };
      for (Future<Float> result : threads.invokeAll(List.of(work, work))) {
        assertEquals(100, result.get());
      }
    }
  }
}
