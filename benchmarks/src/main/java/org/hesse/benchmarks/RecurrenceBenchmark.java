package org.hesse.benchmarks;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.grad;
import static org.hesse.ControlFlow.scan;

import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.hesse.DType;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/**
 * A recurrent network, h ← tanh(x W + h U + b), as a scan and unrolled, in F32. {@code
 * recurrence.py} beside RESULTS.md times the same of PyTorch.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class RecurrenceBenchmark {
  /** How the loop is written, steps, batch size and width. */
  @Param({"scan@100x32x128", "unrolled@100x32x128", "scan@1000x1x16", "unrolled@1000x1x16"})
  public String workload;

  /** Weights of the network. */
  public record Cell(Tensor input, Tensor recurrent, Tensor bias) {}

  private Function<Cell, Tensor> forward;
  private UnaryOperator<Cell> gradient;
  private Cell cell;

  /** Makes weights and data from a fixed seed. */
  @Setup
  public void setUp() {
    String[] parts = workload.split("@", 2);
    String[] sizes = parts[1].split("x");
    int steps = Integer.parseInt(sizes[0]);
    int batch = Integer.parseInt(sizes[1]);
    int width = Integer.parseInt(sizes[2]);
    RngKey[] keys = RngKey.of(1).split(4);
    double scale = 1 / Math.sqrt(width);
    cell =
        new Cell(
            keys[0].normal(DType.F32, width, width).mul(scale),
            keys[1].normal(DType.F32, width, width).mul(scale),
            keys[2].normal(DType.F32, width).mul(0.1));
    Tensor x = keys[3].normal(DType.F32, steps, batch, width);
    Tensor start = Tensor.zeros(DType.F32, batch, width);
    boolean loop = parts[0].equals("scan");
    Function<Cell, Tensor> last =
        c -> loop ? scan((Tensor h, Tensor t) -> next(c, h, t), start, x) : unrolled(c, start, x);
    forward = compile((Cell c) -> last.apply(c).square().mean());
    Function<Cell, Cell> compiled =
        compile(grad((Cell c) -> last.apply(c).square().mean()));
    gradient = compiled::apply;
  }

  private static Tensor next(Cell c, Tensor h, Tensor x) {
    return x.matmul(c.input()).add(h.matmul(c.recurrent())).add(c.bias()).tanh();
  }

  private static Tensor unrolled(Cell c, Tensor start, Tensor x) {
    Tensor h = start;
    for (int t = 0; t < x.dim(0); t++) {
      h = next(c, h, x.select(0, t));
    }
    return h;
  }

  /** The mean square of the last state. */
  @Benchmark
  public Tensor forward() {
    return forward.apply(cell);
  }

  /** Its gradient in all weights. */
  @Benchmark
  public Cell gradient() {
    return gradient.apply(cell);
  }
}
