package org.hesse.benchmarks.peer;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.openblas.global.openblas;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Dispatcher;
import org.bytedeco.pytorch.GenericList;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.OperatorHandle;
import org.bytedeco.pytorch.TensorType;
import org.bytedeco.pytorch.Type;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * The workloads on libtorch, as fast as it does them: tensors freed as soon as they are out of use,
 * gradients not added to old ones, parameters moved in place by its fused optimiser.
 */
final class TorchSide {
  static {
    // The first library that is loaded else takes those it needs from another libtorch that the
    // system has, as theirs do not lie beside it yet, and the process crashes.
    try {
      var _ = Loader.cacheResources(torch.class, "/org/bytedeco/pytorch/" + Loader.getPlatform());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Everything that a computation makes is freed when it is done. */
  private record Timed(Supplier<List<Tensor>> once) implements Work {
    @Override
    public Object run() {
      try (PointerScope scope = new PointerScope()) {
        once.get();
        return scope;
      }
    }

    @Override
    public float[] numbers() {
      try (PointerScope scope = new PointerScope()) {
        List<float[]> parts = new ArrayList<>();
        int count = 0;
        for (Tensor t : once.get()) {
          float[] values = new float[Math.toIntExact(t.numel())];
          new FloatPointer(t.contiguous().data_ptr_float()).get(values);
          parts.add(values);
          count += values.length;
        }
        float[] all = new float[count];
        int at = 0;
        for (float[] values : parts) {
          System.arraycopy(values, 0, all, at, values.length);
          at += values.length;
        }
        return all;
      }
    }
  }

  /** Both of its pools: its own, and that of the OpenBLAS that it multiplies with. */
  static void setThreads(int count) {
    torch.set_num_threads(count);
    openblas.blas_set_num_threads(count);
  }

  Work make(Workload w) {
    return new Timed(
        switch (w.kind()) {
          case "sgemm" -> product(Workload.sizes(w.subject()), w.batch());
          case "step" -> step(w);
          case "gradient" -> gradient(w);
          case "hvp" -> hessianProducts(w, 1);
          case "block16" -> hessianProducts(w, 16);
          case "density" -> density(w);
          case "transformer" -> transformer(w.subject().equals("fused"));
          case "forward", "backward" -> rows(w);
          case "add" -> add();
          default -> throw new IllegalArgumentException(w.name());
        });
  }

  private static long[] longs(int... dims) {
    long[] all = new long[dims.length];
    for (int i = 0; i < dims.length; i++) {
      all[i] = dims[i];
    }
    return all;
  }

  private static Tensor normal(long seed, double scale, int... dims) {
    return Tensor.create(Work.normal(seed, Work.product(dims), scale), longs(dims));
  }

  /** Parameters, each also as the optional operand that some functions want. */
  private record Parameters(TensorVector all, Tensor[] plain, TensorOptional[] optional) {
    static Parameters of(List<int[]> shapes) {
      Tensor[] plain = new Tensor[shapes.size()];
      TensorOptional[] optional = new TensorOptional[shapes.size()];
      for (int i = 0; i < plain.length; i++) {
        int[] dims = shapes.get(i);
        plain[i] = normal(100 + i, dims.length == 1 ? 0.1 : Work.spread(dims), dims);
        plain[i].set_requires_grad(true);
        optional[i] = new TensorOptional(plain[i]);
      }
      return new Parameters(new TensorVector(plain), plain, optional);
    }

    Tensor linear(Tensor x, int i) {
      return torch.linear(x, plain[i], optional[i + 1]);
    }

    Tensor layerNorm(Tensor x, int i, long[] last) {
      return torch.layer_norm(x, last, optional[i], optional[i + 1], 1e-5, true);
    }
  }

  private static Supplier<List<Tensor>> product(int[] mkn, int batch) {
    int[] left = batch == 1 ? new int[] {mkn[0], mkn[1]} : new int[] {batch, mkn[0], mkn[1]};
    int[] right = batch == 1 ? new int[] {mkn[1], mkn[2]} : new int[] {batch, mkn[1], mkn[2]};
    int[] dims = batch == 1 ? new int[] {mkn[0], mkn[2]} : new int[] {batch, mkn[0], mkn[2]};
    Tensor a = normal(1, 1, left);
    Tensor b = normal(2, 1, right);
    Tensor c = Tensor.create(new float[Work.product(dims)], longs(dims));
    List<Tensor> result = List.of(c);
    return () -> {
      if (batch == 1) {
        torch.mm_out(c, a, b);
      } else {
        torch.bmm_out(c, a, b);
      }
      return result;
    };
  }

  // ---- classifiers

  private interface Model {
    Tensor logits(Tensor x);
  }

  private record Classifier(Parameters parameters, Model model, Tensor x, Tensor y) {
    Tensor loss() {
      return torch.cross_entropy_loss(model.logits(x), y);
    }
  }

  private static Classifier classifier(Workload w) {
    String s = w.subject();
    boolean image = s.equals("lenet");
    List<int[]> shapes = image ? Workload.lenetShapes() : Workload.mlpShapes(s);
    int n = w.batch();
    int[] dims = image ? new int[] {n, 1, 28, 28} : new int[] {n, shapes.getFirst()[1]};
    int[] labels = Work.labels(2, n, shapes.getLast()[0]);
    long[] y = new long[n];
    for (int i = 0; i < n; i++) {
      y[i] = labels[i];
    }
    Parameters p = Parameters.of(shapes);
    Model model = image ? x -> lenet(p, x) : x -> mlp(p, s.split(":")[2], x);
    return new Classifier(p, model, normal(1, 1, dims), Tensor.create(y, n));
  }

  private static Tensor mlp(Parameters p, String activation, Tensor x) {
    Tensor y = x;
    for (int i = 0; i < p.plain.length; i += 2) {
      if (i > 0) {
        y =
            switch (activation) {
              case "tanh" -> y.tanh();
              case "relu" -> y.relu();
              case "gelu" -> torch.gelu(y);
              default -> throw new IllegalArgumentException(activation);
            };
      }
      y = p.linear(y, i);
    }
    return y;
  }

  private static final long[] ONE = {1, 1};
  private static final long[] ZERO = {0, 0};
  private static final long[] TWO = {2, 2};

  private static Tensor lenet(Parameters p, Tensor x) {
    Tensor a = torch.conv2d(x, p.plain[0], p.optional[1], ONE, TWO, ONE, 1).relu();
    Tensor b = torch.max_pool2d(a, TWO, TWO, ZERO, ONE, false);
    Tensor c = torch.conv2d(b, p.plain[2], p.optional[3], ONE, ZERO, ONE, 1).relu();
    Tensor d = torch.max_pool2d(c, TWO, TWO, ZERO, ONE, false).view(x.size(0), 400);
    return p.linear(p.linear(p.linear(d, 4).relu(), 6).relu(), 8);
  }

  private static Supplier<List<Tensor>> step(Workload w) {
    Classifier c = classifier(w);
    List<Tensor> result = List.of(c.parameters.plain);
    FusedSgd sgd = new FusedSgd(c.parameters.plain, 0.01, 0.9);
    return () -> {
      sgd.step(gradient(c.loss(), c.parameters.all, false));
      return result;
    };
  }

  /**
   * {@code torch._fused_sgd_}, one pass over all parameters, which is what {@code torch.optim.SGD}
   * with {@code fused=True} calls. It has no name in Java, so it is called by the dispatcher.
   */
  private static final class FusedSgd {
    private final OperatorHandle operator =
        Dispatcher.singleton().findSchemaOrThrow("aten::_fused_sgd_", "");
    private final Type.TypePtr element = new Type.TypePtr(TensorType.get());
    private final IValue parameters;
    private final IValue momenta;
    private final IValue[] numbers;
    private final IValue none = new IValue();

    FusedSgd(Tensor[] plain, double rate, double momentum) {
      Tensor[] zeros = new Tensor[plain.length];
      for (int i = 0; i < zeros.length; i++) {
        zeros[i] = torch.zeros_like(plain[i].detach());
      }
      parameters = list(plain);
      momenta = list(zeros);
      IValue no = new IValue(false);
      numbers =
          new IValue[] {
            new IValue(0.0), new IValue(momentum), new IValue(rate), new IValue(0.0), no, no, no
          };
    }

    private IValue list(Tensor[] tensors) {
      GenericList list = new GenericList(element);
      for (Tensor t : tensors) {
        list.push_back(new IValue(t));
      }
      return new IValue(list);
    }

    void step(TensorVector gradients) {
      try (var off = new NoGradGuard()) {
        IValueVector stack = new IValueVector();
        stack.put(
            parameters, list(gradients.get()), momenta, numbers[0], numbers[1], numbers[2],
            numbers[3], numbers[4], numbers[5], numbers[6], none, none);
        operator.callBoxed(stack);
      }
    }
  }

  private static final TensorVector EMPTY = new TensorVector();
  private static final BoolOptional YES = new BoolOptional(true);
  private static final BoolOptional NO = new BoolOptional(false);

  private static TensorVector gradient(Tensor loss, TensorVector parameters, boolean again) {
    return torch.grad(
        new TensorVector(loss), parameters, EMPTY, again ? YES : NO, again, false);
  }

  private static Supplier<List<Tensor>> gradient(Workload w) {
    Classifier c = classifier(w);
    return () -> List.of(gradient(c.loss(), c.parameters.all, false).get());
  }

  /** The graph of the gradient is made once for all vectors. */
  private static Supplier<List<Tensor>> hessianProducts(Workload w, int count) {
    Classifier c = classifier(w);
    List<TensorVector> vectors = new ArrayList<>();
    for (int j = 0; j < count; j++) {
      Tensor[] v = new Tensor[c.parameters.plain.length];
      for (int i = 0; i < v.length; i++) {
        long[] dims = c.parameters.plain[i].sizes().vec().get();
        int size = Math.toIntExact(c.parameters.plain[i].numel());
        long seed = 1000 * (count == 1 ? 1 : j + 1) + i;
        v[i] = Tensor.create(Work.normal(seed, size, 1), dims);
      }
      vectors.add(new TensorVector(v));
    }
    return () -> {
      TensorVector g = gradient(c.loss(), c.parameters.all, true);
      Tensor[][] products = new Tensor[count][];
      for (int j = 0; j < count; j++) {
        BoolOptional keep = j + 1 < count ? YES : NO;
        products[j] = torch.grad(g, c.parameters.all, vectors.get(j), keep, false, false).get();
      }
      List<Tensor> result = new ArrayList<>();
      for (int i = 0; i < c.parameters.plain.length; i++) {
        for (Tensor[] product : products) {
          result.add(product[i]);
        }
      }
      return result;
    };
  }

  /**
   * The density as PyHessian computes it: for one probe after the other Lanczos steps, each a product
   * from the graph of a gradient that is kept, made orthogonal to all vectors before. These are a
   * matrix here and not a list, which is faster.
   */
  private static Supplier<List<Tensor>> density(Workload w) {
    Classifier c = classifier(w);
    Tensor[] plain = c.parameters.plain;
    long[] sizes = Arrays.stream(plain).mapToLong(Tensor::numel).toArray();
    long n = Arrays.stream(sizes).sum();
    SplittableRandom random = new SplittableRandom(3);
    Tensor[] starts = new Tensor[Workload.PROBES];
    for (int i = 0; i < starts.length; i++) {
      float[] v = new float[Math.toIntExact(n)];
      for (int k = 0; k < v.length; k++) {
        v[k] = (float) ((random.nextBoolean() ? 1 : -1) / Math.sqrt(n));
      }
      starts[i] = Tensor.create(v, n);
    }
    return () -> {
      TensorVector g = gradient(c.loss(), c.parameters.all, true);
      float largest = 0;
      for (Tensor start : starts) {
        try (PointerScope scope = new PointerScope()) {
          largest = Math.max(largest, lanczos(c, g, start, sizes));
        }
      }
      return List.of(Tensor.create(largest));
    };
  }

  /** Answers the largest eigenvalue of the tridiagonal matrix. */
  private static float lanczos(Classifier c, TensorVector g, Tensor start, long[] sizes) {
    int steps = Workload.STEPS;
    Tensor basis = torch.empty(steps, start.size(0));
    Tensor v = start.clone();
    float[] t = new float[steps * steps];
    for (int step = 0; step < steps; step++) {
      try (PointerScope scope = new PointerScope()) {
        basis.select(0, step).copy_(v);
        TensorVector parts = v.split_with_sizes(sizes);
        Tensor[] shaped = new Tensor[sizes.length];
        for (int i = 0; i < shaped.length; i++) {
          shaped[i] = parts.get(i).view_as(c.parameters.plain[i]);
        }
        TensorVector vector = new TensorVector(shaped);
        Tensor[] flat = torch.grad(g, c.parameters.all, vector, YES, false, false).get();
        for (int i = 0; i < flat.length; i++) {
          flat[i] = flat[i].reshape(-1);
        }
        Tensor product = torch.cat(new TensorVector(flat));
        t[step * steps + step] = v.dot(product).item_float();
        Tensor known = basis.narrow(0, 0, step + 1);
        for (int pass = 0; pass < 2; pass++) {
          product.sub_(known.t().mv(known.mv(product)));
        }
        float norm = product.norm().item_float();
        if (step + 1 < steps) {
          t[step * steps + step + 1] = norm;
          t[(step + 1) * steps + step] = norm;
        }
        v.copy_(product.div_(new Scalar(norm)));
      }
    }
    return torch.linalg_eigvalsh(Tensor.create(t, steps, steps)).max().item_float();
  }

  // ---- transformer

  private static Supplier<List<Tensor>> transformer(boolean fused) {
    Parameters p = Parameters.of(Workload.blockShapes());
    Tensor x = normal(1, 1, 16, 64, 128).set_requires_grad(true);
    TensorVector above = new TensorVector(normal(2, 1, 16, 64, 128));
    TensorVector wanted = new TensorVector(p.plain).push_back(x);
    Scalar scale = new Scalar(1 / Math.sqrt(32));
    long[] last = {128};
    return () -> {
      Tensor y = p.linear(p.layerNorm(x, 0, last), 2);
      Tensor qkv = y.view(16, 64, 3, 4, 32).permute(2, 0, 3, 1, 4);
      Tensor q = qkv.select(0, 0);
      Tensor k = qkv.select(0, 1);
      Tensor v = qkv.select(0, 2);
      Tensor mixed =
          fused
              ? torch.scaled_dot_product_attention(q, k, v)
              : q.mul(scale).matmul(k.transpose(-2, -1)).softmax(-1).matmul(v);
      Tensor heads = mixed.transpose(1, 2).reshape(16, 64, 128);
      Tensor z = x.add(p.linear(heads, 4));
      Tensor inner = torch.gelu(p.linear(p.layerNorm(z, 6, last), 8));
      Tensor out = z.add(p.linear(inner, 10));
      return List.of(torch.grad(new TensorVector(out), wanted, above, NO, false, false).get());
    };
  }

  // ---- functions of rows

  private static Supplier<List<Tensor>> rows(Workload w) {
    String[] parts = w.subject().split(":");
    int[] dims = Workload.sizes(parts[1]);
    boolean norm = parts[0].equals("layerNorm");
    Tensor x = normal(1, 1, dims);
    List<Tensor> in = new ArrayList<>(List.of(x));
    if (norm) {
      in.add(normal(2, 1, dims[1]));
      in.add(normal(3, 1, dims[1]));
    }
    boolean backward = w.kind().equals("backward");
    in.forEach(t -> t.set_requires_grad(backward));
    TensorOptional scale = norm ? new TensorOptional(in.get(1)) : null;
    TensorOptional shift = norm ? new TensorOptional(in.get(2)) : null;
    long[] last = {dims[1]};
    Supplier<Tensor> f =
        switch (parts[0]) {
          case "softmax" -> () -> torch.softmax(x, -1);
          case "layerNorm" -> () -> torch.layer_norm(x, last, scale, shift, 1e-5, true);
          case "gelu" -> () -> torch.gelu(x);
          default -> throw new IllegalArgumentException(w.name());
        };
    if (!backward) {
      return () -> List.of(f.get());
    }
    TensorVector wanted = new TensorVector(in.toArray(Tensor[]::new));
    TensorVector above = new TensorVector(normal(4, 1, dims));
    return () -> {
      Tensor y = f.get();
      List<Tensor> result = new ArrayList<>(List.of(y));
      result.addAll(
          List.of(torch.grad(new TensorVector(y), wanted, above, NO, false, false).get()));
      return result;
    };
  }

  private static Supplier<List<Tensor>> add() {
    Tensor a = normal(1, 1, 16);
    Tensor b = normal(2, 1, 16);
    return () -> List.of(torch.add(a, b));
  }
}
