package org.hesse.curvature;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import org.hesse.DType;
import org.hesse.Device;
import org.hesse.Hesse;
import org.hesse.RngKey;
import org.hesse.Shape;
import org.hesse.Tensor;
import org.hesse.Tree;
import org.hesse.io.DataException;
import org.hesse.linalg.NumericalException;
import org.hesse.testing.SimulatedDevice;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Kronecker factors on a GPU, which is not the current device, against the CPU's. */
class KfacOnDeviceTest {
  private static final Device GPU = Device.cuda(0);
  private static final ParameterLayout LAYOUT =
      new ParameterLayout(
          List.of("weight", "bias", "scale", "embedding"),
          List.of(Shape.of(3, 4), Shape.of(3), Shape.of(2), Shape.of(3, 2)));

  @BeforeAll
  static void device() {
    SimulatedDevice.require();
  }

  private static Kfac kfac(Device device) {
    RngKey[] keys = RngKey.of(4).split(4);
    List<CurvatureBlock> blocks =
        List.of(
            new KroneckerBlock(
                List.of(
                    ParameterPart.matrix("weight", Shape.of(3, 4)),
                    ParameterPart.column("bias", Shape.of(3))),
                wishart(keys[0], 3),
                wishart(keys[1], 5)),
            new DenseBlock(
                List.of(ParameterPart.entries("scale", Shape.of(2))), wishart(keys[2], 2)),
            new KroneckerBlock(
                List.of(ParameterPart.transposed("embedding", Shape.of(3, 2))),
                wishart(keys[3], 2),
                Tensor.of(new double[] {0.5, 0.3, 0.2}, 3)));
    return new Kfac(LAYOUT, blocks.stream().map(b -> Tree.map(b, t -> t.to(device))).toList());
  }

  private static Tensor wishart(RngKey key, int n) {
    Tensor x = key.normal(DType.F64, n + 2, n);
    return x.transpose().matmul(x);
  }

  private static void assertThere(BlockCurvature expected, BlockCurvature actual) {
    assertEquals(GPU, actual.device());
    Tensor vs = RngKey.of(5).normal(DType.F64, 3, LAYOUT.size()).to(Device.CPU);
    Tensor products = actual.applyAll(vs.to(GPU));
    assertEquals(GPU, products.device());
    assertArrayEquals(expected.applyAll(vs).toDoubleArray(), products.toDoubleArray(), 1e-10);
  }

  @Test
  void inversesAndScalarsAreThoseOfTheCpu() {
    Kfac here = kfac(Device.CPU);
    Kfac there = kfac(GPU);
    assertThere(here, there);
    assertEquals(here.trace(), there.trace(), 1e-11);
    assertEquals(here.frobeniusNorm(), there.frobeniusNorm(), 1e-11);
    for (Damping.Scheme scheme : Damping.Scheme.values()) {
      Damping damping = new Damping(scheme, 0.2);
      assertThere(here.inverse(damping), there.inverse(damping));
      assertThere(here.inverseRoot(damping), there.inverseRoot(damping));
      assertEquals(here.logDeterminant(damping), there.logDeterminant(damping), 1e-10);
    }
    Damping exact = Damping.exact(0.2);
    assertThere(here.eigen().inverse(exact), there.eigen().inverse(exact));
    assertEquals(here.logDeterminant(exact), there.eigen().logDeterminant(exact), 1e-10);
  }

  @Test
  void averagesAndFilesStayOnTheDevice(@TempDir Path folder) throws DataException {
    Kfac there = kfac(GPU);
    assertThere(kfac(Device.CPU), Kfac.ema(there, there, 0.9));
    Path file = folder.resolve("kfac.safetensors");
    there.save(file);
    assertThere(kfac(Device.CPU), Hesse.on(GPU, () -> Kfac.load(file, LAYOUT)));
  }

  @Test
  void badStatisticsAreNamed() {
    Tensor bad = Tensor.of(new double[] {1, Double.NaN}, 2).to(GPU);
    ParameterPart part = ParameterPart.entries("scale", Shape.of(2));
    ParameterLayout layout = new ParameterLayout(List.of("scale"), List.of(Shape.of(2)));
    String message =
        assertThrows(
                NumericalException.class,
                () -> new Kfac(layout, List.of(new DiagonalBlock(List.of(part), bad))))
            .getMessage();
    assertTrue(message.contains("scale") && message.contains("NaN at [1]"), message);
  }
}
