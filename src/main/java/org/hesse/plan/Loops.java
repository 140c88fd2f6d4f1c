package org.hesse.plan;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Nested loops over groups of axes, with the strides of some views over them: those of extent 1
 * dropped, and within each group as many merged as all strides allow.
 *
 * @param domain extents, outermost first
 * @param groups how many axes are left of each group
 * @param strides for each view those over the domain
 */
record Loops(int[] domain, int[] groups, long[][] strides) {
  /**
   * Merges axes.
   *
   * @param ends for each group the number of the axis behind its last
   */
  static Loops merged(int[] domain, int[] ends, long[]... strides) {
    List<Integer> extents = new ArrayList<>();
    List<Integer> last = new ArrayList<>();
    int[] groups = new int[ends.length];
    int begin = 0;
    for (int g = 0; g < ends.length; g++) {
      int before = extents.size();
      for (int a = begin; a < ends[g]; a++) {
        int end = extents.size() - 1;
        if (domain[a] == 1) {
          continue;
        }
        if (end >= before && continues(last.get(end), a, domain[a], strides)) {
          extents.set(end, Math.multiplyExact(extents.get(end), domain[a]));
          last.set(end, a);
        } else {
          extents.add(domain[a]);
          last.add(a);
        }
      }
      groups[g] = extents.size() - before;
      begin = ends[g];
    }
    long[][] kept = new long[strides.length][];
    for (int v = 0; v < strides.length; v++) {
      long[] s = strides[v];
      kept[v] = last.stream().mapToLong(a -> s[a]).toArray();
    }
    return new Loops(extents.stream().mapToInt(d -> d).toArray(), groups, kept);
  }

  private static boolean continues(int outer, int inner, int extent, long[][] strides) {
    return Arrays.stream(strides).allMatch(s -> s[outer] == s[inner] * extent);
  }
}
