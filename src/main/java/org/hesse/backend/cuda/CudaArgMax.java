package org.hesse.backend.cuda;

import java.util.ArrayList;
import java.util.List;
import org.hesse.DType;
import org.hesse.backend.Step;

/** Finds the first maximum of each line; NaN counts as largest. */
final class CudaArgMax extends Launches {
  private static final String FILE = "argmax.cu";

  CudaArgMax(CudaContext context, Step.ArgMax step) {
    super(launches(context, step));
  }

  private static Launches launches(CudaContext context, Step.ArgMax step) {
    CudaLines lines = CudaLines.of(context, step.domain(), step.in());
    DType dtype = step.in().slot().dtype();
    String suffix = Domains.suffix(dtype);
    Argument out = new Argument.Address(step.out());
    Argument candidates = new Argument.Scratch(0);
    Argument strides = lines.strides(step.in(), step.out());
    List<Launch> all = new ArrayList<>();
    all.add(
        new Launch(
            context.kernel(FILE, "argmax" + suffix),
            lines.grid(),
            new Argument.Address(step.in()),
            out,
            candidates,
            lines.axes(),
            strides,
            new Argument.I64(step.in().strides()[step.domain().length - 1]),
            lines.shape()));
    if (lines.chunks() > 1) {
      all.add(
          new Launch(
              context.kernel(FILE, "argmax_chunks" + suffix),
              lines.each(),
              candidates,
              out,
              lines.axes(),
              strides,
              lines.shape()));
    }
    int candidate = dtype == DType.F64 ? 16 : 12;
    long bytes = lines.chunks() > 1 ? lines.lines() * lines.chunks() * candidate : 0;
    return new Launches(all, bytes);
  }
}
