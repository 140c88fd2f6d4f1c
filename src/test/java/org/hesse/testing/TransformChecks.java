package org.hesse.testing;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.grad;
import static org.hesse.Autodiff.hvp;
import static org.hesse.Autodiff.jacfwd;
import static org.hesse.Autodiff.jacrev;
import static org.hesse.Autodiff.jvp;
import static org.hesse.Autodiff.vmap;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import org.hesse.Graphs;
import org.hesse.Tensor;
import org.hesse.Tree;
import org.hesse.VmapAxes;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.hesse.ops.Rules;
import org.hesse.testing.Modes.First;
import org.hesse.testing.Modes.Probe;
import org.hesse.testing.Modes.Second;
import org.hesse.testing.Modes.Third;

/**
 * Compares the transforms of one program with each other, with loops, and with difference
 * quotients. Most programs are computed by the interpreter, a share of them is planned.
 */
final class TransformChecks {
  private static final int BATCH = 3;

  /** Of the largest element; programs cancel more than single operations do. */
  private static final double ROUNDING = 1e-10;

  /** How many comparisons with difference quotients there were, and how many were not possible. */
  static final class Tally {
    final LongAdder quotients = new LongAdder();
    final LongAdder skipped = new LongAdder();
  }

  private final long seed;
  private final boolean planned;
  private final Function<List<Tensor>, Tensor> f;
  private final Interpreted<?> program;
  private final List<Arr> x;
  private final Probe probe;
  private final Tally tally;

  private TransformChecks(RandomPrograms.Case drawn, long seed, Tally tally) {
    this.seed = seed;
    this.planned = seed % 4 == 0;
    this.tally = tally;
    Program p = drawn.program();
    this.f = function(p);
    this.x = new ArrayList<>();
    for (int i = 0; i < drawn.inputs().length; i++) {
      x.add(Arr.real(p.inputs().get(i).shape().dims(), (double[]) drawn.inputs()[i]));
    }
    this.probe = Probe.of(new Random(seed), x, p.outputs().get(0).shape().dims());
    this.program = Interpreted.of(f, probe.x());
  }

  /** All checks of one program; the seed chooses among those that take turns. */
  static void check(RandomPrograms.Case drawn, long seed, Tally tally) {
    TransformChecks c = new TransformChecks(drawn, seed, tally);
    c.firstOrder();
    c.secondOrder();
    switch ((int) (seed % 5)) {
      case 0 -> c.mappedWithAxes();
      case 1 -> c.mappedDerivatives();
      case 2 -> c.derivativesOfMapped();
      case 3 -> c.nestedMaps();
      default -> c.thirdOrder();
    }
    if (seed % 16 == 0) {
      c.oneByOne();
    }
    if (seed % 16 == 1) {
      c.jacobians();
    }
  }

  /** The program as a function; outside a trace it runs one operation after the other. */
  static Function<List<Tensor>, Tensor> function(Program p) {
    return in -> {
      Map<Node, Tensor> values = new HashMap<>();
      for (int i = 0; i < in.size(); i++) {
        values.put(p.inputs().get(i), in.get(i));
      }
      for (Node n : p.nodes()) {
        if (!values.containsKey(n) && !(n.op() instanceof Op.Nested)) {
          boolean one = n.op() instanceof Op.Result;
          List<Node> read = one ? n.input(0).inputs() : n.inputs();
          List<Tensor> operands = read.stream().map(values::get).toList();
          values.put(n, Graphs.apply(inputs -> emit(n, inputs), operands));
        }
      }
      return values.get(p.outputs().get(0));
    };
  }

  /** A function's result, planned or interpreted. */
  private <A, B> List<Arr> run(Function<A, B> g, A at) {
    return planned
        ? Interpreted.arrays(Tree.leavesOf(compile(g).apply(at)))
        : Interpreted.run(g, at);
  }

  // ---- derivatives at one point

  private void firstOrder() {
    First d = results(q -> Modes.first(f, q));
    Modes.assertDual("first order", d, probe, ROUNDING, 1);
    same("value", program.at(x), List.of(Arr.of(d.y())));
    quotient("J v", program, List.of(Arr.of(d.jv())), probe.v());
  }

  private void secondOrder() {
    Second d = results(q -> Modes.second(f, q));
    Modes.assertAgree("second order", d, probe, ROUNDING * 10, 1);
    Interpreted<?> gradient = Interpreted.of(grad(Modes.scalar(f, probe.w())), probe.x());
    same("gradient", gradient.at(x), Interpreted.arrays(d.gradient()));
    quotient("H v", gradient, Interpreted.arrays(d.hv()), probe.v());
  }

  private void thirdOrder() {
    Third d = results(q -> Modes.third(f, q));
    Modes.assertAgree("third order", d, ROUNDING * 100, 1);
    Function<List<Tensor>, List<Tensor>> hv = z -> hvp(scalar(), z, probe.v());
    quotient("third", Interpreted.of(hv, probe.x()), Interpreted.arrays(d.forward()), probe.u());
  }

  /** A record of derivatives at the probe. */
  private <R> R results(Function<Probe, R> modes) {
    return planned ? compile(modes).apply(probe) : Interpreted.compute(modes, probe);
  }

  private Function<List<Tensor>, Tensor> scalar() {
    return Modes.scalar(f, probe.w());
  }

  private void quotient(String what, Interpreted<?> g, List<Arr> exact, List<Tensor> along) {
    Quotient q = Quotient.of(g.frozen(x), x, Interpreted.arrays(along));
    for (int i = 0; i < exact.size(); i++) {
      tally.quotients.increment();
      if (q.isTrusted(i)) {
        q.assertMatches(what + ", result " + i, i, exact.get(i));
      } else {
        tally.skipped.increment();
      }
    }
  }

  private void jacobians() {
    for (int i = 0; i < x.size(); i++) {
      int moved = i;
      Function<Tensor, Tensor> one =
          t -> {
            List<Tensor> all = new ArrayList<>(probe.x());
            all.set(moved, t);
            return f.apply(all);
          };
      Tensor at = probe.x().get(i);
      List<Arr> forward = run((Tensor t) -> jacfwd(one, t), at);
      same("Jacobian of operand " + i, forward, run((Tensor t) -> jacrev(one, t), at));
    }
  }

  /** A node over other operands; one of several results over those of what makes them. */
  private static Node emit(Node n, List<Node> inputs) {
    return n.op() instanceof Op.Result
        ? Rules.emit(n, List.of(Rules.emit(n.input(0), inputs)))
        : Rules.emit(n, inputs);
  }

  /** Every operation by itself, and every transform outside of a trace. */
  private void oneByOne() {
    same("one by one", program.at(x), List.of(Arr.of(f.apply(probe.x()))));
    Function<List<Tensor>, List<Tensor>> hv = z -> hvp(scalar(), z, probe.v());
    same(
        "immediate Hessian product",
        Interpreted.run(hv, probe.x()),
        Interpreted.arrays(hv.apply(probe.x())));
  }

  // ---- batches

  /** Points near the one drawn. */
  private List<Arr> example(int b) {
    List<Arr> moved = new ArrayList<>();
    for (int i = 0; i < x.size(); i++) {
      moved.add(x.get(i).plus(0.005 * b, Arr.of(probe.v().get(i))));
    }
    return moved;
  }

  private List<Tensor> batch() {
    List<Tensor> batches = new ArrayList<>();
    for (int i = 0; i < x.size(); i++) {
      int operand = i;
      Arr[] parts = new Arr[BATCH];
      Arrays.setAll(parts, b -> example(b).get(operand));
      batches.add(Arr.stack(parts).tensor());
    }
    return batches;
  }

  /** The results at each example, stacked. */
  private static List<Arr> loop(Interpreted<?> g, List<List<Arr>> examples) {
    List<List<Arr>> results = examples.stream().map(g::at).toList();
    List<Arr> stacked = new ArrayList<>();
    for (int i = 0; i < results.get(0).size(); i++) {
      int leaf = i;
      stacked.add(Arr.stack(results.stream().map(r -> r.get(leaf)).toArray(Arr[]::new)));
    }
    return stacked;
  }

  private List<List<Arr>> examples() {
    List<List<Arr>> all = new ArrayList<>();
    for (int b = 0; b < BATCH; b++) {
      all.add(example(b));
    }
    return all;
  }

  private void mappedWithAxes() {
    Random random = new Random(seed);
    List<Tensor> batch = batch();
    List<List<Arr>> examples = examples();
    VmapAxes in = VmapAxes.unmapped();
    int mapped = random.nextInt(batch.size());
    for (int i = 0; i < batch.size(); i++) {
      if (i == mapped || random.nextBoolean()) {
        int axis = random.nextInt(batch.get(i).rank());
        in = in.with(Integer.toString(i), axis);
        batch.set(i, batch.get(i).moveAxis(0, axis));
      } else {
        batch.set(i, probe.x().get(i));
        int same = i;
        examples.forEach(e -> e.set(same, x.get(same)));
      }
    }
    List<Arr> expected = loop(program, examples);
    int out = random.nextInt(expected.get(0).rank());
    VmapAxes axes = in;
    Function<List<Tensor>, Tensor> g =
        z -> vmap(f, axes, VmapAxes.of(out)).apply(z).moveAxis(out, 0);
    same("mapped", expected, run(g, batch));
  }

  private void mappedDerivatives() {
    var gradient = grad(scalar());
    Interpreted<?> one = Interpreted.of(gradient, probe.x());
    same("vmap of grad", loop(one, examples()), run(vmap(gradient), batch()));
    Function<List<Tensor>, List<Tensor>> hv = z -> hvp(scalar(), z, probe.v());
    Interpreted<?> oneProduct = Interpreted.of(hv, probe.x());
    same("vmap of hvp", loop(oneProduct, examples()), run(vmap(hv), batch()));
    Function<List<Tensor>, Tensor> push = v -> jvp(f, probe.x(), v).tangent();
    Interpreted<?> onePush = Interpreted.of(push, probe.x());
    same("vmap of jvp", loop(onePush, examples()), run(vmap(push), batch()));
  }

  private void derivativesOfMapped() {
    Function<List<Tensor>, Tensor> total = z -> vmap(scalar()).apply(z).sum();
    Interpreted<?> gradient = Interpreted.of(grad(scalar()), probe.x());
    same("grad of vmap", loop(gradient, examples()), run(grad(total), batch()));
    // A gradient inside a map inside forward mode is a Hessian product for each example.
    List<Tensor> v = batch();
    Function<List<Tensor>, List<Tensor>> outer = z -> jvp(vmap(grad(scalar())), z, v).tangent();
    List<List<Arr>> pairs = new ArrayList<>();
    for (List<Arr> e : examples()) {
      List<Arr> both = new ArrayList<>(e);
      both.addAll(e);
      pairs.add(both);
    }
    Function<List<List<Tensor>>, List<Tensor>> hv = z -> hvp(scalar(), z.get(0), z.get(1));
    Interpreted<?> product = Interpreted.of(hv, List.of(probe.x(), probe.x()));
    same("jvp of vmap of grad", loop(product, pairs), run(outer, batch()));
  }

  /** The first operand is mapped by the outer map, the last one by the inner. */
  private void nestedMaps() {
    int last = x.size() - 1;
    List<Tensor> batch = batch();
    Function<Tensor, Function<Tensor, Tensor>> g =
        a ->
            b -> {
              List<Tensor> all = new ArrayList<>(probe.x());
              all.set(0, a);
              all.set(last, b);
              return f.apply(all);
            };
    Function<List<Tensor>, Tensor> maps =
        z -> vmap((Tensor a) -> vmap(g.apply(a)).apply(z.get(last))).apply(z.get(0));
    List<List<Arr>> examples = new ArrayList<>();
    for (int i = 0; i < BATCH; i++) {
      for (int j = 0; j < BATCH; j++) {
        List<Arr> all = new ArrayList<>(x);
        all.set(0, example(i).get(0));
        all.set(last, example(j).get(last));
        examples.add(all);
      }
    }
    Arr flat = loop(program, examples).get(0);
    int[] dims = Arr.front(BATCH, Arr.with(flat.dims(), 0, BATCH));
    same("nested maps", List.of(flat.reshape(dims)), run(maps, batch));
  }

  private static void same(String what, List<Arr> expected, List<Arr> got) {
    for (int i = 0; i < expected.size(); i++) {
      double size = Math.max(1, Math.max(expected.get(i).maxAbs(), got.get(i).maxAbs()));
      Close.assertWithin(what + ", result " + i, expected.get(i), got.get(i), 10 * ROUNDING * size);
    }
  }
}
