package org.hesse.backend.cpu;

import static org.hesse.Autodiff.compile;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.hesse.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What Flight Recorder is told of the steps of compiled functions. */
class StepEventTest {
  @TempDir Path folder;

  private List<RecordedEvent> record(boolean asked, Supplier<Tensor> run) throws Exception {
    Path file = folder.resolve("run.jfr");
    try (Recording recording = new Recording()) {
      if (asked) {
        recording.enable("org.hesse.Step").withThreshold(Duration.ZERO);
      }
      recording.start();
      var _ = run.get();
      recording.stop();
      recording.dump(file);
    }
    return RecordingFile.readAllEvents(file).stream()
        .filter(e -> e.getEventType().getName().equals("org.hesse.Step"))
        .toList();
  }

  @Test
  void tellsOperationsAndBytesOfEachStep() throws Exception {
    // 30×20 by 20×10, then a sum and tanh of each of 300 elements with a row of 10.
    Tensor a = Tensor.of(new float[600], 30, 20);
    Tensor b = Tensor.of(new float[200], 20, 10);
    Tensor c = Tensor.of(new float[10], 10);
    Function<List<Tensor>, Tensor> layer =
        compile(x -> x.get(0).matmul(x.get(1)).add(x.get(2)).tanh());
    List<Tensor> arguments = List.of(a, b, c);
    var _ = layer.apply(arguments);
    List<RecordedEvent> events = record(true, () -> layer.apply(arguments));
    assertEquals(1, events.size(), events::toString);
    RecordedEvent e = events.getFirst();
    assertEquals("dot batch=1 m=30 n=10 k=20 + map [30, 10]", e.getString("step"));
    assertEquals(0, e.getInt("number"));
    assertEquals(2 * 30 * 20 * 10 + 2 * 300, e.getLong("operations"));
    // The product in its place, and the result of the map.
    long result = e.getLong("bytes") - 4 * (600 + 200 + 10);
    assertTrue(result == 4 * 300 || result == 2 * 4 * 300, () -> "" + result);
    assertTrue(e.getDuration().toNanos() > 0);
  }

  @Test
  void isSilentUnlessAskedFor() throws Exception {
    Function<Tensor, Tensor> f = compile((Tensor x) -> x.exp());
    Tensor x = Tensor.of(new float[2], 2);
    assertEquals(0, record(false, () -> f.apply(x)).size());
  }
}
