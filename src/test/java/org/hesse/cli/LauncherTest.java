package org.hesse.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * The script {@code hesse}, in a checkout with a Maven and a JDK that only write down what they are
 * asked for.
 */
@DisabledOnOs(OS.WINDOWS)
class LauncherTest {
  @TempDir Path folder;

  private Path root;
  private final Map<String, String> environment = new HashMap<>();

  /** What a start printed. */
  private record Started(int code, List<String> out, String err) {
    String archive() {
      return out.stream()
          .filter(l -> l.startsWith("-XX:SharedArchiveFile="))
          .findFirst()
          .orElse("");
    }
  }

  /** A program for the real JVM. */
  static final class Hello {
    public static void main(String[] args) {
      System.out.println("hello " + String.join(",", args));
    }
  }

  @BeforeEach
  void makeCheckout() throws IOException {
    root = Files.createDirectories(folder.resolve("a checkout's folder"));
    Path script = root.resolve("hesse");
    Files.copy(Path.of("hesse"), script);
    executable(script);
    Files.createDirectories(root.resolve("src/main/java"));
    Files.writeString(root.resolve("src/main/java/A.java"), "class A {}");
    Files.writeString(root.resolve("pom.xml"), "<project/>");
    Path tools = Files.createDirectories(folder.resolve("tools"));
    write(
        tools.resolve("mvn"),
        """
        #!/bin/sh
        echo build >>"$NOTES/builds"
        sleep 0.3
        while [ "$1" != -f ]; do shift; done
        mkdir -p "$(dirname "$2")/target"
        echo jar >"$(dirname "$2")/target/hesse.jar"
        """);
    Path jdk = Files.createDirectories(folder.resolve("jdk/bin"));
    write(
        jdk.resolve("java"),
        """
        #!/bin/sh
        for a in "$@"; do
          case $a in
            -XX:ArchiveClassesAtExit=*)
              echo rehearsal >>"$NOTES/rehearsals"
              [ -n "$UNABLE" ] || echo archive >"${a#*=}"
              exit 0 ;;
          esac
        done
        printf '%s\\n' "$@"
        """);
    release("25.0.3+9");
    environment.put("NOTES", folder.toString());
    environment.put("HESSE_JAVA_HOME", folder.resolve("jdk").toString());
    environment.put("PATH", tools + ":" + System.getenv("PATH"));
  }

  private void release(String build) throws IOException {
    Files.writeString(
        folder.resolve("jdk/release"),
        "IMPLEMENTOR=\"Some One\"\nJAVA_RUNTIME_VERSION=\""
            + build
            + "\"\nJAVA_VERSION=\"25.0.3\"\nMODULES=\"java.base jdk.incubator.vector\"\n");
  }

  private static void write(Path file, String text) throws IOException {
    Files.writeString(file, text);
    executable(file);
  }

  private static void executable(Path file) {
    assertTrue(file.toFile().setExecutable(true));
  }

  private Process begin(String... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of(root.resolve("hesse").toString()));
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command);
    Map<String, String> all = builder.environment();
    for (String name : List.of("HESSE_JAVA_OPTS", "JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS")) {
      all.remove(name);
    }
    all.putAll(environment);
    return builder.redirectError(Files.createTempFile(folder, "err", "").toFile()).start();
  }

  private Started start(String... arguments) throws IOException, InterruptedException {
    List<Path> before = errors();
    Process p = begin(arguments);
    String out = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    int code = p.waitFor();
    List<Path> mine = new ArrayList<>(errors());
    mine.removeAll(before);
    return new Started(code, out.lines().toList(), Files.readString(mine.getFirst()));
  }

  private List<Path> errors() throws IOException {
    try (var files = Files.list(folder)) {
      return files.filter(f -> f.getFileName().toString().startsWith("err")).toList();
    }
  }

  private int noted(String what) throws IOException {
    Path file = folder.resolve(what);
    return Files.exists(file) ? Files.readAllLines(file).size() : 0;
  }

  @Test
  void theFirstUseBuildsAndLaterOnesDoNot() throws Exception {
    Started first = start("check", "--data", "a b");
    assertEquals(0, first.code, first.err);
    assertTrue(first.err.contains("building hesse (first use)"), first.err);
    Started second = start("check", "--data", "a b");
    assertEquals("", second.err);
    assertEquals(first.out, second.out);
    String jar = root.toRealPath().resolve("target/hesse.jar").toString();
    int at = second.out.indexOf("-jar");
    assertEquals(List.of("-jar", jar, "check", "--data", "a b"), second.out.subList(at, at + 5));
    assertTrue(second.out.contains("jdk.incubator.vector"), second.out::toString);
    assertTrue(
        Files.exists(Path.of(second.archive().substring(second.archive().indexOf('=') + 1))));
    assertEquals(1, noted("builds"));
    assertEquals(1, noted("rehearsals"));
  }

  @Test
  void changedSourcesAreBuiltAndRehearsedAgain() throws Exception {
    start("doctor");
    FileTime before = FileTime.from(Instant.now().minusSeconds(3600));
    try (var files = Files.walk(root)) {
      for (Path file : files.toList()) {
        Files.setLastModifiedTime(file, before);
      }
    }
    start("doctor");
    assertEquals(1, noted("builds"));
    Files.writeString(root.resolve("src/main/java/A.java"), "class A { int x; }");
    Started changed = start("doctor");
    assertTrue(changed.err.contains("sources changed"), changed.err);
    assertEquals(2, noted("builds"));
    assertEquals(2, noted("rehearsals"));
  }

  @Test
  void startsAtTheSameTimeBuildOnce() throws Exception {
    List<Process> all = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      all.add(begin("doctor"));
    }
    for (Process p : all) {
      String out = new String(p.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertEquals(0, p.waitFor());
      assertTrue(out.contains("-XX:SharedArchiveFile="), out);
    }
    assertEquals(1, noted("builds"));
    assertEquals(1, noted("rehearsals"));
    assertFalse(Files.exists(root.resolve("target/.hesse-lock")));
  }

  @Test
  void eachJdkHasItsArchive() throws Exception {
    String first = start("doctor").archive();
    release("25.0.4+1");
    String second = start("doctor").archive();
    assertNotEquals(first, second);
    assertEquals(second, start("doctor").archive());
    release("25.0.3+9");
    assertEquals(first, start("doctor").archive());
    assertEquals(2, noted("rehearsals"));
  }

  @Test
  void aRehearsalThatFailsIsNotRepeated() throws Exception {
    environment.put("UNABLE", "1");
    for (int i = 0; i < 2; i++) {
      Started s = start("doctor");
      assertEquals(0, s.code, s.err);
      assertEquals("", s.archive());
    }
    assertEquals(1, noted("rehearsals"));
  }

  @Test
  void aCheckoutThatCannotBeWrittenRunsWhatIsThere() throws Exception {
    start("doctor");
    Files.writeString(root.resolve("src/main/java/A.java"), "class A { int x; }");
    Path target = root.resolve("target");
    assertTrue(target.toFile().setWritable(false));
    try {
      assumeFalse(Files.isWritable(target), "a user who may write everything");
      Started s = start("doctor");
      assertEquals(0, s.code, s.err);
      assertEquals(1, noted("builds"));
    } finally {
      assertTrue(target.toFile().setWritable(true));
    }
  }

  @Test
  void optionsOfTheUserComeLastAndChooseTheCollector() throws Exception {
    environment.put("HESSE_JAVA_OPTS", "-XX:+UseSerialGC -Xmx1g");
    List<String> out = start("doctor").out;
    assertFalse(out.contains("-XX:+UseParallelGC"), out::toString);
    int at = out.indexOf("-XX:+UseSerialGC");
    assertEquals("-Xmx1g", out.get(at + 1));
    List<String> after = out.subList(at + 2, out.indexOf("-jar"));
    assertTrue(after.stream().allMatch(o -> o.startsWith("-Dhesse.")), out::toString);
  }

  /** With the real JVM: an archive that does not fit is passed over without a word. */
  @Test
  void anArchiveThatDoesNotFitIsIgnored() throws Exception {
    String archive = start("doctor").archive();
    Path jar = root.resolve("target/hesse.jar");
    writeJar(jar);
    Path stale = Path.of(archive.substring(archive.indexOf('=') + 1));
    Path home = Path.of(System.getProperty("java.home"));
    Files.copy(
        home.resolve("release"),
        folder.resolve("jdk/release"),
        StandardCopyOption.REPLACE_EXISTING);
    write(folder.resolve("jdk/bin/java"), "#!/bin/sh\nexec '" + home + "/bin/java' \"$@\"\n");
    // The first start names the archive of this JDK; then it is damaged.
    start("a");
    try (var files = Files.list(stale.getParent())) {
      for (Path file : files.filter(f -> f.toString().endsWith(".jsa")).toList()) {
        Files.write(file, new byte[] {1, 2, 3});
      }
    }
    for (String options : List.of("", "-XX:+UseSerialGC", "-XX:+UseZGC")) {
      environment.put("HESSE_JAVA_OPTS", options);
      Started s = start("b", "c");
      assertEquals(List.of("hello b,c"), s.out, s.err);
      assertEquals("", s.err);
    }
  }

  private static void writeJar(Path jar) throws IOException {
    Manifest manifest = new Manifest();
    manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
    manifest.getMainAttributes().put(Attributes.Name.MAIN_CLASS, Hello.class.getName());
    String name = Hello.class.getName().replace('.', '/') + ".class";
    try (OutputStream file = Files.newOutputStream(jar);
        JarOutputStream out = new JarOutputStream(file, manifest);
        var in = Hello.class.getClassLoader().getResourceAsStream(name)) {
      out.putNextEntry(new JarEntry(name));
      in.transferTo(out);
      out.closeEntry();
    }
  }
}
