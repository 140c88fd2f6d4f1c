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
 * <p>The memory of a donated tensor becomes that of a result of the same dtype and size. On the
 * host processor that is so in the same call, where the function reads the tensor for the last time
 * before the result is written, or computes the result from it element for element, as optimisers
 * do; a tensor that the function never reads is just memory for a result. Otherwise, and on a GPU,
 * a result of the next call is written there, and two sets of buffers take turns. Either way
 * nothing is allocated for the state of a loop that donates it.
 *
 * <p>A donated tensor, and every other one with the same memory, throws an {@link
 * IllegalStateException} when it is used again. Results never share memory with what a caller still
 * holds: where another thread is reading a donated tensor, or the tensor is another part of the
 * argument as well, that memory is left alone and the result gets memory of its own.
 *
 * <p>A call that is refused for its arguments, their structure, shapes, dtypes or device, or since
 * one was donated before or is captured by the function, takes nothing. One that fails while it
 * computes, as by an index out of range, a system that cannot be solved, an interrupt or for lack
 * of memory, may have taken what was donated, tensor by tensor: what it has taken throws, and says
 * so; the rest is as it was. On a GPU such an error is thrown when a result is read, and all that
 * was donated to that call is gone by then.
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
                + ", or the beginning of one; Donate.all() gives the whole argument away");
      }
    }
    return donated;
  }

  @Override
  public String toString() {
    return "Donate" + paths;
  }
}
