package org.hesse;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where the batch axis of each tensor of a tree is, for {@link Autodiff#vmap}: one axis for all,
 * none, and exceptions by name. Immutable.
 *
 * <pre>{@code
 * VmapAxes.of(0)                                  // in front, everywhere
 * VmapAxes.of(-1)                                 // the last axis
 * VmapAxes.unmapped()                             // the same for every example
 * VmapAxes.unmapped().with("hidden.bias", 0)      // only this one has a batch axis
 * VmapAxes.of(0).without("shared").with("x", 1)
 * }</pre>
 */
public final class VmapAxes {
  /** An axis, or none, for the tensors whose name is the path or begins with it. */
  private record Entry(String path, @Nullable Integer axis) {
    boolean covers(String leaf) {
      return path.isEmpty() || leaf.equals(path) || leaf.startsWith(path + ".");
    }
  }

  private final List<Entry> entries;

  private VmapAxes(List<Entry> entries) {
    this.entries = List.copyOf(entries);
  }

  /**
   * The same axis for every tensor.
   *
   * @param axis of the whole batch, counted from 0; −1 is the last
   */
  public static VmapAxes of(int axis) {
    return new VmapAxes(List.of(new Entry("", axis)));
  }

  /** No batch axis: arguments are the same for every example, results must be. */
  public static VmapAxes unmapped() {
    return new VmapAxes(List.of(new Entry("", null)));
  }

  /**
   * An exception for some tensors, which goes before earlier ones.
   *
   * @param path a name as in {@link Tree#paths}, or the beginning of several up to a dot
   * @param axis of the whole batch, counted from 0; −1 is the last
   */
  public VmapAxes with(String path, int axis) {
    return plus(new Entry(path, axis));
  }

  /** Some tensors without a batch axis; see {@link #with}. */
  public VmapAxes without(String path) {
    return plus(new Entry(path, null));
  }

  private VmapAxes plus(Entry entry) {
    List<Entry> more = new ArrayList<>(entries);
    more.add(entry);
    return new VmapAxes(more);
  }

  /** Both arguments of a function of two, as the components of one tree. */
  static VmapAxes both(VmapAxes first, VmapAxes second) {
    List<Entry> all = new ArrayList<>();
    first.entries.forEach(e -> all.add(new Entry(join("first", e.path), e.axis)));
    second.entries.forEach(e -> all.add(new Entry(join("second", e.path), e.axis)));
    return new VmapAxes(all);
  }

  private static String join(String argument, String path) {
    return path.isEmpty() ? argument : argument + "." + path;
  }

  /**
   * The axis of each tensor, not negative; null is none.
   *
   * @param what the tree's name in messages
   * @param shapes of whole batches
   */
  List<@Nullable Integer> resolve(String what, List<String> paths, List<Shape> shapes) {
    requireUse(what, paths);
    List<@Nullable Integer> axes = new ArrayList<>();
    for (int i = 0; i < paths.size(); i++) {
      Integer axis = null;
      for (Entry e : entries) {
        axis = e.covers(paths.get(i)) ? e.axis : axis;
      }
      axes.add(axis == null ? null : checked(what, paths.get(i), shapes.get(i), axis));
    }
    return axes;
  }

  /** Whether each tensor has a batch axis. */
  boolean[] mapped(String what, List<String> paths) {
    requireUse(what, paths);
    boolean[] mapped = new boolean[paths.size()];
    for (int i = 0; i < mapped.length; i++) {
      for (Entry e : entries) {
        mapped[i] = e.covers(paths.get(i)) ? e.axis != null : mapped[i];
      }
    }
    return mapped;
  }

  /** An exception that no tensor is under is a slip of the pen. */
  private void requireUse(String what, List<String> paths) {
    for (Entry e : entries) {
      boolean general = e.path.isEmpty() || e.path.equals("first") || e.path.equals("second");
      if (!general && paths.stream().noneMatch(e::covers)) {
        throw new IllegalArgumentException(
            "vmap: the axes of "
                + what
                + " name '"
                + e.path
                + "', which is no tensor there; expected one of "
                + paths
                + ", or the beginning of one");
      }
    }
  }

  private static int checked(String what, String path, Shape shape, int axis) {
    int a = axis < 0 ? axis + shape.rank() : axis;
    if (a < 0 || a >= shape.rank()) {
      throw new IllegalArgumentException(
          "vmap: "
              + what
              + " leaf '"
              + path
              + "' has shape "
              + shape
              + " and no axis "
              + axis
              + " to map over; expected "
              + (shape.rank() == 0
                  ? "a batch axis"
                  : "an axis from " + -shape.rank() + " to " + (shape.rank() - 1))
              + ", or unmapped()");
    }
    return a;
  }

  @Override
  public String toString() {
    List<String> parts = new ArrayList<>();
    for (Entry e : entries) {
      parts.add((e.path.isEmpty() ? "*" : e.path) + ": " + (e.axis == null ? "none" : e.axis));
    }
    return parts.toString();
  }
}
