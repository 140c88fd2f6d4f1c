package org.hesse;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.grad;
import static org.hesse.Autodiff.hvp;
import static org.hesse.Autodiff.valueAndGrad;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.management.ManagementFactory;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;
import org.hesse.nn.Loss;
import org.hesse.nn.Mlp;
import org.hesse.nn.MlpShape;
import org.hesse.optim.Sgd;
import org.hesse.optim.TrainState;
import org.junit.jupiter.api.Test;

/**
 * A replay allocates no memory for tensors where its outputs have the memory of donated inputs:
 * counted in bytes, of networks whose parameters are far more of these than what a call makes
 * anyway.
 */
class ReplayTest {
  private static final int CALLS = 20;
  private static final int ROUNDS = 300;
  private static final int STEPS = 5;

  /** What a call may allocate: records, tensors without their elements, and the like. */
  private static final long OBJECTS = 1 << 17;

  private record Batch(Tensor x, Tensor y) {}

  private static final Batch BATCH =
      new Batch(
          RngKey.of(1).normal(DType.F32, 8, 40),
          RngKey.of(2).uniform(DType.F32, 8).mul(10).cast(DType.I32));

  private static final Mlp MODEL =
      Mlp.init(RngKey.of(3), MlpShape.parse("mlp:40-600-600-10:relu"), DType.F32);

  private static Tensor loss(Mlp m, Batch b) {
    return Loss.CROSS_ENTROPY.apply(m.apply(b.x()), b.y());
  }

  /**
   * Bytes for each call, on average, once loops over vectors have been compiled: until then each
   * vector is an object. How many calls that takes is the virtual machine's business, so that the
   * fewest bytes of several rounds count.
   */
  private static <S> long allocated(UnaryOperator<S> step, S initial) {
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    S state = initial;
    long least = Long.MAX_VALUE;
    for (int round = 0; round < ROUNDS && least > OBJECTS / 2; round++) {
      long before = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < CALLS; i++) {
        state = step.apply(state);
      }
      least = Math.min(least, (threads.getCurrentThreadAllocatedBytes() - before) / CALLS);
    }
    return least;
  }

  private static void requireFew(long bytes) {
    long parameters = 4L * Tree.of(MODEL).ravel(MODEL).size();
    assertTrue(parameters > 5 * OBJECTS, parameters + " bytes of parameters are too few to tell");
    assertTrue(bytes <= OBJECTS, bytes + " bytes for each call; " + parameters + " of parameters");
  }

  @Test
  void aTrainingStepThatDonatesItsState() {
    Sgd sgd = new Sgd(0.01, 0.9, 0);
    var step =
        compile(
            (TrainState<Mlp> s, Batch b) ->
                s.update(sgd, valueAndGrad((Mlp m) -> loss(m, b)).apply(s.model()).gradient()),
            Donate.first());
    TrainState<Mlp> start = TrainState.init(Tree.map(MODEL, Tensor::copy), sgd);
    requireFew(allocated(s -> step.apply(s, BATCH), start));
  }

  /** One call of several steps is so many calls of one, and allocates as little. */
  @Test
  void severalStepsInOneCall() {
    Sgd sgd = new Sgd(0.01, 0.9, 0);
    BiFunction<TrainState<Mlp>, Batch, TrainState<Mlp>> one =
        (s, b) -> s.update(sgd, grad((Mlp m) -> loss(m, b)).apply(s.model()));
    var many = compile((TrainState<Mlp> s, Batch b) -> ControlFlow.scan(one, s, b), Donate.first());
    Batch stacked =
        new Batch(
            RngKey.of(4).normal(DType.F32, STEPS, 8, 40),
            RngKey.of(5).uniform(DType.F32, STEPS, 8).mul(10).cast(DType.I32));
    TrainState<Mlp> expected = TrainState.init(MODEL, sgd);
    for (int i = 0; i < STEPS; i++) {
      Tensor x = stacked.x().slice(0, i, i + 1).reshape(8, 40);
      expected = one.apply(expected, new Batch(x, stacked.y().slice(0, i, i + 1).reshape(8)));
    }
    TrainState<Mlp> start = TrainState.init(Tree.map(MODEL, Tensor::copy), sgd);
    TrainState<Mlp> end = many.apply(start, stacked);
    assertEquals(STEPS, end.step().item());
    Tree<Mlp> tree = Tree.of(MODEL);
    Tensor apart = tree.ravel(end.model()).sub(tree.ravel(expected.model())).abs().max();
    assertTrue(apart.item() < 1e-6, "off by " + apart.item());
    requireFew(allocated(s -> many.apply(s, stacked), end) / STEPS);
  }

  @Test
  void aHessianProductThatDonatesItsVector() {
    var product = compile((Mlp v, Batch b) -> hvp((Mlp m) -> loss(m, b), MODEL, v), Donate.first());
    requireFew(allocated(v -> product.apply(v, BATCH), Tree.map(MODEL, Tensor::copy)));
  }
}
