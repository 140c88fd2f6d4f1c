package org.hesse.plan;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import org.hesse.backend.Instruction;
import org.hesse.backend.Slot;
import org.hesse.backend.Step;
import org.hesse.backend.View;
import org.jspecify.annotations.Nullable;

/**
 * Merges maps over the same number of elements into one map with several stores: those that share
 * an operand (or are small), and those of which one reads, element for element, what another has
 * just written. What is then read by nobody is no longer stored.
 *
 * <p>Cycles are excluded by levels, the length of the longest path to a step: two steps of one
 * level have no path between them, and a reader one level above its producer has none but the
 * direct one.
 */
final class Siblings {
  /** Of maps with so many elements it is the start that costs, so any of them are merged. */
  private static final long SMALL = 1 << 14;

  /** So many merged maps of one level are tried as partners of another. */
  private static final int WINDOW = 16;

  private static final int MAX_SIZE = Clusters.MAX_SIZE;
  private static final int MAX_STORES = 16;
  private static final int MAX_ROUNDS = 24;

  private final List<Step> steps;
  private final Barriers barriers;
  private final List<Set<Integer>> before = new ArrayList<>();
  private final List<Set<Integer>> after = new ArrayList<>();
  private final Map<Slot, Integer> writers = new HashMap<>();
  private final int[] level;

  /** The step that each one has been merged into, itself at first. */
  private final int[] group;

  /** Steps that take part in a merge of a producer with its reader. */
  private final Set<Integer> merging = new HashSet<>();

  private Siblings(List<Step> steps, Barriers barriers) {
    this.steps = new ArrayList<>(steps);
    this.barriers = barriers;
    this.level = new int[steps.size()];
    this.group = new int[steps.size()];
    Map<Slot, List<Integer>> written = new HashMap<>();
    for (int i = 0; i < steps.size(); i++) {
      Step step = steps.get(i);
      Set<Integer> needs = new HashSet<>();
      for (Slot read : Steps.reads(step)) {
        barriers.needs(read).forEach(s -> needs.addAll(written.getOrDefault(s, List.of())));
      }
      for (Slot s : Steps.writes(step)) {
        List<Integer> same = written.computeIfAbsent(s, k -> new ArrayList<>());
        same.stream().filter(w -> covers(steps.get(w), s) || covers(step, s)).forEach(needs::add);
        same.add(i);
        writers.merge(s, 1, Integer::sum);
      }
      before.add(needs);
      after.add(new HashSet<>());
      group[i] = i;
      for (int p : needs) {
        after.get(p).add(i);
        level[i] = Math.max(level[i], level[p] + 1);
      }
    }
  }

  /** The same computation in fewer steps, whose order respects the barriers. */
  static List<Step> merge(List<Step> steps, Barriers barriers) {
    List<Step> now = steps;
    int quiet = 0;
    for (int round = 0; round < MAX_ROUNDS && quiet < 2; round++) {
      List<Step> next =
          round % 2 == 0
              ? new Siblings(now, barriers).mergeLevels()
              : new Siblings(now, barriers).mergeReaders();
      quiet = next.size() == now.size() ? quiet + 1 : 0;
      now = withoutDeadStores(next, barriers);
    }
    return now;
  }

  /**
   * Whether a step writes all of a slot, as a fill does before other things go into it. Steps that
   * write a slot in part only, like those of a concatenation, write different parts.
   */
  private static boolean covers(Step step, Slot slot) {
    return !(step instanceof Step.Map map) || elements(map) == slot.size();
  }

  private record Bucket(int level, long elements) {}

  private static long elements(Step.Map map) {
    long n = 1;
    for (int d : map.domain()) {
      n *= d;
    }
    return n;
  }

  private List<Step> mergeLevels() {
    Map<Bucket, List<Integer>> buckets = new HashMap<>();
    for (int i = 0; i < steps.size(); i++) {
      if (steps.get(i) instanceof Step.Map map) {
        Bucket bucket = new Bucket(level[i], elements(map));
        List<Integer> leaders = buckets.computeIfAbsent(bucket, b -> new ArrayList<>());
        if (!joinsOne(i, leaders)) {
          leaders.add(i);
        }
      }
    }
    return rebuilt();
  }

  private boolean joinsOne(int i, List<Integer> leaders) {
    for (int j = leaders.size() - 1; j >= Math.max(0, leaders.size() - WINDOW); j--) {
      int leader = leaders.get(j);
      if (steps.get(leader) instanceof Step.Map a
          && steps.get(i) instanceof Step.Map b
          && (elements(a) <= SMALL || shareOperand(a, b))) {
        Step.Map both = merged(a, b);
        if (both != null) {
          steps.set(leader, both);
          group[i] = leader;
          return true;
        }
      }
    }
    return false;
  }

  private static boolean shareOperand(Step a, Step b) {
    List<Slot> reads = Steps.reads(a);
    return Steps.reads(b).stream().anyMatch(reads::contains);
  }

  private List<Step> mergeReaders() {
    Set<Integer> settled = new HashSet<>();
    for (int reader = 0; reader < steps.size(); reader++) {
      if (!(steps.get(reader) instanceof Step.Map) || settled.contains(reader)) {
        continue;
      }
      for (int producer : before.get(reader).stream().sorted().toList()) {
        mergeReader(producer, reader, settled);
      }
    }
    return rebuilt();
  }

  /**
   * Merges a producer into its reader. Other readers of the producer then come after both; that
   * they are left alone for this round keeps two such merges from waiting for each other.
   */
  private void mergeReader(int producer, int reader, Set<Integer> settled) {
    if (level[producer] + 1 != level[reader]
        || group[producer] != producer
        || settled.contains(producer)
        || merging.contains(producer)
        || !(steps.get(producer) instanceof Step.Map p)
        || !(steps.get(reader) instanceof Step.Map r)
        || elements(p) != elements(r)
        || after.get(producer).stream().anyMatch(o -> o != reader && merging.contains(o))
        || Steps.writes(p).stream()
            .anyMatch(s -> Steps.reads(r).contains(s) && count(writers, s) != 1)
        || Steps.writes(p).stream().anyMatch(Steps.writes(r)::contains)
        || waits(r, p)) {
      return;
    }
    Step.Map both = merged(p, r);
    if (both == null) {
      return;
    }
    steps.set(reader, both);
    group[producer] = reader;
    merging.add(producer);
    merging.add(reader);
    for (int other : after.get(producer)) {
      if (other != reader) {
        settled.add(other);
      }
    }
  }

  /** Whether a step reads through a barrier that waits for another step. */
  private boolean waits(Step reader, Step producer) {
    return Steps.reads(reader).stream()
        .filter(barriers::isGate)
        .anyMatch(s -> Steps.writes(producer).stream().anyMatch(barriers.needs(s)::contains));
  }

  private static int count(Map<Slot, Integer> writers, Slot slot) {
    return writers.getOrDefault(slot, 0);
  }

  /**
   * One map that does what the first and then the second do; null if their domains do not match, if
   * the second reads in another order what the first writes, or if the outcome is too large.
   */
  static Step.@Nullable Map merged(Step.Map first, Step.Map second) {
    int[] domain = Domains.refinement(first.domain(), second.domain());
    if (domain == null || first.stores().size() + second.stores().size() > MAX_STORES) {
      return null;
    }
    Step.Map a = Domains.refined(first, domain);
    Step.Map b = Domains.refined(second, domain);
    Code code = new Code();
    List<Step.Store> stores = new ArrayList<>();
    int[] numbers = append(code, a.code(), List.of());
    a.stores().forEach(s -> stores.add(new Step.Store(numbers[s.value()], s.view())));
    List<Step.Store> written = List.copyOf(stores);
    for (Instruction i : b.code()) {
      if (i instanceof Instruction.Load(View v)
          && written.stream().anyMatch(s -> s.view().slot().equals(v.slot()))
          && written.stream().noneMatch(s -> s.view().equals(v))) {
        return null;
      }
    }
    int[] more = append(code, b.code(), written);
    b.stores().forEach(s -> stores.add(new Step.Store(more[s.value()], s.view())));
    return code.size() > MAX_SIZE
        ? null
        : Domains.collapse(new Step.Map(domain, code.instructions(), List.copyOf(stores)));
  }

  /** Appends a program; what it would load and is known already is taken from there. */
  private static int[] append(Code to, List<Instruction> code, List<Step.Store> known) {
    int[] numbers = new int[code.size()];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = -1;
      if (code.get(i) instanceof Instruction.Load(View v)) {
        for (Step.Store s : known) {
          if (s.view().equals(v)) {
            numbers[i] = s.value();
          }
        }
      }
      if (numbers[i] < 0) {
        numbers[i] = to.add(Code.renumbered(code.get(i), numbers));
      }
    }
    return numbers;
  }

  /** The remaining steps, each after those that it needs and otherwise in their old order. */
  private List<Step> rebuilt() {
    int n = steps.size();
    List<Set<Integer>> followers = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      followers.add(new HashSet<>());
    }
    int[] waits = new int[n];
    for (int i = 0; i < n; i++) {
      int to = leader(i);
      for (int p : before.get(i)) {
        int from = leader(p);
        if (from != to && followers.get(from).add(to)) {
          waits[to]++;
        }
      }
    }
    PriorityQueue<Integer> ready = new PriorityQueue<>();
    for (int i = 0; i < n; i++) {
      if (leader(i) == i && waits[i] == 0) {
        ready.add(i);
      }
    }
    List<Step> order = new ArrayList<>();
    while (!ready.isEmpty()) {
      int i = ready.remove();
      order.add(steps.get(i));
      for (int f : followers.get(i)) {
        if (--waits[f] == 0) {
          ready.add(f);
        }
      }
    }
    return order;
  }

  private int leader(int i) {
    int g = i;
    while (group[g] != g) {
      g = group[g];
    }
    return g;
  }

  /** Drops stores to temporaries that no step reads, with the code that only they need. */
  private static List<Step> withoutDeadStores(List<Step> steps, Barriers barriers) {
    Set<Slot> read = new HashSet<>();
    steps.forEach(step -> Steps.reads(step).forEach(s -> read.addAll(barriers.needs(s))));
    List<Step> out = new ArrayList<>();
    for (Step step : steps) {
      if (!(step instanceof Step.Map map)) {
        out.add(step);
        continue;
      }
      List<Step.Store> live =
          map.stores().stream()
              .filter(s ->
                  s.view().slot().space() != Slot.Space.ARENA || read.contains(s.view().slot()))
              .toList();
      if (live.size() == map.stores().size()) {
        out.add(map);
      } else if (!live.isEmpty()) {
        out.add(Domains.collapse(withStores(map, live)));
      }
    }
    return out;
  }

  /** The map with some of its stores, and the code that these need. */
  static Step.Map withStores(Step.Map map, List<Step.Store> stores) {
    boolean[] live = new boolean[map.code().size()];
    stores.forEach(s -> live[s.value()] = true);
    for (int i = live.length - 1; i >= 0; i--) {
      if (live[i] && map.code().get(i) instanceof Instruction.Apply apply) {
        apply.arguments().forEach(a -> live[a] = true);
      }
    }
    Code code = new Code();
    int[] numbers = new int[live.length];
    for (int i = 0; i < live.length; i++) {
      if (live[i]) {
        numbers[i] = code.add(Code.renumbered(map.code().get(i), numbers));
      }
    }
    List<Step.Store> renumbered =
        stores.stream().map(s -> new Step.Store(numbers[s.value()], s.view())).toList();
    return new Step.Map(map.domain(), code.instructions(), renumbered);
  }
}
