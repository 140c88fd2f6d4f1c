package org.hesse.backend.cuda;

import java.util.List;
import org.hesse.backend.Step;

/**
 * A map over a product's result, such as bias, activation and what is added, written into the
 * product's own kernel: it is applied to each element where that is finished, in registers. Numbers
 * are those of a map of its own, to the bit.
 */
record ProductTail(Step.Dot product, Step.Map map) {
  /** The longest program that is worth being written out once for each element of a thread. */
  private static final int LONGEST = 32;

  /** Whether a map that follows a product can be part of it. */
  static boolean fits(Step first, Step second) {
    return first instanceof Step.Dot dot
        && second instanceof Step.Map map
        && map.code().size() <= LONGEST
        && dot.mayEndWith(map);
  }

  /** The map as a kernel of its own, behind a product that is none of ours. */
  Prepared alone(CudaContext context) {
    return new CudaMap(context, map);
  }

  /** An operand of a function in {@code matmul.cuh}. */
  record Operand(String declaration, Argument argument) {}

  /**
   * The kernel that calls a function of {@code matmul.cuh} and applies the map to each element.
   *
   * @param function with template arguments but for the last one
   * @param operands of the function, up to the one that takes the elements
   * @param size of the product, as the kernels of {@code matmul.cu} take it
   */
  Launch launch(
      CudaContext context,
      String function,
      Launch.Grid grid,
      List<Operand> operands,
      StridedMatrices out,
      Argument size) {
    KernelText text = text(function, operands, out, size);
    return new Launch(context.generated(source(text), "product"), grid, text.arguments());
  }

  /** The source of that kernel. */
  String source(String function, List<Operand> operands, StridedMatrices out, Argument size) {
    return source(text(function, operands, out, size));
  }

  private static String source(KernelText text) {
    return "#include \"matmul.cuh\"\n" + text.header("elementwise.cuh") + text.text("product");
  }

  private KernelText text(
      String function, List<Operand> operands, StridedMatrices out, Argument size) {
    KernelText text = CudaMap.tail(map, product);
    StringBuilder names = new StringBuilder();
    for (Operand o : operands) {
      text.parameter(o.declaration, o.argument);
      names.append(o.declaration.substring(o.declaration.lastIndexOf(' ') + 1)).append(", ");
    }
    text.parameter("matmul::Strides result", out.strides());
    text.parameter("matmul::Product extent", size);
    text.line("matmul::" + function + "(" + names + "to, result, extent);");
    return text;
  }
}
