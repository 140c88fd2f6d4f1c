package org.hesse.backend.cuda;

import java.util.List;

/** A compiled function on one device. */
interface Kernel {
  /** Enqueues a launch. */
  void launch(Run run, Launch.Grid grid, List<Argument> arguments);
}
