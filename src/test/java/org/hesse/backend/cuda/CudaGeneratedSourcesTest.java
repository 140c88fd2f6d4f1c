package org.hesse.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.hesse.DType;
import org.hesse.backend.Instruction;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.backend.cuda.ProductTail.Operand;
import org.hesse.ir.BinaryKind;
import org.hesse.ir.CompareKind;
import org.hesse.ir.Op;
import org.hesse.ir.ReduceKind;
import org.hesse.ir.UnaryKind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Generated kernels are CUDA C++ to NVIDIA's compiler, too, and without a warning. */
class CudaGeneratedSourcesTest {
  private static final int[] DOMAIN = {6, 5, 8};

  private static Instruction.Load load(int index, DType dtype, long... strides) {
    Slot slot = new Slot(Slot.Space.INPUT, index, dtype, 0, 1000);
    return new Instruction.Load(new View(slot, 0, strides));
  }

  /** Every operation there is, of loads of every kind. */
  private static List<Instruction> everything(DType real, boolean dense) {
    List<Instruction> code = new ArrayList<>();
    long[] first = dense ? new long[] {40, 8, 1} : new long[] {1, -6, 31};
    code.add(load(0, real, first));
    code.add(load(1, real, 0, 8, 1));
    code.add(load(2, DType.BOOL, 40, 8, dense ? 1 : 0));
    code.add(load(3, DType.I32, 0, 0, 0));
    code.add(new Instruction.Index(new long[] {40, 8, 1}));
    code.add(new Instruction.Constant(real, 0.3));
    code.add(new Instruction.Constant(DType.I32, 77));
    for (UnaryKind kind : UnaryKind.values()) {
      boolean not = kind == UnaryKind.NOT;
      code.add(
          new Instruction.Apply(new Op.Unary(kind), not ? DType.BOOL : real, List.of(not ? 2 : 0)));
    }
    for (UnaryKind kind : List.of(UnaryKind.NEG, UnaryKind.ABS, UnaryKind.SIGN)) {
      code.add(new Instruction.Apply(new Op.Unary(kind), DType.I32, List.of(3)));
    }
    for (BinaryKind kind : BinaryKind.values()) {
      boolean bits = kind.compareTo(BinaryKind.MIN) > 0;
      if (!bits) {
        code.add(new Instruction.Apply(new Op.Binary(kind), real, List.of(1, 5)));
      }
      if (kind != BinaryKind.POW) {
        code.add(new Instruction.Apply(new Op.Binary(kind), DType.I32, List.of(4, 6)));
      }
      if (bits && kind != BinaryKind.SHR) {
        code.add(new Instruction.Apply(new Op.Binary(kind), DType.BOOL, List.of(2, 2)));
      }
    }
    for (CompareKind kind : CompareKind.values()) {
      code.add(new Instruction.Apply(new Op.Compare(kind), DType.BOOL, List.of(0, 1)));
    }
    for (DType to : DType.values()) {
      for (int from : List.of(0, 2, 3)) {
        code.add(new Instruction.Apply(new Op.Cast(), to, List.of(from)));
      }
    }
    code.add(new Instruction.Apply(new Op.Select(), real, List.of(2, 0, 1)));
    return code;
  }

  private static Step.Store store(int value, DType dtype, int index) {
    Slot slot = new Slot(Slot.Space.OUTPUT, index, dtype, 0, 240);
    return new Step.Store(value, new View(slot, 0, new long[] {40, 8, 1}));
  }

  private static List<String> sources() {
    List<String> sources = new ArrayList<>();
    for (DType real : List.of(DType.F32, DType.F64)) {
      for (boolean dense : new boolean[] {true, false}) {
        List<Instruction> code = everything(real, dense);
        List<Step.Store> stores = new ArrayList<>();
        for (int v = 0; v < code.size(); v++) {
          stores.add(store(v, code.get(v).dtype(), v));
        }
        sources.add(CudaMap.source(new Step.Map(DOMAIN, code, stores)));
        for (ReduceKind kind : ReduceKind.values()) {
          View out = new View(new Slot(Slot.Space.OUTPUT, 0, real, 0, 8), 0, new long[] {1});
          Step.Reduce reduce = new Step.Reduce(kind, DOMAIN, 0, 2, code, out);
          sources.add(CudaReduce.source(reduce, !dense));
        }
      }
    }
    sources.add(turned());
    sources.add(product("tile<4, float, float>", DType.F32));
    sources.add(product("rows<double, double>", DType.F64));
    sources.add(product("batch<float, float>", DType.F32));
    return sources;
  }

  /** A transposed matrix of floats and one of truth values as one result. */
  private static String turned() {
    int[] domain = {40, 50};
    List<Instruction> code =
        List.of(
            load(0, DType.F32, 1, 40),
            load(1, DType.BOOL, 1, 40),
            new Instruction.Constant(DType.F32, 0.3),
            new Instruction.Apply(new Op.Select(), DType.F32, List.of(1, 0, 2)));
    View out = new View(new Slot(Slot.Space.OUTPUT, 0, DType.F32, 0, 2000), 0, new long[] {50, 1});
    return CudaMap.source(new Step.Map(domain, code, List.of(new Step.Store(3, out))));
  }

  /** A function of matmul.cuh that ends with e to the product, plus an operand. */
  private static String product(String function, DType real) {
    long[] strides = {40, 8, 1};
    Slot slot = new Slot(Slot.Space.OUTPUT, 0, real, 0, 240);
    View out = new View(slot, 0, strides);
    List<Instruction> code =
        List.of(
            new Instruction.Load(out),
            load(2, real, 0, 0, 1),
            new Instruction.Apply(new Op.Unary(UnaryKind.EXP), real, List.of(0)),
            new Instruction.Apply(new Op.Binary(BinaryKind.ADD), real, List.of(2, 1)));
    View lhs = load(0, real, strides).view();
    View rhs = load(1, real, strides).view();
    Step.Dot dot = new Step.Dot(6, 5, 8, 8, lhs, rhs, out);
    Step.Map map = new Step.Map(DOMAIN, code, List.of(store(3, real, 1)));
    String from = "const " + KernelText.type(real) + "* ";
    List<Operand> operands = new ArrayList<>();
    for (View view : List.of(lhs, rhs)) {
      StridedMatrices m = StridedMatrices.of(view);
      String name = operands.isEmpty() ? "lhs" : "rhs";
      operands.add(new Operand(from + name, m.pointer()));
      operands.add(new Operand("matmul::Strides " + name + "_strides", m.strides()));
    }
    Argument size = new Argument.I64s(6, 5, 8, 8, 8, 240);
    return new ProductTail(dot, map).source(function, operands, StridedMatrices.of(out), size);
  }

  @Test
  void compileWithoutWarnings(@TempDir Path folder) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(CudaSourcesTest.compiler()));
    command.addAll(List.of("-std=c++17", "-c", "-arch=sm_90", "--fmad=false", "-t", "0"));
    // What is computed and neither stored nor reduced is no mistake of the generator.
    command.addAll(List.of("-diag-suppress", "177"));
    command.addAll(List.of("-I", "kernels", "-odir", folder.toString()));
    for (String source : sources()) {
      Path file = folder.resolve("generated" + command.size() + ".cu");
      Files.writeString(file, source);
      command.add(file.toString());
    }
    Process p = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, p.waitFor(), said);
    assertEquals("", said);
  }
}
