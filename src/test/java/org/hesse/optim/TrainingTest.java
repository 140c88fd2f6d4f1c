package org.hesse.optim;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import org.hesse.Autodiff;
import org.hesse.DType;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.hesse.Tree;
import org.hesse.io.Dataset;
import org.hesse.io.Datasets;
import org.hesse.linalg.NumericalException;
import org.hesse.nn.Linear;
import org.hesse.nn.Loss;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import org.junit.jupiter.api.Test;

class TrainingTest {
  private static final Dataset MOONS = Datasets.twoMoons(103, 1, 0.1, DType.F64);

  private static Mlp model() {
    return Mlp.init(RngKey.of(5), MlpShape.parse("mlp:2-6-2:tanh"), DType.F64);
  }

  @Test
  void raggedBatchesCountByTheirSize() {
    Evaluation whole = Evaluation.of(model(), Loss.CROSS_ENTROPY, MOONS, 200);
    Evaluation parts = Evaluation.of(model(), Loss.CROSS_ENTROPY, MOONS, 10);
    assertEquals(whole.loss(), parts.loss(), 1e-13);
    assertEquals(whole.accuracy(), parts.accuracy());
  }

  /** To the bit as the means of batches, read one by one and weighted by their sizes. */
  @Test
  void lossesAreSummedInOrder() {
    for (DType dtype : List.of(DType.F64, DType.F32)) {
      Dataset data = MOONS.cast(dtype);
      Mlp m = Mlp.init(RngKey.of(5), MlpShape.parse("mlp:2-6-2:tanh"), dtype);
      BiFunction<Mlp, Dataset, Tensor> mean =
          Autodiff.compile((Mlp k, Dataset b) -> Loss.CROSS_ENTROPY.apply(k.apply(b.x()), b.y()));
      double sum = 0;
      for (Dataset b : data.batches(10)) {
        sum += mean.apply(m, b).item() * b.size();
      }
      assertEquals(
          sum / data.size(), Evaluation.of(m, Loss.CROSS_ENTROPY, data, 10).loss(), 0, "" + dtype);
    }
  }

  @Test
  void accuracyCountsTheLargestOutputs() {
    Tensor w = Tensor.eye(DType.F64, 2);
    Linear identity = new Linear(w, Tensor.zeros(DType.F64, 2));
    Tensor x = Tensor.of(new double[] {1, 0, 0, 1, 3, 2, 0, 5}, 4, 2);
    Dataset d = Dataset.classification("d", x, Tensor.of(new int[] {0, 1, 1, 1}), 2);
    assertEquals(0.75, Evaluation.of(identity, Loss.CROSS_ENTROPY, d, 3).accuracy());
    Dataset r = Dataset.regression("r", x, x);
    assertTrue(Double.isNaN(Evaluation.of(identity, Loss.MSE, r, 3).accuracy()));
    assertEquals(0, Evaluation.of(identity, Loss.MSE, r, 3).loss());
  }

  /** One step on all samples is w − η ∇, with the gradient of ½-less squared error by hand. */
  @Test
  void oneStepOfGradientDescent() {
    Tensor x = Tensor.of(new double[] {1, 2, 3}, 3, 1);
    Dataset d = Dataset.regression("line", x, Tensor.of(new double[] {2, 4, 6}, 3, 1));
    Linear start = new Linear(Tensor.zeros(DType.F64, 1, 1), Tensor.zeros(DType.F64, 1));
    Linear end =
        Training.of(Loss.MSE, Sgd.of(0.01))
            .epochs(1)
            .batch(3)
            .fit(start, new Dataset.Split(d, d))
            .model();
    assertEquals(0.01 * 2 * (2 + 8 + 18) / 3, end.weight().toDoubleArray()[0], 1e-15);
    assertEquals(0.01 * 2 * (2 + 4 + 6) / 3, end.bias().toDoubleArray()[0], 1e-15);
  }

  @Test
  void reportsStepsAndEpochs() {
    List<Epoch> epochs = new ArrayList<>();
    List<Long> steps = new ArrayList<>();
    Dataset.Split split = MOONS.split(0.2, 0);
    Training training =
        Training.of(Loss.CROSS_ENTROPY, Adam.of(0.01))
            .epochs(3)
            .batch(25)
            .onEpoch(epochs::add)
            .onStep(steps::add);
    Training.Result<Mlp> r = training.fit(model(), split);
    assertEquals(r.epochs(), epochs);
    assertEquals(training.steps(split.train().size()), steps.getLast());
    assertEquals(12, steps.size());
    assertEquals(3, epochs.getLast().number());
    assertEquals(
        Evaluation.of(r.model(), Loss.CROSS_ENTROPY, split.test(), 9).loss(),
        epochs.getLast().test().loss(),
        1e-12);
  }

  @Test
  void divergenceIsAnError() {
    Dataset sine = Datasets.sine(50, 0, 0.1, DType.F64);
    Mlp linear = Mlp.init(RngKey.of(0), MlpShape.parse("mlp:1-4-1:identity"), DType.F64);
    Training training = Training.of(Loss.MSE, Sgd.of(1e10)).epochs(50);
    NumericalException e =
        assertThrows(
            NumericalException.class, () -> training.fit(linear, new Dataset.Split(sine, sine)));
    assertTrue(e.getMessage().contains("learning rate"), e.getMessage());
  }

  @Test
  void aModelWithoutTensors() {
    record Empty(List<Tensor> layers, String name) {}
    String message =
        assertThrows(
                IllegalArgumentException.class,
                () -> TrainState.init(new Empty(List.of(), "none"), Sgd.of(0.1)))
            .getMessage();
    assertTrue(message.contains("model: a Empty without a tensor"), message);
  }

  /** Steps write over their own states alone. */
  @Test
  void theModelGivenIsLeftAsItIs() {
    Mlp m = model();
    Mlp same = model();
    Dataset.Split data = MOONS.split(0.2, 0);
    Training t = Training.of(Loss.CROSS_ENTROPY, Adam.of(1e-2)).epochs(2).batch(16);
    Mlp first = t.fit(m, data).model();
    Mlp second = t.fit(m, data).model();
    List<Tensor> before = Tree.leavesOf(same);
    for (int i = 0; i < before.size(); i++) {
      double[] kept = Tree.leavesOf(m).get(i).toDoubleArray();
      assertArrayEquals(before.get(i).toDoubleArray(), kept);
      double[] a = Tree.leavesOf(first).get(i).toDoubleArray();
      assertArrayEquals(a, Tree.leavesOf(second).get(i).toDoubleArray());
      assertTrue(!java.util.Arrays.equals(a, kept));
    }
  }
}
