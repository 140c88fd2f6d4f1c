package org.hesse.backend.cpu;

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
import java.util.Set;
import java.util.jar.JarEntry;
import java.util.zip.CRC32;
import java.util.zip.CheckedOutputStream;

/**
 * Native libraries from the class path as files. They stay in the user's cache, in a folder that is
 * named after their checksums and that nobody else can write; what is found there is used if its
 * checksum is right. Where that folder cannot be had, they go to a temporary one for this process.
 */
final class NativeFiles {
  private static final Set<PosixFilePermission> PRIVATE =
      PosixFilePermissions.fromString("rwx------");

  private NativeFiles() {}

  /** A resource and what its contents must be. */
  private record Resource(URL url, String name, long size, long checksum) {
    static Resource of(String path) throws IOException {
      ClassLoader loader = NativeFiles.class.getClassLoader();
      URL url = loader == null ? null : loader.getResource(path);
      if (url == null) {
        throw new IOException("there is no resource " + path);
      }
      String name = path.substring(path.lastIndexOf('/') + 1);
      URLConnection connection = url.openConnection();
      JarEntry entry = connection instanceof JarURLConnection j ? j.getJarEntry() : null;
      if (entry != null && entry.getCrc() >= 0) {
        return new Resource(url, name, entry.getSize(), entry.getCrc());
      }
      CheckedOutputStream sum =
          new CheckedOutputStream(OutputStream.nullOutputStream(), new CRC32());
      try (InputStream in = url.openStream()) {
        long size = in.transferTo(sum);
        return new Resource(url, name, size, sum.getChecksum().getValue());
      }
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
        try (InputStream in = url.openStream()) {
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
  static List<Path> of(List<String> paths) throws IOException {
    List<Resource> resources = new ArrayList<>();
    CRC32 all = new CRC32();
    for (String path : paths) {
      Resource r = Resource.of(path);
      resources.add(r);
      all.update((r.name + r.size + r.checksum).getBytes(StandardCharsets.UTF_8));
    }
    try {
      Path folder = cache().resolve(String.format("native-%08x", all.getValue()));
      Files.createDirectories(folder, privately(folder));
      if (isPrivate(folder)) {
        return unpacked(resources, folder, false);
      }
    } catch (FileSystemException e) {
      // Not writable or full: the temporary folder is the next place to try.
    }
    Path folder = Files.createTempDirectory("hesse-native-");
    folder.toFile().deleteOnExit();
    return unpacked(resources, folder, true);
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
        || PRIVATE.containsAll(Files.getPosixFilePermissions(folder))
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
