package org.hesse.backend.cuda;

import org.hesse.backend.View;

/**
 * How the lines of a domain, which its last axis makes, are shared out to blocks of threads, as
 * {@code lines.cuh} has it.
 *
 * @param kept the other axes
 * @param chunks how many parts a line is cut into, each a block's
 */
record CudaLines(
    int[] kept, long lines, int length, int side, boolean across, int chunks, long chunk) {
  private static final int THREADS = 256;

  /** With fewer neighbouring lines each is gone along by itself. */
  private static final int MIN_LINES = 8;

  /** So many elements for each thread, at least, are a chunk. */
  private static final int CHUNK = 32;

  /** Lines of the operand that is read. */
  static CudaLines of(CudaContext context, int[] domain, View in) {
    int last = domain.length - 1;
    int length = domain[last];
    long[] s = in.strides();
    boolean across =
        last > 0 && domain[last - 1] >= MIN_LINES && Math.abs(s[last - 1]) < Math.abs(s[last]);
    int side =
        across
            ? Math.min(32, Domains.powerOfTwo(domain[last - 1]))
            : THREADS / Math.min(THREADS, Domains.powerOfTwo(length / 4));
    int[] kept = Domains.range(domain, 0, last);
    long lines = Domains.size(kept);
    int parts = THREADS / side;
    long wanted = Math.max(1, 4L * context.multiprocessors() / Math.ceilDiv(lines, side));
    long chunk = Math.max(Math.ceilDiv(length, wanted), (long) CHUNK * parts);
    chunk = Math.min(length, Math.ceilDiv(chunk, 4L * parts) * 4 * parts);
    int chunks = Math.toIntExact(Math.ceilDiv(length, chunk));
    return new CudaLines(kept, lines, length, side, across, chunks, chunk);
  }

  /** {@code HesseLineShape}. */
  Argument.I64s shape() {
    return new Argument.I64s(lines, length, side, THREADS / side, across ? 1 : 0, chunks, chunk);
  }

  Launch.Grid grid() {
    return Launch.Grid.of(Math.multiplyExact(Math.ceilDiv(lines, side), chunks), THREADS);
  }

  /** A thread for each line. */
  Launch.Grid each() {
    return Launch.Grid.of(Math.ceilDiv(lines, THREADS), THREADS);
  }

  Argument.I32s axes() {
    return Domains.axes(kept);
  }

  /** Strides from line to line. */
  Argument.I64s strides(View in, View out) {
    return Domains.strides(
        Domains.range(in.strides(), 0, kept.length), Domains.range(out.strides(), 0, kept.length));
  }
}
