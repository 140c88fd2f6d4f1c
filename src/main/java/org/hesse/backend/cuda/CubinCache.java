package org.hesse.backend.cuda;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Compiled kernels as files, each named after all that it was made from. A file is the code's
 * SHA-256 and the code, and appears under its name when it is whole, so that any number of
 * processes may share the folder and a damaged file is as good as none. What has not been used for
 * longest is removed where there is too much.
 */
final class CubinCache {
  /** Some ten thousand kernels. */
  static final long LIMIT = 256L << 20;

  private static final int HASH_BYTES = 32;
  private static final String ENDING = ".cubin";
  private static final String PARTIAL = ".part";

  /** Whose writer must be gone. */
  private static final Duration OLD = Duration.ofHours(1);

  /** How much may be written between two looks at the whole folder, as a part of the limit. */
  private static final int PARTS = 16;

  private final @Nullable Path folder;
  private final long limit;
  private long unseen;

  /**
   * @param folder null for none
   * @param limit the most bytes that the folder may have, more or less: what has not been read for
   *     longest goes first
   */
  CubinCache(@Nullable Path folder, long limit) {
    this.folder = folder;
    this.limit = limit;
    this.unseen = limit;
  }

  /** The name of what is compiled from all this. */
  static String key(
      String device,
      String compiler,
      List<String> options,
      Map<String, String> headers,
      String source) {
    MessageDigest hash = sha256();
    add(hash, device);
    add(hash, compiler);
    options.forEach(o -> add(hash, o));
    headers.forEach((name, text) -> {
      add(hash, name);
      add(hash, text);
    });
    add(hash, source);
    return HexFormat.of().formatHex(hash.digest());
  }

  /** With its length, so that no two lists of texts run into the same characters. */
  private static void add(MessageDigest hash, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    hash.update((bytes.length + ":").getBytes(StandardCharsets.US_ASCII));
    hash.update(bytes);
  }

  /** The code of a name; null if there is none, or it is not what was written. */
  byte @Nullable [] read(String key) {
    Path file = file(key);
    if (file == null || !Files.isRegularFile(file)) {
      return null;
    }
    try {
      byte[] bytes = Files.readAllBytes(file);
      if (bytes.length <= HASH_BYTES) {
        return null;
      }
      byte[] code = Arrays.copyOfRange(bytes, HASH_BYTES, bytes.length);
      byte[] hash = Arrays.copyOf(bytes, HASH_BYTES);
      if (!MessageDigest.isEqual(hash, sha256().digest(code))) {
        return null;
      }
      touch(file);
      return code;
    } catch (IOException e) {
      return null;
    }
  }

  /** A file's time is that of its last use, to the hour. */
  private static void touch(Path file) {
    try {
      Instant now = Instant.now();
      if (Files.getLastModifiedTime(file).toInstant().isBefore(now.minus(OLD))) {
        Files.setLastModifiedTime(file, FileTime.from(now));
      }
    } catch (IOException e) {
      // Removed by now, or not ours to change: its age stays.
    }
  }

  /** Keeps code. If that is not possible it will be compiled again another time. */
  void write(String key, byte[] code) {
    Path file = file(key);
    if (file == null || folder == null) {
      return;
    }
    try {
      Path partial = Files.createTempFile(folder, key.substring(0, 8), PARTIAL);
      try {
        byte[] bytes = Arrays.copyOf(sha256().digest(code), HASH_BYTES + code.length);
        System.arraycopy(code, 0, bytes, HASH_BYTES, code.length);
        Files.write(partial, bytes);
        try {
          Files.move(partial, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) {
          Files.move(partial, file, StandardCopyOption.REPLACE_EXISTING);
        }
      } finally {
        Files.deleteIfExists(partial);
      }
      unseen += HASH_BYTES + code.length;
      if (unseen > limit / PARTS) {
        unseen = 0;
        trim(folder);
      }
    } catch (IOException e) {
      System.getLogger("org.hesse")
          .log(System.Logger.Level.DEBUG, "compiled kernels are not kept in " + folder, e);
    }
  }

  private record Kept(Path file, long bytes, FileTime used) {}

  /**
   * Removes what has not been used for longest while there is too much, and what writers that have
   * died left. Whoever wants one of these files at that moment has read it, or compiles it again.
   */
  private void trim(Path folder) throws IOException {
    List<Kept> all = new ArrayList<>();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        String name = String.valueOf(file.getFileName());
        if (name.endsWith(ENDING) || name.endsWith(PARTIAL)) {
          try {
            all.add(new Kept(file, Files.size(file), Files.getLastModifiedTime(file)));
          } catch (NoSuchFileException e) {
            // Another process removes files as well.
          }
        }
      }
    }
    FileTime old = FileTime.from(Instant.now().minus(OLD));
    long total = all.stream().mapToLong(Kept::bytes).sum();
    all.sort(Comparator.comparing(Kept::used));
    for (Kept k : all) {
      boolean partial = !k.file.toString().endsWith(ENDING);
      if (partial ? k.used.compareTo(old) < 0 : total > limit) {
        Files.deleteIfExists(k.file);
        total -= k.bytes;
      }
    }
  }

  /** Forgets what turned out to be of no use. */
  void remove(String key) {
    Path file = file(key);
    if (file != null) {
      try {
        Files.deleteIfExists(file);
      } catch (IOException e) {
        System.getLogger("org.hesse")
            .log(System.Logger.Level.DEBUG, "a compiled kernel cannot be removed", e);
      }
    }
  }

  private @Nullable Path file(String key) {
    return folder == null ? null : folder.resolve(key + ENDING);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
