package org.hesse.cli;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.InvalidPathException;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.hesse.backend.DeviceUnavailableException;
import org.hesse.io.DataException;
import org.hesse.io.Disk;
import org.hesse.linalg.NumericalException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.OverwrittenOptionException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Turns what went wrong into one line on stderr and an exit code. */
final class Errors {
  private Errors() {}

  /** An option or parameter that cannot be used. */
  static int usage(ParameterException e, String[] args, Terminal terminal) {
    print(terminal, message(e));
    trace(e, args, terminal);
    return Failure.BAD_INPUT;
  }

  private static String message(ParameterException e) {
    CommandLine line = e.getCommandLine();
    String help = "; see '" + line.getCommandSpec().qualifiedName() + " --help'";
    if (e instanceof UnmatchedArgumentException u) {
      return unmatched(u.getUnmatched().getFirst(), line) + help;
    }
    String text = String.valueOf(e.getMessage());
    if (e instanceof MissingParameterException || e instanceof OverwrittenOptionException) {
      return lower(text) + help;
    }
    return lower(
        text.replaceFirst("Invalid value for option '(--[\\w-]+)' \\([^)]*\\): ", "$1: ")
            .replaceFirst("Invalid value for option '(--[\\w-]+)': ", "$1: "));
  }

  private static String unmatched(String word, CommandLine line) {
    boolean top = line.getParent() == null;
    if (!word.startsWith("-")) {
      String what = top ? "unknown command '" : "unexpected argument '";
      return what + word + "'" + suggestion(word, top ? Main.commands() : List.of());
    }
    int equals = word.indexOf('=');
    String name = equals < 0 ? word : word.substring(0, equals);
    List<String> known =
        line.getCommandSpec().options().stream().flatMap(o -> Stream.of(o.names())).toList();
    return "unknown option '" + name + "'" + suggestion(name, known);
  }

  private static String suggestion(String word, Collection<String> known) {
    return nearest(word, known).map(n -> "; did you mean '" + n + "'?").orElse("");
  }

  /** The known word that takes the fewest edits, if those are few for its length. */
  static Optional<String> nearest(String word, Collection<String> known) {
    String best = null;
    int least = Integer.MAX_VALUE;
    for (String k : known) {
      int d = k.startsWith(word) && word.length() > 3 ? 1 : distance(word, k);
      if (d < least) {
        least = d;
        best = k;
      }
    }
    return best != null
            && word.length() > 2
            && least <= Math.max(1, Math.min(word.length(), best.length()) / 3)
        ? Optional.of(best)
        : Optional.empty();
  }

  /** How many letters must be put in, left out, replaced or swapped with the next one. */
  private static int distance(String a, String b) {
    int[][] d = new int[a.length() + 1][b.length() + 1];
    for (int i = 0; i <= a.length(); i++) {
      for (int j = 0; j <= b.length(); j++) {
        if (i == 0 || j == 0) {
          d[i][j] = i + j;
          continue;
        }
        int change = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
        d[i][j] = Math.min(d[i - 1][j - 1] + change, 1 + Math.min(d[i - 1][j], d[i][j - 1]));
        if (i > 1
            && j > 1
            && a.charAt(i - 1) == b.charAt(j - 2)
            && a.charAt(i - 2) == b.charAt(j - 1)) {
          d[i][j] = Math.min(d[i][j], d[i - 2][j - 2] + 1);
        }
      }
    }
    return d[a.length()][b.length()];
  }

  /** Whatever a command has thrown. */
  static int report(Throwable thrown, String[] args, Terminal terminal) {
    int code = Failure.FAILED;
    switch (thrown) {
      case Failure f -> {
        code = f.code();
        if (code == Failure.MISSING) {
          list(terminal, String.valueOf(f.getMessage()));
        } else {
          print(terminal, f.getMessage());
        }
      }
      case DataException d -> {
        code = Failure.BAD_INPUT;
        print(terminal, d.getMessage());
      }
      case DeviceUnavailableException d -> {
        code = Failure.MISSING;
        list(terminal, String.valueOf(d.getMessage()));
      }
      case NumericalException n -> print(terminal, n.getMessage());
      case InvalidPathException p -> {
        code = Failure.BAD_INPUT;
        print(terminal, "'" + p.getInput() + "' " + Disk.describe(p));
      }
      case OutOfMemoryError o -> print(terminal, outOfMemory(String.valueOf(o.getMessage())));
      case IOException io -> print(terminal, describe(io));
      default -> print(terminal, unexpected(thrown, args));
    }
    trace(thrown, args, terminal);
    return code;
  }

  private static String describe(IOException e) {
    return e instanceof FileSystemException f && f.getFile() != null
        ? f.getFile() + ": " + Disk.reason(e)
        : Disk.reason(e);
  }

  private static String outOfMemory(String what) {
    long heap = Runtime.getRuntime().maxMemory();
    long more = Machine.memory() / 10 * 8;
    return "out of memory ("
        + what
        + ", "
        + Numbers.bytes(heap)
        + " at most); use fewer samples or parameters, a smaller --batch"
        + (more > heap ? ", or more heap with HESSE_JAVA_OPTS=-Xmx" + (more >> 20) + "m" : "");
  }

  private static String unexpected(Throwable thrown, String[] args) {
    String text = thrown.getClass().getSimpleName() + ": " + thrown.getMessage();
    return "unexpected error: "
        + text
        + (wantsTrace(args) ? "" : " (run again with " + Main.STACKTRACE + " to see where)");
  }

  private static boolean wantsTrace(String[] args) {
    return Arrays.asList(args).contains(Main.STACKTRACE);
  }

  private static void trace(Throwable thrown, String[] args, Terminal terminal) {
    if (wantsTrace(args)) {
      thrown.printStackTrace(terminal.err());
    }
    terminal.err().flush();
  }

  /** What is missing on the first line, and what is there below. */
  private static void list(Terminal terminal, String message) {
    List<String> lines = message.strip().lines().toList();
    print(terminal, lines.getFirst());
    lines.stream().skip(1).forEach(l -> terminal.err().println("  " + l));
  }

  private static void print(Terminal terminal, @Nullable String message) {
    String line = String.valueOf(message).strip().replaceAll("\\s*\\R\\s*", " ");
    terminal.err().println("hesse: " + line);
  }

  private static String lower(String text) {
    return text.isEmpty() ? text : Character.toLowerCase(text.charAt(0)) + text.substring(1);
  }
}
