package org.hesse.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import org.jspecify.annotations.Nullable;

/**
 * Writes to a descriptor that this process was started with, through the C library's {@code write}.
 * Opening {@code /dev/fd/N} instead would not do: of a regular file that makes a second position,
 * and what others write to the same file would overwrite it.
 */
final class DescriptorStream extends OutputStream {
  private final int descriptor;
  private @Nullable MethodHandle write;

  DescriptorStream(int descriptor) {
    this.descriptor = descriptor;
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment data = arena.allocate(Math.max(1, length));
      MemorySegment.copy(bytes, offset, data, ValueLayout.JAVA_BYTE, 0, length);
      long done = 0;
      while (done < length) {
        long n = (long) handle().invokeExact(descriptor, data.asSlice(done), length - done);
        if (n <= 0) {
          throw new IOException("descriptor " + descriptor + " cannot be written to");
        }
        done += n;
      }
    } catch (IOException | RuntimeException | Error e) {
      throw e;
    } catch (Throwable t) {
      throw new IOException(t);
    }
  }

  /** Bound at the first use, since most runs write nothing here. */
  private MethodHandle handle() {
    if (write == null) {
      Linker linker = Linker.nativeLinker();
      write =
          linker.downcallHandle(
              linker.defaultLookup().findOrThrow("write"),
              FunctionDescriptor.of(
                  ValueLayout.JAVA_LONG,
                  ValueLayout.JAVA_INT,
                  ValueLayout.ADDRESS,
                  ValueLayout.JAVA_LONG));
    }
    return write;
  }
}
