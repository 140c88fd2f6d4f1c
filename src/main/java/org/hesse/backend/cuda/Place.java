package org.hesse.backend.cuda;

import java.io.File;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Somewhere that libraries of CUDA may be.
 *
 * @param what a setting or a kind of installation, for messages
 * @param folders those that exist
 */
record Place(String what, List<Path> folders) {
  /** The system property that names the folders to look in, and no others. */
  static final String PROPERTY = "hesse.cuda";

  /** The environment variable for the same. */
  static final String VARIABLE = "HESSE_CUDA";

  /** Where below the folder that a setting names the libraries may be. */
  private static final List<String> BELOW =
      List.of("", "lib64", "lib", "targets/x86_64-linux/lib", "lib/x86_64-linux-gnu");

  private static final List<String> SYSTEM =
      List.of(
          "/usr/lib/x86_64-linux-gnu",
          "/lib/x86_64-linux-gnu",
          "/usr/lib64",
          "/lib64",
          "/usr/lib",
          "/usr/lib/wsl/lib",
          "/usr/lib64/nvidia",
          "/usr/lib/x86_64-linux-gnu/nvidia/current",
          "/run/opengl-driver/lib");

  /** The setting, which replaces the search for all but the driver; null if there is none. */
  static @Nullable Place explicit(Host host) {
    String given = host.property(PROPERTY);
    if (given != null && !given.isBlank()) {
      return new Place(PROPERTY + "=" + given, below(given));
    }
    given = host.variable(VARIABLE);
    return given == null || given.isBlank()
        ? null
        : new Place(VARIABLE + "=" + given, below(given));
  }

  /** Where to look without a setting, in order. */
  static List<Place> usual(Host host) {
    List<Place> places = new ArrayList<>();
    places.add(variable(host, "LD_LIBRARY_PATH"));
    places.add(variable(host, "CUDA_HOME"));
    places.add(variable(host, "CUDA_PATH"));
    places.add(variable(host, "CONDA_PREFIX"));
    places.add(new Place("toolkits in /usr/local and /opt", toolkits(host)));
    places.add(system(host));
    places.add(new Place("Python's nvidia wheels", wheels(host)));
    return places;
  }

  /** The system's own folders: those of the dynamic linker's settings and the distributions'. */
  static Place system(Host host) {
    Set<Path> found = new LinkedHashSet<>();
    for (Path file : matching(at(host, "/etc/ld.so.conf.d"), "*.conf")) {
      for (String line : lines(file)) {
        if (line.startsWith("/")) {
          add(found, at(host, line));
        }
      }
    }
    SYSTEM.forEach(folder -> add(found, at(host, folder)));
    return new Place("the system's library folders", List.copyOf(found));
  }

  /** The file of a name in the first folder that has it; null if none has. */
  @Nullable Path find(String file) {
    for (Path folder : folders) {
      Path path = folder.resolve(file);
      if (Files.isRegularFile(path)) {
        return path;
      }
    }
    return null;
  }

  private static Place variable(Host host, String name) {
    String value = host.variable(name);
    return value == null || value.isBlank()
        ? new Place(name + " (not set)", List.of())
        : new Place(name + "=" + value, below(value));
  }

  /** Of a toolkit in several versions the newest comes first, after the one that is the default. */
  private static List<Path> toolkits(Host host) {
    Set<Path> found = new LinkedHashSet<>();
    for (String parent : List.of("/usr/local", "/opt")) {
      found.addAll(below(at(host, parent + "/cuda").toString()));
      List<Path> versions = new ArrayList<>(matching(at(host, parent), "cuda-*"));
      versions.sort(Comparator.comparing(Place::version).reversed());
      versions.forEach(v -> found.addAll(below(v.toString())));
    }
    return List.copyOf(found);
  }

  /** 12.10 after 12.9. */
  private static String version(Path folder) {
    StringBuilder padded = new StringBuilder();
    for (String part : folder.getFileName().toString().split("\\D+", -1)) {
      padded.append(part.isEmpty() ? "" : String.format("%6s", part));
    }
    return padded.toString();
  }

  /** site-packages/nvidia/cublas/lib of CUDA 12, site-packages/nvidia/cu13/lib of 13. */
  private static List<Path> wheels(Host host) {
    Set<Path> found = new LinkedHashSet<>();
    for (Path prefix : pythons(host)) {
      for (String lib : List.of("lib", "lib64", "local/lib")) {
        for (Path python : matching(prefix.resolve(lib), "python3*")) {
          for (String site : List.of("site-packages", "dist-packages")) {
            for (Path part : matching(python.resolve(site).resolve("nvidia"), "*")) {
              add(found, part.resolve("lib"));
            }
          }
        }
      }
    }
    return List.copyOf(found);
  }

  /** Folders that a Python installation or environment fills: the current one first. */
  private static Set<Path> pythons(Host host) {
    Set<Path> prefixes = new LinkedHashSet<>();
    for (String name : List.of("VIRTUAL_ENV", "CONDA_PREFIX")) {
      String value = host.variable(name);
      if (value != null && !value.isBlank()) {
        addTo(prefixes, value);
      }
    }
    String search = host.variable("PATH");
    for (String folder : split(search == null ? "" : search)) {
      Path python = path(folder, "python3");
      if (python != null && Files.isExecutable(python)) {
        addPrefix(prefixes, python);
      }
    }
    String home = host.variable("HOME");
    if (home != null && !home.isBlank()) {
      addTo(prefixes, home + "/.local");
      matching(Path.of(home, ".pyenv", "versions"), "*").forEach(prefixes::add);
    }
    prefixes.add(at(host, "/usr/local"));
    prefixes.add(at(host, "/usr"));
    return prefixes;
  }

  /** Through links, as an environment's python3 is one; the environment's own folder too. */
  private static void addPrefix(Set<Path> prefixes, Path python) {
    for (Path p : List.of(python.toAbsolutePath(), real(python))) {
      Path bin = p.getParent();
      Path prefix = bin == null ? null : bin.getParent();
      if (prefix != null) {
        prefixes.add(prefix);
      }
    }
  }

  private static Path real(Path path) {
    try {
      return path.toRealPath();
    } catch (IOException e) {
      return path.toAbsolutePath();
    }
  }

  private static void addTo(Set<Path> prefixes, String folder) {
    Path p = path(folder, "");
    if (p != null) {
      prefixes.add(p);
    }
  }

  /** The folders that a setting with several of them, separated as in a path, stands for. */
  private static List<Path> below(String setting) {
    Set<Path> found = new LinkedHashSet<>();
    for (String folder : split(setting)) {
      for (String under : BELOW) {
        Path p = path(folder, under);
        if (p != null) {
          add(found, p);
        }
      }
    }
    return List.copyOf(found);
  }

  private static Collection<String> split(String setting) {
    return List.of(setting.split(File.pathSeparator, -1)).stream()
        .filter(s -> !s.isBlank())
        .toList();
  }

  private static @Nullable Path path(String folder, String under) {
    try {
      return Path.of(folder, under).toAbsolutePath();
    } catch (InvalidPathException e) {
      return null;
    }
  }

  /** Toolkits bring a driver to link with, in a folder "stubs", that cannot be run with. */
  private static void add(Set<Path> found, Path folder) {
    if (Files.isDirectory(folder) && !folder.endsWith("stubs")) {
      found.add(folder.normalize());
    }
  }

  private static Path at(Host host, String absolute) {
    return host.root().resolve(absolute.substring(1));
  }

  private static List<Path> matching(Path folder, String glob) {
    List<Path> found = new ArrayList<>();
    if (Files.isDirectory(folder)) {
      try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder, glob)) {
        entries.forEach(found::add);
      } catch (IOException | DirectoryIteratorException e) {
        return List.of();
      }
    }
    found.sort(Comparator.naturalOrder());
    return found;
  }

  private static List<String> lines(Path file) {
    try {
      return Files.readAllLines(file).stream().map(String::strip).toList();
    } catch (IOException e) {
      return List.of();
    }
  }
}
