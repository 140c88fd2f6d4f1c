package org.hesse.backend.cuda;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import jcuda.CudaException;
import jcuda.driver.CUfunction;
import jcuda.driver.CUmodule;
import jcuda.driver.JCudaDriver;
import jcuda.nvrtc.JNvrtc;
import jcuda.nvrtc.nvrtcProgram;

/** Compiled sources of one device, in memory and on disk. */
final class CudaModules {
  private static final Pattern INCLUDE =
      Pattern.compile("^\\s*#\\s*include\\s*\"([^\"]+)\"", Pattern.MULTILINE);

  /** What files include whose entries can be compiled alone. */
  private static final String ENTRIES = "entries.cuh";

  private static final Map<String, String> RESOURCES = new HashMap<>();

  private final CudaContext context;
  private final CubinCache disk;
  private final String compiler;
  private final String identity;
  private final String target;
  private final Map<String, CUmodule> modules = new HashMap<>();
  private final Map<String, Kernel> kernels = new HashMap<>();
  private int compilations;

  CudaModules(CudaContext context, CubinCache disk) {
    this.context = context;
    this.disk = disk;
    int[] major = {0};
    int[] minor = {0};
    JNvrtc.nvrtcVersion(major, minor);
    this.compiler = "NVRTC " + major[0] + "." + minor[0];
    this.identity = compiler + " " + CudaLoader.compiler();
    this.target = target(context.architecture());
  }

  /** How many sources have been compiled that no cache had. */
  int compilations() {
    return compilations;
  }

  /** Code for the device itself; for one that the compiler does not know yet, for its driver. */
  private static String target(int architecture) {
    int[] count = {0};
    JNvrtc.nvrtcGetNumSupportedArchs(count);
    int[] known = new int[count[0]];
    JNvrtc.nvrtcGetSupportedArchs(known);
    int newest = 0;
    for (int k : known) {
      if (k == architecture) {
        return "sm_" + k;
      }
      newest = k < architecture ? Math.max(newest, k) : newest;
    }
    if (newest == 0) {
      throw new IllegalStateException(
          "NVRTC does not compile for compute capability "
              + architecture / 10.0
              + " any more; take a CUDA version that does");
    }
    return "compute_" + newest;
  }

  /** A function of a file in {@code kernels/}. */
  Kernel file(String file, String entry) {
    String source = resource(file);
    return kernel(file, source, options("--fmad=true", source, entry), entry);
  }

  /** A function of a generated source. Sums of products are rounded as on the CPU. */
  Kernel generated(String source, String entry) {
    return kernel("generated.cu", source, List.of("--fmad=false"), entry);
  }

  /** Files whose entries take seconds together are compiled entry by entry. */
  private static List<String> options(String option, String source, String entry) {
    Map<String, String> headers = new LinkedHashMap<>();
    addHeaders(source, headers);
    return headers.containsKey(ENTRIES)
        ? List.of(
            option, "--define-macro=HESSE_ONLY", "--define-macro=HESSE_ONLY_" + entry + "=~,1")
        : List.of(option);
  }

  private Kernel kernel(String name, String source, List<String> settings, String entry) {
    String key = settings + source;
    return kernels.computeIfAbsent(
        entry + " " + key,
        k -> {
          CUfunction function = new CUfunction();
          CUmodule module = modules.computeIfAbsent(key, m -> module(name, source, settings));
          JCudaDriver.cuModuleGetFunction(function, module, entry);
          return new Kernel(context, function, name + " " + entry);
        });
  }

  private CUmodule module(String name, String source, List<String> settings) {
    Map<String, String> headers = new LinkedHashMap<>();
    addHeaders(source, headers);
    List<String> options = new ArrayList<>();
    options.add("--gpu-architecture=" + target);
    options.add("--std=c++17");
    options.addAll(settings);
    String key = CubinCache.key(context.identity(), identity, options, headers, source);
    byte[] kept = disk.read(key);
    if (kept != null) {
      try {
        return load(kept);
      } catch (CudaException e) {
        disk.remove(key);
      }
    }
    byte[] code = compile(name, source, headers, options);
    compilations++;
    disk.write(key, code);
    return load(code);
  }

  private static CUmodule load(byte[] code) {
    CUmodule module = new CUmodule();
    JCudaDriver.cuModuleLoadData(module, code);
    return module;
  }

  private byte[] compile(
      String name, String source, Map<String, String> headers, List<String> options) {
    nvrtcProgram program = new nvrtcProgram();
    JNvrtc.nvrtcCreateProgram(
        program,
        source,
        name,
        headers.size(),
        headers.values().toArray(String[]::new),
        headers.keySet().toArray(String[]::new));
    try {
      try {
        JNvrtc.nvrtcCompileProgram(program, options.size(), options.toArray(String[]::new));
      } catch (CudaException e) {
        String[] log = {""};
        JNvrtc.nvrtcGetProgramLog(program, log);
        throw new IllegalStateException(
            compiler
                + " does not compile "
                + name
                + " for "
                + target
                + ":\n"
                + log[0]
                + (name.equals("generated.cu") ? "\n" + source : ""),
            e);
      }
      return target.startsWith("sm_") ? cubin(program) : ptx(program);
    } finally {
      JNvrtc.nvrtcDestroyProgram(program);
    }
  }

  private static byte[] cubin(nvrtcProgram program) {
    long[] size = {0};
    JNvrtc.nvrtcGetCUBINSize(program, size);
    byte[] code = new byte[Math.toIntExact(size[0])];
    JNvrtc.nvrtcGetCUBIN(program, code);
    return code;
  }

  /** With the zero at the end that the driver looks for. */
  private static byte[] ptx(nvrtcProgram program) {
    String[] text = {""};
    JNvrtc.nvrtcGetPTX(program, text);
    return (text[0] + "\0").getBytes(StandardCharsets.US_ASCII);
  }

  /** The headers that a source includes, and those that these include. */
  private static void addHeaders(String source, Map<String, String> headers) {
    Matcher m = INCLUDE.matcher(source);
    while (m.find()) {
      String name = m.group(1);
      if (!headers.containsKey(name)) {
        String text = resource(name);
        headers.put(name, text);
        addHeaders(text, headers);
      }
    }
  }

  private static String resource(String name) {
    synchronized (RESOURCES) {
      return RESOURCES.computeIfAbsent(name, CudaModules::read);
    }
  }

  private static String read(String name) {
    try (InputStream in = CudaModules.class.getResourceAsStream("/kernels/" + name)) {
      if (in == null) {
        throw new IllegalStateException("there is no kernels/" + name + " on the class path");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new IllegalStateException("kernels/" + name + " cannot be read", e);
    }
  }
}
