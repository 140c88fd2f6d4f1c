package org.hesse.linalg;

import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.hesse.Device;
import org.hesse.Hesse;
import org.hesse.RngKey;
import org.hesse.Tensor;
import org.hesse.io.DataException;
import org.hesse.io.Disk;
import org.hesse.io.Safetensors;
import org.hesse.io.SafetensorsFile;
import org.jspecify.annotations.Nullable;

/**
 * A file from which a long computation goes on where it was interrupted, bit for bit.
 *
 * <pre>{@code
 * Checkpoint.Run saved = checkpoint.open(operator, Map.of("algorithm", "Lanczos", "seed", 0));
 * State state = saved.state();                       // null: begin
 * saved.reached(products.count(), s -> save(s));     // after each step
 * }</pre>
 *
 * <p>The file says which computation it belongs to: the algorithm and all settings that its numbers
 * depend on, size and dtype, and the operator's product with a fixed random vector, by its norm and
 * by its inner product with another one. It is replaced as a whole, so that it is never half
 * written.
 */
final class Checkpoint {
  /** Nothing is kept. */
  static final Checkpoint NONE = new Checkpoint(null, Integer.MAX_VALUE);

  private static final long FINGERPRINT_SEED = 0x6865737365L;
  private static final double FINGERPRINT_ROUNDINGS = 1000;
  private static final String REMEDY =
      "; continue with what it was written for, name another file, or delete it";

  private final @Nullable Path file;
  private final int every;

  private Checkpoint(@Nullable Path file, int every) {
    this.file = file;
    this.every = every;
  }

  /** A file that is written every so many products. */
  static Checkpoint of(Path file, int everyProducts) {
    if (everyProducts < 1) {
      throw new IllegalArgumentException(
          "everyProducts: " + everyProducts + "; expected 1 or more, better some minutes' worth");
    }
    return new Checkpoint(file, everyProducts);
  }

  /**
   * Reads the file if there is one, and makes sure that it can be written. Makes one product with
   * the operator.
   *
   * @param settings what the numbers depend on, by the names that the user knows
   * @throws IllegalArgumentException if the file belongs to another computation
   * @throws UncheckedIOException if it cannot be read or written
   */
  Run open(LinearMap operator, Map<String, ?> settings) {
    if (file == null) {
      return new Run(null, every, Map.of(), new double[0], null);
    }
    Map<String, String> identity = new LinkedHashMap<>();
    identity.put("size", operator.rows() + " × " + operator.columns());
    identity.put("dtype", operator.dtype().toString());
    settings.forEach((name, value) -> identity.put(name, String.valueOf(value)));
    try {
      Disk.requireReplaceable(file);
      double[] fingerprint = fingerprint(operator);
      State state =
          Files.exists(file)
              ? matched(
                  file,
                  Hesse.on(Device.CPU, () -> Safetensors.read(file)),
                  operator,
                  identity,
                  fingerprint)
              : null;
      return new Run(file, every, identity, fingerprint, state);
    } catch (DataException e) {
      throw failed(e);
    }
  }

  private static UncheckedIOException failed(DataException e) {
    return new UncheckedIOException("checkpoint: " + e.getMessage(), e);
  }

  /** ‖Af‖ and ⟨g, Af⟩ for fixed random f and g. */
  private static double[] fingerprint(LinearMap operator) {
    RngKey key = RngKey.of(FINGERPRINT_SEED);
    Tensor f = Basis.unit(key.fold(0).normal(operator.dtype(), operator.columns()));
    Tensor g = Basis.unit(key.fold(1).normal(operator.dtype(), operator.rows()));
    Tensor product = operator.apply(f);
    return new double[] {Basis.norm(product), Basis.dot(g, product)};
  }

  /** The state in a file that was read, if it is this computation's. */
  private static State matched(
      Path file,
      SafetensorsFile read,
      LinearMap operator,
      Map<String, String> identity,
      double[] fingerprint) {
    for (Map.Entry<String, String> e : identity.entrySet()) {
      String was = read.metadata().get(e.getKey());
      if (was == null) {
        throw new IllegalArgumentException(
            "checkpoint: "
                + file
                + " is no checkpoint of this kind: it does not say its "
                + e.getKey()
                + REMEDY);
      }
      if (!was.equals(e.getValue())) {
        throw new IllegalArgumentException(
            String.format(
                "checkpoint: %s was written with %s %s, and this run has %s%s",
                file, e.getKey(), was, e.getValue(), REMEDY));
      }
    }
    State state = new State(read.tensors(), operator.device());
    double[] was = state.doubles("fingerprint");
    double margin = FINGERPRINT_ROUNDINGS * operator.dtype().epsilon() * fingerprint[0];
    for (int i = 0; i < was.length; i++) {
      if (!(Math.abs(was[i] - fingerprint[i]) <= margin)) {
        throw new IllegalArgumentException(
            String.format(
                "checkpoint: %s was written for another operator than %s: with a fixed vector f and"
                    + " another, g, ‖Af‖ and ⟨g, Af⟩ were %s and %s, and are %s and %s%s",
                file, operator, was[0], was[1], fingerprint[0], fingerprint[1], REMEDY));
      }
    }
    return state;
  }

  /** One computation's use of the file. */
  static final class Run {
    private final @Nullable Path file;
    private final int every;
    private final Map<String, String> identity;
    private final double[] fingerprint;
    private final @Nullable State state;
    private int saved = -1;

    private Run(
        @Nullable Path file,
        int every,
        Map<String, String> identity,
        double[] fingerprint,
        @Nullable State state) {
      this.file = file;
      this.every = every;
      this.identity = identity;
      this.fingerprint = fingerprint;
      this.state = state;
    }

    /** What to go on from, or null. */
    @Nullable State state() {
      return state;
    }

    /** Writes the file if {@code every} products were made since it was written. */
    void reached(int products, Consumer<State> writer) {
      saved = saved < 0 ? Math.max(0, products - 1) : saved;
      if (file != null && products - saved >= every) {
        write(writer);
        saved = products;
      }
    }

    /** Writes the file. */
    void write(Consumer<State> writer) {
      if (file == null) {
        return;
      }
      State now = new State();
      Hesse.on(
          Device.CPU,
          () -> {
            writer.accept(now);
            now.put("fingerprint", fingerprint);
          });
      try {
        Safetensors.write(file, now.tensors(), identity);
      } catch (DataException e) {
        throw failed(e);
      }
    }
  }
}
