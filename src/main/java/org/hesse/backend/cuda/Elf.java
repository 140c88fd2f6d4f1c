package org.hesse.backend.cuda;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The dynamic section of a 64-bit little-endian shared library: what it needs, and the same under
 * other names. Layouts are those of the System V ABI and of the Linux Standard Base (symbol
 * versions).
 */
final class Elf {
  private static final ValueLayout.OfShort U16 =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt U32 =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong U64 =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final int MAGIC = 0x464c457f;
  private static final int CLASS_64_LITTLE_ENDIAN = 0x0102;
  private static final int SHARED = 3;

  private static final int LOADED = 1;
  private static final int DYNAMIC = 2;

  private static final long END = 0;
  private static final long NEEDED = 1;
  private static final long STRINGS = 5;
  private static final long SONAME = 14;
  private static final long VERSIONS_NEEDED = 0x6ffffffe;
  private static final long VERSIONS_NEEDED_COUNT = 0x6fffffff;

  private final MemorySegment image;
  private final List<Stretch> stretches = new ArrayList<>();
  private final Map<Long, Long> dynamic = new LinkedHashMap<>();

  /** Where in the file the names of needed libraries are. */
  private final List<Long> neededNames = new ArrayList<>();

  private final long strings;

  /** A part of the file and the address it is mapped to. */
  private record Stretch(long address, long offset, long size) {}

  private Elf(MemorySegment image) throws IOException {
    this.image = image;
    try {
      if (u32(0) != MAGIC || u16(4) != CLASS_64_LITTLE_ENDIAN || u16(16) != SHARED) {
        throw new IOException("no shared library of a 64-bit little-endian system");
      }
      readDynamic(readSegments());
      this.strings = offset(STRINGS);
      neededNames.replaceAll(at -> strings + at);
    } catch (IndexOutOfBoundsException e) {
      throw new IOException("a damaged library: " + e.getMessage(), e);
    }
  }

  /** The position of the dynamic section. */
  private long readSegments() throws IOException {
    long at = u64(32);
    int size = u16(54);
    int count = u16(56);
    long section = -1;
    for (int i = 0; i < count; i++, at += size) {
      int type = u32(at);
      if (type == LOADED) {
        stretches.add(new Stretch(u64(at + 16), u64(at + 8), u64(at + 32)));
      } else if (type == DYNAMIC) {
        section = u64(at + 8);
      }
    }
    if (section < 0) {
      throw new IOException("a library that is not dynamic");
    }
    return section;
  }

  private void readDynamic(long section) {
    for (long at = section; u64(at) != END; at += 16) {
      if (u64(at) == NEEDED) {
        neededNames.add(u64(at + 8));
      } else {
        dynamic.put(u64(at), u64(at + 8));
      }
    }
  }

  /** What a library needs, by name, in its order. */
  static List<String> needed(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
        Arena arena = Arena.ofConfined()) {
      MemorySegment all = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
      Elf elf = new Elf(all);
      return elf.neededNames.stream().map(elf::string).toList();
    }
  }

  /** The name that a library gives itself; empty if it has none. */
  static String soname(byte[] library) throws IOException {
    Elf elf = new Elf(MemorySegment.ofArray(library));
    Long at = elf.dynamic.get(SONAME);
    return at == null ? "" : elf.string(elf.strings + at);
  }

  /**
   * A copy of a library that needs other libraries: names of files, and versions of symbols that
   * are called so too.
   *
   * @param names from old to new, of the same length
   * @throws IOException if the library cannot be read
   */
  static byte[] renamed(byte[] library, Map<String, String> names) throws IOException {
    byte[] copy = library.clone();
    Elf elf = new Elf(MemorySegment.ofArray(copy));
    try {
      elf.rename(names);
    } catch (IndexOutOfBoundsException e) {
      throw new IOException("a damaged library: " + e.getMessage(), e);
    }
    return copy;
  }

  /** Places are collected first, since one string may be both a file's name and a version's. */
  private void rename(Map<String, String> names) throws IOException {
    Map<Long, String> texts = new LinkedHashMap<>();
    Map<Long, String> hashed = new LinkedHashMap<>();
    for (long at : neededNames) {
      collect(names, at, texts);
    }
    long count = dynamic.getOrDefault(VERSIONS_NEEDED_COUNT, 0L);
    long file = count == 0 ? 0 : offset(VERSIONS_NEEDED);
    for (long i = 0; i < count; i++) {
      collect(names, strings + u32(file + 4), texts);
      long version = file + u32(file + 8);
      for (int k = u16(file + 2); k > 0; k--) {
        long name = strings + u32(version + 8);
        if (collect(names, name, texts)) {
          hashed.put(version, texts.get(name));
        }
        version += u32(version + 12);
      }
      file += u32(file + 12);
    }
    texts.forEach((at, text) -> image.setString(at, text, StandardCharsets.US_ASCII));
    hashed.forEach((at, text) -> image.set(U32, at, hash(text)));
  }

  private boolean collect(Map<String, String> names, long at, Map<Long, String> texts)
      throws IOException {
    String old = string(at);
    String name = names.get(old);
    if (name == null) {
      return false;
    }
    if (name.length() != old.length()) {
      throw new IOException(old + " cannot become " + name + ", which has another length");
    }
    texts.put(at, name);
    return true;
  }

  /** The hash that versions are compared by, as the System V ABI has it for symbols. */
  static int hash(String name) {
    int h = 0;
    for (byte b : name.getBytes(StandardCharsets.US_ASCII)) {
      h = (h << 4) + b;
      int high = h & 0xf0000000;
      h = (h ^ high >>> 24) & ~high;
    }
    return h;
  }

  /** Where in the file that is which an entry of the dynamic section has the address of. */
  private long offset(long entry) throws IOException {
    Long address = dynamic.get(entry);
    for (Stretch s : stretches) {
      if (address != null && address >= s.address && address - s.address < s.size) {
        return s.offset + (address - s.address);
      }
    }
    throw new IOException("a library without entry " + entry + " in its dynamic section");
  }

  private String string(long at) {
    return image.getString(at, StandardCharsets.US_ASCII);
  }

  private int u16(long at) {
    return image.get(U16, at) & 0xffff;
  }

  private int u32(long at) {
    return image.get(U32, at);
  }

  private long u64(long at) {
    return image.get(U64, at);
  }
}
