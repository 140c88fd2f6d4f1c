package org.hesse.linalg;

/** Is told how far a long computation is, and may end it. Called after every product or block. */
@FunctionalInterface
public interface Progress {
  /** Reports nothing and never cancels. */
  Progress NONE = (stage, done, total) -> true;

  /**
   * Reports a step.
   *
   * @param stage what is being computed, for example {@code "eigenvalues"}
   * @param done how many units are done
   * @param total how many there will be
   * @return whether to go on; {@code false} ends the computation with a {@link
   *     java.util.concurrent.CancellationException}
   */
  boolean step(String stage, int done, int total);
}
