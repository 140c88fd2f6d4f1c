import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.util.ArrayList;
import java.util.List;

/**
 * Checks what {@code hesse COMMAND --json FILE} wrote: the kind of each value, and what must hold
 * between them. Exit code 1 if something is wrong.
 *
 * <pre>java .ci/CheckResult.java spectrum|landscape|influence FILE [OTHER]</pre>
 *
 * <p>OTHER is of the same run of {@code spectrum} on another device, whose numbers must agree.
 */
public final class CheckResult {
  private static final List<String> problems = new ArrayList<>();

  private CheckResult() {}

  public static void main(String[] args) throws Exception {
    JsonNode root = read(args[1]);
    positiveInteger(root, "/parameters");
    positiveInteger(root, "/samples");
    atLeastZero(root, "/seconds");
    for (String key : List.of("/device", "/dtype", "/model", "/data", "/lossName")) {
      text(root, key);
    }
    String found =
        switch (args[0]) {
          case "spectrum" -> spectrum(root);
          case "landscape" -> landscape(root);
          case "influence" -> influence(root);
          default -> throw new IllegalArgumentException("'" + args[0] + "' is not checked here");
        };
    if (args.length > 2) {
      compare(root, read(args[2]));
    }
    problems.forEach(problem -> System.err.println(args[1] + ": " + problem));
    if (!problems.isEmpty()) {
      System.exit(1);
    }
    System.out.printf("%s: %d parameters, %s%n", args[1], root.at("/parameters").asLong(), found);
  }

  private static String spectrum(JsonNode root) {
    positiveInteger(root, "/matvecs");
    number(root, "/loss");
    atLeastZero(root, "/gradientNorm");
    number(root, "/trace/value");
    atLeastZero(root, "/trace/standardError");
    text(root, "/operator");

    JsonNode eigenvalues = root.at("/eigenvalues");
    check(eigenvalues.isArray() && !eigenvalues.isEmpty(), "/eigenvalues is missing or empty");
    double previous = Double.POSITIVE_INFINITY;
    for (int i = 0; i < eigenvalues.size(); i++) {
      number(root, "/eigenvalues/" + i + "/value");
      atLeastZero(root, "/eigenvalues/" + i + "/residual");
      double magnitude = Math.abs(eigenvalues.get(i).path("value").asDouble());
      check(magnitude <= previous, "/eigenvalues/" + i + " is larger than the one before");
      previous = magnitude;
    }

    int points = root.at("/density/grid").size();
    check(points > 0, "/density/grid is missing or empty");
    for (String part : List.of("grid", "value", "low", "high")) {
      JsonNode values = root.at("/density/" + part);
      check(values.size() == points, "/density/" + part + " has not the length of the grid");
      for (int i = 0; i < values.size(); i++) {
        number(root, "/density/" + part + "/" + i);
      }
    }

    return eigenvalues.size() + " eigenvalues, " + points + " grid points";
  }

  private static String landscape(JsonNode root) {
    positiveInteger(root, "/matvecs");
    number(root, "/loss");
    atLeastZero(root, "/gradientNorm");
    for (String key : List.of("/point/kind", "/point/hessian", "/slice/directions")) {
      text(root, key);
    }
    for (String key : List.of("/point/smallest", "/point/largest", "/sharpness")) {
      number(root, key + "/value");
      atLeastZero(root, key + "/residual");
    }
    double eigenvalues = 0;
    for (String key : List.of("/point/negative", "/point/zero", "/point/positive")) {
      atLeastZero(root, key + "/low");
      double count = root.at(key + "/value").asDouble();
      check(count >= root.at(key + "/low").asDouble(), key + " is below its interval");
      check(count <= root.at(key + "/high").asDouble(), key + " is above its interval");
      eigenvalues += count;
    }
    double parameters = root.at("/parameters").asDouble();
    check(Math.abs(eigenvalues - parameters) < 1, eigenvalues + " eigenvalues were counted");

    JsonNode loss = root.at("/slice/loss");
    int rows = root.at("/slice/x").size();
    int columns = root.at("/slice/y").size();
    check(rows > 0 && loss.size() == rows, "/slice/loss has not the length of /slice/x");
    for (int i = 0; i < loss.size(); i++) {
      check(loss.get(i).size() == columns, "/slice/loss/" + i + " has not the length of /slice/y");
    }
    double here = root.at("/loss").asDouble();
    double centre = loss.path(rows / 2).path(columns / 2).asDouble();
    check(Math.abs(centre - here) <= 1e-5 * here, "the centre of /slice is not at /loss");
    return rows + " × " + columns + " losses";
  }

  private static String influence(JsonNode root) {
    positiveInteger(root, "/tests");
    atLeastZero(root, "/damping");
    atLeastZero(root, "/largestResidual");
    check(root.at("/converged").asBoolean(), "/converged is not true");
    text(root, "/method");
    text(root, "/testData");
    int samples = root.at("/samples").asInt();
    check(root.at("/scores").size() == samples, "/scores has not one for each sample");
    for (int i = 0; i < root.at("/scores").size(); i++) {
      number(root, "/scores/" + i);
    }
    for (String end : List.of("first", "last")) {
      JsonNode listed = root.at("/" + end);
      check(!listed.isEmpty(), "/" + end + " is missing or empty");
      double sign = end.equals("first") ? 1 : -1;
      double previous = Double.POSITIVE_INFINITY;
      for (int i = 0; i < listed.size(); i++) {
        String key = "/" + end + "/" + i;
        number(root, key + "/leaveOneOut");
        double score = root.at(key + "/score").asDouble();
        check(sign * score <= previous, key + " is out of order");
        double same = root.at("/scores/" + root.at(key + "/sample").asInt()).asDouble();
        check(score == same, key + " is not the score of its sample");
        previous = sign * score;
      }
    }
    return samples + " scores";
  }

  private static JsonNode read(String file) throws Exception {
    return new ObjectMapper()
        .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
        .readTree(new File(file));
  }

  /** The same seed means the same random vectors, so that rounding is all that differs. */
  private static void compare(JsonNode a, JsonNode b) {
    check(!a.at("/device").equals(b.at("/device")), "/device is the same in both files");
    for (String key : List.of("/parameters", "/samples", "/model", "/data", "/dtype", "/seed")) {
      check(a.at(key).equals(b.at(key)), key + " differs");
    }
    for (String key : List.of("/loss", "/gradientNorm", "/trace/value", "/trace/standardError")) {
      close(a, b, key, 1e-4 * Math.abs(b.at(key).asDouble()));
    }
    check(a.at("/eigenvalues").size() == b.at("/eigenvalues").size(), "/eigenvalues differ");
    for (int i = 0; i < a.at("/eigenvalues").size(); i++) {
      String key = "/eigenvalues/" + i;
      double bound = a.at(key + "/residual").asDouble() + b.at(key + "/residual").asDouble();
      close(a, b, key + "/value", bound);
    }
  }

  private static void close(JsonNode a, JsonNode b, String key, double bound) {
    double x = a.at(key).asDouble();
    double y = b.at(key).asDouble();
    check(Math.abs(x - y) <= bound, key + ": " + x + " and " + y + " differ by more than " + bound);
  }

  private static void text(JsonNode root, String key) {
    check(!root.at(key).asText("").isEmpty(), key + " is missing or empty");
  }

  private static void number(JsonNode root, String key) {
    JsonNode node = root.at(key);
    check(node.isNumber() && Double.isFinite(node.asDouble()), key + " is not a finite number");
  }

  private static void atLeastZero(JsonNode root, String key) {
    number(root, key);
    check(root.at(key).asDouble() >= 0, key + " is negative");
  }

  private static void positiveInteger(JsonNode root, String key) {
    JsonNode node = root.at(key);
    check(node.isIntegralNumber() && node.asLong() > 0, key + " is not a positive integer");
  }

  private static void check(boolean good, String problem) {
    if (!good) {
      problems.add(problem);
    }
  }
}
