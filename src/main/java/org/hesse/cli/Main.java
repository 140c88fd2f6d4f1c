package org.hesse.cli;

import java.io.PrintStream;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.hesse.Hesse;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** The program {@code hesse}. Exit codes: 0 done, 1 failed, 2 bad input, 3 something is missing. */
@Command(
    name = "hesse",
    versionProvider = Main.Version.class,
    synopsisSubcommandLabel = "COMMAND",
    description = {
      "Trains small neural networks and measures the curvature of their loss: leading Hessian"
          + " eigenvalues, trace and spectral density, each with its error; the landscape around the"
          + " weights; and the influence of training samples."
    },
    commandListHeading = "%nCommands:%n",
    optionListHeading = "%nOptions:%n",
    footer = {
      "",
      "Start with:",
      "  hesse spectrum              train a small network, measure its Hessian, write ./report",
      "  hesse train --data digits   train on images of digits that come with the program",
      "  hesse help COMMAND          what a command does and takes",
      "",
      "Exit codes: 0 done, 1 failed, 2 bad usage or bad input, 3 a required device or library is"
          + " missing."
    })
public final class Main implements Runnable {
  static final String STACKTRACE = "--stacktrace";
  private static final String HELP = "help";

  private static final Map<String, Function<Terminal, Object>> COMMANDS = new LinkedHashMap<>();

  static {
    COMMANDS.put("spectrum", SpectrumCommand::new);
    COMMANDS.put("landscape", LandscapeCommand::new);
    COMMANDS.put("influence", InfluenceCommand::new);
    COMMANDS.put("train", TrainCommand::new);
    COMMANDS.put("check", CheckCommand::new);
    COMMANDS.put("inspect", InspectCommand::new);
    COMMANDS.put("doctor", DoctorCommand::new);
  }

  @Mixin StandardOptions standard;
  @Spec CommandSpec spec;

  /** Runs a command and ends the process with its exit code. */
  public static void main(String[] args) {
    Terminal terminal = Terminal.ofProcess();
    System.setErr(terminal.err());
    int code = run(args, terminal);
    terminal.err().flush();
    System.exit(code);
  }

  /**
   * Runs a command in this process.
   *
   * @param args command, options and parameters
   * @param out where results go
   * @param err where progress and errors go
   * @return the exit code
   */
  public static int run(String[] args, PrintStream out, PrintStream err) {
    return run(args, Terminal.plain(out, err));
  }

  static int run(String[] given, Terminal terminal) {
    String[] args = given.length > 0 && given[0].equals(HELP) ? helped(given) : given;
    int code = execute(args, terminal);
    String lost = Output.failure(terminal.out());
    return code == Failure.DONE && lost != null
        ? Errors.report(Failure.failed(lost), args, terminal)
        : code;
  }

  /** "help COMMAND" as "COMMAND --help". */
  private static String[] helped(String[] args) {
    String[] words = Arrays.copyOfRange(args, 1, args.length + 1);
    words[words.length - 1] = "--help";
    return words;
  }

  private static int execute(String[] args, Terminal terminal) {
    try {
      CommandLine line = commandLine(args, terminal);
      return line.execute(args);
    } catch (Throwable t) {
      return Errors.report(t, args, terminal);
    }
  }

  /** Of the commands only the one that is wanted is set up, if the first word names it. */
  private static CommandLine commandLine(String[] args, Terminal terminal) {
    CommandLine line = new CommandLine(new Main());
    COMMANDS.forEach((name, make) -> {
      if (args.length == 0 || !COMMANDS.containsKey(args[0]) || args[0].equals(name)) {
        line.addSubcommand(name, make.apply(terminal));
      }
    });
    line.setOut(new PrintWriter(terminal.out(), true, terminal.out().charset()));
    line.setErr(new PrintWriter(terminal.err(), true, terminal.err().charset()));
    Values.register(line);
    Ansi ansi = terminal.colour() ? Ansi.ON : Ansi.OFF;
    line.setColorScheme(CommandLine.Help.defaultColorScheme(ansi));
    line.setUsageHelpWidth(90);
    line.setUsageHelpLongOptionsMaxWidth(24);
    line.setParameterExceptionHandler((e, given) -> Errors.usage(e, given, terminal));
    line.setExecutionExceptionHandler((e, l, parsed) -> Errors.report(e, args, terminal));
    return line;
  }

  static List<String> commands() {
    return List.copyOf(COMMANDS.keySet());
  }

  @Override
  public void run() {
    spec.commandLine().usage(spec.commandLine().getOut());
  }

  /** Asks the library for its version. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"hesse " + Hesse.version()};
    }
  }
}
