package org.hesse;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.grad;
import static org.hesse.Autodiff.hessian;
import static org.hesse.Autodiff.hvp;
import static org.hesse.Autodiff.jacfwd;
import static org.hesse.Autodiff.jacobian;
import static org.hesse.Autodiff.jacrev;
import static org.hesse.Autodiff.program;
import static org.hesse.Autodiff.vmap;
import static org.hesse.Expect.close;
import static org.hesse.Expect.illegalArgument;
import static org.hesse.Expect.illegalState;
import static org.hesse.Expect.normal;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.UnaryKind;
import org.junit.jupiter.api.Test;

/** Jacobians and Hessians against closed forms. */
class JacobianTest {
  private static final double TIGHT = 1e-12;
  private static final Tensor X = normal(1, 4);

  /** Both modes give the closed form. */
  private static void check(Tensor expected, Function<Tensor, Tensor> f, Tensor x) {
    close(expected, jacfwd(f, x), TIGHT);
    close(expected, jacrev(f, x), TIGHT);
    close(expected, jacobian(f, x), TIGHT);
  }

  private static Tensor outer(Tensor a, Tensor b) {
    return a.insertAxis(1).mul(b.insertAxis(0));
  }

  private static Tensor diagonal(Tensor d) {
    return Tensor.eye(d.dtype(), d.dim(0)).mul(d);
  }

  @Test
  void anAffineMapHasItsMatrix() {
    Tensor a = normal(2, 3, 4);
    Tensor b = normal(3, 3);
    check(a, x -> a.matmul(x).add(b), X);
  }

  /** diag(p) − ppᵀ: symmetric, and (1, …, 1) is in its null space. */
  @Test
  void softmax() {
    double[] x = X.toDoubleArray();
    double sum = 0;
    for (double v : x) {
      sum += Math.exp(v);
    }
    double[] j = new double[16];
    for (int i = 0; i < 16; i++) {
      double p = Math.exp(x[i / 4]) / sum;
      j[i] = (i / 4 == i % 4 ? p : 0) - p * Math.exp(x[i % 4]) / sum;
    }
    check(Tensor.of(j, 4, 4), t -> t.softmax(0), X);
    Tensor found = jacobian((Tensor t) -> t.softmax(0), X);
    close(found, found.transpose(), TIGHT);
    close(Tensor.zeros(DType.F64, 4), found.matmul(Tensor.ones(DType.F64, 4)), TIGHT);
  }

  /** (I − 11ᵀ/d − zzᵀ/d)/σ, a projection of rank d − 2 but for the factor. */
  @Test
  void layerNormHasRankDimMinusTwo() {
    int d = 5;
    Tensor x = normal(4, d);
    Function<Tensor, Tensor> norm =
        t -> {
          Tensor c = t.sub(t.mean());
          return c.div(c.square().mean().sqrt());
        };
    Tensor z = norm.apply(x);
    double sigma = x.sub(x.mean()).square().mean().sqrt().item();
    Tensor ones = Tensor.ones(DType.F64, d);
    Tensor projection =
        Tensor.eye(DType.F64, d).sub(outer(ones, ones).div(d)).sub(outer(z, z).div(d));
    check(projection.div(sigma), norm, x);
    Tensor p = jacobian(norm, x).mul(sigma);
    close(p, p.matmul(p), 1e-11);
    assertEquals(d - 2, p.mul(Tensor.eye(DType.F64, d)).sum().item(), 1e-11);
  }

  @Test
  void normHasItsUnitVector() {
    check(X.div(X.square().sum().sqrt()), x -> x.square().sum().sqrt(), X);
  }

  /** ∂(Wx)ᵢ/∂Wⱼₖ = δᵢⱼ xₖ: the Kronecker product I ⊗ xᵀ. */
  @Test
  void productInItsMatrixIsAKroneckerProduct() {
    Tensor w = normal(5, 3, 4);
    double[] k = new double[3 * 12];
    for (int i = 0; i < 3; i++) {
      for (int j = 0; j < 4; j++) {
        k[i * 12 + i * 4 + j] = X.toDoubleArray()[j];
      }
    }
    check(Tensor.of(k, 3, 3, 4), m -> m.matmul(X), w);
  }

  @Test
  void axesOfTheResultComeFirst() {
    Tensor x = normal(6, 2, 3);
    Tensor j = jacobian((Tensor t) -> t.transpose().insertAxis(0).sin(), x);
    assertEquals(Shape.of(1, 3, 2, 2, 3), j.shape());
    double[] e = new double[36];
    for (int a = 0; a < 3; a++) {
      for (int b = 0; b < 2; b++) {
        e[(a * 2 + b) * 6 + b * 3 + a] = Math.cos(x.toDoubleArray()[b * 3 + a]);
      }
    }
    close(Tensor.of(e, 1, 3, 2, 2, 3), j, TIGHT);
  }

  @Test
  void modesAgreeWithDifferences() {
    Tensor a = normal(7, 3, 4);
    Function<Tensor, Tensor> f =
        x ->
            Tensor.concat(
                0, a.matmul(x).tanh(), x.exp().mul(x.sum()), x.logSumExp(0).insertAxis(0));
    Tensor forward = jacfwd(f, X);
    close(forward, jacrev(f, X), TIGHT);
    Tensor eye = Tensor.eye(DType.F64, 4);
    for (int i = 0; i < 4; i++) {
      Tensor column = FiniteDifferences.central(f, X, eye.select(0, i));
      close(column, forward.select(1, i), 1e-8);
    }
  }

  @Test
  void scalarsAndEmptyTensors() {
    Tensor x = Tensor.scalar(2, DType.F64);
    check(Tensor.scalar(12, DType.F64), t -> t.pow(3), x);
    Tensor none = Tensor.zeros(DType.F64, 0);
    check(Tensor.zeros(DType.F64, 0), t -> t.sum(), none);
    check(Tensor.zeros(DType.F64, 0, 4), t -> t.slice(0, 0, 0), X);
    check(Tensor.zeros(DType.F64, 2, 4), t -> Tensor.ones(DType.F64, 2), X);
  }

  /** The block is of the result's dtype by whichever mode. */
  @Test
  void resultsOfAnotherDtype() {
    Tensor x = normal(8, 3).cast(DType.F32);
    Function<Tensor, Tensor> f = t -> t.cast(DType.F64).square();
    assertEquals(DType.F64, jacfwd(f, x).dtype());
    assertEquals(DType.F64, jacrev(f, x).dtype());
    close(jacfwd(f, x), jacrev(f, x), 1e-6);
  }

  /** diag(p) − ppᵀ once more. */
  @Test
  void hessianOfLogSumExp() {
    Tensor p = X.softmax(0);
    Tensor h = hessian((Tensor x) -> x.logSumExp(0), X);
    close(diagonal(p).sub(outer(p, p)), h, TIGHT);
    close(h, h.transpose(), TIGHT);
  }

  @Test
  void hessianOfAQuadraticForm() {
    Tensor a = normal(9, 4, 4);
    close(a.add(a.transpose()), hessian((Tensor x) -> x.matmul(a.matmul(x)), X), TIGHT);
  }

  /** (I − uuᵀ)/‖x‖. */
  @Test
  void hessianOfTheNorm() {
    double norm = X.square().sum().sqrt().item();
    Tensor u = X.div(norm);
    Tensor expected = Tensor.eye(DType.F64, 4).sub(outer(u, u)).div(norm);
    close(expected, hessian((Tensor x) -> x.square().sum().sqrt(), X), TIGHT);
  }

  @Test
  void hessiansByEveryPairOfModesAreEqualAndSymmetric() {
    Tensor a = normal(10, 3, 4);
    Function<Tensor, Tensor> f = x -> a.matmul(x).tanh().softmax(0).log().mul(x.exp().sum()).sum();
    Tensor h = hessian(f, X);
    close(h, h.transpose(), TIGHT);
    close(h, jacrev(grad(f), X), TIGHT);
    close(h, jacfwd(y -> jacfwd(f, y), X), TIGHT);
    close(h, jacrev(y -> jacfwd(f, y), X), TIGHT);
    Tensor v = normal(11, 4);
    close(h.matmul(v), hvp(f, X, v), TIGHT);
  }

  @Test
  void thirdDerivativeOfACube() {
    Tensor t = jacfwd(y -> hessian((Tensor x) -> x.pow(3).sum(), y), X);
    assertEquals(Shape.of(4, 4, 4), t.shape());
    assertEquals(24, t.sum().item(), TIGHT);
    assertEquals(6, t.select(0, 2).select(0, 2).select(0, 2).item(), TIGHT);
  }

  record Linear(Tensor weight, Tensor bias) {
    Tensor apply(Tensor x) {
      return weight.matmul(x).add(bias);
    }
  }

  record Two(Tensor sum, Tensor product) {}

  @Test
  void blocksOfTrees() {
    Linear m = new Linear(normal(12, 3, 4), normal(13, 3));
    Jacobian<Linear, Tensor> j = jacobian((Linear l) -> l.apply(X), m);
    assertEquals(Shape.of(3, 3, 4), j.block("", "weight").shape());
    close(Tensor.eye(DType.F64, 3), j.block("", "bias"), TIGHT);
    close(Tensor.eye(DType.F64, 3), j.row("").bias(), TIGHT);
    close(j.block("", "weight"), j.column("weight"), TIGHT);
    Tensor dense = j.toDense();
    assertEquals(Shape.of(3, 15), dense.shape());
    Tree<Linear> tree = Tree.of(m);
    Tensor flat = jacobian((Tensor v) -> tree.unravel(v, m).apply(X), tree.ravel(m));
    close(flat, dense, TIGHT);
  }

  @Test
  void everyPairOfAModesTreesAgreesWithTheFlatHessian() {
    Linear m = new Linear(normal(14, 3, 4), normal(15, 3));
    Function<Linear, Tensor> loss = l -> l.apply(X).tanh().square().sum();
    Jacobian<Linear, Linear> h = hessian(loss, m);
    assertEquals(Shape.of(3, 4, 3), h.block("weight", "bias").shape());
    assertEquals(Shape.of(3, 3, 4), h.row("bias").weight().shape());
    Tree<Linear> tree = Tree.of(m);
    Tensor flat = hessian((Tensor v) -> loss.apply(tree.unravel(v, m)), tree.ravel(m));
    close(flat, h.toDense(), TIGHT);
    close(h.toDense(), h.toDense().transpose(), TIGHT);
    close(h.toDense(), jacrev(grad(loss), m).toDense(), TIGHT);
  }

  @Test
  void resultsMayBeTreesToo() {
    Function<Map<String, Tensor>, Two> f =
        m -> new Two(m.get("a").add(m.get("b")), m.get("a").mul(m.get("b")).sum());
    Map<String, Tensor> x = new TreeMap<>(Map.of("a", X, "b", normal(16, 4)));
    for (Jacobian<Map<String, Tensor>, Two> j : List.of(jacfwd(f, x), jacrev(f, x))) {
      close(Tensor.eye(DType.F64, 4), j.block("sum", "b"), TIGHT);
      close(x.get("b"), j.column("a").product(), TIGHT);
      assertEquals(Shape.of(5, 8), j.toDense().shape());
    }
  }

  @Test
  void jacobiansComeOutOfCompiledAndMappedFunctions() {
    Linear m = new Linear(normal(17, 3, 4), normal(18, 3));
    Function<Tensor, Jacobian<Linear, Tensor>> at =
        x -> jacobian((Linear l) -> l.apply(x).tanh(), m);
    Tensor batch = normal(19, 5, 4);
    Jacobian<Linear, Tensor> all = compile(vmap(at)).apply(batch);
    assertEquals(Shape.of(5, 3, 3, 4), all.block("", "weight").shape());
    Tensor dense = all.toDense();
    for (int i = 0; i < 5; i++) {
      close(at.apply(batch.select(0, i)).toDense(), dense.select(0, i), TIGHT);
    }
  }

  @Test
  void theFunctionItselfIsComputedOnce() {
    for (Function<Tensor, Tensor> j :
        List.<Function<Tensor, Tensor>>of(
            x -> jacfwd((Tensor t) -> t.exp().sin(), x),
            x -> jacrev((Tensor t) -> t.exp().sin(), x))) {
      for (Node n : program(j, X).nodes()) {
        if (n.op() instanceof Op.Unary(UnaryKind kind) && kind == UnaryKind.EXP) {
          assertEquals(Shape.of(4), n.shape());
        }
      }
    }
  }

  @Test
  void jacobianTakesTheModeWithFewerVectors() {
    assertEquals(4, widest(x -> jacobian((Tensor t) -> Tensor.concat(0, t, t, t).exp(), x)));
    assertEquals(1, widest(x -> jacobian((Tensor t) -> t.exp().sum().exp().insertAxis(0), x)));
  }

  /** The extent of the largest square of indices: the basis. */
  private static int widest(Function<Tensor, Tensor> f) {
    return program(f, X).nodes().stream()
        .filter(n -> n.op() instanceof Op.Iota)
        .mapToInt(n -> n.shape().dim(0))
        .max()
        .orElse(0);
  }

  @Test
  void misuseIsExplained() {
    Tensor whole = Tensor.of(new int[] {1, 2});
    illegalArgument(() -> jacfwd((Tensor x) -> x.cast(DType.F64), whole), "x", "I32");
    illegalArgument(() -> jacrev((Tensor x) -> x.cast(DType.I32), X), "f: result", "I32");
    illegalArgument(() -> hessian((Tensor x) -> x.exp(), X), "hessian", "F64[4]", "scalar");
    illegalArgument(() -> jacobian((List<Tensor> x) -> X, List.<Tensor>of()), "x has no tensor");
    illegalArgument(() -> jacobian((Tensor x) -> List.<Tensor>of(), X), "result of f");
    Linear m = new Linear(normal(20, 3, 4), normal(21, 3));
    Jacobian<Linear, Tensor> j = jacobian((Linear l) -> l.apply(X), m);
    illegalArgument(() -> j.block("", "wieght"), "inPath", "'wieght'", "weight, bias");
    illegalArgument(() -> j.block("out", "weight"), "outPath", "'out'");
  }

  record Strict(Tensor vector) {
    Strict {
      if (vector.rank() != 1) {
        throw new IllegalArgumentException("vector: rank " + vector.rank());
      }
    }
  }

  /** A record may reject the shape of a block; the block itself can still be read. */
  @Test
  void aTreeThatCannotBeRebuilt() {
    Jacobian<Strict, Tensor> j = jacobian((Strict s) -> s.vector().exp(), new Strict(X));
    illegalState(() -> j.row(""), "Strict", "vector: rank 2");
    assertTrue(j.block("", "vector").shape().equals(Shape.of(4, 4)));
  }
}
