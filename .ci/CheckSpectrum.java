import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.util.ArrayList;
import java.util.List;

/**
 * Checks the shape of what {@code hesse spectrum --json FILE} wrote; with a second file, of the same
 * run on another device, that the numbers agree. Exit code 1 if something is wrong.
 */
public final class CheckSpectrum {
  private static final List<String> problems = new ArrayList<>();

  private CheckSpectrum() {}

  public static void main(String[] args) throws Exception {
    JsonNode root = read(args[0]);

    positiveInteger(root, "/parameters");
    positiveInteger(root, "/samples");
    positiveInteger(root, "/matvecs");
    number(root, "/loss");
    atLeastZero(root, "/gradientNorm");
    atLeastZero(root, "/seconds");
    number(root, "/trace/value");
    atLeastZero(root, "/trace/standardError");
    for (String key : List.of("/operator", "/device", "/dtype")) {
      check(!root.at(key).asText("").isEmpty(), key + " is missing or empty");
    }

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

    if (args.length > 1) {
      compare(root, read(args[1]));
    }
    problems.forEach(problem -> System.err.println(args[0] + ": " + problem));
    if (!problems.isEmpty()) {
      System.exit(1);
    }
    System.out.printf(
        "%s: %d parameters, %d eigenvalues, %d grid points%n",
        args[0], root.at("/parameters").asLong(), eigenvalues.size(), points);
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
