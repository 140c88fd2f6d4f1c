package org.hesse.backend.cuda;

import java.util.Locale;
import java.util.Map;
import jcuda.CudaException;
import org.hesse.backend.DeviceUnavailableException;

/** Says of JCuda's exceptions which call failed and what to do about it. */
final class CudaErrors {
  /** Errors after which there is no use in a device, and what helps. */
  private static final Map<String, String> UNUSABLE =
      Map.ofEntries(
          Map.entry(
              "CUDA_ERROR_NO_DEVICE",
              "there is no NVIDIA GPU, or none that this process may see; look at nvidia-smi and at"
                  + " CUDA_VISIBLE_DEVICES, and start a container with --gpus all"),
          Map.entry(
              "CUDA_ERROR_STUB_LIBRARY",
              "the driver's library is a stub to link with; take the toolkit's folder stubs out of"
                  + " LD_LIBRARY_PATH"),
          Map.entry(
              "CUDA_ERROR_DEVICE_UNAVAILABLE",
              "another process has the GPU to itself (nvidia-smi shows its compute mode), or it"
                  + " has failed"),
          Map.entry(
              "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
              "the driver's library is not of the kernel module's version; after an update of the"
                  + " driver, restart the machine"),
          Map.entry(
              "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE",
              "a compatibility driver that this GPU does not take is in the way; take the folder"
                  + " compat out of LD_LIBRARY_PATH"),
          Map.entry(
              "CUDA_ERROR_SYSTEM_NOT_READY",
              "the machine's fabric manager is not running; start nvidia-fabricmanager"),
          Map.entry(
              "CUDA_ERROR_OPERATING_SYSTEM",
              "the driver cannot be reached; see whether this user may read and write /dev/nvidia*"),
          Map.entry(
              "CUDA_ERROR_NOT_PERMITTED",
              "this process may not; see who may read and write /dev/nvidia*, and whether a"
                  + " container was started with --gpus all"),
          Map.entry(
              "CUDA_ERROR_UNKNOWN",
              "the driver does not work; see whether nvidia-smi does, and restart the machine if"
                  + " not"),
          Map.entry(
              "CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
              "the driver is older than the libraries; update it"),
          Map.entry(
              "CUDA_ERROR_NO_BINARY_FOR_GPU",
              "the libraries do not know this GPU; install newer ones"),
          Map.entry(
              "CUBLAS_STATUS_ARCH_MISMATCH",
              "cuBLAS does not know this GPU; install a newer one, or use a newer GPU"),
          Map.entry(
              "CUSOLVER_STATUS_ARCH_MISMATCH",
              "cuSOLVER does not know this GPU; install a newer one, or use a newer GPU"));

  /** Errors of what was asked for. */
  private static final Map<String, String> REMEDIES =
      Map.ofEntries(
          Map.entry(
              "CUDA_ERROR_ILLEGAL_ADDRESS",
              "a kernel has left its memory, and the GPU cannot be used any more by this process;"
                  + " this is a mistake in this library: report it"),
          Map.entry(
              "CUDA_ERROR_LAUNCH_TIMEOUT",
              "a kernel ran too long for a GPU that also drives a display; use smaller batches"),
          Map.entry(
              "CUDA_ERROR_ECC_UNCORRECTABLE", "the GPU's memory is damaged; restart the machine"),
          Map.entry(
              "CUBLAS_STATUS_NOT_INITIALIZED",
              "cuBLAS could not start, most often for want of memory on the GPU"),
          Map.entry(
              "CUSOLVER_STATUS_NOT_INITIALIZED",
              "cuSOLVER could not start, most often for want of memory on the GPU"));

  private static final String OUT_OF_MEMORY =
      "the GPU's memory is full; use smaller batches, close what is not needed (Tensor.close, Scope),"
          + " or see with nvidia-smi which processes share it";

  private CudaErrors() {}

  /** Makes calls, without which nothing can be done: errors are {@link #unavailable}. */
  static void required(Runnable calls) {
    try {
      calls.run();
    } catch (CudaException e) {
      throw unavailable(e);
    }
  }

  /** The exception to throw for one of JCuda's. */
  static RuntimeException explained(CudaException e) {
    String code = code(e);
    String what = call(e) + " failed with " + code;
    if (UNUSABLE.containsKey(code)) {
      return new DeviceUnavailableException(
          "CUDA cannot be used: " + what + ": " + UNUSABLE.get(code), e);
    }
    if (isOutOfMemory(e)) {
      return new IllegalStateException(what + ": " + OUT_OF_MEMORY, e);
    }
    String remedy = REMEDIES.getOrDefault(code, "");
    return new IllegalStateException(remedy.isEmpty() ? what : what + ": " + remedy, e);
  }

  /** The exception to throw for one without which nothing can be done with a device. */
  static DeviceUnavailableException unavailable(CudaException e) {
    RuntimeException explained = explained(e);
    return explained instanceof DeviceUnavailableException d
        ? d
        : new DeviceUnavailableException("CUDA cannot be used: " + explained.getMessage(), e);
  }

  /** Whether memory was wanting, so that freeing some and trying again may help. */
  static boolean isOutOfMemory(CudaException e) {
    String code = code(e);
    return code.equals("CUDA_ERROR_OUT_OF_MEMORY") || code.endsWith("_STATUS_ALLOC_FAILED");
  }

  /** JCuda's message is the code's name, after other words in some of its parts. */
  private static String code(CudaException e) {
    String text = String.valueOf(e.getMessage()).strip();
    int space = text.lastIndexOf(' ');
    String last = text.substring(space + 1);
    return last.equals(last.toUpperCase(Locale.ROOT)) ? last : text;
  }

  /** The innermost call of one of JCuda's functions. */
  private static String call(CudaException e) {
    for (StackTraceElement frame : e.getStackTrace()) {
      boolean function = frame.getClassName().startsWith("jcuda.");
      if (function && !frame.getMethodName().startsWith("checkResult")) {
        return frame.getMethodName();
      }
    }
    return "a call of CUDA";
  }
}
