package org.hesse.backend.cuda;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Compiled kernels as files, each named after all that it was made from. A file is the code's
 * SHA-256 and the code, and appears under its name when it is whole, so that any number of
 * processes may share the folder and a damaged file is as good as none.
 */
final class CubinCache {
  private static final int HASH_BYTES = 32;

  private final @Nullable Path folder;

  /**
   * @param folder null for none
   */
  CubinCache(@Nullable Path folder) {
    this.folder = folder;
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
      return MessageDigest.isEqual(hash, sha256().digest(code)) ? code : null;
    } catch (IOException e) {
      return null;
    }
  }

  /** Keeps code. If that is not possible it will be compiled again another time. */
  void write(String key, byte[] code) {
    Path file = file(key);
    if (file == null || folder == null) {
      return;
    }
    try {
      Path partial = Files.createTempFile(folder, key.substring(0, 8), ".part");
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
    } catch (IOException e) {
      System.getLogger("org.hesse")
          .log(System.Logger.Level.DEBUG, "compiled kernels are not kept in " + folder, e);
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
    return folder == null ? null : folder.resolve(key + ".cubin");
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
