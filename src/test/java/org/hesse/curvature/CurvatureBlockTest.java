package org.hesse.curvature;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Random;
import org.hesse.DType;
import org.hesse.Matrices;
import org.hesse.Shape;
import org.hesse.Tensor;
import org.junit.jupiter.api.Test;

/** Blocks of a curvature against the matrices that they stand for. */
class CurvatureBlockTest {
  private static final List<ParameterPart> PARTS =
      List.of(
          ParameterPart.matrix("weight", Shape.of(3, 4)),
          ParameterPart.column("bias", Shape.of(3)));
  private static final ParameterLayout LAYOUT =
      new ParameterLayout(List.of("bias", "weight"), List.of(Shape.of(3), Shape.of(3, 4)));

  private final Random random = new Random(5);

  private Tensor gaussian(int... dims) {
    int n = (int) Shape.of(dims).size();
    return Tensor.of(random.doubles(n, -1, 1).toArray(), dims);
  }

  private Tensor wishart(int n) {
    Tensor x = gaussian(n + 2, n);
    return x.transpose().matmul(x);
  }

  private static Tensor kron(Tensor g, Tensor a) {
    int q = g.dim(0);
    int p = a.dim(0);
    return g.reshape(q, 1, q, 1).mul(a.reshape(1, p, 1, p)).reshape(q * p, q * p);
  }

  @Test
  void scalarsAndInversesAreThoseOfTheMatrix() {
    Tensor g = wishart(3);
    Tensor a = wishart(5);
    KroneckerBlock block = new KroneckerBlock(PARTS, g, a);
    Tensor k = kron(g, a);
    assertArrayEquals(k.toDoubleArray(), block.toDense().toDoubleArray(), 1e-12);
    assertEquals(Matrices.trace(k).item(), block.trace(), 1e-10);
    assertEquals(Matrices.slogdet(k).log().item(), block.logDeterminant(), 1e-8);
    Tensor damped = k.add(Tensor.eye(DType.F64, 15).mul(0.3));
    assertArrayEquals(
        Matrices.inverse(damped).toDoubleArray(),
        block.inverse(Damping.exact(0.3)).toDense().toDoubleArray(),
        1e-10);
  }

  @Test
  void vectorsAreInTheOrderOfTheParameters() {
    Kfac kfac = new Kfac(LAYOUT, List.of(new KroneckerBlock(PARTS, wishart(3), wishart(5))));
    Tensor v = gaussian(2, 15);
    Tensor y = kfac.applyAll(v);
    Tensor x = Tensor.concat(2, v.slice(1, 3, 15).reshape(2, 3, 4), v.slice(1, 0, 3).reshape(2, 3, 1));
    Tensor z = kfac.blocks().getFirst().apply(x);
    assertArrayEquals(z.slice(2, 4, 5).toDoubleArray(), y.slice(1, 0, 3).toDoubleArray(), 1e-12);
    assertArrayEquals(z.slice(2, 0, 4).toDoubleArray(), y.slice(1, 3, 15).toDoubleArray(), 1e-12);
  }
}
