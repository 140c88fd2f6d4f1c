package org.hesse.benchmarks.peer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What is compared.
 *
 * @param name kind and sizes, such as {@code step:mlp:2-64-64-2:tanh@32}
 * @param target how many times faster than libtorch this is meant to be on two threads; 0 if nothing
 *     was set
 */
record Workload(String name, double target) {
  private static final String TINY = "mlp:2-64-64-2:tanh@32";
  private static final String DEEP = "mlp:784-512-512-512-10:gelu@256";
  private static final String WIDE = "mlp:784-256-10:tanh@128";

  /** All of them, in the order of the table. */
  static List<Workload> all() {
    List<Workload> all = new ArrayList<>();
    for (int n : new int[] {64, 128, 256, 512, 1024, 2048}) {
      all.add(new Workload("sgemm:" + n + "x" + n + "x" + n, n <= 256 ? 1.2 : 0.95));
    }
    for (String sizes :
        new String[] {"1x1024x1024", "1024x1024x1", "1024x8x1024", "128x784x10", "16x1024x1024"}) {
      all.add(new Workload("sgemm:" + sizes, 0.95));
    }
    all.add(new Workload("sgemm:128x128x128@64", 1.2));
    all.add(new Workload("step:" + TINY, 15));
    all.add(new Workload("step:mlp:784-256-10:relu@128", 1.6));
    all.add(new Workload("step:" + DEEP, 1.3));
    all.add(new Workload("gradient:" + TINY, 0));
    all.add(new Workload("hvp:" + TINY, 15));
    all.add(new Workload("block16:" + TINY, 0));
    all.add(new Workload("gradient:" + WIDE, 0));
    all.add(new Workload("hvp:" + WIDE, 2));
    all.add(new Workload("block16:" + WIDE, 0));
    all.add(new Workload("transformer:plain", 1.4));
    all.add(new Workload("transformer:fused", 1.4));
    all.add(new Workload("step:lenet@64", 1.3));
    for (String f : new String[] {"softmax", "layerNorm", "gelu"}) {
      all.add(new Workload("forward:" + f + ":4096x1024", 1.2));
      all.add(new Workload("backward:" + f + ":4096x1024", 1.2));
    }
    all.add(new Workload("density:mlp:64-32-10:tanh@1797", 0));
    all.add(new Workload("add:16", 0));
    return all;
  }

  /** The workload of a name. */
  static Workload of(String name) {
    return all().stream()
        .filter(w -> w.name.equals(name))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no such workload: " + name));
  }

  /** Hesse's or libtorch's side of it. */
  Work on(String side) {
    return switch (side) {
      case "hesse" -> new HesseSide().make(this);
      case "libtorch" -> new TorchSide().make(this);
      default -> throw new IllegalArgumentException(side);
    };
  }

  /** Probes and Lanczos steps of a spectral density. */
  static final int PROBES = 10;

  static final int STEPS = 100;

  /** The word before the first colon. */
  String kind() {
    return name.substring(0, name.indexOf(':'));
  }

  /** What follows it, up to the batch size. */
  String subject() {
    String rest = name.substring(name.indexOf(':') + 1);
    int at = rest.indexOf('@');
    return at < 0 ? rest : rest.substring(0, at);
  }

  /** The number behind @; 1 without. */
  int batch() {
    int at = name.indexOf('@');
    return at < 0 ? 1 : Integer.parseInt(name.substring(at + 1));
  }

  /** Numbers with x between them. */
  static int[] sizes(String text) {
    return Arrays.stream(text.split("x")).mapToInt(Integer::parseInt).toArray();
  }

  /** Extents of the parameters of a perceptron's layers: [out, in], [out], … */
  static List<int[]> mlpShapes(String mlp) {
    String[] widths = mlp.split(":")[1].split("-");
    List<int[]> shapes = new ArrayList<>();
    for (int i = 1; i < widths.length; i++) {
      int out = Integer.parseInt(widths[i]);
      shapes.add(new int[] {out, Integer.parseInt(widths[i - 1])});
      shapes.add(new int[] {out});
    }
    return shapes;
  }

  /** The same of LeNet-5 with rectifiers, for images of 28×28. */
  static List<int[]> lenetShapes() {
    return List.of(
        new int[] {6, 1, 5, 5},
        new int[] {6},
        new int[] {16, 6, 5, 5},
        new int[] {16},
        new int[] {120, 400},
        new int[] {120},
        new int[] {84, 120},
        new int[] {84},
        new int[] {10, 84},
        new int[] {10});
  }

  /**
   * The same of a transformer block of width 128 with inner width 512: scale and shift, queries, keys
   * and values in one, projection, scale and shift, two layers.
   */
  static List<int[]> blockShapes() {
    return List.of(
        new int[] {128},
        new int[] {128},
        new int[] {384, 128},
        new int[] {384},
        new int[] {128, 128},
        new int[] {128},
        new int[] {128},
        new int[] {128},
        new int[] {512, 128},
        new int[] {512},
        new int[] {128, 512},
        new int[] {128});
  }
}
