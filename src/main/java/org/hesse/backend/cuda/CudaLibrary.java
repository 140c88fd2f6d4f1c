package org.hesse.backend.cuda;

import java.io.IOException;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * One of the libraries that CUDA needs: where it is, or what to do about it.
 *
 * @param name what it is called, such as "cuBLAS"
 * @param file its file's name, such as "libcublas.so.12"
 * @param path the file; null if there is none, or if it is packed in a jar
 * @param where the setting or installation that it was found in; empty if it was not
 * @param remedy what to do to have it; empty if it was found
 */
public record CudaLibrary(
    String name, String file, @Nullable Path path, String where, String remedy) {
  private static final Pattern NUMBERS = Pattern.compile("\\.so\\.([0-9.]+)$");

  /** Whether it is there. */
  public boolean found() {
    return remedy.isEmpty();
  }

  /** Its version as far as its file's name says it: 12.6.4.1 or only 12; empty if it does not. */
  public String version() {
    Path named = path;
    if (named != null) {
      try {
        named = named.toRealPath();
      } catch (IOException e) {
        // The link's own name then.
      }
    }
    Path last = named == null ? null : named.getFileName();
    Matcher m = NUMBERS.matcher(last == null ? file : last.toString());
    return m.find() ? m.group(1) : "";
  }

  @Override
  public String toString() {
    if (!found()) {
      return file + (path == null ? ": missing" : ": damaged, " + path);
    }
    return file + ": " + (path == null ? where : path.toString());
  }
}
