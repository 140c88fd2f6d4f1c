package org.hesse.plan;

import java.util.LinkedHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.hesse.backend.Backend;
import org.hesse.ir.Program;
import org.jspecify.annotations.Nullable;

/**
 * Compiled plans by the structure of their program and by backend. The ones not used for longest
 * are dropped beyond a bound. Safe for use by several threads; a program that several of them ask
 * for at once is compiled by one while the others wait.
 */
public final class PlanCache {
  /** System property with the number of plans that {@link #shared} holds. */
  public static final String SIZE_PROPERTY = "hesse.plan.cache.size";

  private static final int DEFAULT_SIZE = 512;
  private static final PlanCache SHARED =
      new PlanCache(Integer.getInteger(SIZE_PROPERTY, DEFAULT_SIZE));

  private record Key(Program program, Backend backend) {}

  /** A plan to be: whoever holds the lock first compiles it. */
  private static final class Entry {
    final ReentrantLock compiling = new ReentrantLock();
    volatile @Nullable Plan plan;
  }

  /**
   * What the cache has been asked for.
   *
   * @param hits requests for which a plan was there, or being compiled
   * @param misses requests for which there was none
   * @param evictions plans that were dropped to make room
   * @param size plans held now
   */
  public record Counters(long hits, long misses, long evictions, int size) {}

  private final int capacity;
  private final ReentrantLock lock = new ReentrantLock();
  private final LinkedHashMap<Key, Entry> entries = new LinkedHashMap<>(64, 0.75f, true);
  private long hits;
  private long misses;
  private long evictions;

  /**
   * A cache of its own.
   *
   * @throws IllegalArgumentException if the capacity is less than 1
   */
  public PlanCache(int capacity) {
    if (capacity < 1) {
      throw new IllegalArgumentException(
          "capacity: " + capacity + " plans; a cache holds 1 or more (see " + SIZE_PROPERTY + ")");
    }
    this.capacity = capacity;
  }

  /** The cache that immediate operations use. */
  public static PlanCache shared() {
    return SHARED;
  }

  /** The plan for a program, compiled if it is not there. The program's data is not kept. */
  public Plan get(Backend backend, Program program) {
    Entry entry = find(backend, program);
    Plan plan = entry.plan;
    return plan != null ? plan : compile(entry, backend, program);
  }

  private Entry find(Backend backend, Program program) {
    lock.lock();
    try {
      Entry entry = entries.get(new Key(program, backend));
      if (entry != null) {
        hits++;
        return entry;
      }
      misses++;
      Entry fresh = new Entry();
      entries.put(new Key(program.detach(), backend), fresh);
      if (entries.size() > capacity) {
        entries.pollFirstEntry();
        evictions++;
      }
      return fresh;
    } finally {
      lock.unlock();
    }
  }

  /** After a failure the next one who asks tries again, and gets the error first hand. */
  private static Plan compile(Entry entry, Backend backend, Program program) {
    entry.compiling.lock();
    try {
      Plan plan = entry.plan;
      if (plan == null) {
        plan = Plan.compile(backend, program.detach());
        entry.plan = plan;
      }
      return plan;
    } finally {
      entry.compiling.unlock();
    }
  }

  /** What has happened so far. */
  public Counters counters() {
    return locked(() -> new Counters(hits, misses, evictions, entries.size()));
  }

  /** Drops all plans; the counters go on. */
  public void clear() {
    locked(() -> {
      entries.clear();
      return this;
    });
  }

  private <T> T locked(Supplier<T> body) {
    lock.lock();
    try {
      return body.get();
    } finally {
      lock.unlock();
    }
  }
}
