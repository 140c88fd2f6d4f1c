package org.hesse.backend.cuda;

import static org.hesse.backend.cuda.TwoBackends.dense;
import static org.hesse.backend.cuda.TwoBackends.input;
import static org.hesse.backend.cuda.TwoBackends.output;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.hesse.DType;
import org.hesse.backend.Instruction;
import org.hesse.backend.Schedule;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.Op;
import org.hesse.ir.UnaryKind;
import org.hesse.testing.SimulatedDevice;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Products that end with a map, against the same product and map one after the other. */
@Tag("kernels")
class CudaEpilogueTest {
  /** tanh(product + bias of columns) · 1.5 + residual, and the product beside it or under it. */
  private record Layer(DType dtype, int batch, int m, int n, int k, boolean over, boolean turned) {
    private int[] result() {
      return new int[] {batch, m, n};
    }

    private Slot product() {
      return output(0, dtype, (long) batch * m * n);
    }

    private Slot other() {
      return output(1, dtype, (long) batch * m * n);
    }

    List<Slot> inputs() {
      return List.of(
          input(0, dtype, (long) batch * m * k),
          input(1, dtype, (long) batch * n * k),
          input(2, dtype, n),
          input(3, dtype, (long) batch * m * n));
    }

    Step.Dot dot() {
      View rhs = dense(inputs().get(1), batch, n, k);
      if (turned) {
        rhs = new View(rhs.slot(), 0, new long[] {(long) n * k, 1, n});
      }
      View lhs = dense(inputs().get(0), batch, m, k);
      return new Step.Dot(batch, m, n, k, lhs, rhs, dense(product(), result()));
    }

    Step.Map map() {
      List<Instruction> code = new ArrayList<>();
      code.add(new Instruction.Load(dense(product(), result())));
      code.add(new Instruction.Load(new View(inputs().get(2), 0, new long[] {0, 0, 1})));
      code.add(new Instruction.Load(dense(inputs().get(3), result())));
      code.add(new Instruction.Constant(dtype, 1.5));
      code.add(apply(BinaryKind.ADD, 0, 1));
      code.add(new Instruction.Apply(new Op.Unary(UnaryKind.TANH), dtype, List.of(4)));
      code.add(apply(BinaryKind.MUL, 5, 3));
      code.add(apply(BinaryKind.ADD, 6, 2));
      View to = dense(over ? product() : other(), result());
      return new Step.Map(result(), code, List.of(new Step.Store(7, to)));
    }

    private Instruction apply(BinaryKind kind, int a, int b) {
      return new Instruction.Apply(new Op.Binary(kind), dtype, List.of(a, b));
    }

    /** Fills the other output where the map does not, so that it is not left unwritten. */
    Step.Map filler() {
      List<Instruction> code = List.of(new Instruction.Constant(dtype, 0.25));
      Step.Store store = new Step.Store(0, dense(other(), result()));
      return new Step.Map(result(), code, List.of(store));
    }

    Object[] run(Step... steps) {
      Random random = new Random(7);
      Object[] arrays =
          inputs().stream().map(s -> TwoBackends.numbers(random, dtype, (int) s.size())).toArray();
      Schedule schedule = TwoBackends.schedule(inputs(), List.of(product(), other()), steps);
      return TwoBackends.run(CudaBackend.of(0), schedule, arrays);
    }
  }

  @BeforeAll
  static void device() {
    SimulatedDevice.require();
  }

  /** Element by element, by rows, by columns, tiles, batches, parts that are added up, cuBLAS. */
  @ParameterizedTest
  @CsvSource({
    "1, 9, 11, 3", "1, 40, 3, 50", "1, 3, 40, 50", "1, 37, 41, 29", "1, 150, 130, 20",
    "9, 8, 8, 8", "33, 5, 7, 40", "1, 20, 24, 1100", "1, 105, 101, 110", "2, 20, 18, 10"
  })
  void resultsAreThoseOfTwoKernels(int batch, int m, int n, int k) {
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      for (int i = 0; i < 4; i++) {
        Layer layer = new Layer(dtype, batch, m, n, k, i % 2 == 0, i / 2 == 0);
        assertTrue(ProductTail.fits(layer.dot(), layer.map()));
        // What stands between them keeps them apart.
        Object[] apart = layer.run(layer.dot(), layer.filler(), layer.map());
        Object[] together = layer.run(layer.filler(), layer.dot(), layer.map());
        for (int o = 0; o < 2; o++) {
          if (dtype == DType.F32) {
            assertArrayEquals((float[]) apart[o], (float[]) together[o], layer + " output " + o);
          } else {
            assertArrayEquals((double[]) apart[o], (double[]) together[o], layer + " output " + o);
          }
        }
      }
    }
  }

  @Test
  void itIsOneKernel() {
    CudaContext context = CudaBackend.of(0).context();
    Layer layer = new Layer(DType.F32, 1, 20, 24, 30, true, false);
    CudaSteps steps = new CudaSteps(context, new Faults(), new Locals());
    List<Prepared> one = steps.prepare(List.of(layer.dot(), layer.map()), 0);
    assertEquals(1, one.stream().mapToInt(Prepared::kernels).sum());
    List<Prepared> two = steps.prepare(List.of(layer.dot(), layer.filler(), layer.map()), 0);
    assertEquals(3, two.stream().mapToInt(Prepared::kernels).sum());
  }

  /** Reading another element of the product than the own one, or writing where operands are. */
  @Test
  void otherMapsStayApart() {
    Layer layer = new Layer(DType.F64, 1, 6, 6, 6, false, false);
    Step.Map map = layer.map();
    View product = dense(layer.dot().out().slot(), 1, 6, 6);
    View transposed = new View(product.slot(), 0, new long[] {36, 1, 6});
    List<Instruction> code = new ArrayList<>(map.code());
    code.set(2, new Instruction.Load(transposed));
    assertTrue(!ProductTail.fits(layer.dot(), new Step.Map(map.domain(), code, map.stores())));
    View operand = new View(layer.dot().lhs().slot(), 0, product.strides());
    Step.Map over = new Step.Map(map.domain(), map.code(), List.of(new Step.Store(7, operand)));
    assertTrue(!ProductTail.fits(layer.dot(), over));
    code.set(0, new Instruction.Load(operand));
    code.set(2, new Instruction.Load(operand));
    assertTrue(!ProductTail.fits(layer.dot(), new Step.Map(map.domain(), code, map.stores())));
  }
}
