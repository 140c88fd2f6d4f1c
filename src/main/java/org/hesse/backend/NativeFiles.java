package org.hesse.backend;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.JarURLConnection;
import java.net.URL;
import java.net.URLConnection;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SequencedMap;
import java.util.Set;
import java.util.jar.JarEntry;
import java.util.zip.CRC32;
import java.util.zip.CheckedOutputStream;
import org.jspecify.annotations.Nullable;

/**
 * Native libraries from the class path as files. They stay in the user's cache, in a folder that is
 * named after their checksums and that nobody else can write; what is found there is used if its
 * checksum is right. Where that folder cannot be had, they go to a temporary one for this process.
 */
public final class NativeFiles {
  private static final Set<PosixFilePermission> PRIVATE =
      PosixFilePermissions.fromString("rwx------");

  private NativeFiles() {}

  /** Opens contents. */
  private interface Source {
    InputStream open() throws IOException;
  }

  /** A file to be and what its contents must be. */
  private record Resource(Source source, String name, long size, long checksum) {
    static Resource of(String path) throws IOException {
      URL url = resource(path);
      String name = path.substring(path.lastIndexOf('/') + 1);
      URLConnection connection = url.openConnection();
      JarEntry entry = connection instanceof JarURLConnection j ? j.getJarEntry() : null;
      if (entry != null && entry.getCrc() >= 0) {
        return new Resource(url::openStream, name, entry.getSize(), entry.getCrc());
      }
      CheckedOutputStream sum =
          new CheckedOutputStream(OutputStream.nullOutputStream(), new CRC32());
      try (InputStream in = url.openStream()) {
        long size = in.transferTo(sum);
        return new Resource(url::openStream, name, size, sum.getChecksum().getValue());
      }
    }

    static Resource of(String name, byte[] contents) {
      CRC32 sum = new CRC32();
      sum.update(contents);
      return new Resource(
          () -> new ByteArrayInputStream(contents), name, contents.length, sum.getValue());
    }

    boolean isAt(Path file) throws IOException {
      if (!Files.isRegularFile(file) || Files.size(file) != size) {
        return false;
      }
      CheckedOutputStream sum =
          new CheckedOutputStream(OutputStream.nullOutputStream(), new CRC32());
      Files.copy(file, sum);
      return sum.getChecksum().getValue() == checksum;
    }

    void unpack(Path file) throws IOException {
      Path partial = Files.createTempFile(file.getParent(), name, ".part");
      try {
        try (InputStream in = source.open()) {
          Files.copy(in, partial, StandardCopyOption.REPLACE_EXISTING);
        }
        try {
          Files.move(partial, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException | FileAlreadyExistsException e) {
          Files.move(partial, file, StandardCopyOption.REPLACE_EXISTING);
        }
      } finally {
        Files.deleteIfExists(partial);
      }
    }
  }

  /** Files with the contents of the resources, all in one folder, in the same order. */
  public static List<Path> of(List<String> paths) throws IOException {
    List<Resource> resources = new ArrayList<>();
    for (String path : paths) {
      resources.add(Resource.of(path));
    }
    return files(resources);
  }

  /** Files with the given names and contents, all in one folder, in the same order. */
  public static List<Path> of(SequencedMap<String, byte[]> contents) throws IOException {
    return files(
        contents.entrySet().stream().map(e -> Resource.of(e.getKey(), e.getValue())).toList());
  }

  /**
   * The contents of a resource.
   *
   * @throws IOException if it is not there, or cannot be read
   */
  public static byte[] contents(String path) throws IOException {
    try (InputStream in = resource(path).openStream()) {
      return in.readAllBytes();
    }
  }

  /** Whether the class path has a resource. */
  public static boolean has(String path) {
    ClassLoader loader = NativeFiles.class.getClassLoader();
    return loader != null && loader.getResource(path) != null;
  }

  private static URL resource(String path) throws IOException {
    ClassLoader loader = NativeFiles.class.getClassLoader();
    URL url = loader == null ? null : loader.getResource(path);
    if (url == null) {
      throw new IOException("there is no resource " + path);
    }
    return url;
  }

  private static List<Path> files(List<Resource> resources) throws IOException {
    CRC32 all = new CRC32();
    for (Resource r : resources) {
      all.update((r.name + r.size + r.checksum).getBytes(StandardCharsets.UTF_8));
    }
    String name = String.format("native-%08x", all.getValue());
    try {
      Path folder = cached(name);
      if (folder != null) {
        return unpacked(resources, folder, false);
      }
    } catch (FileSystemException e) {
      // Full: the temporary folder is the next place to try.
    }
    Path folder = Files.createTempDirectory("hesse-native-");
    folder.toFile().deleteOnExit();
    return unpacked(resources, folder, true);
  }

  /**
   * A folder in the user's cache that nobody else can write; made if it is not there.
   *
   * @return null if it cannot be had: made by somebody else, open to others, or not writable
   */
  public static @Nullable Path cached(String name) throws IOException {
    Path folder = cache().resolve(name);
    try {
      Files.createDirectories(folder, privately(folder));
      return isPrivate(folder) && Files.isWritable(folder) ? folder : null;
    } catch (FileSystemException e) {
      return null;
    }
  }

  private static List<Path> unpacked(List<Resource> resources, Path folder, boolean temporary)
      throws IOException {
    List<Path> files = new ArrayList<>();
    for (Resource r : resources) {
      Path file = folder.resolve(r.name);
      if (!r.isAt(file)) {
        r.unpack(file);
      }
      if (temporary) {
        file.toFile().deleteOnExit();
      }
      files.add(file);
    }
    return files;
  }

  private static FileAttribute<?>[] privately(Path folder) {
    return isPosix(folder)
        ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(PRIVATE)}
        : new FileAttribute<?>[0];
  }

  private static boolean isPosix(Path path) {
    return path.getFileSystem().supportedFileAttributeViews().contains("posix");
  }

  private static boolean isPrivate(Path folder) throws IOException {
    return !isPosix(folder)
        || !Files.isSymbolicLink(folder)
            && PRIVATE.containsAll(Files.getPosixFilePermissions(folder))
            && Files.getOwner(folder).equals(Files.getOwner(home()));
  }

  private static Path home() {
    return Path.of(System.getProperty("user.home", "."));
  }

  /** The system property hesse.cache, or else the platform's place for caches. */
  private static Path cache() {
    String given = System.getProperty("hesse.cache");
    if (given != null) {
      return Path.of(given);
    }
    String os = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
    String folder = System.getenv(os.startsWith("windows") ? "LOCALAPPDATA" : "XDG_CACHE_HOME");
    if (folder != null && Path.of(folder).isAbsolute()) {
      return Path.of(folder, "hesse");
    }
    return os.startsWith("mac")
        ? home().resolve(Path.of("Library", "Caches", "hesse"))
        : home().resolve(Path.of(".cache", "hesse"));
  }
}
