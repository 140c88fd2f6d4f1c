package org.hesse.backend.cuda;

import java.util.ArrayList;
import java.util.List;
import org.hesse.backend.Step;

/** Makes the steps of a plan ready to run. */
final class CudaSteps {
  private final CudaContext context;
  private final Faults faults;
  private final Locals locals;

  CudaSteps(CudaContext context, Faults faults, Locals locals) {
    this.context = context;
    this.faults = faults;
    this.locals = locals;
  }

  CudaContext context() {
    return context;
  }

  Faults faults() {
    return faults;
  }

  Locals locals() {
    return locals;
  }

  /**
   * Steps in order.
   *
   * @param level how many loops are around them
   */
  List<Prepared> prepare(List<Step> steps, int level) {
    List<Prepared> prepared = new ArrayList<>();
    for (int i = 0; i < steps.size(); i++) {
      Step step = steps.get(i);
      if (i + 1 < steps.size() && ProductTail.fits(step, steps.get(i + 1))) {
        prepared.add(CudaDot.of(context, (Step.Dot) step, (Step.Map) steps.get(++i)));
      } else {
        prepared.add(prepare(step, level));
      }
    }
    return prepared;
  }

  /** The same with those that can be captured put together. */
  static List<Prepared> sections(List<Prepared> steps) {
    List<Prepared> sections = new ArrayList<>();
    List<Prepared> together = new ArrayList<>();
    for (Prepared step : steps) {
      if (step.capturable()) {
        together.add(step);
        continue;
      }
      if (!together.isEmpty()) {
        sections.add(new Section(together));
        together.clear();
      }
      sections.add(step);
    }
    if (!together.isEmpty()) {
      sections.add(new Section(together));
    }
    return sections;
  }

  private Prepared prepare(Step step, int level) {
    return switch (step) {
      case Step.Map s -> new CudaMap(context, s);
      case Step.Reduce s -> new CudaReduce(context, s);
      case Step.Dot s -> CudaDot.of(context, s);
      case Step.Contract s -> new CudaContract(context, s);
      case Step.ArgMax s -> new CudaArgMax(context, s);
      case Step.Cumsum s -> new CudaCumsum(context, s);
      case Step.Fold s -> new CudaFold(context, s);
      case Step.Gather s -> new CudaGather(context, s, faults);
      case Step.ScatterAdd s -> new CudaScatterAdd(context, s, faults);
      case Step.RandomBits s -> new CudaRandomBits(context, s);
      case Step.Factor s -> CudaFactor.of(context, s, faults);
      case Step.Composite s -> new CudaComposite(context, s);
      case Step.Check s -> new CudaCheck(context, s, faults);
      case Step.Loop s -> CudaLoop.prepare(this, s, level);
    };
  }
}
