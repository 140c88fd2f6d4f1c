package org.hesse.io;

import java.io.BufferedOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** Opens and replaces files, with errors that name them and say what is wrong. */
public final class Disk {
  private static final String UNWRITABLE = "cannot be written";

  /** What a reader does with its open file. */
  @FunctionalInterface
  interface Reader<T> {
    T read(InputStream in) throws IOException;
  }

  /** What a writer does with the file it fills. */
  @FunctionalInterface
  public interface Writer {
    /** Writes all of the content to a stream that is closed for it. */
    void write(OutputStream out) throws IOException;
  }

  private Disk() {}

  /** Length in bytes of a file that is there and not empty. */
  static long length(Path file) throws DataException {
    if (Files.notExists(file)) {
      throw DataException.in(file, "no such file");
    }
    if (Files.isDirectory(file)) {
      throw DataException.in(file, "is a folder, not a file");
    }
    try {
      long length = Files.size(file);
      if (length == 0) {
        throw DataException.in(file, "the file is empty");
      }
      return length;
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  /** Opens a file, reads it and closes it; every I/O error becomes a {@link DataException}. */
  static <T> T read(Path file, Reader<T> reader) throws DataException {
    try (InputStream in = Files.newInputStream(file)) {
      return reader.read(in);
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  static DataException unreadable(Path file, IOException e) {
    return failed(file, e, "cannot be read");
  }

  private static DataException failed(Path file, IOException e, String what) {
    return switch (e) {
      case DataException d -> d;
      case NoSuchFileException _ -> new DataException(file + ": " + reason(e), e);
      default -> new DataException(file + ": " + what + ": " + reason(e), e);
    };
  }

  /** Why a file could not be read or written, without its name. */
  public static String reason(IOException e) {
    return switch (e) {
      case NoSuchFileException _ -> "no such file or folder";
      case AccessDeniedException _ -> "no permission";
      case FileAlreadyExistsException _ -> "there is a file of this name";
      case FileSystemException f when f.getReason() != null -> f.getReason();
      default -> e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    };
  }

  /** Why a name cannot be a file's, for example because the locale lacks its letters. */
  public static String describe(InvalidPathException e) {
    String encoding = System.getProperty("sun.jnu.encoding", "UTF-8");
    String remedy =
        encoding.startsWith("UTF")
            ? ""
            : "; names are read as " + encoding + ", set LC_ALL=C.UTF-8 for UTF-8";
    return "cannot be a file's name: " + e.getReason() + remedy;
  }

  /**
   * Writes a file beside its destination and renames it, so that the destination holds either what
   * it held before or all of the new content. A device or a pipe is written to as it is.
   *
   * @throws DataException naming the file and why it cannot be written: it is a folder, its folder
   *     is missing or closed to writing, there is no space
   */
  public static void replace(Path file, Writer writer) throws DataException {
    try {
      if (isSpecial(file)) {
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file))) {
          writer.write(out);
        }
        return;
      }
      Path target = target(file);
      Path temporary = fill(target, writer);
      try {
        Files.move(
            temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      } catch (AtomicMoveNotSupportedException e) {
        Files.move(temporary, target, StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(temporary);
      }
    } catch (IOException e) {
      throw failed(file, e, UNWRITABLE);
    }
  }

  /**
   * Finds out whether {@link #replace} could write a file, by making an empty one beside it and
   * deleting that: permissions alone do not tell. What the file holds stays.
   *
   * @throws DataException as {@link #replace} does
   */
  public static void requireReplaceable(Path file) throws DataException {
    try {
      if (!isSpecial(file)) {
        Files.delete(fill(target(file), out -> {}));
      } else if (!Files.isWritable(file)) {
        throw DataException.in(file, UNWRITABLE + ": no permission");
      }
    } catch (IOException e) {
      throw failed(file, e, UNWRITABLE);
    }
  }

  /** What a name stands for that is not a file of some known type, as in "x: is a folder". */
  public static String describe(Path file) {
    if (Files.isDirectory(file)) {
      return "is a folder";
    }
    if (isSpecial(file)) {
      return "is a device or a pipe, not a file";
    }
    return Files.exists(file) ? "is a file of an unknown type" : "there is no such file";
  }

  /** A device or a pipe, whose place a renamed file would take for good. */
  private static boolean isSpecial(Path file) {
    return Files.exists(file) && !Files.isRegularFile(file) && !Files.isDirectory(file);
  }

  /** The file that a name stands for. */
  private static Path target(Path file) throws IOException {
    if (Files.isDirectory(file)) {
      throw DataException.in(file, "is a folder, not a file");
    }
    Path target = Files.isSymbolicLink(file) ? file.toRealPath() : file.toAbsolutePath();
    Path folder = target.getParent();
    if (folder == null || !Files.isDirectory(folder)) {
      String problem =
          folder != null && Files.exists(folder)
              ? folder + " is not a folder"
              : "there is no folder " + folder;
      throw DataException.in(file, UNWRITABLE + ": " + problem);
    }
    // To rename takes a permission in the folder only, but a protected file is meant to stay.
    if (Files.exists(target) && !Files.isWritable(target)) {
      throw DataException.in(file, UNWRITABLE + ": no permission");
    }
    return target;
  }

  private static Path fill(Path target, Writer writer) throws IOException {
    // Not Files.createTempFile: that makes a file which only its owner may read.
    SplitMix names = new SplitMix(System.nanoTime(), ProcessHandle.current().pid());
    while (true) {
      String name = target.getFileName() + "." + Long.toHexString(names.nextLong()) + ".tmp";
      Path temporary = target.resolveSibling(name);
      FileChannel channel;
      try {
        channel =
            FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
      } catch (FileAlreadyExistsException e) {
        continue;
      } catch (NoSuchFileException e) {
        throw new DataException(target + ": " + UNWRITABLE + ": its folder takes no new files", e);
      } catch (AccessDeniedException e) {
        throw new DataException(
            target + ": " + UNWRITABLE + ": no permission to make files in its folder", e);
      }
      boolean done = false;
      try (channel) {
        OutputStream out = new BufferedOutputStream(Channels.newOutputStream(channel), 1 << 16);
        writer.write(new Unclosed(out));
        out.flush();
        channel.force(true);
        done = true;
      } finally {
        if (!done) {
          Files.deleteIfExists(temporary);
        }
      }
      return temporary;
    }
  }

  /** Keeps a writer that closes its stream from closing the channel before it is forced. */
  private static final class Unclosed extends FilterOutputStream {
    Unclosed(OutputStream out) {
      super(out);
    }

    @Override
    public void write(byte[] b, int off, int len) throws IOException {
      out.write(b, off, len);
    }

    @Override
    public void close() throws IOException {
      flush();
    }
  }
}
