package org.hesse.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.hesse.Device;
import org.hesse.Hesse;
import org.hesse.backend.cpu.CpuBackend;
import org.hesse.io.Disk;

/** What a report says about how it came about, and where it is written. */
final class RunFacts {
  private static final String PLAIN = "[\\w@%+=:,./-]+";

  private RunFacts() {}

  /** The facts of a run, those of the command among them. */
  static Map<String, String> of(List<String> args, Placement place, Map<String, String> ofCommand) {
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put(
        "command", "hesse " + args.stream().map(RunFacts::quoted).collect(Collectors.joining(" ")));
    DateTimeFormatter format = DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm 'UTC'", Locale.ROOT);
    facts.put("date", ZonedDateTime.now(ZoneOffset.UTC).format(format));
    facts.putAll(ofCommand);
    facts.put("device", device(place));
    facts.put("version", "hesse " + Hesse.version());
    facts.put("Java", Machine.java());
    facts.put("system", Machine.system());
    return facts;
  }

  private static String device(Placement place) {
    boolean cpu = place.info().device().kind() == Device.Kind.CPU;
    String what =
        cpu
            ? place.info().device()
                + ": "
                + Machine.processor()
                + ", "
                + Numbers.count(CpuBackend.threads(), "thread")
                + ", "
                + Machine.vectors()
            : place.info().toString();
    return what + (place.why().isEmpty() ? "" : "; chosen since: " + place.why());
  }

  private static String quoted(String word) {
    return word.matches(PLAIN) ? word : "'" + word.replace("'", "'\\''") + "'";
  }

  /**
   * Writes a report and answers where it is.
   *
   * @throws Failure if that fails
   */
  static Path write(Path folder, String html) {
    Path file = folder.resolve(Outputs.REPORT);
    byte[] page = html.getBytes(StandardCharsets.UTF_8);
    Outputs.write(() -> {
      try {
        Files.createDirectories(folder);
      } catch (IOException e) {
        throw new IOException(folder + ": cannot be made: " + Disk.reason(e), e);
      }
      Disk.replace(file, out -> out.write(page));
    });
    return file;
  }
}
