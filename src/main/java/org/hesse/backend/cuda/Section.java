package org.hesse.backend.cuda;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUstreamCaptureMode;
import jcuda.driver.JCudaDriver;

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
    if (run.inSection() || !isLong()) {
      enqueueEach(run);
      return;
    }
    CUgraphExec graph = graphs.get(run.bound());
    if (graph != null) {
      replays++;
    } else if (met.put(run.bound(), true) == null) {
      trim(met, REMEMBERED);
      enqueueEach(run);
      return;
    } else {
      graph = capture(run);
      captures++;
      graphs.put(run.bound(), graph);
      if (graphs.size() > GRAPHS) {
        var eldest = graphs.entrySet().iterator().next();
        graphs.remove(eldest.getKey());
        run.context().discard(eldest.getValue());
      }
    }
    JCudaDriver.cuGraphLaunch(graph, run.stream());
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
    try {
      enqueueEach(run);
    } finally {
      JCudaDriver.cuStreamEndCapture(run.stream(), graph);
    }
    try {
      CUgraphExec executable = new CUgraphExec();
      JCudaDriver.cuGraphInstantiate(executable, graph, 0);
      return executable;
    } finally {
      JCudaDriver.cuGraphDestroy(graph);
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
