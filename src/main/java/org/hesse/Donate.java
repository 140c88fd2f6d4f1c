package org.hesse;

import java.util.List;

/**
 * Tensors that a caller of a compiled function gives away, so that their memory can be written
 * again; for {@link Autodiff#compile(java.util.function.BiFunction, Donate)}. Immutable.
 *
 * <pre>{@code
 * var step = compile((TrainState<Mlp> s, Dataset b) -> update(s, b), Donate.first());
 * state = step.apply(state, batch);      // the old state's tensors throw from here on
 *
 * compile(f, Donate.all());                          // the whole argument
 * compile(f, Donate.leaves("model", "slots"));       // parts of it, as Tree.paths() names them
 * compile(g, Donate.leaves("first.model"));          // of a function of two arguments
 * }</pre>
 *
 * <p>The memory of a donated tensor becomes that of a result of the same dtype and size in the next
 * call: two sets of buffers take turns, no result is ever written where an argument of the same
 * call is read, and in a loop that donates its state nothing is allocated for it. A donated tensor,
 * and every other one with the same memory, throws an {@link IllegalStateException} when it is used
 * again. Results never share memory with what a caller still holds. Memory that another thread is
 * reading when the call ends is left alone. A call that throws takes nothing; but on a GPU an error
 * in the data, such as an index out of range, is thrown when a result is read, and what was donated
 * to that call is gone by then.
 */
public final class Donate {
  private static final Donate NONE = new Donate(List.of());

  /** Names of tensors or beginnings of them; the empty one is the beginning of all. */
  private final List<String> paths;

  private Donate(List<String> paths) {
    this.paths = paths;
  }

  /** Every tensor of the argument, or of both. */
  public static Donate all() {
    return leaves("");
  }

  /** Every tensor of the first of two arguments. */
  public static Donate first() {
    return leaves("first");
  }

  /**
   * Some of the tensors.
   *
   * @param paths names as in {@link Tree#paths}, or the beginnings of several up to a dot; those of
   *     two arguments begin with {@code first} and {@code second}
   */
  public static Donate leaves(String... paths) {
    for (String path : Misuse.given("Donate.leaves", "paths", paths, "names of tensors")) {
      Misuse.given("Donate.leaves", "a path", path, "a tensor's name");
    }
    return new Donate(List.of(paths));
  }

  static Donate none() {
    return NONE;
  }

  /** Whether nothing is given away. */
  boolean isNone() {
    return paths.isEmpty();
  }

  /**
   * Whether each tensor of an argument is given away.
   *
   * @throws IllegalArgumentException if a name is no tensor's
   */
  boolean[] among(List<String> leaves) {
    boolean[] donated = new boolean[leaves.size()];
    for (String path : paths) {
      boolean used = path.isEmpty();
      for (int i = 0; i < donated.length; i++) {
        String leaf = leaves.get(i);
        if (path.isEmpty() || leaf.equals(path) || leaf.startsWith(path + ".")) {
          donated[i] = true;
          used = true;
        }
      }
      if (!used) {
        throw new IllegalArgumentException(
            "compile: '"
                + path
                + "' is to be donated, but is no tensor of the argument; expected one of "
                + leaves
                + ", or the beginning of one");
      }
    }
    return donated;
  }

  @Override
  public String toString() {
    return "Donate" + paths;
  }
}
