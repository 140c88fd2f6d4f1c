package org.hesse.benchmarks;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.valueAndGrad;

import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.hesse.Autodiff.ValueAndGradient;
import org.hesse.DType;
import org.hesse.Functions;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.hesse.nn.Layer;
import org.hesse.nn.LayerNorm;
import org.hesse.nn.Linear;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** One block of a transformer, normalised before attention and perceptron, in F32. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class TransformerBenchmark {
  /** Batch size, tokens, features, heads and width of the perceptron. */
  @Param("16x64x128x4x512")
  public String workload;

  private Block block;
  private Tensor x;
  private Function<Block, Tensor> forward;
  private Function<Block, ValueAndGradient<Block>> gradient;

  /** Self-attention of several heads. */
  public record Attention(int heads, Linear q, Linear k, Linear v, Linear out) implements Layer {
    static Attention init(RngKey key, int features, int heads) {
      RngKey[] keys = key.split(4);
      return new Attention(
          heads,
          Linear.init(keys[0], features, features, DType.F32),
          Linear.init(keys[1], features, features, DType.F32),
          Linear.init(keys[2], features, features, DType.F32),
          Linear.init(keys[3], features, features, DType.F32));
    }

    /** [batch, tokens, features] as [batch, heads, tokens, features/heads]. */
    private Tensor split(Tensor t) {
      Tensor parts = t.reshape(t.dim(0), t.dim(1), heads, t.dim(2) / heads);
      return parts.permute(0, 2, 1, 3);
    }

    @Override
    public Tensor apply(Tensor x) {
      Tensor y =
          Functions.attention(split(q.apply(x)), split(k.apply(x)), split(v.apply(x)));
      return out.apply(y.permute(0, 2, 1, 3).reshape(x.dim(0), x.dim(1), x.dim(2)));
    }
  }

  /** The block. */
  public record Block(LayerNorm first, Attention attention, LayerNorm second, Linear up, Linear down)
      implements Layer {
    @Override
    public Tensor apply(Tensor x) {
      Tensor y = x.add(attention.apply(first.apply(x)));
      return y.add(down.apply(Functions.gelu(up.apply(second.apply(y)))));
    }
  }

  /** Makes a block and its input from a fixed seed. */
  @Setup
  public void setUp() {
    String[] sizes = workload.split("x");
    int features = Integer.parseInt(sizes[2]);
    int width = Integer.parseInt(sizes[4]);
    RngKey[] keys = RngKey.of(1).split(4);
    block =
        new Block(
            LayerNorm.init(features, DType.F32),
            Attention.init(keys[0], features, Integer.parseInt(sizes[3])),
            LayerNorm.init(features, DType.F32),
            Linear.init(keys[1], features, width, DType.F32),
            Linear.init(keys[2], width, features, DType.F32));
    x = keys[3].normal(DType.F32, Integer.parseInt(sizes[0]), Integer.parseInt(sizes[1]), features);
    forward = compile((Block b) -> b.apply(x));
    gradient = compile((Block b) -> valueAndGrad((Block p) -> p.apply(x).square().mean()).apply(b));
  }

  /** The block's result. */
  @Benchmark
  public Tensor forward() {
    return forward.apply(block);
  }

  /** The mean square of the result and its gradient in all weights. */
  @Benchmark
  public ValueAndGradient<Block> gradient() {
    return gradient.apply(block);
  }
}
