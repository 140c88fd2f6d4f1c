package org.hesse.backend.cuda;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import jcuda.CudaException;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUstreamCaptureMode;
import jcuda.driver.JCudaDriver;
import org.jspecify.annotations.Nullable;

/**
 * Steps that are replayed as one graph. A graph holds addresses, so there is one for each place of
 * inputs and outputs; it is captured when a place is met for the second time, since what is not met
 * again is not worth it.
 */
final class Section implements Prepared {
  /** A graph of fewer kernels takes no less time than these. */
  private static final int FEW = 3;

  /** Graphs kept; the one not used for longest goes first. */
  private static final int GRAPHS = 8;

  private static final int REMEMBERED = 32;

  private final List<Prepared> steps;
  private final int launches;
  private final Map<Run.Bound, CUgraphExec> graphs = new LinkedHashMap<>(16, 0.75f, true);
  private final Map<Run.Bound, Boolean> met = new LinkedHashMap<>(16, 0.75f, true);
  private boolean capturable = true;
  private int captures;
  private int replays;

  Section(List<Prepared> steps) {
    this.steps = List.copyOf(steps);
    this.launches = steps.stream().mapToInt(Prepared::kernels).sum();
  }

  /** Whether it is ever worth a graph. */
  boolean isLong() {
    return launches >= FEW;
  }

  @Override
  public int kernels() {
    return launches;
  }

  @Override
  public long scratchBytes() {
    return steps.stream().mapToLong(Prepared::scratchBytes).max().orElse(0);
  }

  @Override
  public void enqueue(Run run) {
    if (run.inSection() || !isLong() || !capturable) {
      enqueueEach(run);
      return;
    }
    CUgraphExec graph = graphs.get(run.bound());
    if (graph != null) {
      replays++;
    } else {
      graph = run.isSteady() && isMet(run.bound()) ? tryCapture(run) : null;
    }
    if (graph == null) {
      enqueueEach(run);
    } else {
      JCudaDriver.cuGraphLaunch(graph, run.stream());
    }
  }

  private boolean isMet(Run.Bound bound) {
    boolean before = met.put(bound, true) != null;
    trim(met, REMEMBERED);
    return before;
  }

  /** The graph of the steps; null if there cannot be one, as a library does not let itself. */
  private @Nullable CUgraphExec tryCapture(Run run) {
    CUgraphExec graph;
    try {
      graph = capture(run);
    } catch (CudaException e) {
      capturable = false;
      System.getLogger("org.hesse")
          .log(System.Logger.Level.DEBUG, "steps are not replayed as a graph", e);
      return null;
    }
    captures++;
    graphs.put(run.bound(), graph);
    if (graphs.size() > GRAPHS) {
      var eldest = graphs.entrySet().iterator().next();
      graphs.remove(eldest.getKey());
      run.context().discard(eldest.getValue());
    }
    return graph;
  }

  private void enqueueEach(Run run) {
    boolean before = run.inSection();
    run.setInSection(true);
    try {
      steps.forEach(s -> s.enqueue(run));
    } finally {
      run.setInSection(before);
    }
  }

  private static void trim(Map<?, ?> map, int size) {
    if (map.size() > size) {
      map.remove(map.keySet().iterator().next());
    }
  }

  private CUgraphExec capture(Run run) {
    CUgraph graph = new CUgraph();
    JCudaDriver.cuStreamBeginCapture(
        run.stream(), CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
    boolean enqueued = false;
    try {
      enqueueEach(run);
      enqueued = true;
    } finally {
      endCapture(run, graph, enqueued);
    }
    try {
      CUgraphExec executable = new CUgraphExec();
      JCudaDriver.cuGraphInstantiate(executable, graph, 0);
      return executable;
    } finally {
      JCudaDriver.cuGraphDestroy(graph);
    }
  }

  /** The stream is as before in any case. After an error, that is what counts, and not this one. */
  private static void endCapture(Run run, CUgraph graph, boolean enqueued) {
    try {
      JCudaDriver.cuStreamEndCapture(run.stream(), graph);
      if (!enqueued) {
        JCudaDriver.cuGraphDestroy(graph);
      }
    } catch (CudaException e) {
      if (enqueued) {
        throw e;
      }
    }
  }

  /** Drops all graphs. */
  void clear(CudaContext context) {
    graphs.values().forEach(context::discard);
    graphs.clear();
    met.clear();
  }

  /** How many graphs have been captured. */
  int captures() {
    return captures;
  }

  /** How many runs were of a graph that was there already. */
  int replays() {
    return replays;
  }
}
