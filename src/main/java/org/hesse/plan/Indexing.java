package org.hesse.plan;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.hesse.Shape;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.ir.Op;

/**
 * Writes gathering and scattering as steps. Common to both are groups of axes, B that all share, P
 * before the one that is indexed, I of the indices, T behind: [B, P, I, T] is gathered and
 * scattered, [B, P, n, T] is indexed, and [B, I] are the indices. A view without some of them
 * repeats itself along these, with a stride of 0.
 */
final class Indexing {
  private final int batch;
  private final int before;
  private final int own;

  private Indexing(int batch, int axis, View at) {
    this.batch = batch;
    this.before = axis - batch;
    this.own = at.strides().length - batch;
  }

  static Step.Gather gather(Op.Gather op, Shape from, View in, Shape to, View at, Slot slot) {
    Indexing i = new Indexing(op.batch(), op.axis(), at);
    long[] inStrides = i.withIndices(in.strides(), new long[i.own]);
    long[] outStrides = dense(to);
    Loops loops =
        Loops.merged(
            to.dims(), new int[] {to.rank()}, inStrides, i.indices(at, to.rank()), outStrides);
    return new Step.Gather(
        loops.domain(),
        new View(in.slot(), in.offset(), loops.strides()[0]),
        from.dim(op.axis()),
        in.strides()[op.axis()],
        new View(at.slot(), at.offset(), loops.strides()[1]),
        new View(slot, 0, loops.strides()[2]));
  }

  static Step.ScatterAdd scatterAdd(
      Op.ScatterAdd op, Shape from, View in, Shape to, View at, Slot slot) {
    Indexing i = new Indexing(op.batch(), op.axis(), at);
    int rank = from.rank();
    long[] outStrides = i.sorted(i.withIndices(dense(to), new long[i.own]));
    int[] dims = from.dims();
    int[] domain = Arrays.stream(i.order(rank)).map(a -> dims[a]).toArray();
    int[] ends = {i.batch, i.batch + i.own, rank};
    long[] atStrides = i.sorted(i.indices(at, rank));
    Loops loops = Loops.merged(domain, ends, i.sorted(in.strides()), atStrides, outStrides);
    int[] groups = loops.groups();
    int b = groups[0];
    int last = b + groups[1];
    long[] out = loops.strides()[2];
    long[] kept =
        concat(
            Arrays.copyOf(out, b),
            new long[] {dense(to)[op.axis()]},
            Arrays.copyOfRange(out, last, out.length));
    return new Step.ScatterAdd(
        loops.domain(),
        b,
        groups[1],
        new View(in.slot(), in.offset(), loops.strides()[0]),
        new View(at.slot(), at.offset(), Arrays.copyOf(loops.strides()[1], last)),
        to.dim(op.axis()),
        new View(slot, 0, kept));
  }

  static long[] dense(Shape shape) {
    return IndexMap.identity(shape).linear(shape).strides();
  }

  private static long[] concat(long[]... parts) {
    return Arrays.stream(parts).flatMapToLong(Arrays::stream).toArray();
  }

  /** Strides over [B, P, n, T] with others over I in place of n. */
  private long[] withIndices(long[] strides, long[] own) {
    int axis = batch + before;
    return concat(
        Arrays.copyOf(strides, axis), own, Arrays.copyOfRange(strides, axis + 1, strides.length));
  }

  /** Strides of the indices over all of [B, P, I, T]. */
  private long[] indices(View at, int rank) {
    long[] s = at.strides();
    long[] shared = Arrays.copyOf(s, batch);
    long[] tail = new long[rank - batch - before - own];
    return concat(shared, new long[before], Arrays.copyOfRange(s, batch, s.length), tail);
  }

  /** [B, P, I, T] as [B, I, P, T]. */
  private int[] order(int rank) {
    int axis = batch + before;
    IntStream first =
        IntStream.concat(IntStream.range(0, batch), IntStream.range(axis, axis + own));
    IntStream last =
        IntStream.concat(IntStream.range(batch, axis), IntStream.range(axis + own, rank));
    return IntStream.concat(first, last).toArray();
  }

  private long[] sorted(long[] strides) {
    return Arrays.stream(order(strides.length)).mapToLong(a -> strides[a]).toArray();
  }
}
