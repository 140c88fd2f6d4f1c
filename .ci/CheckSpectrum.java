import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.util.ArrayList;
import java.util.List;

/** Checks the shape of what {@code hesse spectrum --json FILE} wrote; exit code 1 if it is wrong. */
public final class CheckSpectrum {
  private static final List<String> problems = new ArrayList<>();

  private CheckSpectrum() {}

  public static void main(String[] args) throws Exception {
    JsonNode root =
        new ObjectMapper()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .readTree(new File(args[0]));

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

    problems.forEach(problem -> System.err.println(args[0] + ": " + problem));
    if (!problems.isEmpty()) {
      System.exit(1);
    }
    System.out.printf(
        "%s: %d parameters, %d eigenvalues, %d grid points%n",
        args[0], root.at("/parameters").asLong(), eigenvalues.size(), points);
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
