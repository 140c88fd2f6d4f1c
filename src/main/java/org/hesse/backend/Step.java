package org.hesse.backend;

import java.util.List;
import org.hesse.DType;
import org.hesse.ir.CompositeKind;
import org.hesse.ir.FactorKind;
import org.hesse.ir.ReduceKind;

/**
 * One kernel of a schedule. Every domain is a list of extents, outermost first, already collapsed
 * as far as the views allow; no extent is 0 (steps over nothing are not scheduled), and a domain
 * may be empty, which is a single element.
 */
public sealed interface Step {
  /** Kind and extents, in a line for people. */
  default String heading() {
    return StepHeading.of(this);
  }

  /**
   * Evaluates a register program at every index and stores some of its values. What it stores it
   * does not read, except that a dense store of a computed value may be where, element for element,
   * a load is whose value is not stored itself.
   */
  record Map(int[] domain, List<Instruction> code, List<Store> stores) implements Step {}

  /** Where a value of a register program goes; the view's strides run over the domain. */
  record Store(int value, View view) {}

  /**
   * Evaluates a register program over the domain and reduces its last value. The domain's axes are
   * {@code outer} kept ones, then {@code reduced} reduced ones, then the rest, kept again.
   *
   * @param out strides run over the kept axes, outer then inner
   */
  record Reduce(
      ReduceKind kind, int[] domain, int outer, int reduced, List<Instruction> code, View out)
      implements Step {
    /** Type of what is reduced and of the result. */
    public DType dtype() {
      return out.slot().dtype();
    }
  }

  /**
   * {@code out[b,m,n] = Σₖ lhs[b,m,k] · rhs[b,n,k]}.
   *
   * @param lhs strides over (batch, m, k)
   * @param rhs strides over (batch, n, k)
   * @param out strides over (batch, m, n); of the operands' dtype, or F64 with F32 operands
   */
  record Dot(int batch, int m, int n, int k, View lhs, View rhs, View out) implements Step {
    /**
     * Whether a map that follows may be applied to each element of the result as soon as that is
     * finished: the result is dense, the map goes over it in order, reads nothing else of it, and
     * stores neither over the operands nor over what it has not come to.
     */
    public boolean mayEndWith(Map map) {
      int[] matrices = {batch, m, n};
      return size(map.domain) == size(matrices)
          && out.isDense(matrices)
          && readsResult(map)
          && map.stores.stream()
              .allMatch(s ->
                  !s.view.slot().overlaps(lhs.slot())
                      && !s.view.slot().overlaps(rhs.slot())
                      && (!s.view.slot().overlaps(out.slot()) || isResult(map, s.view)));
    }

    private boolean readsResult(Map map) {
      boolean any = false;
      for (Instruction in : map.code) {
        if (in instanceof Instruction.Load load && load.view().slot().overlaps(out.slot())) {
          if (!isResult(map, load.view())) {
            return false;
          }
          any = true;
        }
      }
      return any;
    }

    /** Whether what a map reads or writes is, element for element, this product. */
    public boolean isResult(Map map, View view) {
      return view.slot().overlaps(out.slot())
          && view.isDense(map.domain)
          && view.slot().offset() + view.offset() == out.slot().offset() + out.offset();
    }

    static long size(int[] extents) {
      long size = 1;
      for (int e : extents) {
        size = Math.multiplyExact(size, (long) e);
      }
      return size;
    }
  }

  /**
   * {@code out[b,m,n] = Σₖ lhs[b,m,k] · rhs[b,n,k]}, where b, m, n and k stand for any number of
   * axes each. So windows of a picture need not be copied to become the rows of a matrix. The last
   * axis of n, if it is longer than that of k, has stride 1 in {@code rhs} and {@code out};
   * otherwise that of k has stride 1 in both operands.
   *
   * @param domain extents of all axes
   * @param groups how many of them are b, m, n and k; the last of n and of k are at least one
   * @param lhs strides over the domain, 0 along n; of the dtype of the result, like {@code rhs}
   * @param rhs strides over the domain, 0 along m
   * @param out strides over the domain, 0 along k
   */
  record Contract(int[] domain, int[] groups, View lhs, View rhs, View out) implements Step {
    /** The extent of the last axis of the batch (0), m (1), n (2) or k (3); 1 if there is none. */
    public int last(int group) {
      int end = java.util.Arrays.stream(groups, 0, group + 1).sum();
      return groups[group] == 0 ? 1 : domain[end - 1];
    }
  }

  /** The index of the first maximum along the domain's last axis; NaN counts as largest. */
  record ArgMax(int[] domain, View in, View out) implements Step {}

  /**
   * Running sums along the domain's last axis, from its beginning on; sums from the end are views
   * with negative strides.
   */
  record Cumsum(int[] domain, View in, View out) implements Step {}

  /**
   * Elements read where indices say: {@code out[d] = in[d] + at[d] · stride}, where {@code in[d]}
   * stands for a position.
   *
   * @param in strides over the domain, 0 along the axes of the indices
   * @param extent indices are 0 … extent−1, and any other ends the run with an {@link
   *     IndexOutOfBoundsException} that names it
   * @param stride of the operand's axis that is indexed
   * @param at I32 indices; strides over the domain, 0 along the other axes
   * @param out strides over the domain
   */
  record Gather(int[] domain, View in, int extent, long stride, View at, View out)
      implements Step {}

  /**
   * Elements added up where indices say. The domain's axes are {@code batch} ones that tell indices
   * and elements apart, {@code indices} ones that the sums go over, then the rest, along which an
   * index stands for as many elements. All of the result is written. The order of additions is that
   * of the indices.
   *
   * @param in strides over the domain
   * @param at I32 indices, see {@link Gather}; strides over the first two groups of axes
   * @param out strides over the batch axes, the axis that is indexed, and the rest
   */
  record ScatterAdd(int[] domain, int batch, int indices, View in, View at, int extent, View out)
      implements Step {}

  /**
   * Overlapping windows added up. The domain's axes are {@code outer} ones, positions, places in
   * the window, and the rest; element i of the result is the sum of the elements (…, p, w, …) with
   * {@code p · stride + w · dilation = i}. All of the result is written.
   *
   * @param in strides over the domain
   * @param extent of the result's axis
   * @param out strides over the outer axes, the result's axis, and the rest
   */
  record Fold(int[] domain, int outer, View in, int extent, int stride, int dilation, View out)
      implements Step {}

  /**
   * Random words, see {@link org.hesse.ir.Op.RandomBits}.
   *
   * @param keys how many keys; {@code key} is dense, {@code keys} × 2
   * @param count words for each key; {@code out} is dense, {@code keys} × {@code count}
   */
  record RandomBits(int keys, long count, View key, View out) implements Step {}

  /**
   * Dense linear algebra on each matrix of a batch, see {@link org.hesse.ir.FactorKind}; never a
   * {@link org.hesse.ir.FactorKind.Part}, which is a mere slice.
   *
   * @param batch how many matrices, at least 1
   * @param operands those inputs that are read; a vector is one row
   * @param out dense, a vector as one row
   */
  record Factor(FactorKind kind, int batch, List<Matrices> operands, Matrices out)
      implements Step {}

  /**
   * Ends the run with an {@link ArithmeticException} unless every flag holds.
   *
   * @param count how many flags, at least 1
   * @param flags BOOL, dense
   */
  record Check(String message, long count, View flags) implements Step {}

  /**
   * A composite on each item of a batch, see {@link CompositeKind}.
   *
   * @param batch extents; may be empty, which is a single item
   */
  record Composite(CompositeKind kind, int[] batch, List<Items> operands, Items out)
      implements Step {}

  /**
   * Items of a batch.
   *
   * @param item extents of one
   * @param view strides over batch and item; the last axis of an item has stride 1
   */
  record Items(int[] item, View view) {}

  /**
   * Matrices of a batch.
   *
   * @param view strides over batch, rows and columns
   */
  record Matrices(int rows, int columns, View view) {}

  /**
   * Steps that are run round after round. Rounds are numbered from 0; what one leaves in memory the
   * next one finds there.
   *
   * @param rounds how many there are
   * @param before moves of each round, in order, before its steps: slices of what is the sequence,
   *     states into their history
   * @param body the steps of a round
   * @param after moves of each round, in order, after its steps: outputs to where they are stacked,
   *     the new state to where the next round has its own
   */
  record Loop(Rounds rounds, List<Move> before, List<Step> body, List<Move> after)
      implements Step {}

  /** How often the body of a loop is run. */
  sealed interface Rounds {}

  /** A fixed number of rounds, at least 1, of which the last one comes first where reversed. */
  record Count(int length, boolean reverse) implements Rounds {}

  /**
   * As long as a scalar of BOOL is true.
   *
   * @param steps compute it, at the beginning of each round
   * @param flag where it is then
   */
  record Test(List<Step> steps, View flag) implements Rounds {}

  /**
   * Copies contiguous elements.
   *
   * @param count how many, at least 1
   * @param from where the first one is; the one stride is from round to round
   * @param to where it goes, likewise; no element is in both places
   */
  record Move(long count, View from, View to) {}
}
