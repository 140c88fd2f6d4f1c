package org.hesse.backend.cpu;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.hesse.DType;
import org.hesse.backend.Step;
import org.hesse.ir.CompositeKind;
import org.jspecify.annotations.Nullable;

/** Steps that are run one after the other, some of them several in one. */
final class Sequence {
  private static final AtomicLong COUNT = new AtomicLong();

  private final long number = COUNT.incrementAndGet();
  private final Prepared[] prepared;

  private final List<List<Step>> steps = new ArrayList<>();

  /** What each of them does, found when it is asked for. */
  private final StepEvent.@Nullable Work[] works;

  Sequence(List<Step> all) {
    List<Prepared> ready = new ArrayList<>();
    for (int i = 0; i < all.size(); ) {
      Prepared both = i + 1 < all.size() ? Epilogue.fuse(all.get(i), all.get(i + 1)) : null;
      int group = both == null ? RowGroup.length(all, i) : 2;
      List<Step> some = all.subList(i, i + group);
      ready.add(both != null ? both : group > 1 ? RowGroup.of(some) : prepare(all.get(i)));
      steps.add(some);
      i += group;
    }
    this.prepared = ready.toArray(Prepared[]::new);
    this.works = new StepEvent.Work[prepared.length];
  }

  void run(Memory memory) {
    for (int i = 0; i < prepared.length; i++) {
      StepEvent event = new StepEvent();
      event.begin();
      prepared[i].run(memory);
      event.end();
      if (event.shouldCommit()) {
        event.describe(number, i, work(i));
        event.commit();
      }
    }
  }

  private StepEvent.Work work(int i) {
    StepEvent.Work work = works[i];
    if (work == null) {
      work = StepEvent.Work.of(steps.get(i));
      works[i] = work;
    }
    return work;
  }

  static Prepared prepare(Step step) {
    return switch (step) {
      case Step.Map map -> new MapStep(map);
      case Step.Reduce reduce -> new ReduceStep(reduce);
      case Step.Dot dot -> DotStep.prepare(dot);
      case Step.Contract contract -> Contraction.prepare(contract);
      case Step.ArgMax argMax -> new ArgMaxStep(argMax);
      case Step.Cumsum cumsum -> new CumsumStep(cumsum);
      case Step.Fold fold -> new OverlapAddStep(fold);
      case Step.Gather gather -> new GatherStep(gather);
      case Step.ScatterAdd scatter -> new ScatterAddStep(scatter);
      case Step.RandomBits random -> new RandomStep(random);
      case Step.Check check -> new CheckStep(check);
      case Step.Factor factor -> new FactorStep(factor);
      case Step.Loop loop -> new LoopStep(loop);
      case Step.Composite composite -> composite(composite);
    };
  }

  private static Prepared composite(Step.Composite step) {
    boolean attention =
        step.kind() instanceof CompositeKind.Attention
            || step.kind() instanceof CompositeKind.AttentionCotangent;
    if (!attention) {
      return new RowStep(step);
    }
    boolean f32 = step.out().view().slot().dtype() == DType.F32;
    return f32 ? new AttentionF32(step) : new AttentionF64(step);
  }
}
