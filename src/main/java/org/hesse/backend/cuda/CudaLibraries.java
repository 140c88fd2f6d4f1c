package org.hesse.backend.cuda;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What there is of CUDA on a machine, as far as files tell: nothing is loaded. The libraries are
 * those of one major version of CUDA, 12 if it is complete, and else 13.
 */
public final class CudaLibraries {
  static final String DRIVER = "libcuda.so.1";

  private static final String GET_DRIVER =
      "install NVIDIA's driver, 525 or newer (580 or newer for CUDA 13); in a container, start it with"
          + " the GPU (docker run --gpus all)";

  private final CudaLibrary driver;
  private final CudaVersion version;
  private final List<CudaLibrary> libraries;
  private final List<Place> places;
  private final String unsupported;

  private CudaLibraries(
      CudaLibrary driver,
      CudaVersion version,
      List<CudaLibrary> libraries,
      List<Place> places,
      String unsupported) {
    this.driver = driver;
    this.version = version;
    this.libraries = libraries;
    this.places = places;
    this.unsupported = unsupported;
  }

  /** Looks for everything on this machine. */
  public static CudaLibraries find() {
    return find(Host.HERE);
  }

  /** Whether there is a driver, which is the first thing that machines without a GPU lack. */
  public static boolean hasDriver() {
    return unsupported(Host.HERE).isEmpty() && findDriver(Host.HERE).found();
  }

  static CudaLibraries find(Host host) {
    Place explicit = Place.explicit(host);
    List<Place> places = explicit != null ? List.of(explicit) : Place.usual(host);
    CudaLibrary driver = findDriver(host);
    String unsupported = unsupported(host);
    CudaLibraries best = null;
    for (CudaVersion version : CudaVersion.all()) {
      List<CudaLibrary> found = inFolders(version, places);
      if (explicit == null && !complete(found) && inJar(version, host) != null) {
        found = version.packed();
      }
      var one = new CudaLibraries(driver, version, found, places, unsupported);
      if (complete(found)) {
        return one;
      }
      if (best == null || count(found) > count(best.libraries)) {
        best = one;
      }
    }
    if (best == null) {
      throw new IllegalStateException("no version of CUDA is known");
    }
    return best;
  }

  private static CudaLibrary findDriver(Host host) {
    Place explicit = Place.explicit(host);
    // Toolkits have no driver, so the setting does not end the search for it.
    List<Place> places =
        Stream.concat(
                explicit == null ? Stream.of() : Stream.of(explicit), Place.usual(host).stream())
            .toList();
    for (Place place : places) {
      Path path = place.find(DRIVER);
      if (path != null) {
        return new CudaLibrary("driver", DRIVER, path, place.what(), "");
      }
    }
    return new CudaLibrary("driver", DRIVER, null, "", GET_DRIVER);
  }

  private static String unsupported(Host host) {
    String os = String.valueOf(host.property("os.name"));
    String processor = String.valueOf(host.property("os.arch"));
    boolean ok = os.equals("Linux") && (processor.equals("amd64") || processor.equals("x86_64"));
    return ok ? "" : "CUDA is used on Linux on x86-64 only; this is " + os + " on " + processor;
  }

  /** What is asked for by name, and what that needs, each after what it needs itself. */
  private static List<CudaLibrary> inFolders(CudaVersion version, List<Place> places) {
    Map<String, CudaLibrary> found = new LinkedHashMap<>();
    for (String file : version.required()) {
      collect(version, file, null, places, found);
    }
    return List.copyOf(found.values());
  }

  private static void collect(
      CudaVersion version,
      String file,
      @Nullable CudaLibrary reader,
      List<Place> places,
      Map<String, CudaLibrary> found) {
    if (found.containsKey(file)) {
      return;
    }
    CudaLibrary library = locate(version, file, reader, places);
    Path path = library.path();
    if (path != null) {
      try {
        for (String needed : Elf.needed(path)) {
          if (CudaVersion.isPart(needed) && !needed.equals(file)) {
            collect(version, needed, library, places, found);
          }
        }
      } catch (IOException e) {
        String why = path + " cannot be used (" + e.getMessage() + "); install it anew";
        library = new CudaLibrary(library.name(), file, path, library.where(), why);
      }
    }
    found.put(file, library);
  }

  /** Beside the library that needs it, or else where all are looked for. */
  private static CudaLibrary locate(
      CudaVersion version, String file, @Nullable CudaLibrary reader, List<Place> places) {
    String name = CudaVersion.name(file);
    Path beside = reader == null || reader.path() == null ? null : reader.path().getParent();
    if (reader != null && beside != null) {
      Path path = new Place(reader.where(), List.of(beside)).find(file);
      if (path != null) {
        return new CudaLibrary(name, file, path, reader.where(), "");
      }
    }
    for (Place place : places) {
      Path path = place.find(file);
      if (path != null) {
        return new CudaLibrary(name, file, path, place.what(), "");
      }
    }
    return new CudaLibrary(name, file, null, "", version.remedy(file));
  }

  /** The resource of a version's first library, if a jar on the class path has it. */
  private static @Nullable String inJar(CudaVersion version, Host host) {
    String resource = CudaVersion.FOLDER_IN_JAR + version.required().getFirst();
    return host.hasResource(resource) ? resource : null;
  }

  private static boolean complete(List<CudaLibrary> libraries) {
    return count(libraries) == libraries.size();
  }

  private static long count(List<CudaLibrary> libraries) {
    return libraries.stream().filter(CudaLibrary::found).count();
  }

  /** The driver's library. */
  public CudaLibrary driver() {
    return driver;
  }

  /** The major version of CUDA that the others are of. */
  public int major() {
    return version.major();
  }

  CudaVersion version() {
    return version;
  }

  /** Whether the system is one that CUDA is used on. */
  boolean supported() {
    return unsupported.isEmpty();
  }

  /** All but the driver, each after those that it needs. */
  public List<CudaLibrary> libraries() {
    return libraries;
  }

  /** Whether nothing is missing. */
  public boolean complete() {
    return unsupported.isEmpty() && driver.found() && complete(libraries);
  }

  /** Why CUDA cannot be used, as one line; empty if nothing is missing. */
  public String problem() {
    if (!unsupported.isEmpty()) {
      return unsupported;
    }
    if (!driver.found()) {
      return "there is no NVIDIA driver (" + DRIVER + ")";
    }
    List<String> missing =
        libraries.stream().filter(l -> !l.found()).map(CudaLibrary::file).toList();
    return missing.isEmpty() ? "" : String.join(", ", missing) + " cannot be had";
  }

  /** What was found and what was not, with remedies and where it was looked, a line each. */
  public List<String> lines() {
    List<String> lines = new ArrayList<>();
    lines.add(driver.toString());
    libraries.forEach(l -> lines.add(l.toString()));
    lines.addAll(remedies());
    return lines;
  }

  /** What to do to have what is missing, and where it was looked for, a line each. */
  public List<String> remedies() {
    List<String> lines = new ArrayList<>();
    if (!driver.found()) {
      lines.add("for the driver: " + driver.remedy());
    }
    List<CudaLibrary> missing = libraries.stream().filter(l -> !l.found()).toList();
    if (!missing.isEmpty()) {
      lines.add("for the libraries: " + version.remedy(missing));
    }
    if (!lines.isEmpty()) {
      lines.add("looked in: " + looked());
    }
    return lines;
  }

  /** Where libraries were looked for. */
  public String looked() {
    List<String> words = new ArrayList<>();
    for (Place p : places) {
      boolean named = p.what().contains("=") || p.what().endsWith("(not set)");
      words.add(p.folders().isEmpty() && !named ? p.what() + " (none)" : p.what());
    }
    return String.join(", ", words)
        + "; -D"
        + Place.PROPERTY
        + "=FOLDER or "
        + Place.VARIABLE
        + "=FOLDER names another place";
  }
}
