package org.hesse.backend.cuda;

import java.util.EnumMap;
import java.util.List;
import java.util.function.Supplier;
import jcuda.CudaException;
import org.hesse.DType;
import org.hesse.backend.Buffer;
import org.hesse.backend.DeviceUnavailableException;
import org.hesse.backend.Instruction;
import org.hesse.backend.Schedule;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.FactorKind;
import org.hesse.ir.Op;
import org.hesse.ir.ReduceKind;

/**
 * Small computations whose results are known, one for each part of CUDA that is used, so that a
 * broken installation fails at once and not with wrong numbers. All results are whole numbers and
 * exact.
 */
final class SelfCheck {
  /** As many products as go to cuBLAS. */
  private static final int SIDE = 128;

  private static final int ELEMENTS = 1000;
  private static final int ORDER = 8;

  private final CudaContext context;

  private SelfCheck(CudaContext context) {
    this.context = context;
  }

  /**
   * Checks a device.
   *
   * @throws DeviceUnavailableException if one of the computations fails or is wrong
   */
  static void run(CudaContext context) {
    SelfCheck check = new SelfCheck(context);
    check.require(
        "a kernel (compiled by NVRTC)",
        "see whether driver and NVRTC are of versions that fit this GPU",
        check::kernel);
    check.require(
        "a matrix product (cuBLAS)", "install cuBLAS anew, all of one version", check::product);
    check.require(
        "a Cholesky factorisation (cuSOLVER)",
        "install cuSOLVER anew, of the same version as cuBLAS",
        check::factorization);
  }

  private void require(String what, String remedy, Supplier<String> check) {
    String wrong;
    try {
      wrong = check.get();
    } catch (CudaException e) {
      throw failed(what, String.valueOf(CudaErrors.explained(e).getMessage()), remedy, e);
    } catch (IllegalStateException | ArithmeticException e) {
      throw failed(what, String.valueOf(e.getMessage()), remedy, e);
    }
    if (!wrong.isEmpty()) {
      throw failed(what, wrong, remedy, null);
    }
  }

  private DeviceUnavailableException failed(
      String what, String why, String remedy, @org.jspecify.annotations.Nullable Exception cause) {
    String text =
        "CUDA cannot be used: the self-check of " + context + " fails: " + what + ": " + why;
    return cause == null
        ? new DeviceUnavailableException(text + "; " + remedy)
        : new DeviceUnavailableException(text + "; " + remedy, cause);
  }

  /** Σ i² for i below 1000. */
  private String kernel() {
    float[] x = new float[ELEMENTS];
    double expected = 0;
    for (int i = 0; i < ELEMENTS; i++) {
      x[i] = i;
      expected += (double) i * i;
    }
    View in = new View(input(0, DType.F32, ELEMENTS), 0, new long[] {1});
    Op square = new Op.Binary(BinaryKind.MUL);
    List<Instruction> code =
        List.of(new Instruction.Load(in), new Instruction.Apply(square, DType.F32, List.of(0, 0)));
    View out = new View(output(DType.F32, 1), 0, new long[0]);
    Step step = new Step.Reduce(ReduceKind.SUM, new int[] {ELEMENTS}, 0, 1, code, out);
    float[] sum = (float[]) run(step, DType.F32, 1, List.of(x));
    return sum[0] == (float) expected ? "" : "a sum is " + sum[0] + ", not " + (float) expected;
  }

  private String product() {
    float[] a = new float[SIDE * SIDE];
    float[] b = new float[SIDE * SIDE];
    for (int i = 0; i < SIDE; i++) {
      for (int j = 0; j < SIDE; j++) {
        a[i * SIDE + j] = (i + 2 * j) % 5 - 2;
        b[i * SIDE + j] = (3 * i + j) % 7 - 3;
      }
    }
    int size = SIDE * SIDE;
    long[] rows = {0, SIDE, 1};
    long[] columns = {0, 1, SIDE};
    Step step =
        new Step.Dot(
            1,
            SIDE,
            SIDE,
            SIDE,
            new View(input(0, DType.F32, size), 0, rows),
            new View(input(1, DType.F32, size), 0, columns),
            new View(output(DType.F32, size), 0, rows));
    float[] c = (float[]) run(step, DType.F32, size, List.of(a, b));
    for (int i = 0; i < SIDE; i++) {
      for (int j = 0; j < SIDE; j++) {
        float expected = 0;
        for (int k = 0; k < SIDE; k++) {
          expected += a[i * SIDE + k] * b[k * SIDE + j];
        }
        if (c[i * SIDE + j] != expected) {
          return "element (" + i + ", " + j + ") is " + c[i * SIDE + j] + ", not " + expected;
        }
      }
    }
    return "";
  }

  /** L Lᵀ, of which L is to be found. */
  private String factorization() {
    double[] lower = new double[ORDER * ORDER];
    double[] product = new double[ORDER * ORDER];
    for (int i = 0; i < ORDER; i++) {
      for (int j = 0; j <= i; j++) {
        lower[i * ORDER + j] = i == j ? 1 << (i % 3) : (i + j) % 3 - 1;
      }
    }
    for (int i = 0; i < ORDER * ORDER; i++) {
      for (int k = 0; k < ORDER; k++) {
        product[i] += lower[i / ORDER * ORDER + k] * lower[i % ORDER * ORDER + k];
      }
    }
    int size = ORDER * ORDER;
    long[] strides = {0, ORDER, 1};
    Step step =
        new Step.Factor(
            new FactorKind.Cholesky(),
            1,
            List.of(
                new Step.Matrices(ORDER, ORDER, new View(input(0, DType.F64, size), 0, strides))),
            new Step.Matrices(ORDER, ORDER, new View(output(DType.F64, size), 0, strides)));
    double[] found = (double[]) run(step, DType.F64, size, List.of(product));
    for (int i = 0; i < size; i++) {
      if (Math.abs(found[i] - lower[i]) > 1e-9) {
        return "element " + i + " of the factor is " + found[i] + ", not " + lower[i];
      }
    }
    return "";
  }

  private static Slot input(int index, DType dtype, long size) {
    return new Slot(Slot.Space.INPUT, index, dtype, 0, size);
  }

  private static Slot output(DType dtype, long size) {
    return new Slot(Slot.Space.OUTPUT, 0, dtype, 0, size);
  }

  private Object run(Step step, DType dtype, int size, List<Object> arrays) {
    CudaBackend backend = new CudaBackend(context);
    Buffer[] inputs = arrays.stream().map(backend::upload).toArray(Buffer[]::new);
    List<Slot> slots = new java.util.ArrayList<>();
    for (Buffer input : inputs) {
      slots.add(input(slots.size(), input.dtype(), input.size()));
    }
    Schedule schedule =
        new Schedule(
            slots, List.of(output(dtype, size)), new EnumMap<>(DType.class), List.of(step));
    Buffer out = backend.allocate(dtype, size);
    CudaExecutable executable = new CudaExecutable(context, schedule);
    try {
      executable.run(inputs, new Buffer[] {out});
      return out.toArray();
    } finally {
      executable.close();
      out.close("the self-check is over");
      for (Buffer input : inputs) {
        input.close("the self-check is over");
      }
    }
  }
}
