package org.hesse.curvature;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.function.UnaryOperator;
import org.hesse.DType;
import org.hesse.Device;
import org.hesse.Shape;
import org.hesse.Tensor;
import org.hesse.Tree;
import org.hesse.linalg.LinearOperator;
import org.hesse.linalg.NumericalException;

/**
 * A curvature that is block diagonal over groups of parameters, as an operator on the vector of all
 * parameters in their own order. Inverses and roots are of the same kind.
 *
 * <pre>{@code
 * BlockCurvature inverse = kfac.inverse(Damping.exact(1e-3));
 * Tensor step = inverse.apply(gradient);                       // [n] -> [n]
 * Tensor steps = inverse.applyAll(gradients);                  // [k, n] -> [k, n], as GEMMs
 * double evidence = kfac.logDeterminant(Damping.exact(1e-3));  // log det (K + λI)
 * }</pre>
 *
 * <p>Products are one compiled function for each structure of blocks, shared with what comes of a
 * curvature, and run where the statistics are. See {@link CurvatureBlock} for eigenvalues, and for
 * errors, which name parameters.
 */
public sealed class BlockCurvature implements LinearOperator permits Kfac, Ekfac {
  private final ParameterLayout layout;
  private final Operands operands;
  private final BlockPrograms programs;

  /** Blocks, and where each one's parts begin in the vector: all but the tensors is static. */
  record Operands(List<CurvatureBlock> blocks, Places places) {}

  /** Place of the first number of each part of each block. */
  record Places(List<List<Integer>> starts) {}

  /**
   * The curvature with some blocks.
   *
   * @param layout the parameters of the vector, in its order
   * @param blocks of one dtype and device, such that each number of each parameter is in one
   * @param programs those of what it comes of
   * @throws IllegalArgumentException if a number is in no block or in several, naming the
   *     parameter, or dtypes or devices differ
   */
  BlockCurvature(
      ParameterLayout layout, List<? extends CurvatureBlock> blocks, BlockPrograms programs) {
    if (blocks.isEmpty()) {
      throw new IllegalArgumentException("blocks: none; expected at least one");
    }
    this.layout = layout;
    this.programs = programs;
    List<List<Integer>> starts = new ArrayList<>();
    for (CurvatureBlock block : blocks) {
      starts.add(
          block.parts().stream().map(part -> layout.offset(part.path()) + part.from()).toList());
    }
    this.operands = new Operands(List.copyOf(blocks), new Places(starts));
    requireCover();
    requireTogether();
  }

  private void requireTogether() {
    for (CurvatureBlock block : operands.blocks) {
      if (block.dtype() != dtype() || !block.device().equals(device())) {
        throw new IllegalArgumentException(
            "blocks: "
                + block.dtype()
                + " on "
                + block.device()
                + " in the "
                + block.name()
                + "; expected "
                + dtype()
                + " on "
                + device()
                + " as in the "
                + operands.blocks.getFirst().name());
      }
    }
  }

  /** Parts in the order of their numbers in the vector. */
  private record Placed(int start, ParameterPart part, int block) {}

  private void requireCover() {
    List<Placed> placed = new ArrayList<>();
    for (int b = 0; b < operands.blocks.size(); b++) {
      List<ParameterPart> parts = operands.blocks.get(b).parts();
      for (int i = 0; i < parts.size(); i++) {
        ParameterPart part = parts.get(i);
        long end = (long) part.from() + part.size();
        if (end > layout.shape(part.path()).size()) {
          throw new IllegalArgumentException(
              "blocks: "
                  + part
                  + " ends at number "
                  + end
                  + ", but the parameter has the shape "
                  + layout.shape(part.path()));
        }
        placed.add(new Placed(operands.places.starts.get(b).get(i), part, b));
      }
    }
    placed.sort(Comparator.comparingInt(Placed::start));
    int next = 0;
    for (Placed p : placed) {
      requireNext(next, p.start);
      next = p.start + p.part.size();
    }
    requireNext(next, layout.size());
  }

  private void requireNext(int expected, int start) {
    if (start != expected) {
      int place = Math.min(start, expected);
      throw new IllegalArgumentException(
          "blocks: numbers of "
              + layout.pathAt(place)
              + " are in "
              + (start > expected ? "no block" : "several blocks")
              + "; expected each number of each parameter in one block; parameters are "
              + layout.paths());
    }
  }

  /** The parameters of the vector, in its order. */
  public ParameterLayout layout() {
    return layout;
  }

  /** The blocks, in the order in which they were given. */
  public List<CurvatureBlock> blocks() {
    return operands.blocks;
  }

  /** What is compiled for curvatures of these parameters. */
  BlockPrograms programs() {
    return programs;
  }

  /** The statistics of all blocks, in order. */
  List<Tensor> statistics() {
    return operands.blocks.stream().flatMap(b -> b.statistics().values().stream()).toList();
  }

  /** n, how many numbers the parameters have. */
  @Override
  public int size() {
    return layout.size();
  }

  @Override
  public DType dtype() {
    return operands.blocks.getFirst().dtype();
  }

  @Override
  public Device device() {
    return operands.blocks.getFirst().device();
  }

  @Override
  public boolean symmetric() {
    return true;
  }

  @Override
  public Tensor apply(Tensor v) {
    require(v, Shape.of(size()));
    return programs.products(operands, v.insertAxis(0)).reshape(size());
  }

  @Override
  public Tensor applyAll(Tensor vs) {
    require(vs, Shape.of(vs.rank() == 2 ? vs.dim(0) : 1, size()));
    return programs.products(operands, vs);
  }

  private void require(Tensor v, Shape expected) {
    if (!v.shape().equals(expected) || v.dtype() != dtype()) {
      throw new IllegalArgumentException(
          "v: " + v.dtype() + v.shape() + "; expected " + dtype() + expected + " for " + this);
    }
  }

  static Tensor products(Operands in, Tensor vs) {
    record Part(int start, Tensor numbers) {}

    List<Part> results = new ArrayList<>();
    for (int b = 0; b < in.blocks.size(); b++) {
      CurvatureBlock block = in.blocks.get(b);
      List<Integer> starts = in.places.starts.get(b);
      List<ParameterPart> parts = block.parts();
      Tensor[] columns = new Tensor[parts.size()];
      for (int i = 0; i < columns.length; i++) {
        int from = starts.get(i);
        columns[i] = parts.get(i).toColumns(vs.slice(1, from, from + parts.get(i).size()));
      }
      Tensor y = block.apply(columns.length == 1 ? columns[0] : Tensor.concat(2, columns));
      int column = 0;
      for (int i = 0; i < columns.length; i++) {
        ParameterPart part = parts.get(i);
        Tensor own = y.slice(2, column, column + part.columns());
        results.add(new Part(starts.get(i), part.toNumbers(own)));
        column += part.columns();
      }
    }
    results.sort(Comparator.comparingInt(Part::start));
    return Tensor.concat(1, results.stream().map(Part::numbers).toArray(Tensor[]::new));
  }

  /** The sum of the eigenvalues. */
  public double trace() {
    return sum(CurvatureBlock::trace);
  }

  /** The root of the sum of the squares of all elements. */
  public double frobeniusNorm() {
    return Math.sqrt(sum(b -> Math.pow(b.frobeniusNorm(), 2)));
  }

  /** log det of the damped curvature; −∞ if it is singular and there is no damping. */
  public double logDeterminant(Damping damping) {
    return sum(b -> b.logDeterminant(damping));
  }

  /** log det; −∞ if the curvature is singular. */
  public double logDeterminant() {
    return logDeterminant(Damping.NONE);
  }

  /**
   * det, which is soon beyond what a number holds: {@link #logDeterminant} is not.
   *
   * @throws ArithmeticException if the determinant is not 0 but its value overflows or underflows
   */
  public double determinant() {
    double log = logDeterminant();
    double value = Math.exp(log);
    if (Double.isInfinite(value) || value < Double.MIN_NORMAL && log > Double.NEGATIVE_INFINITY) {
      throw new ArithmeticException(
          "determinant: exp(" + log + ") is no double; use logDeterminant");
    }
    return value;
  }

  /**
   * Throws, naming the parameters, if a statistic is NaN or infinite, or a matrix not symmetric.
   */
  final void requireSound() {
    for (CurvatureBlock block : operands.blocks) {
      block
          .statistics()
          .forEach((name, t) -> requireSound("the " + name + " of the " + block.name(), block, t));
    }
  }

  private static void requireSound(String name, CurvatureBlock block, Tensor t) {
    double norm = Blocks.frobeniusNorm(t);
    if (!Double.isFinite(norm)) {
      Spectrum.requireFinite(t, name);
    }
    if (t.rank() == 2 && !(block instanceof EigenBlock)) {
      double asymmetry = Blocks.frobeniusNorm(t.sub(t.transpose()));
      if (asymmetry > Math.sqrt(t.dtype().epsilon()) * norm) {
        throw new NumericalException(
            name
                + " is not symmetric: its difference to its transpose has the norm "
                + asymmetry
                + " beside "
                + norm
                + "; expected a mean of outer products");
      }
    }
  }

  private double sum(ToDoubleFunction<CurvatureBlock> f) {
    return operands.blocks.stream().mapToDouble(f).sum();
  }

  /** The damped curvature to a power; see {@link CurvatureBlock#power}. */
  public BlockCurvature power(Damping damping, double exponent) {
    return map(b -> b.power(damping, exponent));
  }

  /** (K + damping)⁻¹; see {@link CurvatureBlock#power}. */
  public BlockCurvature inverse(Damping damping) {
    return power(damping, -1);
  }

  /** (K + damping)^−½; see {@link CurvatureBlock#power}. */
  public BlockCurvature inverseRoot(Damping damping) {
    return power(damping, -0.5);
  }

  /**
   * The same in another dtype: in F64, decompositions and inverses of statistics in F32 lose
   * nothing, and can be cast back.
   *
   * @param dtype F32 or F64
   */
  public BlockCurvature cast(DType dtype) {
    return map(b -> Tree.map(b, t -> t.cast(dtype)));
  }

  /**
   * The curvature with a function of each block, such as an inverse whose damping is a part of the
   * block's mean eigenvalue:
   *
   * <pre>{@code
   * kfac.map(b -> b.inverse(Damping.exact(0.1 * b.trace() / b.size())));
   * }</pre>
   *
   * @param f whose results have the parts of its arguments
   */
  public BlockCurvature map(UnaryOperator<CurvatureBlock> f) {
    return new BlockCurvature(layout, operands.blocks.stream().map(f).toList(), programs);
  }

  @Override
  public String toString() {
    return getClass().getSimpleName()
        + " of "
        + size()
        + " parameters in "
        + operands.blocks.size()
        + " blocks in "
        + dtype();
  }
}
