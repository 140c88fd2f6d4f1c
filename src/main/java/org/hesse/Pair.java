package org.hesse;

import java.util.function.BiFunction;
import java.util.function.Function;

/** Two arguments as one tree. */
record Pair<A, B>(A first, B second) {
  /** The function of a pair that f is of two arguments. */
  static <A, B, C> Function<Pair<A, B>, C> function(String call, BiFunction<A, B, C> f) {
    BiFunction<A, B, C> given = Misuse.given(call, "f", f, "a function");
    return p -> given.apply(p.first(), p.second());
  }
}
