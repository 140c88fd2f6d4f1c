package org.hesse.linalg;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.hesse.Device;
import org.hesse.Hesse;
import org.hesse.Tensor;
import org.hesse.io.DataException;
import org.hesse.io.Safetensors;
import org.hesse.io.SafetensorsFile;

/**
 * A quadrature in a safetensors file: the tensors {@code nodes} and {@code weights}, [total] in
 * F64, rule after rule, with {@code lengths}, {@code probes} and {@code exact}, [rules] in I32; the
 * rest, with the seeds that need 64 bits, is in the metadata.
 */
final class QuadratureFile {
  private static final String FORMAT = "hesse.quadrature";

  private QuadratureFile() {}

  static void save(Quadrature q, Path file) throws DataException {
    List<Quadrature.Rule> rules = q.rules();
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    Hesse.on(
        Device.CPU,
        () -> {
          tensors.put("nodes", joined(rules.stream().map(r -> r.nodes).toList()));
          tensors.put("weights", joined(rules.stream().map(r -> r.weights).toList()));
          tensors.put("lengths", ints(rules.stream().mapToInt(r -> r.nodes.length).toArray()));
          tensors.put("probes", ints(rules.stream().mapToInt(r -> r.origin.probe()).toArray()));
          tensors.put("exact", ints(rules.stream().mapToInt(r -> r.exact ? 1 : 0).toArray()));
        });
    Map<String, String> notes = new LinkedHashMap<>();
    notes.put("format", FORMAT);
    notes.put("size", Integer.toString(q.size()));
    notes.put("matvecs", Integer.toString(q.matvecs()));
    notes.put("seeds", words(rules.stream().map(r -> Long.toString(r.origin.seed())).toList()));
    notes.put(
        "distributions", words(rules.stream().map(r -> r.origin.distribution().name()).toList()));
    Safetensors.write(file, tensors, notes);
  }

  private static Tensor joined(List<double[]> parts) {
    double[] all = parts.stream().flatMapToDouble(Arrays::stream).toArray();
    return Tensor.of(all, all.length);
  }

  private static Tensor ints(int[] values) {
    return Tensor.of(values, values.length);
  }

  private static String words(List<String> words) {
    return String.join(" ", words);
  }

  static Quadrature load(Path file) throws DataException {
    SafetensorsFile f = Hesse.on(Device.CPU, () -> Safetensors.read(file));
    if (!FORMAT.equals(f.metadata().get("format"))) {
      throw new DataException(
          file + ": holds no quadrature; expected a file written by Quadrature.save");
    }
    try {
      return new Quadrature(number(f, "size"), rules(f), number(f, "matvecs"));
    } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
      throw new DataException(
          file + ": damaged, its parts do not fit each other; expected a quadrature", e);
    }
  }

  private static int number(SafetensorsFile f, String name) {
    return Integer.parseInt(f.metadata().getOrDefault(name, ""));
  }

  private static List<Quadrature.Rule> rules(SafetensorsFile f) {
    double[] nodes = f.tensor("nodes").toDoubleArray();
    double[] weights = f.tensor("weights").toDoubleArray();
    int[] lengths = f.tensor("lengths").toIntArray();
    int[] probes = f.tensor("probes").toIntArray();
    int[] exact = f.tensor("exact").toIntArray();
    String[] seeds = f.metadata().getOrDefault("seeds", "").split(" ", -1);
    String[] distributions = f.metadata().getOrDefault("distributions", "").split(" ", -1);
    if (Arrays.stream(lengths).sum() != nodes.length
        || Arrays.stream(lengths).min().orElse(0) < 1) {
      throw new IllegalArgumentException("lengths");
    }
    List<Quadrature.Rule> rules = new ArrayList<>();
    int from = 0;
    for (int k = 0; k < lengths.length; k++) {
      int to = from + lengths[k];
      Quadrature.Origin origin =
          new Quadrature.Origin(
              Long.parseLong(seeds[k]), probes[k], ProbeDistribution.valueOf(distributions[k]));
      rules.add(
          new Quadrature.Rule(
              origin,
              exact[k] != 0,
              Arrays.copyOfRange(nodes, from, to),
              Arrays.copyOfRange(weights, from, to)));
      from = to;
    }
    return rules;
  }
}
