package org.hesse.cli;

import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Runs small commands that load what real ones need. The launcher has the JVM record such a run, so
 * that later ones start from its archive.
 */
final class Rehearsal {
  private static final List<String> COMMANDS =
      List.of(
          "doctor",
          "train --data two-moons:60 --epochs 1 --quiet",
          "spectrum --data two-moons:60 --arch mlp:2-4-2:tanh --top 1 --density --probes 2 --steps 4"
              + " --quiet");

  private Rehearsal() {}

  /** Runs them without any output; what fails is passed over. */
  public static void main(String[] args) {
    PrintStream nowhere =
        new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);
    for (String command : COMMANDS) {
      int _ = Main.run(command.split(" "), nowhere, nowhere);
    }
  }
}
