package org.hesse.curvature;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import org.hesse.DType;
import org.hesse.Tree;
import org.hesse.io.Dataset;
import org.hesse.io.Datasets;
import org.hesse.io.Npz;
import org.hesse.io.Safetensors;
import org.hesse.io.Task;
import org.hesse.linalg.Eigenpairs;
import org.hesse.linalg.Lanczos;
import org.hesse.linalg.PowerIteration;
import org.hesse.nn.Loss;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Each eigensolver on a trained network, against its dense spectrum computed by PyTorch in F64. */
class ReferenceEigenvaluesTest {
  private static final Path SHARED = Path.of("..", "shared");

  private static Hessian<Mlp> hessian;
  private static double[] ascending;

  @BeforeAll
  static void read() throws IOException {
    Path models = SHARED.resolve("models");
    assumeTrue(Files.isDirectory(models), "there is no folder " + models);
    MlpShape shape = MlpShape.parse("mlp:64-32-10:tanh");
    Mlp stored =
        Mlp.load(shape, Safetensors.read(models.resolve("digits-mlp.safetensors")).tensors());
    String csv = SHARED.resolve("data/digits.csv").toString();
    Dataset data = Datasets.open(csv, DType.F64, Task.CLASSIFICATION);
    Mlp model = Tree.map(stored, t -> t.cast(DType.F64));
    hessian = Hessian.of(Objective.of(model, Loss.CROSS_ENTROPY, data.batches(data.size())));
    ascending = Npz.read(models.resolve("digits-mlp.spectrum.npz")).get("hessian").toDoubleArray();
    Arrays.sort(ascending);
  }

  private static double[] byMagnitude() {
    return Arrays.stream(ascending)
        .boxed()
        .sorted(Comparator.comparingDouble((Double x) -> -Math.abs(x)))
        .mapToDouble(Double::doubleValue)
        .toArray();
  }

  @Test
  void fortyLeading() {
    double[] expected = byMagnitude();
    for (int block : new int[] {1, 8}) {
      Eigenpairs top = Lanczos.of(hessian).largest(40).block(block).run();
      assertTrue(top.converged() && top.complete());
      for (int i = 0; i < 40; i++) {
        assertEquals(expected[i], top.values()[i], 1e-9, "eigenvalue " + i);
        assertTrue(Math.abs(expected[i] - top.values()[i]) <= top.residuals()[i]);
      }
    }
  }

  @Test
  void bothEnds() {
    Eigenpairs ends = Lanczos.of(hessian).bothEnds(4).tolerance(1e-4).run();
    assertTrue(ends.converged() && ends.complete(), ends.toString());
    int n = ascending.length;
    for (int i = 0; i < 4; i++) {
      assertEquals(ascending[i], ends.values()[i], ends.residuals()[i]);
      assertEquals(ascending[n - 4 + i], ends.values()[4 + i], ends.residuals()[4 + i]);
    }
  }

  @Test
  void fiveByPowerIteration() {
    double[] expected = byMagnitude();
    Eigenpairs top = PowerIteration.of(hessian).largest(5).run();
    assertTrue(top.converged());
    for (int i = 0; i < 5; i++) {
      assertEquals(expected[i], top.values()[i], top.residuals()[i]);
      assertEquals(expected[i], top.values()[i], 1e-5 * expected[i]);
    }
  }
}
