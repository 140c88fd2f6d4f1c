package org.hesse.backend.cuda;

import java.util.ArrayList;
import java.util.List;
import org.hesse.backend.Step;

/**
 * Running sums of lines, formed in double precision; those of I32 in 64 bits. A line that is cut
 * into chunks is gone over twice.
 */
final class CudaCumsum extends Launches {
  private static final String FILE = "cumsum.cu";

  CudaCumsum(CudaContext context, Step.Cumsum step) {
    super(launches(context, step));
  }

  private static Launches launches(CudaContext context, Step.Cumsum step) {
    CudaLines lines = CudaLines.of(context, step.domain(), step.in());
    int last = step.domain().length - 1;
    String suffix = Domains.suffix(step.out().slot().dtype());
    Argument in = new Argument.Address(step.in());
    Argument sums = new Argument.Scratch(0);
    Argument axes = lines.axes();
    Argument strides = lines.strides(step.in(), step.out());
    Argument inStep = new Argument.I64(step.in().strides()[last]);
    List<Launch> all = new ArrayList<>();
    if (lines.chunks() > 1) {
      all.add(
          new Launch(
              context.kernel(FILE, "cumsum_chunks" + suffix),
              lines.grid(),
              in,
              sums,
              axes,
              strides,
              inStep,
              lines.shape()));
      all.add(
          new Launch(
              context.kernel(FILE, "cumsum_before" + suffix),
              lines.each(),
              sums,
              new Argument.I64(lines.lines()),
              new Argument.I64(lines.chunks())));
    }
    all.add(
        new Launch(
            context.kernel(FILE, "cumsum" + suffix),
            lines.grid(),
            in,
            new Argument.Address(step.out()),
            sums,
            axes,
            strides,
            inStep,
            new Argument.I64(step.out().strides()[last]),
            lines.shape()));
    long bytes = lines.chunks() > 1 ? 8 * lines.lines() * lines.chunks() : 0;
    return new Launches(all, bytes);
  }
}
