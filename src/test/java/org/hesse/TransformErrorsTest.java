package org.hesse;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.customJvp;
import static org.hesse.Autodiff.grad;
import static org.hesse.Autodiff.hessian;
import static org.hesse.Autodiff.jvp;
import static org.hesse.Autodiff.linearize;
import static org.hesse.Autodiff.valueAndGrad;
import static org.hesse.Autodiff.vjp;
import static org.hesse.Autodiff.vmap;
import static org.hesse.Expect.illegalArgument;
import static org.hesse.Expect.illegalState;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** What transforms say of functions and arguments that do not fit. */
@SuppressWarnings({"NullAway", "unchecked"}) // the tests pass what the types forbid
class TransformErrorsTest {
  private static final Tensor X = Tensor.of(new double[] {1, 2, 3});

  private record Pair(Tensor a, Tensor b) {}

  private record Net(Pair first, List<Pair> rest) {}

  /** A function of an unchecked type, as generic code may pass one. */
  private static Function<Tensor, Tensor> unchecked(Function<Tensor, ?> f) {
    return (Function<Tensor, Tensor>) f;
  }

  @Test
  void resultsThatAreNoRealScalar() {
    illegalArgument(
        () -> grad((Tensor x) -> x.square()).apply(X), "grad", "F64[3]", "real scalar", "sum");
    illegalArgument(
        () -> valueAndGrad((Tensor x) -> x.argMax(0)).apply(X), "valueAndGrad", "I32[]", "F32");
    illegalArgument(() -> hessian((Tensor x) -> x, X), "hessian", "F64[3]", "real scalar");
    illegalArgument(
        () -> grad(unchecked(x -> new Pair(x.sum(), x))).apply(X),
        "a Pair of 'a' F64[], 'b' F64[3]",
        "return one of its tensors");
    illegalArgument(
        () -> grad(unchecked(x -> List.of(x.sum()))).apply(X), "'0' F64[]", "return one");
    illegalArgument(() -> grad(unchecked(x -> 1.5)).apply(X), "a Double", "Java number");
  }

  @Test
  void nullResults() {
    illegalArgument(() -> grad((Tensor t) -> null).apply(X), "grad", "the result of f is null");
    illegalArgument(() -> compile((Tensor t) -> null).apply(X), "the result of f", "null");
    illegalArgument(() -> vmap((Tensor t) -> null).apply(X), "the result of f", "null");
    illegalArgument(() -> jvp((Tensor t) -> null, X, X), "the result of f", "null");
    illegalArgument(
        () -> vjp((Tensor t) -> new Pair(t, null), X), "the result of f", "'b' is null");
    illegalArgument(
        () -> compile((Tensor t) -> new Net(new Pair(t, t), List.of(new Pair(null, t)))).apply(X),
        "the result of f",
        "'rest.0.a' is null");
  }

  @Test
  void nullArguments() {
    Function<Pair, Tensor> f = p -> p.a().sum();
    illegalArgument(() -> grad(f).apply(null), "x: the root is null");
    illegalArgument(() -> grad(f).apply(new Pair(X, null)), "x: 'b' is null", "Optional");
    illegalArgument(() -> compile(f).apply(new Pair(null, X)), "x: 'a' is null");
    illegalArgument(() -> jvp(f, new Pair(X, X), null), "v: the root is null");
    illegalArgument(() -> vjp(f, new Pair(X, X)).pullback().apply(null), "cotangent", "null");
    illegalArgument(() -> X.add((Tensor) null), "add: the other operand is null");
    illegalArgument(() -> X.maximum(null), "max: the other operand is null");
    illegalArgument(() -> X.lt((Tensor) null), "lt: the other operand is null");
    illegalArgument(() -> X.gt(0).select(X, null), "select: b is null");
    illegalArgument(() -> X.matmul(null), "matmul: other is null");
    illegalArgument(() -> Tensor.concat(0, X, null), "concat: parts[1] is null");
    illegalArgument(() -> Tensor.stack(0, null, X), "stack: parts[0] is null");
    illegalArgument(() -> Matrices.solve(Tensor.eye(DType.F64, 3), null), "solve: b is null");
    illegalArgument(() -> X.take(0, null), "take: indices is null");
    illegalArgument(() -> X.cast(null), "cast: dtype is null", "DType.F32");
    illegalArgument(() -> Tensor.of((float[]) null), "Tensor.of: values is null", "an array");
    illegalArgument(() -> Tensor.of(new float[2], (int[]) null), "Tensor.of: dims is null");
    illegalArgument(() -> Tensor.zeros(null, 2), "dtype is null", "DType.F32");
  }

  @Test
  void nullFunctions() {
    Function<Tensor, Tensor> none = null;
    illegalArgument(() -> grad(none), "grad: f is null", "a function");
    illegalArgument(() -> Autodiff.valueAndGrad(none), "valueAndGrad: f is null");
    illegalArgument(() -> jvp(none, X, X), "jvp: f is null");
    illegalArgument(() -> vjp(none, X), "vjp: f is null");
    illegalArgument(() -> vmap(none), "vmap: f is null");
    illegalArgument(() -> Autodiff.hessian(none, X), "f is null");
    illegalArgument(() -> Autodiff.checkpoint(none), "checkpoint: f is null");
    illegalArgument(() -> customJvp(none, (x, y, dx) -> dx), "customJvp: f is null");
    illegalArgument(() -> customJvp(Tensor::exp, null), "customJvp: rule is null");
    illegalArgument(() -> compile(none), "compile: f is null");
    BiFunction<Tensor, Tensor, Tensor> two = null;
    illegalArgument(() -> compile(two), "compile: f is null");
    illegalArgument(() -> compile(Tensor::exp, null), "compile: donate is null", "Donate.first()");
    illegalArgument(() -> Donate.leaves("x", null), "Donate.leaves: a path is null");
  }

  @Test
  void structuresThatDiffer() {
    Function<Net, Tensor> f = n -> n.first().a().sum();
    Net net = new Net(new Pair(X, X), List.of(new Pair(X, X)));
    Net longer = new Net(new Pair(X, X), List.of(new Pair(X, X), new Pair(X, X)));
    illegalArgument(
        () -> jvp(f, net, longer), "v: 'rest' is a list of 2; expected a list of 1", "structure");
    illegalArgument(
        () -> linearize(f, net).pushforward().apply(longer), "v: 'rest' is a list of 2");
    Function<Map<String, Object>, Tensor> g = m -> (Tensor) m.get("w");
    illegalArgument(
        () -> jvp(g, Map.of("w", X, "o", Optional.of(X)), Map.of("w", X, "o", Optional.empty())),
        "v: 'o' is an empty Optional; expected an Optional of a tensor");
    illegalArgument(
        () -> jvp(g, Map.of("w", X), Map.of("u", X)), "a map of [u]; expected a map of [w]");
    illegalArgument(
        () -> jvp(g, Map.of("w", X, "k", 1), Map.of("w", X, "k", 2)),
        "'k' is the static value 2; expected the static value 1");
    Function<Tensor, List<Tensor>> two = customJvp(x -> List.of(x, x), (x, y, dx) -> List.of(dx));
    illegalArgument(() -> jvp(two, X, X), "customJvp", "structure", "[*]", "[*, *]");
    Function<Tensor, Tensor> none = customJvp(Tensor::exp, (x, y, dx) -> null);
    illegalArgument(() -> jvp(none, X, X), "customJvp: the rule's tangent: the root is null");
  }

  private record Unit(Tensor direction) {
    Unit {
      direction = direction.div(direction.square().sum().sqrt());
    }
  }

  private record Positive(Tensor scale, int n) {
    Positive {
      if (Trace.current() == null && scale.toDoubleArray()[0] < 0) {
        throw new IllegalArgumentException("scale: negative");
      }
    }
  }

  private record Shuffled(List<Tensor> parts) {
    Shuffled {
      parts = parts.reversed();
    }
  }

  private record Copied(List<Tensor> parts, Map<String, Tensor> named) {
    Copied {
      parts = Arrays.asList(parts.toArray(Tensor[]::new));
      named = Map.copyOf(named);
    }
  }

  private record Holder<T>(T inner) {}

  @Test
  void recordsThatCannotBeRebuilt() {
    illegalState(
        () -> grad((Unit u) -> u.direction().sum()).apply(new Unit(X)),
        "Unit at the root",
        "changes the component 'direction'");
    illegalState(
        () ->
            grad((Holder<Unit> h) -> h.inner().direction().sum()).apply(new Holder<>(new Unit(X))),
        "Unit at 'inner'",
        "'direction'");
    Shuffled shuffled = new Shuffled(List.of(X, X.exp()));
    illegalState(() -> Tree.map(shuffled, Tensor::neg), "Shuffled", "'parts'");
    illegalState(
        () ->
            grad((Holder<Positive> h) -> h.inner().scale().neg().sum())
                .apply(new Holder<>(new Positive(X, 4))),
        "Positive at 'inner'",
        "scale: F64[3], n: 4",
        "scale: negative",
        "gradients");
    // A copy of a container keeps its tensors.
    Copied c = Tree.map(new Copied(List.of(X), Map.of("k", X)), t -> t.mul(2));
    Expect.close(X.mul(2), c.named().get("k"), 0);
  }

  @Test
  void operandsThatDoNotBroadcast() {
    Tensor two = Tensor.zeros(DType.F32, 2);
    illegalArgument(() -> X.mul(two), "mul: operands are F64[3] and F32[2]", "do not broadcast");
    illegalArgument(() -> X.ge(two), "ge: operands are F64[3] and F32[2]");
  }

  @Test
  void anAxisNamedTwice() {
    Tensor m = Tensor.zeros(DType.F64, 2, 3);
    illegalArgument(
        () -> m.sum(0, -2), "[0, -2] name axis 0 of shape [2, 3] twice", "0 and -2 are the same");
    illegalArgument(() -> m.max(1, 1), "[1, 1]", "twice");
  }
}
