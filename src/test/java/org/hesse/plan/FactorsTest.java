package org.hesse.plan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.backend.Backend;
import org.hesse.backend.Buffer;
import org.hesse.backend.Step;
import org.hesse.backend.cpu.CpuBackend;
import org.hesse.ir.Axes;
import org.hesse.ir.FactorKind;
import org.hesse.ir.FactorKind.Factor;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.hesse.ir.Verifier;
import org.hesse.ops.Blocks;
import org.hesse.ops.Elementwise;
import org.hesse.ops.Factors;
import org.hesse.ops.Rules;
import org.hesse.ops.Shapes;
import org.hesse.ops.Slices;
import org.hesse.testing.ReferenceBackend;
import org.hesse.testing.ReferenceInterpreter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Dense linear algebra in plans: against definitions, over views, with batches. */
class FactorsTest {
  private static final int SIZE = 2 * 3 * 6 * 4;

  private final Node x = new Node(new Op.Parameter(0), List.of(), Shape.of(2, 3, 6, 4), DType.F64);

  /** Of 6×4 matrices, with the batch axes exchanged, which no longer merge. */
  private final Node exchanged = Shapes.permute(x, Axes.of(1, 0, 2, 3));

  private static Node positive(Node a) {
    Node gram = Blocks.product(Blocks.transposed(a), a);
    return Elementwise.add(gram, Blocks.product(gram, gram));
  }

  private static double[] sample(long seed) {
    return new Random(seed).doubles(SIZE, -1, 1).toArray();
  }

  /** What does not depend on signs and order of vectors. */
  private List<Node> outputs() {
    Node square = Slices.slice(exchanged, 2, 1, 5);
    Node turned = Blocks.transposed(Shapes.reverse(square, Axes.of(3)));
    Node lu = Factors.packed(new FactorKind.Lu(), square);
    Node rhs = Blocks.transposed(Slices.slice(turned, 2, 0, 3));
    Node l = Factors.cholesky(positive(x));
    Node qr = Factors.packed(new FactorKind.Qr(), exchanged);
    Node eigh = Factors.packed(new FactorKind.Eigh(), Blocks.symmetric(turned));
    Node vectors = Factors.part(Factor.EIGH_VECTORS, eigh, turned);
    Node svd = Factors.packed(new FactorKind.Svd(), Blocks.transposed(x));
    Node u = Factors.part(Factor.SVD_U, svd, Blocks.transposed(x));
    Node v = Factors.part(Factor.SVD_V, svd, Blocks.transposed(x));
    return List.of(
        lu,
        Factors.luSolve(false, lu, rhs, square),
        Factors.luSolve(true, lu, turned, square),
        Factors.determinant(lu, square),
        l,
        Factors.triangularSolve(new FactorKind.TriangularSolve(true, true, false), l, l),
        Factors.triangularSolve(
            new FactorKind.TriangularSolve(false, false, false),
            Factors.part(Factor.QR_R, qr, exchanged),
            turned),
        Factors.part(Factor.QR_Q, qr, exchanged),
        Factors.part(Factor.EIGH_VALUES, eigh, turned),
        Elementwise.mul(vectors, vectors),
        Factors.part(Factor.SVD_S, svd, Blocks.transposed(x)),
        Blocks.product(u, Blocks.transposed(v)));
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void plansComputeTheDefinitions(boolean simplify) {
    Program program = Program.capture(List.of(x), outputs());
    Program run = simplify ? Simplify.simplify(program) : program;
    Verifier.verify(run, n -> Rules.emit(n, n.inputs()));
    boolean parts =
        run.nodes().stream()
            .anyMatch(n -> n.op() instanceof Op.Factor f && f.kind() instanceof FactorKind.Part);
    assertEquals(!simplify, parts);
    for (long seed = 1; seed <= 5; seed++) {
      double[] data = sample(seed);
      Object[] expected = ReferenceInterpreter.run(program, new Object[] {data});
      for (Backend backend : List.of(new ReferenceBackend(), CpuBackend.instance())) {
        Buffer[] outs =
            run.outputs().stream()
                .map(n -> backend.allocate(n.dtype(), n.shape().size()))
                .toArray(Buffer[]::new);
        backend.prepare(Lower.lower(run)).run(new Buffer[] {backend.upload(data)}, outs);
        for (int i = 0; i < outs.length; i++) {
          String what = backend.getClass().getSimpleName() + ", output " + i + ", seed " + seed;
          close(what, (double[]) expected[i], (double[]) outs[i].toArray());
        }
      }
    }
  }

  private static void close(String what, double[] expected, double[] actual) {
    double scale = Math.max(1, Arrays.stream(expected).map(Math::abs).max().orElse(1));
    assertEquals(expected.length, actual.length, what);
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], actual[i], 1e-8 * scale, what + ", element " + i);
    }
  }

  /** The matrix that a packed factorisation has for its derivative costs nothing to run. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void whatIsOnlyThereForDerivativesIsNotComputed(boolean simplify) {
    Node a = positive(x);
    Node lu = new Node(new Op.Parameter(1), List.of(), Shape.of(2, 3, 5, 4), DType.F64);
    Node b = new Node(new Op.Parameter(2), List.of(), Shape.of(2, 3, 4, 1), DType.F64);
    Program program = Program.capture(List.of(x, lu, b), List.of(Factors.luSolve(false, lu, b, a)));
    List<Step> steps = Lower.lower(simplify ? Simplify.simplify(program) : program).steps();
    assertEquals(1, steps.size());
    assertTrue(steps.get(0) instanceof Step.Factor);
    assertFalse(steps.get(0).toString().isEmpty());
  }
}
