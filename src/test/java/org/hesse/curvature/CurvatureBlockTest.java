package org.hesse.curvature;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.hesse.DType;
import org.hesse.Matrices;
import org.hesse.Shape;
import org.hesse.Tensor;
import org.hesse.linalg.NumericalException;
import org.junit.jupiter.api.Test;

/** Blocks of a curvature against the matrices that they stand for. */
class CurvatureBlockTest {
  private static final List<ParameterPart> PARTS =
      List.of(
          ParameterPart.matrix("hidden.weight", Shape.of(3, 4)),
          ParameterPart.column("hidden.bias", Shape.of(3)));
  private static final List<ParameterPart> ENTRIES =
      List.of(
          ParameterPart.entries("norm.scale", Shape.of(3)),
          ParameterPart.entries("norm.shift", Shape.of(2)));

  private final Random random = new Random(5);

  private Tensor uniform(double from, double to, int... dims) {
    return Tensor.of(random.doubles(Shape.of(dims).size(), from, to).toArray(), dims);
  }

  /** XᵀX of a random X [rows, n]. */
  private Tensor wishart(int rows, int n) {
    Tensor x = uniform(-1, 1, rows, n);
    return x.transpose().matmul(x);
  }

  private static Tensor kronecker(Tensor g, Tensor a) {
    int q = g.dim(0);
    int p = a.dim(0);
    return g.reshape(q, 1, q, 1).mul(a.reshape(1, p, 1, p)).reshape(q * p, q * p);
  }

  private static Tensor shifted(Tensor m, double by) {
    return m.add(Tensor.eye(m.dtype(), m.dim(0)).mul(by));
  }

  private KroneckerBlock block() {
    return new KroneckerBlock(PARTS, wishart(5, 3), wishart(7, 5));
  }

  /** One of each kind, and one with each form of factor, with their matrices. */
  private List<Expected> all() {
    KroneckerBlock k = block();
    Tensor d = uniform(0.1, 1, 5);
    Tensor m = wishart(7, 5);
    Tensor s = uniform(0.1, 2, 3, 5);
    EigenBlock e = k.eigen().withEigenvalues(s);
    Tensor basis = kronecker(e.outputBasis().orElseThrow(), e.inputBasis().orElseThrow());
    return List.of(
        new Expected(k, kronecker(k.output(), k.input())),
        new Expected(
            new KroneckerBlock(PARTS, k.output(), d),
            kronecker(k.output(), Matrices.diagonalMatrix(d))),
        new Expected(k.eigen(), kronecker(k.output(), k.input())),
        new Expected(e, basis.mul(s.reshape(15)).matmul(basis.transpose())),
        new Expected(new DenseBlock(ENTRIES, m), m),
        new Expected(new DenseBlock(ENTRIES, m).eigen(), m),
        new Expected(new DiagonalBlock(ENTRIES, d), Matrices.diagonalMatrix(d)),
        new Expected(new DiagonalBlock(ENTRIES, d).eigen(), Matrices.diagonalMatrix(d)));
  }

  private record Expected(CurvatureBlock block, Tensor matrix) {}

  private static void assertClose(Tensor expected, Tensor actual, double relative) {
    double scale = expected.abs().max().item();
    assertArrayEquals(expected.toDoubleArray(), actual.toDoubleArray(), relative * scale);
  }

  @Test
  void productsAndScalarsAreThoseOfTheMatrix() {
    for (Expected e : all()) {
      CurvatureBlock b = e.block;
      assertClose(e.matrix, b.toDense(), 1e-13);
      assertEquals(Matrices.trace(e.matrix).item(), b.trace(), 1e-12 * b.trace());
      assertEquals(
          Math.sqrt(e.matrix.square().sum().item()), b.frobeniusNorm(), 1e-12 * b.frobeniusNorm());
      assertEquals(Matrices.slogdet(e.matrix).log().item(), b.logDeterminant(), 1e-8, b.name());
      assertEquals(
          Matrices.slogdet(shifted(e.matrix, 0.3)).log().item(),
          b.logDeterminant(Damping.exact(0.3)),
          1e-9,
          b.name());
      Tensor x = uniform(-1, 1, 3, b.rows(), b.columns());
      Tensor y = x.reshape(3, b.size()).matmul(e.matrix);
      assertClose(y, b.apply(x).reshape(3, b.size()), 1e-12);
      assertClose(y.select(0, 1), b.apply(x.select(0, 1)).reshape(b.size()), 1e-12);
    }
  }

  @Test
  void exactlyDampedPowersAreThoseOfTheMatrix() {
    for (Expected e : all()) {
      Tensor damped = shifted(e.matrix, 0.3);
      Tensor inverse = Matrices.inverse(damped);
      assertClose(inverse, e.block.inverse(Damping.exact(0.3)).toDense(), 1e-10);
      Tensor root = e.block.inverseRoot(Damping.exact(0.3)).toDense();
      assertClose(inverse, root.matmul(root), 1e-10);
      assertTrue(Matrices.eigh(root).values().toDoubleArray()[0] > 0, "the positive root");
      assertClose(Matrices.inverse(e.matrix), e.block.inverse(Damping.NONE).toDense(), 1e-8);
    }
  }

  /** The factors with what a scheme adds to them, by its definition. */
  private static Tensor[] damped(KroneckerBlock b, Damping damping) {
    double traces = Matrices.trace(b.input()).item() / b.columns();
    double pi =
        damping.scheme() == Damping.Scheme.PI
            ? Math.sqrt(traces / (Matrices.trace(b.output()).item() / b.rows()))
            : 1;
    double root = Math.sqrt(damping.value());
    return new Tensor[] {shifted(b.output(), root / pi), shifted(b.input(), root * pi)};
  }

  @Test
  void dampedFactorsAreTheirDefinitions() {
    KroneckerBlock b = block();
    for (Damping damping : List.of(Damping.pi(0.2), Damping.equal(0.2))) {
      Tensor[] factors = damped(b, damping);
      Tensor matrix = kronecker(factors[0], factors[1]);
      CurvatureBlock inverse = b.inverse(damping);
      assertInstanceOf(KroneckerBlock.class, inverse);
      assertClose(Matrices.inverse(matrix), inverse.toDense(), 1e-11);
      Tensor root = b.inverseRoot(damping).toDense();
      assertClose(Matrices.inverse(matrix), root.matmul(root), 1e-11);
      double log = Matrices.slogdet(matrix).log().item();
      assertEquals(log, b.logDeterminant(damping), 1e-9);
      assertEquals(-log, inverse.logDeterminant(), 1e-9);
    }
  }

  @Test
  void piDoesNotDependOnTheScaleOfFactors() {
    KroneckerBlock b = block();
    Tensor expected = b.inverse(Damping.pi(0.2)).toDense();
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      for (double c : new double[] {1e-6, 1, 1e6}) {
        Tensor output = b.output().div(c).cast(dtype);
        Tensor input = b.input().mul(c).cast(dtype);
        KroneckerBlock scaled = new KroneckerBlock(PARTS, output, input);
        assertClose(
            expected, scaled.inverse(Damping.pi(0.2)).toDense(), dtype == DType.F64 ? 1e-12 : 1e-5);
      }
    }
  }

  @Test
  void zeroFactorsLeaveTheDamping() {
    Tensor g = wishart(5, 3);
    Tensor zero = Tensor.zeros(DType.F64, 5, 5);
    KroneckerBlock b = new KroneckerBlock(PARTS, g, zero);
    Tensor unit = Tensor.eye(DType.F64, 15);
    assertClose(unit.mul(4), b.inverse(Damping.exact(0.25)).toDense(), 1e-14);
    assertClose(unit.mul(4), b.inverse(Damping.pi(0.25)).toDense(), 1e-14);
    assertEquals(15 * Math.log(0.25), b.logDeterminant(Damping.pi(0.25)), 1e-12);
    // π damping tends to it.
    KroneckerBlock small = new KroneckerBlock(PARTS, g, shifted(zero, 1e-14));
    assertClose(unit.mul(4), small.inverse(Damping.pi(0.25)).toDense(), 1e-5);
    Tensor spread = Matrices.inverse(kronecker(shifted(g, 0.5), shifted(zero, 0.5)));
    assertClose(spread, b.inverse(Damping.equal(0.25)).toDense(), 1e-12);
    assertEquals(0, b.trace());
    assertEquals(Double.NEGATIVE_INFINITY, b.logDeterminant());
    String message = message(() -> b.inverse(Damping.NONE));
    assertNames(message, "hidden.weight", "hidden.bias", "input factor A", "singular", "damping");
  }

  @Test
  void rankDeficientFactorsNeedDamping() {
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      KroneckerBlock b =
          new KroneckerBlock(PARTS, wishart(2, 3).cast(dtype), wishart(7, 5).cast(dtype));
      Tensor matrix = kronecker(b.output(), b.input()).cast(DType.F64);
      assertClose(
          Matrices.inverse(shifted(matrix, 0.1)),
          b.inverse(Damping.exact(0.1)).toDense(),
          dtype == DType.F64 ? 1e-12 : 1e-5);
      assertEquals(Double.NEGATIVE_INFINITY, b.logDeterminant());
      String message = message(() -> b.inverseRoot(Damping.NONE));
      assertNames(message, "hidden.weight", "output factor G", "1 of its 3 eigenvalues", "damping");
      assertNames(message(() -> b.eigen().inverse(Damping.NONE)), "hidden.weight", "damping");
      assertEquals(Double.NEGATIVE_INFINITY, b.eigen().logDeterminant());
    }
    DiagonalBlock d = new DiagonalBlock(ENTRIES, Tensor.of(new double[] {1, 2, 0, 3, 4}, 5));
    assertNames(message(() -> d.inverse(Damping.NONE)), "norm.scale", "damping");
  }

  @Test
  void badStatisticsAreNamed() {
    Tensor bad = Tensor.of(new double[] {1, 0, 0, 0, 1, 0, 0, Double.NaN, 1}, 3, 3);
    KroneckerBlock b = new KroneckerBlock(PARTS, bad, wishart(7, 5));
    for (Damping damping : List.of(Damping.exact(1), Damping.pi(1), Damping.equal(1))) {
      String message = message(() -> b.inverse(damping));
      assertNames(message, "hidden.weight", "output factor G", "NaN at [2, 1]", "finite");
    }
    assertNames(message(b::logDeterminant), "hidden.weight", "NaN");
    Tensor negative = Tensor.of(new double[] {1, 0, 0, 0, 1, 0, 0, 0, -0.5}, 3, 3);
    String message = message(() -> new KroneckerBlock(PARTS, negative, wishart(7, 5)).eigen());
    assertNames(message, "hidden.weight", "output factor G", "-0.5", "positive semidefinite");
    EigenBlock e = block().eigen();
    assertNames(
        message(() -> e.withEigenvalues(e.eigenvalues().neg()).inverse(Damping.exact(1))),
        "hidden.weight",
        "none below 0");
  }

  private static String message(Runnable call) {
    return assertThrows(NumericalException.class, call::run).getMessage();
  }

  private static void assertNames(String message, String... words) {
    for (String word : words) {
      assertTrue(message.contains(word), message + "\nshould say " + word);
    }
  }

  @Test
  void decompositionsThatFailInF32AreRepeatedInF64() {
    KroneckerBlock b = block();
    KroneckerBlock single =
        new KroneckerBlock(PARTS, b.output().cast(DType.F32), b.input().cast(DType.F32));
    List<DType> tried = new ArrayList<>();
    CurvatureBlock inverse =
        single.power(
            Damping.pi(0.2),
            -1,
            m -> {
              tried.add(m.dtype());
              if (m.dtype() == DType.F32) {
                throw new ArithmeticException("eigh: the matrix has eigenvalues that did not ...");
              }
              return Matrices.eigh(m);
            });
    assertEquals(List.of(DType.F32, DType.F64, DType.F32, DType.F64), tried);
    assertEquals(DType.F32, inverse.dtype());
    assertClose(b.inverse(Damping.pi(0.2)).toDense(), inverse.toDense(), 1e-5);
  }

  /** Also where no exception, but NaN, comes out. */
  @Test
  void decompositionsThatFailInF64AreErrors() {
    Spectrum.Solver broken =
        m -> {
          Tensor values = Tensor.full(Double.NaN, m.dtype(), m.dim(0));
          return new Matrices.Eigh(values, m);
        };
    String message = message(() -> block().power(Damping.pi(0.2), -1, broken));
    assertNames(message, "hidden.weight", "output factor G", "F64");
  }

  @Test
  void dampingNeedsFactorsOrIsExact() {
    EigenBlock e = block().eigen();
    String message =
        assertThrows(IllegalArgumentException.class, () -> e.inverse(Damping.pi(1))).getMessage();
    assertNames(message, "hidden.weight", "Damping.exact");
    for (double bad : new double[] {-1, Double.NaN, Double.POSITIVE_INFINITY}) {
      assertThrows(IllegalArgumentException.class, () -> Damping.pi(bad));
    }
  }

  @Test
  void shapesThatDoNotFitAreNamed() {
    Tensor g = wishart(5, 3);
    String message =
        assertThrows(IllegalArgumentException.class, () -> new KroneckerBlock(PARTS, g, g))
            .getMessage();
    assertNames(message, "input", "[3, 3]", "[5, 5]", "hidden.weight");
    Tensor a = wishart(7, 5).cast(DType.F32);
    assertThrows(IllegalArgumentException.class, () -> new KroneckerBlock(PARTS, g, a));
    assertThrows(IllegalArgumentException.class, () -> new DenseBlock(PARTS, a));
    assertThrows(IllegalArgumentException.class, () -> ParameterPart.matrix("b", Shape.of(3)));
    assertThrows(IllegalArgumentException.class, () -> PARTS.getFirst().rowRange(2, 4));
  }
}
