package org.hesse.backend.cuda;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * What the libraries of a major version of CUDA are called.
 *
 * @param major 12, which JCuda's own libraries ask for, or 13
 * @param solver the number in the name of cuSOLVER, which has numbers of its own
 */
record CudaVersion(int major, int solver) {
  /** Where a jar with the libraries has them, as org.bytedeco:cuda does. */
  static final String FOLDER_IN_JAR = "org/bytedeco/cuda/linux-x86_64/";

  /** Where libraries in such a jar are said to be. */
  static final String JAR = "the class path";

  /** The largest minor version that compilers' data files are looked for of. */
  private static final int MAX_MINOR = 9;

  private static final CudaVersion TWELVE = new CudaVersion(12, 11);
  private static final CudaVersion THIRTEEN = new CudaVersion(13, 12);

  private static final Pattern PART = Pattern.compile("lib(cu|nv)[A-Za-z-]+\\.so\\..*");

  private static final Map<String, String> NAMES =
      Map.of(
          "nvrtc", "NVRTC",
          "cublas", "cuBLAS",
          "cublaslt", "cuBLASLt",
          "cusolver", "cuSOLVER",
          "cusolvermg", "cuSOLVERMg",
          "cusparse", "cuSPARSE",
          "nvjitlink", "nvJitLink");

  /** Those that are known, in the order of preference. */
  static List<CudaVersion> all() {
    return List.of(TWELVE, THIRTEEN);
  }

  /** The files that JCuda's libraries ask for; these ask for others. */
  List<String> required() {
    return List.of(
        "libnvrtc.so." + major,
        "libcublas.so." + major,
        "libcusolver.so." + solver,
        "libcusolverMg.so." + solver);
  }

  /** What names that JCuda's libraries ask for have to become. */
  Map<String, String> renames() {
    Map<String, String> renames = new LinkedHashMap<>();
    for (int i = 0; i < required().size(); i++) {
      if (!TWELVE.required().get(i).equals(required().get(i))) {
        renames.put(TWELVE.required().get(i), required().get(i));
      }
    }
    return renames;
  }

  /** What a jar on the class path has, each after those that it needs. */
  List<CudaLibrary> packed() {
    List<CudaLibrary> all = new ArrayList<>();
    for (String file :
        List.of(
            "libnvrtc.so." + major,
            "libcublasLt.so." + major,
            "libcublas.so." + major,
            "libnvJitLink.so." + major,
            "libcusparse.so.12",
            "libcusolver.so." + solver,
            "libcusolverMg.so." + solver)) {
      all.add(new CudaLibrary(name(file), file, null, JAR, ""));
    }
    return all;
  }

  /** Names that the data file of the compiler may have, which it looks for beside itself. */
  List<String> builtins() {
    List<String> names = new ArrayList<>();
    for (int minor = MAX_MINOR; minor >= 0; minor--) {
      names.add("libnvrtc-builtins.so." + major + "." + minor);
    }
    return names;
  }

  /** Whether a library is one of CUDA's, and not the system's. */
  static boolean isPart(String file) {
    return PART.matcher(file).matches() && !file.equals(CudaLibraries.DRIVER);
  }

  /** What people call a library. */
  static String name(String file) {
    String stem = stem(file);
    return NAMES.getOrDefault(stem.toLowerCase(Locale.ROOT), stem);
  }

  private static String stem(String file) {
    return file.replaceFirst("^lib", "").replaceFirst("\\.so.*", "");
  }

  /** How to come by a library. */
  String remedy(String file) {
    return remedy(new TreeSet<>(Set.of(wheel(file))));
  }

  /** How to come by several libraries, or to have one that is there in order. */
  String remedy(List<CudaLibrary> missing) {
    Set<String> wheels = new TreeSet<>();
    List<String> broken = new ArrayList<>();
    for (CudaLibrary l : missing) {
      if (l.path() == null) {
        wheels.add(wheel(l.file()));
      } else {
        broken.add(l.remedy());
      }
    }
    if (!wheels.isEmpty()) {
      broken.add(remedy(wheels));
    }
    return String.join("; ", broken);
  }

  private String remedy(Set<String> wheels) {
    return "install the CUDA "
        + major
        + " toolkit, or 'pip install "
        + String.join(" ", wheels)
        + "', or build with 'mvn -Pcuda-redist package'";
  }

  private String wheel(String file) {
    String part = stem(file).toLowerCase(Locale.ROOT);
    String wheel =
        switch (part) {
          case "cublaslt" -> "cublas";
          case "cusolvermg" -> "cusolver";
          case "nvrtc" -> "cuda-nvrtc";
          default -> part;
        };
    return "nvidia-" + wheel + (major == 12 ? "-cu12" : "");
  }
}
