package org.hesse.examples;

import org.hesse.DType;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.hesse.curvature.GaussNewton;
import org.hesse.curvature.Influence;
import org.hesse.curvature.InfluenceScores;
import org.hesse.curvature.Objective;
import org.hesse.io.Dataset;
import org.hesse.io.Datasets;
import org.hesse.io.Task;
import org.hesse.linalg.ConjugateGradients;
import org.hesse.nn.Loss;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import org.hesse.optim.Adam;
import org.hesse.optim.Training;

/** Finds wrong labels, and the training samples that a prediction rests on. */
public final class InfluenceExample {
  private InfluenceExample() {}

  /** Prints the samples that influence themselves most, and those that help a test sample. */
  public static void main(String[] args) throws Exception {
    Dataset all = Datasets.open("two-moons:300", DType.F64, Task.CLASSIFICATION);
    int[] labels = all.y().toIntArray();
    for (int wrong : new int[] {10, 100, 150}) {
      labels[wrong] = 1 - labels[wrong];
    }
    Dataset train = new Dataset("wrong labels", all.x(), Tensor.of(labels, 300), 2).take(0, 200);
    Dataset test = all.take(200, 300);
    Mlp start = Mlp.init(RngKey.of(0), MlpShape.parse("mlp:2-16-2:tanh"), DType.F64);
    Training training = Training.of(Loss.CROSS_ENTROPY, Adam.of(0.01)).epochs(40).batch(32);
    Mlp model = training.fit(start, new Dataset.Split(train, test)).model();

    Objective<Mlp> f = Objective.of(model, Loss.CROSS_ENTROPY, train.batches(100));
    GaussNewton<Mlp> g = GaussNewton.of(f);
    Influence<Mlp> influence = Influence.of(f, ConjugateGradients.of(g.shift(1e-2)).inverse());
    for (var suspect : influence.self().helpful(0, 3)) {
      System.out.printf("sample %d, %.0f for itself%n", suspect.sample(), suspect.score());
    }
    InfluenceScores scores = influence.scores(test.take(0, 5).batches(5));
    var best = scores.helpful(0, 1).getFirst();
    System.out.printf(
        "without sample %d the loss of test sample 0 changes by %.1e, residual %.0e%n",
        best.sample(),
        scores.leaveOneOut().select(0, 0).toDoubleArray()[best.sample()],
        scores.relativeResiduals()[0]);
  }
}
