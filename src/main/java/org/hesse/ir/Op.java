package org.hesse.ir;

import java.util.List;
import org.hesse.DType;
import org.hesse.Shape;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link Node} computes from its inputs: a primitive with its static attributes. Result
 * shape and dtype stand in the node. The set is closed, so that planner and backends can prove at
 * compile time that they cover it; the rules of each primitive are in {@code org.hesse.ops}.
 *
 * <p>There is no implicit broadcasting and no implicit conversion: operands of an elementwise
 * primitive have the same shape, and the same dtype unless stated otherwise.
 */
public sealed interface Op {

  /** The name used by {@link Printer}. */
  default String mnemonic() {
    return getClass().getSimpleName().toLowerCase(java.util.Locale.ROOT);
  }

  /** The input of a {@link Program} with the given position. */
  record Parameter(int index) implements Op {}

  /**
   * A concrete value that a trace has met; equal only to itself. {@link Program} turns it into a
   * parameter, so that plans never hold data.
   */
  final class Leaf implements Op {
    private final Object value;

    /** Wraps a value of the backend. */
    public Leaf(Object value) {
      this.value = value;
    }

    /** The wrapped value. */
    public Object value() {
      return value;
    }
  }

  /**
   * Stands for a value that a transform supplies: an input of a function being mapped over a batch,
   * or the tangent that a transposition starts from. Equal only to itself; no program contains one.
   */
  final class Placeholder implements Op {}

  /** A scalar (rank 0) of the node's dtype; truth values are 0 and 1. */
  record Constant(double value) implements Op {
    @Override
    public boolean equals(Object o) {
      return o instanceof Constant(double v)
          && Double.doubleToRawLongBits(v) == Double.doubleToRawLongBits(value);
    }

    @Override
    public int hashCode() {
      return Long.hashCode(Double.doubleToRawLongBits(value));
    }
  }

  /** The index along one axis, of dtype I32. No inputs. */
  record Iota(int axis) implements Op {}

  /** A function of one operand, applied to each element; same shape and dtype. */
  record Unary(UnaryKind kind) implements Op {
    @Override
    public String mnemonic() {
      return kind.name().toLowerCase(java.util.Locale.ROOT);
    }
  }

  /** A function of two operands, applied to each pair of elements; same shape and dtype. */
  record Binary(BinaryKind kind) implements Op {
    @Override
    public String mnemonic() {
      return kind.name().toLowerCase(java.util.Locale.ROOT);
    }
  }

  /** Compares two operands of one dtype; the result is BOOL. */
  record Compare(CompareKind kind) implements Op {
    @Override
    public String mnemonic() {
      return kind.name().toLowerCase(java.util.Locale.ROOT);
    }
  }

  /** Inputs (condition of BOOL, a, b): a where the condition holds, else b. */
  record Select() implements Op {}

  /**
   * Converts to the node's dtype. Reals to I32 truncate toward zero and saturate as Java does;
   * anything to BOOL is "≠ 0"; BOOL to numbers is 0 or 1.
   */
  record Cast() implements Op {}

  /** The operand itself, its derivative taken as zero. */
  record StopGradient() implements Op {}

  /** The operand itself: the fresh copy that a transform differentiates with respect to. */
  record Copy() implements Op {}

  /** The same elements in row-major order under the node's shape. */
  record Reshape() implements Op {}

  /** Result axis i is operand axis {@code axes[i]}. */
  record Permute(Axes axes) implements Op {}

  /**
   * Repeats the operand: operand axis i becomes result axis {@code axes[i]} with the same extent;
   * the other result axes are new. {@code axes} ascend.
   */
  record Broadcast(Axes axes) implements Op {}

  /** Element i along axis a is operand element {@code start[a] + i·stride[a]}; strides ≥ 1. */
  record Slice(Axes start, Axes stride) implements Op {}

  /**
   * Zeros around and between the operand's elements: operand element i along axis a becomes result
   * element {@code low[a] + i·(interior[a] + 1)}. The node's shape fixes the zeros at the end.
   */
  record Pad(Axes low, Axes interior) implements Op {}

  /**
   * A window that slides along an axis, which becomes two: element (…, p, w, …) is operand element
   * (…, p·stride + w·dilation, …). The node's shape says how many positions there are and how wide
   * the window is; both numbers are ≥ 1.
   */
  record Window(int axis, int stride, int dilation) implements Op {}

  /**
   * Adds overlapping windows up, the transpose of {@link Window}: axes {@code axis} and {@code
   * axis} + 1 become one of the extent in the node's shape, whose element i is the sum of all
   * operand elements (…, p, w, …) with p·stride + w·dilation = i. Real or I32.
   */
  record Fold(int axis, int stride, int dilation) implements Op {}

  /** One or more operands side by side along an axis. */
  record Concat(int axis) implements Op {}

  /** The operand's order reversed along each of the axes. */
  record Reverse(Axes axes) implements Op {}

  /** Sum or maximum over ascending axes, which disappear. */
  record Reduce(ReduceKind kind, Axes axes) implements Op {
    @Override
    public String mnemonic() {
      return "reduce_" + kind.name().toLowerCase(java.util.Locale.ROOT);
    }
  }

  /** The I32 index of the first maximum along an axis, which disappears; NaN counts as largest. */
  record ArgMax(int axis) implements Op {}

  /**
   * Running sums along an axis: element i is the sum of the operand's elements 0 … i, or i … last
   * where {@code reverse}. Real or I32.
   */
  record Cumsum(int axis, boolean reverse) implements Op {}

  /**
   * Inputs (operand, I32 indices): picks elements along {@code axis}. The first {@code batch} axes
   * are common to both. An operand [B…, P…, n, T…], whose axis {@code axis} has extent n, and
   * indices [B…, I…] give [B…, P…, I…, T…], element (b, p, i, t) being operand element (b, p,
   * indices[b, i], t). An index outside of 0 … n−1 makes the run fail with an {@link
   * IndexOutOfBoundsException}.
   */
  record Gather(int batch, int axis) implements Op {}

  /**
   * Inputs (updates, I32 indices): adds elements up where indices say, the transpose of {@link
   * Gather}. Updates [B…, P…, I…, T…] and indices [B…, I…] give [B…, P…, n, T…] of the node's
   * shape, element (b, p, k, t) being the sum of the updates (b, p, i, t) with indices[b, i] = k,
   * in ascending order of i. Real or I32. Indices outside are an error as they are there.
   */
  record ScatterAdd(int batch, int axis) implements Op {}

  /**
   * A sum of products over pairs of contracted axes, for each combination of paired batch axes.
   * Result axes: batch (in the given order), free axes of the left operand ascending, free axes of
   * the right operand ascending. The node's dtype may be F64 for F32 operands: products and sums
   * are then formed in F64.
   */
  record Dot(Axes lhsContract, Axes rhsContract, Axes lhsBatch, Axes rhsBatch) implements Op {}

  /**
   * Random words: the input is one key or a batch of keys, I32[batch…, 2]; the result is
   * I32[batch…, dims…]. Within the block of one key, element i (row-major) is word i mod 2 of
   * Threefry-2x32 with 20 rounds under that key at the 64-bit counter i div 2, whose low half is
   * the first word. See Salmon et al., Parallel Random Numbers: As Easy as 1, 2, 3 (2011).
   */
  record RandomBits() implements Op {}

  /** Dense linear algebra on the last two axes; the axes in front are a batch. */
  record Factor(FactorKind kind) implements Op {
    @Override
    public String mnemonic() {
      return kind.mnemonic();
    }
  }

  /**
   * One result of a function that has a derivative of its own. Inputs are the function's arguments,
   * then all its results as its body computes them; the value is the result number {@code result}.
   * The rule says nothing about values, so equality leaves it out, and programs that are kept have
   * none ({@link #detached}).
   *
   * @param arguments how many of the inputs are arguments
   * @param result which of the others is the value
   * @param rule the derivative; null in programs that are only run
   */
  record CustomJvp(int arguments, int result, @Nullable TangentRule rule) implements Op {
    /** The position of the input that is the value. */
    public int input() {
      return arguments + result;
    }

    /** The same without the rule, which may hold whatever a user's function has captured. */
    public CustomJvp detached() {
      return new CustomJvp(arguments, result, null);
    }

    @Override
    public String mnemonic() {
      return "custom_jvp";
    }

    @Override
    public boolean equals(@Nullable Object o) {
      return o instanceof CustomJvp c && arguments == c.arguments && result == c.result;
    }

    @Override
    public int hashCode() {
      return 31 * arguments + result;
    }

    @Override
    public String toString() {
      return "CustomJvp[arguments=" + arguments + ", result=" + result + "]";
    }
  }

  /**
   * A function that is made of primitives, and for which a backend may have a kernel that computes
   * it at once. The node's inputs are the body's, and the value is the body's only output.
   *
   * <p>Equality leaves the body out, since the kind and the inputs' types determine it.
   *
   * @param kind names it; derivatives and batching of each kind are in {@code org.hesse.fused}
   * @param body computes it
   */
  record Composite(CompositeKind kind, Program body) implements Op {
    @Override
    public String mnemonic() {
      return kind.mnemonic();
    }

    @Override
    public boolean equals(@Nullable Object o) {
      return o instanceof Composite c && kind.equals(c.kind);
    }

    @Override
    public int hashCode() {
      return kind.hashCode() * 31 + kind.getClass().getName().hashCode();
    }

    @Override
    public String toString() {
      return kind.toString();
    }
  }

  /**
   * A primitive that runs programs and may have several results. Its node's own shape and dtype
   * ({@link #SHAPE}, {@link #DTYPE}) mean nothing: only {@link Result} nodes read it, each for one
   * of the results.
   */
  sealed interface Nested extends Op permits Scan, While, Call, Solve {
    /** Shape of the node, which has no value. */
    Shape SHAPE = Shape.of(0);

    /** Dtype of the node, which has no value. */
    DType DTYPE = DType.BOOL;

    /** The programs that it runs. */
    List<Program> programs();

    /** The same primitive with other programs, in the order of {@link #programs}. */
    Nested with(List<Program> programs);

    /** How many of the inputs are a state, which changes from round to round. */
    default int states() {
      return 0;
    }

    /** How many results there are: as many as the last program has, where nothing else is said. */
    default int results() {
      return programs().getLast().outputs().size();
    }

    /** Shape of a result. */
    default Shape shape(int result) {
      return programs().getLast().outputs().get(result).shape();
    }

    /** Dtype of a result. */
    default DType dtype(int result) {
      return programs().getLast().outputs().get(result).dtype();
    }
  }

  /** The result of a {@link Nested} primitive, its only input, with the given position. */
  record Result(int index) implements Op {}

  /**
   * A recurrence. For t = 0 … length−1, or from the end where {@code reverse}, the body maps
   * (state, slices number t, constants) to (new state, outputs), any number of tensors each.
   *
   * <p>Inputs are the initial state, then tensors [length, …] that are sliced along their first
   * axis, then constants, which are the same in every step. Results are the final state, then the
   * outputs of all steps [length, …], number t at place t also where {@code reverse}, then the
   * states that the steps began with [length, …], likewise.
   *
   * @param body inputs and outputs in the order above
   * @param states how many tensors the state has
   * @param slices how many inputs are sliced
   * @param length number of steps, 0 or more
   */
  record Scan(Program body, int states, int slices, int length, boolean reverse) implements Nested {
    @Override
    public List<Program> programs() {
      return List.of(body);
    }

    @Override
    public Scan with(List<Program> programs) {
      return new Scan(programs.get(0), states, slices, length, reverse);
    }

    /** How many tensors a step puts out beside the new state. */
    public int outputs() {
      return body.outputs().size() - states;
    }

    /** The position of the result with the states at the beginning of each step. */
    public int history(int state) {
      return body.outputs().size() + state;
    }

    @Override
    public int results() {
      return body.outputs().size() + states;
    }

    @Override
    public Shape shape(int result) {
      Shape one = one(result).shape();
      return result < states ? one : one.insert(0, length);
    }

    @Override
    public DType dtype(int result) {
      return one(result).dtype();
    }

    private Node one(int result) {
      int outputs = body.outputs().size();
      return result < outputs ? body.outputs().get(result) : body.inputs().get(result - outputs);
    }
  }

  /**
   * A loop: while the condition, a scalar of BOOL, holds of (state, constants), the body maps
   * (state, constants) to the new state. Inputs are the initial state, then the constants; results
   * are the final state.
   *
   * @param condition has the same inputs as the body, and one output
   */
  record While(Program condition, Program body) implements Nested {
    @Override
    public List<Program> programs() {
      return List.of(condition, body);
    }

    @Override
    public While with(List<Program> programs) {
      return new While(programs.get(0), programs.get(1));
    }

    @Override
    public int states() {
      return results();
    }
  }

  /**
   * Computes a program; inputs and results are the program's. Reverse mode does not keep the values
   * in between but computes them again.
   *
   * @param late so many of the first inputs are read only once the others are known, and what is
   *     computed from them is not shared with what is computed of the same values elsewhere
   */
  record Call(Program body, int late) implements Nested {
    @Override
    public List<Program> programs() {
      return List.of(body);
    }

    @Override
    public Call with(List<Program> programs) {
      return new Call(programs.get(0), late);
    }
  }

  /**
   * The solution x of A x = b, which is its only result, for a linear function A that only its
   * products with vectors are known of. Inputs are b, a way to compute x (whose value is the
   * result), and constants; the program maps (v, constants) to A v. Derivatives solve again, with
   * the program and its transpose; how the given x was computed is not differentiated.
   *
   * @param method of this solution, and of those that derivatives ask for
   */
  record Solve(Program product, KrylovMethod method) implements Nested {
    @Override
    public List<Program> programs() {
      return List.of(product);
    }

    @Override
    public Solve with(List<Program> programs) {
      return new Solve(programs.get(0), method);
    }
  }

  /**
   * Inputs (x, flags of BOOL): x itself where every flag holds, else the run fails with an {@link
   * ArithmeticException} of this message.
   */
  record Check(String message) implements Op {}

  /**
   * The first input, once the other inputs are known. Only the planner makes it, of the late inputs
   * of a {@link Call}; it is neither shared with its input nor moved forward.
   */
  record Barrier() implements Op {}

  /** The derivative of the function in a {@link CustomJvp}. */
  interface TangentRule {
    /**
     * The tangents of all results.
     *
     * @param arguments of the function
     * @param results its results there, which have this rule too
     * @param tangents of the arguments; null is zero
     * @return one node for each result, linear in the tangents
     */
    List<Node> tangents(List<Node> arguments, List<Node> results, List<@Nullable Node> tangents);

    /**
     * The rule of the function mapped over a batch.
     *
     * @param batched which arguments have a batch axis, in front; results always have one
     * @param size extent of the batch axis
     */
    TangentRule batched(boolean[] batched, int size);
  }
}
