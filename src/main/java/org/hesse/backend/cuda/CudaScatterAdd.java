package org.hesse.backend.cuda;

import java.util.ArrayList;
import java.util.List;
import org.hesse.backend.Indices;
import org.hesse.backend.Step;

/**
 * Adds elements up where indices say, in double precision and in an order that is always the same.
 * Places are sorted by index, runs of them at first, which are then merged; so each element of the
 * result finds its terms side by side. With few indices each looks at all of them instead.
 */
final class CudaScatterAdd extends Launches {
  private static final String FILE = "scatter.cu";
  private static final int THREADS = 256;

  /** Up to so many indices are few. */
  private static final int FEW = 32;

  /** Places sorted at once, {@code HESSE_RUN}. */
  private static final int RUN = 512;

  /** A thread adds so many terms of an element, on average, before it is shared with another. */
  private static final int TERMS = 64;

  CudaScatterAdd(CudaContext context, Step.ScatterAdd step, Faults faults) {
    super(launches(context, step, faults));
  }

  private static Launches launches(CudaContext context, Step.ScatterAdd step, Faults faults) {
    Shape shape = Shape.of(step);
    int extent = step.extent();
    Argument fault = new Argument.I32(faults.code(index -> Indices.outside(index, extent)));
    String suffix = Domains.suffix(step.out().slot().dtype());
    Argument in = new Argument.Address(step.in());
    Argument at = new Argument.Address(step.at());
    Argument out = new Argument.Address(step.out());
    List<Launch> all = new ArrayList<>();
    if (shape.count <= FEW && extent > 0) {
      all.add(
          new Launch(
              context.kernel(FILE, "scatter_few" + suffix),
              grid(shape.size),
              in,
              at,
              out,
              shape.axes,
              shape.strides,
              shape.outAxes,
              shape.outStrides,
              shape.argument(),
              new Argument.Status(),
              fault));
      return new Launches(all, 0);
    }
    Argument from = new Argument.Scratch(0);
    Argument to = new Argument.Scratch(8 * shape.places);
    all.add(
        new Launch(
            context.kernel(FILE, "scatter_runs"),
            Launch.Grid.of(Math.ceilDiv(shape.places, RUN), THREADS),
            at,
            from,
            shape.axes,
            shape.strides,
            shape.argument(),
            new Argument.Status(),
            fault));
    for (long run = RUN; run < shape.places; run *= 2) {
      all.add(
          new Launch(
              context.kernel(FILE, "scatter_merge"),
              grid(shape.places),
              from,
              to,
              new Argument.I64(shape.places),
              new Argument.I64(run)));
      Argument merged = to;
      to = from;
      from = merged;
    }
    if (shape.size > 0) {
      all.add(
          new Launch(
              context.kernel(FILE, "scatter_sums" + suffix),
              Launch.Grid.of(Math.ceilDiv(shape.size, THREADS / shape.parts), THREADS),
              in,
              from,
              out,
              shape.axes,
              shape.strides,
              shape.outAxes,
              shape.outStrides,
              shape.argument()));
    }
    return new Launches(all, 16 * shape.places);
  }

  private static Launch.Grid grid(long threads) {
    return Launch.Grid.of(Math.ceilDiv(threads, THREADS), THREADS);
  }

  /** {@code HesseScatterShape}, and the domains of places and of the result. */
  private record Shape(
      long places,
      long count,
      long size,
      long rest,
      int extent,
      int bits,
      int parts,
      Argument axes,
      Argument strides,
      Argument outAxes,
      Argument outStrides) {
    static Shape of(Step.ScatterAdd step) {
      int[] domain = step.domain();
      int batch = step.batch();
      int last = batch + step.indices();
      int[] to = new int[batch + 1 + domain.length - last];
      long[] rest = new long[to.length];
      System.arraycopy(domain, 0, to, 0, batch);
      to[batch] = step.extent();
      System.arraycopy(domain, last, to, batch + 1, domain.length - last);
      System.arraycopy(step.in().strides(), last, rest, batch + 1, domain.length - last);
      int[] places = Domains.range(domain, 0, last);
      long count = Domains.size(Domains.range(domain, batch, last));
      long lanes = Domains.size(Domains.range(domain, last, domain.length));
      long keys = Domains.size(Domains.range(to, 0, batch + 1));
      int bits = 64 - Long.numberOfLeadingZeros(Domains.size(places) - 1);
      if (keys > Long.MAX_VALUE >> bits) {
        throw new UnsupportedOperationException(
            "scatterAdd: " + keys + " places for 2^" + bits + " indices do not fit a sorted entry");
      }
      return new Shape(
          Domains.size(places),
          count,
          keys * lanes,
          lanes,
          step.extent(),
          bits,
          parts(count, step.extent(), lanes),
          Domains.axes(places),
          Domains.strides(step.at().strides(), Domains.range(step.in().strides(), 0, last)),
          step.extent() == 0 ? Domains.axes(new int[0]) : Domains.axes(to),
          Domains.strides(step.out().strides(), rest));
    }

    /** Threads to an element of the result; neighbouring ones have neighbouring elements. */
    private static int parts(long count, int extent, long lanes) {
      int most = THREADS / Math.min(32, Domains.powerOfTwo(lanes));
      int parts = 1;
      while (parts < most && (long) parts * TERMS * extent <= count) {
        parts *= 2;
      }
      return parts;
    }

    Argument argument() {
      return new Argument.I64s(places, count, size, rest, extent, bits, parts);
    }
  }
}
