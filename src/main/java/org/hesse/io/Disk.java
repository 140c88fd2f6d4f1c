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
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** Opening and replacing files, with errors that name them. */
final class Disk {
  /** What a reader does with its open file. */
  @FunctionalInterface
  interface Reader<T> {
    T read(InputStream in) throws IOException;
  }

  /** What a writer does with the file it fills. */
  @FunctionalInterface
  interface Writer {
    void write(OutputStream out) throws IOException;
  }

  private Disk() {}

  /** Length in bytes of a file that is there and not empty. */
  static long length(Path file) throws DataException {
    if (!Files.exists(file)) {
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
      case NoSuchFileException _ -> new DataException(file + ": no such file or folder", e);
      case AccessDeniedException _ -> new DataException(file + ": " + what + ": no permission", e);
      case FileSystemException f when f.getReason() != null ->
          new DataException(file + ": " + what + ": " + f.getReason(), e);
      default -> new DataException(file + ": " + what + ": " + e.getMessage(), e);
    };
  }

  /**
   * Writes a file beside its destination and renames it, so that the destination holds either what
   * it held before or all of the new content.
   */
  static void replace(Path file, Writer writer) throws DataException {
    if (Files.isDirectory(file)) {
      throw DataException.in(file, "is a folder, not a file");
    }
    try {
      Path target = Files.isSymbolicLink(file) ? file.toRealPath() : file.toAbsolutePath();
      Path folder = target.getParent();
      if (folder == null || !Files.isDirectory(folder)) {
        throw DataException.in(file, "cannot be written: there is no folder " + folder);
      }
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
      throw failed(file, e, "cannot be written");
    }
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
