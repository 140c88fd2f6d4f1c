package org.hesse.plan;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;

/**
 * Decides which nodes get memory; every other one is computed within the steps that read it.
 *
 * <p>Goes from the outputs to the inputs, so that for each node the clusters that read it are known
 * before its own fate is decided: with one reader, it joins that cluster; with several, it is
 * computed in each of them if that costs less than writing it once and reading it back.
 */
final class Clusters {
  /** A cluster is not grown beyond so many instructions, as registers and caches are finite. */
  static final int MAX_SIZE = 64;

  /** With more readers a node gets memory in any case. */
  private static final int MAX_USES = 8;

  private static final int MAX_COST = 1 << 20;

  /** No array of the JVM has more, so what is larger is computed where it is read. */
  private static final long MAX_ELEMENTS = Integer.MAX_VALUE - 8;

  /**
   * A cluster that reads a node; {@code access} tells apart the ways in which it does so, since a
   * node and its reverse, say, are two computations.
   */
  private record Use(int cluster, int access) {}

  /** What computing a node costs, as far as its producers could be fused into it. */
  private record Work(int cost, Set<Node> loads) {}

  private final Program program;
  private final Set<Node> inputs;
  private final Set<Node> homes;
  private final Map<Node, Set<Use>> uses = new HashMap<>();
  private final Map<Node, Work> work = new HashMap<>();
  private final Set<Node> roots = new HashSet<>();
  private final List<Long> elements = new ArrayList<>();
  private final List<Integer> sizes = new ArrayList<>();

  private Clusters(Program program, Set<Node> homes) {
    this.program = program;
    this.inputs = new HashSet<>(program.inputs());
    this.homes = homes;
  }

  /**
   * The nodes of a program that get memory, inputs apart.
   *
   * @param homes those that are computed in the memory of an output
   */
  static Set<Node> roots(Program program, Set<Node> homes) {
    return new Clusters(program, homes).decide();
  }

  private Set<Node> decide() {
    roots.addAll(homes);
    program.nodes().forEach(this::needOperands);
    program.nodes().forEach(n -> work.put(n, work(n)));
    for (int i = program.nodes().size() - 1; i >= 0; i--) {
      Node n = program.nodes().get(i);
      Set<Use> readers = uses.getOrDefault(n, Set.of());
      if (n.op() instanceof Op.Nested op && !readers.isEmpty()) {
        openNested(n, op);
      }
      if (inputs.contains(n) || n.shape().size() == 0) {
        continue;
      }
      if (!readers.isEmpty() && (isKernel(n.op()) || !worthInlining(n, readers))) {
        roots.add(n);
      }
      if (roots.contains(n)) {
        openClusters(n);
      } else if (!readers.isEmpty()) {
        joinClusters(n, readers);
      }
    }
    return roots;
  }

  /** What the steps that read memory in place need, whatever else is decided. */
  private void needOperands(Node n) {
    switch (n.op()) {
      case Op.Dot d -> n.inputs().forEach(this::needsMemory);
      case Op.ArgMax a -> needsMemory(n.input(0));
      case Op.Cumsum c -> needsMemory(n.input(0));
      case Op.Fold f -> needsMemory(n.input(0));
      case Op.Gather g -> n.inputs().forEach(this::needsMemory);
      case Op.ScatterAdd s -> n.inputs().forEach(this::needsMemory);
      case Op.RandomBits r -> needsMemory(n.input(0));
      case Op.Factor f -> n.inputs().subList(0, f.kind().reads()).forEach(this::needsMemory);
      case Op.Composite c -> n.inputs().forEach(this::needsMemory);
      default -> {}
    }
  }

  /** Whether a primitive is a step of its own. A copy asks for memory, see {@link Products}. */
  static boolean isKernel(Op op) {
    return !IndexMap.isView(op)
        && !ConstantRules.isElementwise(op)
        && !(op instanceof Op.Constant)
        && !(op instanceof Op.Iota);
  }

  /** An estimate from the inputs on, as if nothing below had memory but kernels' results. */
  private Work work(Node n) {
    if (inputs.contains(n) || isKernel(n.op()) || roots.contains(n)) {
      return new Work(0, Set.of(n));
    }
    if (Slots.isSource(n)) {
      return new Work(0, Set.of());
    }
    int cost = IndexMap.isView(n.op()) ? 0 : Costs.of(n.op());
    Set<Node> loads = new HashSet<>();
    for (Node in : new HashSet<>(n.inputs())) {
      Work w = work.getOrDefault(in, new Work(0, Set.of()));
      cost = Math.min(MAX_COST, cost + w.cost);
      for (Node load : w.loads) {
        if (loads.size() < MAX_USES && load.shape().size() >= n.shape().size()) {
          loads.add(load);
        }
      }
    }
    return new Work(cost, loads);
  }

  private boolean worthInlining(Node n, Set<Use> readers) {
    if (!ConstantRules.isElementwise(n.op()) || n.shape().size() > MAX_ELEMENTS) {
      return true;
    }
    if (readers.size() > MAX_USES) {
      return false;
    }
    long total = 0;
    for (Use use : readers) {
      if (sizes.get(use.cluster) >= MAX_SIZE) {
        return false;
      }
      total += elements.get(use.cluster);
    }
    Work w = work.getOrDefault(n, new Work(0, Set.of()));
    int k = readers.size();
    if (k == 1 && w.cost <= 2) {
      return true;
    }
    long size = n.shape().size();
    double inlined = (double) w.cost * total + (double) k * Costs.MEMORY * w.loads.size() * size;
    double stored =
        (double) w.cost * size
            + (double) Costs.MEMORY * (w.loads.size() + 1 + k) * size
            + Costs.STEP;
    return inlined <= stored;
  }

  private int newCluster(long size) {
    elements.add(size);
    sizes.add(1);
    return elements.size() - 1;
  }

  /** A node with memory is computed by steps of its own, which read its inputs. */
  private void openClusters(Node n) {
    switch (n.op()) {
      // See needOperands.
      case Op.Dot d -> {}
      case Op.ArgMax a -> {}
      case Op.Cumsum c -> {}
      case Op.Fold f -> {}
      case Op.Gather g -> {}
      case Op.ScatterAdd s -> {}
      case Op.RandomBits r -> {}
      case Op.Factor f -> {}
      case Op.Composite c -> {}
      case Op.Barrier b -> needsMemory(n.input(0));
      case Op.Check c -> {
        read(n.input(0), Set.of(new Use(newCluster(n.shape().size()), 0)));
        needsMemory(n.input(1));
      }
      case Op.Result r -> read(n.input(0), Set.of(new Use(newCluster(0), 0)));
      case Op.Pad p -> read(n.input(0), Set.of(new Use(newCluster(n.input(0).shape().size()), 0)));
      case Op.Concat c ->
          n.inputs().forEach(in -> read(in, Set.of(new Use(newCluster(in.shape().size()), 0))));
      case Op.Reduce r ->
          read(n.input(0), Set.of(new Use(newCluster(n.input(0).shape().size()), 0)));
      default -> joinClusters(n, Set.of(new Use(newCluster(n.shape().size()), 0)));
    }
  }

  /** The state at first is computed where it will be; the rest is read in place. */
  private void openNested(Node n, Op.Nested op) {
    for (int i = 0; i < n.inputs().size(); i++) {
      Node in = n.input(i);
      if (i < op.states()) {
        read(in, Set.of(new Use(newCluster(in.shape().size()), 0)));
      } else {
        needsMemory(in);
      }
    }
  }

  /** What a product reads in place is the node under the views. */
  private void needsMemory(Node operand) {
    Node base = Products.base(operand, inputs, homes);
    if (!inputs.contains(base) && base.shape().size() != 0) {
      roots.add(base);
    }
  }

  private void read(Node n, Set<Use> readers) {
    uses.computeIfAbsent(n, k -> new HashSet<>()).addAll(readers);
  }

  /** Computes a node within clusters, which then read its inputs. */
  private void joinClusters(Node n, Set<Use> readers) {
    boolean moves = IndexMap.isView(n.op()) && !(n.op() instanceof Op.Reshape);
    Set<Use> passed = readers;
    if (moves) {
      passed = new HashSet<>();
      for (Use u : readers) {
        passed.add(new Use(u.cluster, u.access * 31 + n.op().hashCode()));
      }
    } else if (ConstantRules.isElementwise(n.op())) {
      int loads = (int) n.inputs().stream().distinct().filter(this::isLoaded).count();
      for (Use u : readers) {
        sizes.set(u.cluster, sizes.get(u.cluster) + 1 + loads);
      }
    }
    for (Node in : n.inputs()) {
      read(in, passed);
    }
  }

  private boolean isLoaded(Node n) {
    Node base = Products.base(n, inputs, homes);
    return inputs.contains(base) || isKernel(base.op()) || roots.contains(base);
  }
}
