package org.hesse.plan;

import static org.hesse.Autodiff.checkpoint;
import static org.hesse.Autodiff.grad;
import static org.hesse.Autodiff.program;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.hesse.DType;
import org.hesse.RngKey;
import org.hesse.Shape;
import org.hesse.Tensor;
import org.hesse.backend.Backend;
import org.hesse.backend.Buffer;
import org.hesse.backend.Schedule;
import org.hesse.backend.cpu.CpuBackend;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;
import org.hesse.ir.UnaryKind;
import org.hesse.ops.Elementwise;
import org.hesse.testing.ReferenceBackend;
import org.hesse.testing.ReferenceInterpreter;
import org.junit.jupiter.api.Test;

/** What barriers do to the order of steps and to the memory that they take. */
class CheckpointTest {
  private static final int BLOCKS = 64;
  private static final int ROWS = 8;
  private static final int WIDTH = 16;

  /** Ten operations, five of them products, whose derivatives need what goes into them. */
  private static Tensor block(Tensor x, Tensor w) {
    Tensor y = x;
    for (int i = 0; i < 5; i++) {
      y = y.matmul(w).tanh();
    }
    return y;
  }

  private static Tensor loss(List<Tensor> weights, Tensor x, boolean late) {
    Tensor y = x;
    for (Tensor w : weights) {
      Function<Tensor, Tensor> f = in -> block(in, w);
      y = late ? checkpoint(f).apply(y) : f.apply(y);
    }
    return y.square().sum();
  }

  private static Program gradient(int blocks, boolean late) {
    Tensor w = RngKey.of(1).normal(DType.F64, WIDTH, WIDTH).mul(0.3);
    Tensor x = RngKey.of(2).normal(DType.F64, ROWS, WIDTH);
    List<Tensor> weights = java.util.Collections.nCopies(blocks, w);
    return program((Tensor in) -> grad((List<Tensor> ws) -> loss(ws, in, late)).apply(weights), x);
  }

  private static long arena(Program program) {
    Schedule s = Lower.lower(Simplify.simplify(program));
    assertTrue(s.arena().keySet().equals(java.util.Set.of(DType.F64)), s.arena().toString());
    return s.arena().get(DType.F64);
  }

  /** With n numbers to a layer: blocks · n and a block's own values against blocks · ops · n. */
  @Test
  void theGradientOfADeepChainTakesTheMemoryOfABlockAndTheStatesInBetween() {
    long n = ROWS * WIDTH;
    long kept = arena(gradient(BLOCKS, false));
    long late = arena(gradient(BLOCKS, true));
    assertTrue(kept >= BLOCKS * 5 * n, kept + " numbers");
    assertTrue(late <= (BLOCKS + 16) * n, late + " numbers, " + late / n + " layers");
  }

  @Test
  void barriersCopyNothing() {
    Schedule s = Lower.lower(Simplify.simplify(gradient(3, true)));
    for (var step : s.steps()) {
      if (step instanceof org.hesse.backend.Step.Map m) {
        assertTrue(
            m.code().stream().anyMatch(i -> !(i instanceof org.hesse.backend.Instruction.Load)),
            () -> "a copy in\n" + SchedulePrinter.text(s));
      }
    }
  }

  @Test
  void bothComputeTheSame() {
    Program kept = gradient(4, false);
    Program late = gradient(4, true);
    Object[] in = data(late);
    Object[] expected = ReferenceInterpreter.run(kept, data(kept));
    Object[] actual = run(CpuBackend.instance(), late, in);
    Object[] checked = run(new ReferenceBackend(), late, in);
    for (int i = 0; i < expected.length; i++) {
      assertArrayEquals((double[]) expected[i], (double[]) actual[i], 1e-12);
      assertArrayEquals((double[]) expected[i], (double[]) checked[i], 1e-12);
    }
  }

  private static Object[] data(Program p) {
    return p.inputs().stream()
        .map(in -> RngKey.of(in.shape().dim(0)).normal(DType.F64, in.shape().dims()).mul(0.3))
        .map(Tensor::toDoubleArray)
        .toArray();
  }

  private static Object[] run(Backend backend, Program p, Object[] data) {
    Buffer[] in = java.util.Arrays.stream(data).map(backend::upload).toArray(Buffer[]::new);
    return java.util.Arrays.stream(Plan.compile(backend, p).run(in)).map(Buffer::toArray).toArray();
  }

  private static Node input(int index) {
    return new Node(new Op.Parameter(index), List.of(), Shape.of(6), DType.F64);
  }

  private static Node barrier(Node... inputs) {
    return new Node(new Op.Barrier(), List.of(inputs), inputs[0].shape(), inputs[0].dtype());
  }

  private static Node exp(Node x) {
    return Elementwise.unary(UnaryKind.EXP, x);
  }

  private static long barriers(Program p) {
    return Simplify.simplify(p).nodes().stream().filter(n -> n.op() instanceof Op.Barrier).count();
  }

  @Test
  void equalBarriersAreOneAndIdleOnesNone() {
    Node x = input(0);
    Node y = input(1);
    Node e = exp(y);
    Node twice = Elementwise.add(exp(barrier(x, e)), exp(barrier(x, e)));
    assertEquals(1, barriers(Program.capture(List.of(x, y), List.of(twice, e))));
    assertEquals(0, barriers(Program.capture(List.of(x, y), List.of(barrier(x, y)))));
    assertEquals(0, barriers(Program.capture(List.of(x, y), List.of(barrier(x)))));
  }

  @Test
  void aBarrierMayBeAnOutputAndStandOverAnother() {
    Node x = input(0);
    Node y = input(1);
    Node e = exp(x);
    Node b = barrier(e, Elementwise.mul(y, y));
    Node c = barrier(b, exp(y));
    Program p = Program.capture(List.of(x, y), List.of(b, c, e, exp(c)));
    double[] one = {0, 1, 2, 3, 4, 5};
    double[] two = {1, 2, 3, 4, 5, 6};
    Object[] actual = run(new ReferenceBackend(), p, new Object[] {one, two});
    for (int i = 0; i < 3; i++) {
      assertEquals(Math.exp(2), ((double[]) actual[i])[2], 1e-12);
    }
    assertEquals(Math.exp(Math.exp(1)), ((double[]) actual[3])[1], 1e-12);
    assertEquals(Map.of(), Lower.lower(Simplify.simplify(p)).arena());
  }
}
