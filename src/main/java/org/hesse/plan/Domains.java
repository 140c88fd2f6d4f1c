package org.hesse.plan;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.hesse.Shape;
import org.hesse.backend.Instruction;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.hesse.ir.Axes;
import org.jspecify.annotations.Nullable;

/** Splits, merges and reorders the axes of domains, with the views over them. */
final class Domains {
  private Domains() {}

  /** The single stride that a group of axes amounts to, or null if there is none. */
  static @Nullable Long stride(Shape shape, Axes group, IndexMap.Linear view) {
    long stride = 0;
    long expected = -1;
    boolean any = false;
    for (int i = group.size() - 1; i >= 0; i--) {
      int a = group.get(i);
      if (shape.dim(a) == 1) {
        continue;
      }
      long s = view.strides()[a];
      if (!any) {
        stride = s;
        any = true;
      } else if (s != expected) {
        return null;
      }
      expected = s * shape.dim(a);
    }
    return stride;
  }

  /** A step over as few axes as its views allow. */
  static Step.Map collapse(Step.Map map) {
    List<long[]> strides = strides(map.code());
    map.stores().forEach(s -> strides.add(s.view().strides()));
    int[] groups = groups(map.domain(), strides, new int[] {map.domain().length});
    int[] domain = merged(map.domain(), groups);
    List<Step.Store> stores =
        map.stores().stream()
            .map(s -> new Step.Store(s.value(), merged(s.view(), groups)))
            .toList();
    return new Step.Map(domain, merged(map.code(), groups), stores);
  }

  /** A reduction over as few axes as its views allow; kept and reduced ones stay apart. */
  static Step.Reduce collapse(Step.Reduce r) {
    int first = r.outer();
    int last = first + r.reduced();
    List<long[]> strides = strides(r.code());
    // As if the result were repeated along the reduced axes.
    long[] out = new long[r.domain().length];
    for (int j = 0; j < out.length; j++) {
      out[j] = j < first ? r.out().strides()[j] : j < last ? 0 : r.out().strides()[j - r.reduced()];
    }
    strides.add(out);
    int[] groups = groups(r.domain(), strides, new int[] {first, last, r.domain().length});
    int outer = count(groups, 0, first);
    int reduced = count(groups, first, last);
    long[] kept = new long[count(groups, 0, out.length) - reduced];
    int k = 0;
    for (int j = 0; j < out.length; j++) {
      boolean closes = j + 1 == out.length || groups[j + 1] != groups[j];
      if (closes && (j < first || j >= last)) {
        kept[k++] = out[j];
      }
    }
    View view = new View(r.out().slot(), r.out().offset(), kept);
    return new Step.Reduce(
        r.kind(), merged(r.domain(), groups), outer, reduced, merged(r.code(), groups), view);
  }

  private static List<long[]> strides(List<Instruction> code) {
    List<long[]> strides = new ArrayList<>();
    for (Instruction i : code) {
      switch (i) {
        case Instruction.Load(View view) -> strides.add(view.strides());
        case Instruction.Index(long[] s) -> strides.add(s);
        default -> {}
      }
    }
    return strides;
  }

  /**
   * For each axis the number of the merged axis that it becomes a part of. A merged extent stays an
   * int: repeated elements can make a domain larger than any tensor.
   */
  private static int[] groups(int[] domain, List<long[]> strides, int[] ends) {
    int[] group = new int[domain.length];
    int g = -1;
    int begin = 0;
    long extent = 1;
    for (int end : ends) {
      for (int j = begin; j < end; j++) {
        boolean joins = j > begin && extent * domain[j] <= Integer.MAX_VALUE;
        for (int s = 0; joins && s < strides.size(); s++) {
          long[] v = strides.get(s);
          joins = v[j - 1] == v[j] * domain[j];
        }
        group[j] = joins ? g : ++g;
        extent = joins ? extent * domain[j] : domain[j];
      }
      begin = end;
    }
    return group;
  }

  private static int count(int[] groups, int from, int to) {
    return (int) Arrays.stream(groups, from, to).distinct().count();
  }

  private static int[] merged(int[] domain, int[] groups) {
    int[] d = new int[count(groups, 0, groups.length)];
    Arrays.fill(d, 1);
    for (int j = 0; j < domain.length; j++) {
      d[groups[j]] *= domain[j];
    }
    return d;
  }

  private static long[] merged(long[] strides, int[] groups) {
    long[] s = new long[count(groups, 0, groups.length)];
    for (int j = 0; j < strides.length; j++) {
      s[groups[j]] = strides[j];
    }
    return s;
  }

  private static View merged(View view, int[] groups) {
    return new View(view.slot(), view.offset(), merged(view.strides(), groups));
  }

  private static List<Instruction> merged(List<Instruction> code, int[] groups) {
    List<Instruction> out = new ArrayList<>();
    for (Instruction i : code) {
      out.add(
          switch (i) {
            case Instruction.Load(View view) -> new Instruction.Load(merged(view, groups));
            case Instruction.Index(long[] s) -> new Instruction.Index(merged(s, groups));
            default -> i;
          });
    }
    return List.copyOf(out);
  }

  /** The coarsest domain that both can be split into, or null if there is none. */
  static int @Nullable [] refinement(int[] a, int[] b) {
    List<Integer> reversed = new ArrayList<>();
    int i = a.length - 1;
    int j = b.length - 1;
    int x = i >= 0 ? a[i] : 1;
    int y = j >= 0 ? b[j] : 1;
    while (i >= 0 && j >= 0) {
      int part = Math.min(x, y);
      if (x % part != 0 || y % part != 0) {
        return null;
      }
      reversed.add(part);
      x /= part;
      y /= part;
      if (x == 1 && --i >= 0) {
        x = a[i];
      }
      if (y == 1 && --j >= 0) {
        y = b[j];
      }
    }
    if (i >= 0 || j >= 0) {
      return null;
    }
    int[] domain = new int[reversed.size()];
    for (int k = 0; k < domain.length; k++) {
      domain[k] = reversed.get(domain.length - 1 - k);
    }
    return domain;
  }

  /** The same step over a domain that each of its axes is a product of some axes of. */
  static Step.Map refined(Step.Map map, int[] fine) {
    if (Arrays.equals(map.domain(), fine)) {
      return map;
    }
    List<Instruction> code = new ArrayList<>();
    for (Instruction i : map.code()) {
      code.add(
          switch (i) {
            case Instruction.Load(View v) -> new Instruction.Load(refined(v, map.domain(), fine));
            case Instruction.Index(long[] s) ->
                new Instruction.Index(refined(s, map.domain(), fine));
            default -> i;
          });
    }
    List<Step.Store> stores =
        map.stores().stream()
            .map(s -> new Step.Store(s.value(), refined(s.view(), map.domain(), fine)))
            .toList();
    return new Step.Map(fine, List.copyOf(code), stores);
  }

  private static View refined(View v, int[] domain, int[] fine) {
    return new View(v.slot(), v.offset(), refined(v.strides(), domain, fine));
  }

  private static long[] refined(long[] strides, int[] domain, int[] fine) {
    long[] s = new long[fine.length];
    int k = fine.length - 1;
    for (int a = domain.length - 1; a >= 0; a--) {
      long step = strides[a];
      for (long covered = 1; covered < domain[a]; k--) {
        s[k] = step;
        step *= fine[k];
        covered *= fine[k];
      }
    }
    return s;
  }
}
