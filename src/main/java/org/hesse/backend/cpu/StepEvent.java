package org.hesse.backend.cpu;

import static java.util.stream.Collectors.joining;

import java.util.List;
import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Enabled;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import org.hesse.backend.Step;
import org.hesse.backend.StepCost;

/**
 * One run of a step of a compiled function, for Java's Flight Recorder. There are so many that they
 * are off unless asked for:
 *
 * <pre>
 * java -XX:StartFlightRecording:filename=run.jfr,+org.hesse.Step#enabled=true ...
 * jfr print --events org.hesse.Step run.jfr
 * </pre>
 */
@Name("org.hesse.Step")
@Label("Step")
@Category("Hesse")
@Description("One run of a step of a compiled function on the CPU")
@Enabled(false)
@StackTrace(false)
final class StepEvent extends Event {
  @Label("Sequence")
  @Description("Which compiled function or body of a loop it is of")
  long sequence;

  @Label("Number")
  @Description("Its place among the steps of these")
  int number;

  @Label("Step")
  @Description("Kind and extents, with + between what is run as one")
  String step = "";

  @Label("Operations")
  @Description("Operations on numbers; a multiplication and addition are two")
  long operations;

  @Label("Bytes")
  @DataAmount
  @Description("Memory that is read or written, each element once")
  long bytes;

  StepEvent() {}

  /** What steps that are run as one do, which is the same in each run. */
  record Work(String step, StepCost cost) {
    static Work of(List<Step> steps) {
      String step = steps.stream().map(Step::heading).collect(joining(" + "));
      return new Work(step, StepCost.of(steps));
    }
  }

  /** Says which step it is. */
  void describe(long sequence, int number, Work work) {
    this.sequence = sequence;
    this.number = number;
    this.step = work.step;
    this.operations = work.cost.operations();
    this.bytes = work.cost.bytes();
  }
}
