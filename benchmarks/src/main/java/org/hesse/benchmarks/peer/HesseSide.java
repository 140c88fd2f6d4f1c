package org.hesse.benchmarks.peer;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.hvp;
import static org.hesse.Autodiff.valueAndGrad;
import static org.hesse.Autodiff.vjp;
import static org.hesse.Autodiff.vmap;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Supplier;
import org.hesse.DType;
import org.hesse.Donate;
import org.hesse.Functions;
import org.hesse.Matrices;
import org.hesse.Sliding;
import org.hesse.Tensor;
import org.hesse.Tree;
import org.hesse.curvature.Hessian;
import org.hesse.curvature.Objective;
import org.hesse.io.Dataset;
import org.hesse.linalg.Quadrature;
import org.hesse.linalg.StochasticLanczosQuadrature;
import org.hesse.nn.Activation;
import org.hesse.optim.Optimizer;
import org.hesse.optim.Sgd;
import org.hesse.optim.TrainState;

/** The workloads as a user of Hesse writes them. */
final class HesseSide {
  private record Batch(Tensor x, Tensor y) {}

  private record Factors(Tensor left, Tensor right) {}

  private record Block(List<Tensor> parameters, Tensor x) {}

  private record Answer(Tensor value, List<Tensor> gradient) {}

  private record Arguments(List<Tensor> x, Tensor above) {}

  private record Timed(Supplier<Object> once) implements Work {
    @Override
    public Object run() {
      return once.get();
    }

    @Override
    public float[] numbers() {
      List<Tensor> leaves = Tree.leavesOf(once.get());
      float[] all = new float[Math.toIntExact(leaves.stream().mapToLong(Tensor::size).sum())];
      int at = 0;
      for (Tensor t : leaves) {
        float[] values = t.toFloatArray();
        System.arraycopy(values, 0, all, at, values.length);
        at += values.length;
      }
      return all;
    }
  }

  Work make(Workload w) {
    return new Timed(
        switch (w.kind()) {
          case "sgemm" -> product(Workload.sizes(w.subject()), w.batch());
          case "step" -> step(w);
          case "gradient" -> gradient(w);
          case "hvp" -> hessianProduct(w);
          case "block16" -> hessianBlock(w);
          case "density" -> density(w);
          case "transformer" -> transformer(w);
          case "forward", "backward" -> rows(w);
          case "copy" -> copy(w);
          case "inverse" -> inverse(Integer.parseInt(w.subject()));
          case "eigh" -> eigh(Integer.parseInt(w.subject()));
          case "add" -> add();
          default -> throw new IllegalArgumentException(w.name());
        });
  }

  private static Tensor normal(long seed, double scale, int... dims) {
    return Tensor.of(Work.normal(seed, Work.product(dims), scale), dims);
  }

  private static List<Tensor> parameters(List<int[]> shapes) {
    List<Tensor> all = new ArrayList<>();
    for (int i = 0; i < shapes.size(); i++) {
      int[] dims = shapes.get(i);
      all.add(normal(100 + i, dims.length == 1 ? 0.1 : Work.spread(dims), dims));
    }
    return all;
  }

  private static Supplier<Object> product(int[] mkn, int batch) {
    int[] left = batch == 1 ? new int[] {mkn[0], mkn[1]} : new int[] {batch, mkn[0], mkn[1]};
    int[] right = batch == 1 ? new int[] {mkn[1], mkn[2]} : new int[] {batch, mkn[1], mkn[2]};
    Tensor a = normal(1, 1, left);
    Tensor b = normal(2, 1, right);
    // The last result is given away, as libtorch writes to one result over and over.
    Donate last = Donate.leaves("second");
    BiFunction<Factors, Tensor, Tensor> f =
        compile((Factors x, Tensor spare) -> x.left.matmul(x.right), last);
    Factors factors = new Factors(a, b);
    List<Tensor> result = new ArrayList<>(List.of(a.matmul(b)));
    return () -> {
      Tensor c = f.apply(factors, result.getFirst());
      result.set(0, c);
      return c;
    };
  }

  // ---- classifiers

  private static Tensor linear(Tensor x, Tensor weight, Tensor bias) {
    return x.matmul(weight.transpose()).add(bias);
  }

  private static Tensor logits(String subject, List<Tensor> p, Tensor x) {
    if (subject.equals("lenet")) {
      return lenet(p, x);
    }
    Activation activation = Activation.parse(subject.split(":")[2]);
    Tensor y = x;
    for (int i = 0; i < p.size(); i += 2) {
      y = linear(i == 0 ? y : activation.apply(y), p.get(i), p.get(i + 1));
    }
    return y;
  }

  private static Tensor lenet(List<Tensor> p, Tensor x) {
    int[] two = {2, 2};
    Tensor a = x.convolve(p.get(0), Sliding.by(1, 1).padded(2, 2), 1).add(p.get(1).reshape(6, 1, 1));
    Tensor b = a.relu().maxPool(two, Sliding.by(two));
    Tensor c = b.convolve(p.get(2), Sliding.by(1, 1), 1).add(p.get(3).reshape(16, 1, 1));
    Tensor d = c.relu().maxPool(two, Sliding.by(two)).reshape(x.dim(0), 400);
    Tensor e = linear(d, p.get(4), p.get(5)).relu();
    return linear(linear(e, p.get(6), p.get(7)).relu(), p.get(8), p.get(9));
  }

  private static Tensor loss(String subject, List<Tensor> p, Batch batch) {
    return Functions.crossEntropy(logits(subject, p, batch.x), batch.y);
  }

  private static List<Tensor> model(Workload w) {
    String s = w.subject();
    return parameters(s.equals("lenet") ? Workload.lenetShapes() : Workload.mlpShapes(s));
  }

  private static Batch batch(Workload w, List<Tensor> model) {
    int n = w.batch();
    boolean image = w.subject().equals("lenet");
    int[] dims = image ? new int[] {n, 1, 28, 28} : new int[] {n, model.getFirst().dim(1)};
    return new Batch(
        normal(1, 1, dims), Tensor.of(Work.labels(2, n, model.getLast().dim(0)), n));
  }

  private static Supplier<Object> step(Workload w) {
    Optimizer sgd = new Sgd(0.01, 0.9, 0);
    String s = w.subject();
    BiFunction<TrainState<List<Tensor>>, Batch, TrainState<List<Tensor>>> step =
        compile(
            (TrainState<List<Tensor>> t, Batch b) ->
                t.update(
                    sgd,
                    valueAndGrad((List<Tensor> p) -> loss(s, p, b)).apply(t.model()).gradient()),
            Donate.first());
    List<Tensor> model = model(w);
    Batch batch = batch(w, model);
    List<TrainState<List<Tensor>>> state = new ArrayList<>(List.of(TrainState.init(model, sgd)));
    return () -> {
      TrainState<List<Tensor>> next = step.apply(state.getFirst(), batch);
      state.set(0, next);
      return next.model();
    };
  }

  private static Supplier<Object> gradient(Workload w) {
    String s = w.subject();
    List<Tensor> model = model(w);
    Batch batch = batch(w, model);
    BiFunction<List<Tensor>, Batch, List<Tensor>> f =
        compile(
            (List<Tensor> m, Batch b) ->
                valueAndGrad((List<Tensor> p) -> loss(s, p, b)).apply(m).gradient());
    return () -> f.apply(model, batch);
  }

  /** Model and batch are what stays, the vectors what changes. */
  private record Point(List<Tensor> model, Batch batch) {}

  private static List<Tensor> product(String subject, Point at, List<Tensor> v) {
    return hvp((List<Tensor> p) -> loss(subject, p, at.batch), at.model, v);
  }

  private static Supplier<Object> hessianProduct(Workload w) {
    String s = w.subject();
    List<Tensor> model = model(w);
    Point at = new Point(model, batch(w, model));
    List<Tensor> v = new ArrayList<>();
    for (int i = 0; i < model.size(); i++) {
      v.add(normal(1000 + i, 1, model.get(i).shape().dims()));
    }
    BiFunction<Point, List<Tensor>, List<Tensor>> f =
        compile((Point p, List<Tensor> u) -> product(s, p, u));
    return () -> f.apply(at, v);
  }

  private static Supplier<Object> hessianBlock(Workload w) {
    String s = w.subject();
    List<Tensor> model = model(w);
    Point at = new Point(model, batch(w, model));
    List<Tensor> vs = new ArrayList<>();
    for (int i = 0; i < model.size(); i++) {
      List<Tensor> parts = new ArrayList<>();
      for (int j = 0; j < 16; j++) {
        parts.add(normal(1000 * (j + 1) + i, 1, model.get(i).shape().dims()));
      }
      vs.add(Tensor.stack(0, parts.toArray(Tensor[]::new)));
    }
    BiFunction<Point, List<Tensor>, List<Tensor>> f =
        compile((Point p, List<Tensor> us) ->
            vmap((List<Tensor> u) -> product(s, p, u)).apply(us));
    return () -> f.apply(at, vs);
  }

  /** The density, of which the largest node is looked at. */
  private static Supplier<Object> density(Workload w) {
    String s = w.subject();
    List<Tensor> model = model(w);
    Batch batch = batch(w, model);
    Dataset data = Dataset.classification("random", batch.x, batch.y, model.getLast().dim(0));
    return () -> {
      Hessian<List<Tensor>> hessian =
          Hessian.of(
              Objective.ofLoss(
                  model,
                  (List<Tensor> p, Dataset d) -> loss(s, p, new Batch(d.x(), d.y())),
                  List.of(data)));
      Quadrature q =
          StochasticLanczosQuadrature.of(hessian)
              .probes(Workload.PROBES)
              .steps(Workload.STEPS)
              .run();
      double largest = 0;
      for (int i = 0; i < q.probes(); i++) {
        largest = Math.max(largest, Arrays.stream(q.nodes(i)).max().orElseThrow());
      }
      return Tensor.scalar(largest, DType.F32);
    };
  }

  // ---- transformer

  private static Tensor block(Block in) {
    List<Tensor> p = in.parameters;
    Tensor x = in.x;
    int n = x.dim(0);
    int t = x.dim(1);
    Tensor y = linear(Functions.layerNorm(x, p.get(0), p.get(1), 1e-5), p.get(2), p.get(3));
    Tensor qkv = y.reshape(n, t, 3, 4, 32).permute(2, 0, 3, 1, 4);
    Tensor mixed = Functions.attention(qkv.select(0, 0), qkv.select(0, 1), qkv.select(0, 2));
    Tensor heads = mixed.permute(0, 2, 1, 3).reshape(n, t, 128);
    Tensor z = x.add(linear(heads, p.get(4), p.get(5)));
    Tensor inner = linear(Functions.layerNorm(z, p.get(6), p.get(7), 1e-5), p.get(8), p.get(9));
    return z.add(linear(Functions.gelu(inner), p.get(10), p.get(11)));
  }

  private static Supplier<Object> transformer(Workload w) {
    int n = w.name().contains("@") ? w.batch() : 16;
    Block in = new Block(parameters(Workload.blockShapes()), normal(1, 1, n, 64, 128));
    Tensor above = normal(2, 1, n, 64, 128);
    BiFunction<Block, Tensor, Block> f =
        compile((Block b, Tensor g) -> vjp(HesseSide::block, b).pullback().apply(g));
    return () -> f.apply(in, above);
  }

  // ---- functions of rows

  private static Supplier<Object> rows(Workload w) {
    String[] parts = w.subject().split(":");
    int[] dims = Workload.sizes(parts[1]);
    List<Tensor> in = new ArrayList<>(List.of(normal(1, 1, dims)));
    if (parts[0].equals("layerNorm")) {
      in.add(normal(2, 1, dims[1]));
      in.add(normal(3, 1, dims[1]));
    }
    Function<List<Tensor>, Tensor> f =
        x ->
            switch (parts[0]) {
              case "softmax" -> x.get(0).softmax(-1);
              case "layerNorm" -> Functions.layerNorm(x.get(0), x.get(1), x.get(2), 1e-5);
              case "gelu" -> Functions.gelu(x.get(0));
              default -> throw new IllegalArgumentException(w.name());
            };
    // The last result is given away, as libtorch's allocator gives it the memory it freed.
    Donate last = Donate.leaves("second");
    if (w.kind().equals("forward")) {
      BiFunction<List<Tensor>, Tensor, Tensor> forward =
          compile((List<Tensor> x, Tensor spare) -> f.apply(x), last);
      List<Tensor> spare = new ArrayList<>(List.of(in.getFirst().neg()));
      return () -> {
        Tensor y = forward.apply(in, spare.getFirst());
        spare.set(0, y);
        return y;
      };
    }
    Arguments arguments = new Arguments(in, normal(4, 1, dims));
    BiFunction<Arguments, Answer, Answer> both =
        compile(
            (Arguments a, Answer spare) -> {
              var r = vjp(f, a.x);
              return new Answer(r.value(), r.pullback().apply(a.above));
            },
            last);
    List<Answer> spare = new ArrayList<>();
    spare.add(new Answer(in.getFirst().neg(), in.stream().map(Tensor::neg).toList()));
    return () -> {
      Answer y = both.apply(arguments, spare.getFirst());
      spare.set(0, y);
      return y;
    };
  }

  /** As many bytes read and written as a copy has, to memory that is there already. */
  private static Supplier<Object> copy(Workload w) {
    Tensor x = normal(1, 1, Integer.parseInt(w.subject()));
    BiFunction<Tensor, Tensor, Tensor> f =
        compile((Tensor in, Tensor spare) -> in.neg(), Donate.leaves("second"));
    List<Tensor> spare = new ArrayList<>(List.of(x.neg()));
    return () -> {
      Tensor y = f.apply(x, spare.getFirst());
      spare.set(0, y);
      return y;
    };
  }

  private static Tensor definite(int n) {
    Tensor a = normal(1, 1, n, 2 * n);
    return a.matmul(a.transpose()).mul(1.0 / n);
  }

  /** Of a symmetric positive definite matrix, all eigenvalues and vectors. */
  private static Supplier<Object> eigh(int n) {
    Tensor spd = definite(n);
    Function<Tensor, List<Tensor>> f =
        compile((Tensor m) -> {
          Matrices.Eigh e = Matrices.eigh(m);
          return List.of(e.values(), e.vectors());
        });
    return () -> f.apply(spd);
  }

  /** Of a symmetric positive definite matrix, by its Cholesky factor. */
  private static Supplier<Object> inverse(int n) {
    Tensor spd = definite(n);
    Function<Tensor, Tensor> f =
        compile(
            (Tensor m) -> Matrices.solveCholesky(Matrices.cholesky(m), Tensor.eye(DType.F32, n)));
    return () -> f.apply(spd);
  }

  private static Supplier<Object> add() {
    Tensor a = normal(1, 1, 16);
    Tensor b = normal(2, 1, 16);
    return () -> a.add(b);
  }
}
