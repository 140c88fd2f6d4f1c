import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Runs every command that README.md shows, one after another in an empty folder, and puts what it
 * prints in place of what stood there. From the folder of the project:
 *
 * <pre>java .ci/ReadmeOutputs.java</pre>
 *
 * <p>A command is a line such as {@code "    $ ./hesse doctor"}; what it prints follows, indented
 * alike, up to the next command or the next line of prose.
 */
public final class ReadmeOutputs {
  private static final String INDENT = "    ";
  private static final String COMMAND = INDENT + "$ ";

  private ReadmeOutputs() {}

  public static void main(String[] args) throws IOException, InterruptedException {
    Path root = Path.of("").toAbsolutePath();
    Path readme = root.resolve("README.md");
    Path folder = Files.createTempDirectory("readme");
    Files.createSymbolicLink(folder.resolve("hesse"), root.resolve("hesse"));
    List<String> lines = Files.readAllLines(readme);
    List<String> renewed = new ArrayList<>();
    int i = 0;
    while (i < lines.size()) {
      String line = lines.get(i++);
      renewed.add(line);
      if (line.startsWith(COMMAND)) {
        for (String printed : run(line.substring(COMMAND.length()), folder)) {
          renewed.add((INDENT + printed).stripTrailing());
        }
        i = end(lines, i);
        renewed.add("");
      }
    }
    Files.write(readme, renewed);
    System.out.println("the commands ran in " + folder);
  }

  /** The first line from here on that is a command or neither indented nor blank. */
  private static int end(List<String> lines, int from) {
    int i = from;
    while (i < lines.size()
        && !lines.get(i).startsWith(COMMAND)
        && (lines.get(i).isBlank() || lines.get(i).startsWith(INDENT))) {
      i++;
    }
    return i;
  }

  private static List<String> run(String command, Path folder)
      throws IOException, InterruptedException {
    System.out.println("$ " + command);
    Process process =
        new ProcessBuilder("bash", "-c", command)
            .directory(folder.toFile())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    int code = process.waitFor();
    if (code != 0) {
      throw new IllegalStateException("'" + command + "' ended with exit code " + code);
    }
    return out.lines().toList();
  }
}
