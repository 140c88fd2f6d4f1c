package org.hesse.linalg;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.hesse.DType;
import org.hesse.Device;
import org.hesse.RngKey;
import org.hesse.Tree;
import org.hesse.curvature.Hessian;
import org.hesse.curvature.Objective;
import org.hesse.io.Dataset;
import org.hesse.io.Datasets;
import org.hesse.nn.Loss;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import org.hesse.testing.SimulatedDevice;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * What the steps of a Lanczos process ask of a GPU and of the bus to it, on a network's Hessian,
 * once their graphs are captured.
 */
class LanczosOnDeviceTest {
  private static final Device GPU = Device.cuda(0);

  /** Searches until all graphs of the steps looked at are there: a plan decides in its 8th run. */
  private static final int WARM = 2;

  /** What happened since the step before; bytes of copies to the host and to the device. */
  private record Cost(long graphs, long kernels, long reads, long down, long up, long waits) {
    static Cost now() {
      return new Cost(
          SimulatedDevice.calls("cuGraphLaunch"),
          SimulatedDevice.calls("cuLaunchKernel"),
          SimulatedDevice.calls("cuMemcpyDtoHAsync") + SimulatedDevice.calls("cuMemcpyDtoH"),
          SimulatedDevice.bytes("DtoH"),
          SimulatedDevice.bytes("HtoD"),
          SimulatedDevice.calls("cuStreamSynchronize") + SimulatedDevice.calls("cuCtxSynchronize"));
    }

    Cost since(Cost before) {
      return new Cost(
          graphs - before.graphs,
          kernels - before.kernels,
          reads - before.reads,
          down - before.down,
          up - before.up,
          waits - before.waits);
    }
  }

  @BeforeAll
  static void device() {
    SimulatedDevice.requireSimulated();
  }

  /** Of 543 parameters, whose vectors are 4,344 bytes. */
  private static Hessian<Mlp> hessian(int batch) {
    Mlp model = Mlp.init(RngKey.of(2), MlpShape.parse("mlp:2-20-20-3:tanh"), DType.F64);
    Dataset data = Datasets.spirals(24, 1, 3, 0.1, DType.F64);
    Objective<Mlp> f =
        Objective.of(
            Tree.map(model, t -> t.to(GPU)),
            Loss.CROSS_ENTROPY,
            Tree.map(data, t -> t.to(GPU)).batches(batch));
    return Hessian.of(f);
  }

  /** Of each step of the last of some searches, and of its end. */
  private static List<Cost> search(LinearOperator a, int block, int products, int runs) {
    List<Cost> costs = new ArrayList<>();
    for (int run = 0; run < runs; run++) {
      costs.clear();
      Cost[] before = {Cost.now()};
      Progress each =
          (stage, done, total) -> {
            costs.add(Cost.now().since(before[0]));
            before[0] = Cost.now();
            return true;
          };
      Lanczos.of(a).largest(3).block(block).maxProducts(products).progress(each).run();
      costs.add(Cost.now().since(before[0]));
    }
    return costs;
  }

  /** Those of a search too short to end, from the second on. */
  private static List<Cost> steps(LinearOperator a, int block, int products) {
    List<Cost> steps = search(a, block, products, WARM + 1).subList(1, products / block - 1);
    assertTrue(steps.size() > 1);
    return steps;
  }

  /**
   * One graph for the product with a batch and one for the projection on the basis; beside them the
   * vector is placed in the basis and divided by its norm, and its axis taken off and put on again
   * around the product. One transfer of the coefficients and two norms, as rows come in blocks of
   * 16; the other way go a number and for each row of a block a flag of one byte, which say where
   * the vector goes.
   */
  @Test
  void aStepIsTwoGraphsAndReadsItsCoefficients() {
    for (Cost step : steps(hessian(24), 1, 9)) {
      assertEquals(new Cost(2, 4, 1, 8 * (16 + 2), 8 + 16, 0), step);
    }
  }

  /** Each batch is a graph more, and kernels to add it up, but nothing that the host waits for. */
  @Test
  void aBatchMoreIsAGraphMore() {
    for (Cost step : steps(hessian(12), 1, 9)) {
      assertEquals(new Cost(3, 7, 1, 8 * (16 + 2), 3 * 8 + 16, 0), step);
    }
  }

  /** Four products are one graph, as four columns are one pass over the basis. */
  @Test
  void aBlockIsTwoGraphsAsWell() {
    int b = 4;
    for (Cost step : steps(hessian(24), b, 16)) {
      assertEquals(2, step.graphs, step::toString);
      assertEquals(2, step.reads, step::toString);
      int numbers = b * 16 + 2 * b + b * b; // coefficients, norms twice, the rows' Gram matrix
      assertEquals(8L * numbers, step.down, step::toString);
      assertTrue(step.kernels <= 6 && step.waits == 0, step::toString);
    }
  }

  /** From the second step on: further searches and the check of residuals included. */
  @Test
  void noVectorComesToTheHost() {
    Hessian<Mlp> a = hessian(24);
    List<Cost> costs = search(a, 1, 40, 1);
    for (Cost c : costs.subList(1, costs.size())) {
      assertTrue(Math.max(c.down, c.up) < 8L * a.size() / 2, c::toString);
    }
  }
}
