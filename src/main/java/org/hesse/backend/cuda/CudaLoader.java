package org.hesse.backend.cuda;

import java.nio.file.Path;
import java.util.List;
import jcuda.driver.JCudaDriver;
import jcuda.jcublas.JCublas2;
import jcuda.jcusolver.JCusolver;
import jcuda.nvrtc.JNvrtc;

/** Loads the libraries in the folder that the system property {@code hesse.cuda} names. */
final class CudaLoader {
  private static boolean loaded;

  private CudaLoader() {}

  static synchronized void requireAll() {
    if (loaded) {
      return;
    }
    String folder = System.getProperty("hesse.cuda", "");
    for (String file : List.of("libcuda.so.1", "libnvrtc.so.12", "libcublas.so.12", "libcusolverMg.so.11", "libcusolver.so.11")) {
      Path path = Path.of(folder).resolve(file).toAbsolutePath();
      if (java.nio.file.Files.exists(path)) {
        System.load(path.toString());
      }
    }
    JCudaDriver.setExceptionsEnabled(true);
    JNvrtc.setExceptionsEnabled(true);
    if (java.nio.file.Files.exists(Path.of(folder).resolve("libcublas.so.12"))) {
      JCublas2.setExceptionsEnabled(true);
      JCusolver.setExceptionsEnabled(true);
    }
    JCudaDriver.cuInit(0);
    loaded = true;
  }
}
