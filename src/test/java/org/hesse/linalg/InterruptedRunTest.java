package org.hesse.linalg;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.function.Function;
import java.util.stream.Stream;
import org.hesse.DType;
import org.hesse.Tensor;
import org.hesse.io.Safetensors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs that are interrupted go on to the very bits of runs that are not. */
class InterruptedRunTest {
  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void file() {
    file = folder.resolve("search.safetensors");
  }

  /** Ends a computation after so many steps. */
  private static Progress cancelAfter(int steps) {
    int[] calls = {0};
    return (stage, done, total) -> ++calls[0] < steps;
  }

  /** With a copy of an eigenvalue, so that there are several searches, and with restarts. */
  private static LinearOperator operator(DType dtype) {
    double[] spectrum = new double[600];
    Random random = new Random(0);
    Arrays.setAll(spectrum, i -> i < 2 ? 4 : i < 8 ? 2 + 0.1 * i : 2 * random.nextDouble() - 0.5);
    return LinearOperator.ofDiagonal(Tensor.of(spectrum, 600).cast(dtype));
  }

  @Test
  void searchesGoOnWhereTheyWere() throws IOException {
    List<Function<LinearOperator, Lanczos>> searches =
        List.of(
            a -> Lanczos.of(a).largest(6).basis(20),
            a -> Lanczos.of(a).largest(5).block(3),
            a -> Lanczos.of(a).bothEnds(3));
    for (DType dtype : new DType[] {DType.F64, DType.F32}) {
      for (Function<LinearOperator, Lanczos> search : searches) {
        int[] all = {0};
        Progress count = (stage, done, total) -> ++all[0] > 0;
        Eigenpairs whole = search.apply(operator(dtype)).vectors(true).progress(count).run();
        for (int steps : new int[] {3, all[0] / 2}) {
          Files.deleteIfExists(file);
          interrupted(search.apply(operator(dtype)), steps);
          CountingOperator again = operator(dtype).counting();
          Eigenpairs rest = search.apply(again).vectors(true).checkpoint(file, 5).run();
          assertSame(whole, rest);
          assertTrue(again.matvecs() < whole.matvecs() || steps == 3, "only what was left");
        }
      }
    }
  }

  private void interrupted(Lanczos search, int steps) {
    Lanczos once = search.checkpoint(file, 5).progress(cancelAfter(steps));
    assertThrows(CancellationException.class, once::run);
  }

  private static void assertSame(Eigenpairs expected, Eigenpairs actual) {
    assertEquals(expected.pairs(), actual.pairs());
    assertEquals(expected.matvecs(), actual.matvecs());
    assertEquals(expected.complete(), actual.complete());
    assertArrayEquals(expected.vectors().toDoubleArray(), actual.vectors().toDoubleArray(), 0);
  }

  @Test
  void whatHasEndedIsNotRunAgain() {
    Lanczos search = Lanczos.of(operator(DType.F64)).largest(6).vectors(true).checkpoint(file, 10);
    Eigenpairs first = search.run();
    CountingOperator again = operator(DType.F64).counting();
    Eigenpairs second = Lanczos.of(again).largest(6).vectors(true).checkpoint(file, 10).run();
    assertSame(first, second);
    assertEquals(1 + 6, again.matvecs(), "the fingerprint and the last check");
  }

  @Test
  void aSearchThatGaveUpGoesOnWithMoreProducts() {
    Lanczos few = Lanczos.of(operator(DType.F64)).largest(6).checkpoint(file, 4);
    assertFalse(few.maxProducts(20).run().converged());
    Eigenpairs whole = Lanczos.of(operator(DType.F64)).largest(6).vectors(true).run();
    CountingOperator more = operator(DType.F64).counting();
    assertSame(whole, Lanczos.of(more).largest(6).vectors(true).checkpoint(file, 4).run());
    assertTrue(more.matvecs() <= whole.matvecs() - 20 + 4 + 1);
  }

  /** Some of whose processes end before others. */
  private static LinearOperator uneven() {
    double[] spectrum = new double[40];
    Arrays.setAll(spectrum, i -> i % 9);
    return Matrices.diagonal(spectrum);
  }

  @Test
  void quadraturesGoOnWhereTheyWere() throws IOException {
    List<Function<LinearOperator, StochasticLanczosQuadrature>> runs =
        List.of(
            a -> StochasticLanczosQuadrature.of(a).probes(5).steps(20).together(2),
            a -> StochasticLanczosQuadrature.of(a).probes(4).steps(18),
            a -> StochasticLanczosQuadrature.of(a).probes(30).steps(10).until(q -> q.probes() > 9));
    for (LinearOperator a : new LinearOperator[] {operator(DType.F64), uneven()}) {
      for (Function<LinearOperator, StochasticLanczosQuadrature> run : runs) {
        Quadrature whole = run.apply(a).run();
        for (int steps : new int[] {2, 5, 8}) {
          Files.deleteIfExists(file);
          StochasticLanczosQuadrature once =
              run.apply(a).checkpoint(file, 3).progress(cancelAfter(steps));
          assertThrows(CancellationException.class, once::run);
          CountingOperator again = a.counting();
          assertSame(whole, run.apply(again).checkpoint(file, 3).run());
          assertTrue(again.matvecs() < whole.matvecs(), "only what was left");
        }
        CountingOperator ended = a.counting();
        assertSame(whole, run.apply(ended).checkpoint(file, 3).run());
        assertEquals(1, ended.matvecs(), "the fingerprint");
      }
    }
  }

  private static void assertSame(Quadrature expected, Quadrature actual) {
    assertEquals(expected.probes(), actual.probes());
    assertEquals(expected.matvecs(), actual.matvecs());
    for (int p = 0; p < expected.probes(); p++) {
      assertArrayEquals(expected.nodes(p), actual.nodes(p), 0);
      assertArrayEquals(expected.weights(p), actual.weights(p), 0);
    }
  }

  private static final Map<String, Function<LinearOperator, TraceEstimator>> TRACES =
      Map.of(
          "Hutchinson", a -> TraceEstimator.hutchinson(a).probes(90),
          "until an error", a -> TraceEstimator.hutchinson(a).probes(500).relativeError(0.03),
          "Hutch++", a -> TraceEstimator.hutchPlusPlus(a).probes(100),
          "XTrace", a -> TraceEstimator.xTrace(a).probes(80),
          "XTrace until an error", a -> TraceEstimator.xTrace(a).probes(300).relativeError(1e-3),
          "normal", a -> TraceEstimator.xTrace(a).distribution(ProbeDistribution.NORMAL),
          "chosen", a -> TraceEstimator.of(a).probes(120),
          "exact", a -> TraceEstimator.of(a).probes(600));

  /** A steep spectrum, so that what is chosen is a sketch. */
  private static LinearOperator steep(DType dtype) {
    double[] spectrum = new double[300];
    Arrays.setAll(spectrum, i -> Math.pow(i + 1, -1.5));
    double[][] a = Matrices.withSpectrum(spectrum, new Random(1));
    return LinearOperator.ofDense(Matrices.tensor(a, dtype)).assumeSymmetric();
  }

  @Test
  void tracesGoOnWhereTheyWere() throws IOException {
    for (DType dtype : new DType[] {DType.F64, DType.F32}) {
      LinearOperator a = steep(dtype);
      for (var run : TRACES.entrySet()) {
        int[] all = {0};
        Progress count = (stage, done, total) -> ++all[0] > 0;
        TraceEstimate whole = run.getValue().apply(a).progress(count).run();
        for (int steps : new int[] {1, 2, all[0] / 2, all[0]}) {
          Files.deleteIfExists(file);
          TraceEstimator once =
              run.getValue().apply(a).checkpoint(file, 1).progress(cancelAfter(steps));
          assertThrows(CancellationException.class, once::run);
          CountingOperator again = a.counting();
          String what = run.getKey() + ", " + dtype + ", " + steps + " of " + all[0];
          assertEquals(whole, run.getValue().apply(again).checkpoint(file, 1).run(), what);
          assertTrue(again.matvecs() < whole.matvecs() + (steps == 1 ? 1 : 0), what);
        }
        CountingOperator ended = a.counting();
        assertEquals(whole, run.getValue().apply(ended).checkpoint(file, 1).run());
        assertEquals(1, ended.matvecs(), "the fingerprint");
      }
    }
    TraceEstimator other = TraceEstimator.xTrace(steep(DType.F32)).seed(1).checkpoint(file, 9);
    var e = assertThrows(IllegalArgumentException.class, other::run);
    assertTrue(e.getMessage().contains("this run has"), e.getMessage());
  }

  @Test
  void filesOfOtherRunsAreRefused() {
    LinearOperator a = operator(DType.F64);
    interrupted(Lanczos.of(a).largest(6).seed(1), 12);
    byte[] before = bytes();
    Map<String, Lanczos> others =
        Map.of(
            "seed 1, and this run has 2", Lanczos.of(a).largest(6).seed(2),
            "wanted 6, and this run has 5", Lanczos.of(a).largest(5).seed(1),
            "target MAGNITUDE, and this run has LARGEST", Lanczos.of(a).largestAlgebraic(6).seed(1),
            "tolerance 1.0E-6, and this run has 1.0E-7",
                Lanczos.of(a).largest(6).seed(1).tolerance(1e-7),
            "block 1, and this run has 2", Lanczos.of(a).largest(6).seed(1).block(2),
            "size 600 × 600, and this run has 3 × 3",
                Lanczos.of(Matrices.diagonal(1, 2, 3)).largest(3).seed(1),
            "another operator", Lanczos.of(a.shift(1e-9)).largest(6).seed(1));
    others.forEach((part, search) -> assertRefused(part, search));
    assertRefused("this run has", Lanczos.of(operator(DType.F32)).largest(6).seed(1));
    StochasticLanczosQuadrature slq = StochasticLanczosQuadrature.of(a).checkpoint(file, 9);
    var e = assertThrows(IllegalArgumentException.class, slq::run);
    assertTrue(e.getMessage().contains("Lanczos"), e.getMessage());
    assertArrayEquals(before, bytes(), "the file is as it was");
  }

  private void assertRefused(String part, Lanczos search) {
    Lanczos other = search.checkpoint(file, 9);
    var e = assertThrows(IllegalArgumentException.class, other::run);
    assertTrue(e.getMessage().contains(part), e.getMessage());
    assertTrue(e.getMessage().contains("delete it"), e.getMessage());
  }

  private byte[] bytes() {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void filesThatCannotBeUsedAreNamed() throws IOException {
    Lanczos search = Lanczos.of(operator(DType.F64)).checkpoint(file, 9);
    Files.writeString(file, "not a checkpoint");
    var damaged = assertThrows(UncheckedIOException.class, search::run);
    assertTrue(damaged.getMessage().contains(file.toString()), damaged.getMessage());
    Safetensors.write(file, Map.of("w", Tensor.of(new double[] {1}, 1)), Map.of());
    var foreign = assertThrows(IllegalArgumentException.class, search::run);
    assertTrue(foreign.getMessage().contains("no checkpoint"), foreign.getMessage());
    Path nowhere = folder.resolve("none").resolve("x");
    CountingOperator unused = operator(DType.F64).counting();
    Lanczos unwritable = Lanczos.of(unused).checkpoint(nowhere, 9);
    var missing = assertThrows(UncheckedIOException.class, unwritable::run);
    assertTrue(missing.getMessage().contains("no folder"), missing.getMessage());
    assertEquals(0, unused.matvecs(), "said before any work is done");
    assertThrows(IllegalArgumentException.class, () -> search.checkpoint(file, 0));
    try (Stream<Path> left = Files.list(folder)) {
      assertEquals(List.of(file), left.toList(), "no temporary files");
    }
  }
}
