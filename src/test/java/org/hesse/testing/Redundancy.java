package org.hesse.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.hesse.DType;
import org.hesse.Shape;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;

/** What a simplified program computes in vain, or twice. */
public final class Redundancy {
  private record Key(Op op, List<Node> inputs, Shape shape, DType dtype) {}

  private Redundancy() {}

  /** Every node is an input or read for an output, and none says the same as another. */
  public static void assertNoNodeIsDeadOrTwice(String what, Program p) {
    Set<Node> needed = new HashSet<>(Program.reachable(p.outputs(), Set.copyOf(p.inputs())));
    needed.addAll(p.inputs());
    List<Node> dead = p.nodes().stream().filter(n -> !needed.contains(n)).toList();
    assertEquals(List.of(), dead, what + ": computed in vain");
    Map<Key, Node> first = new HashMap<>();
    List<String> twice = new ArrayList<>();
    for (Node n : p.nodes()) {
      if (!p.inputs().contains(n)) {
        Node other = first.putIfAbsent(new Key(n.op(), n.inputs(), n.shape(), n.dtype()), n);
        if (other != null) {
          twice.add(other + " and " + n);
        }
      }
    }
    assertEquals(List.of(), twice, what + ": the same node twice");
  }

  /**
   * No product's elements are those of another one in some order, as those of a product with its
   * operands exchanged, transposed or reshaped are: found by computing all of them on random data,
   * whatever form the repetition has.
   *
   * @return how many products there are
   */
  public static int assertNoProductIsRepeated(String what, Program p) {
    Random random = new Random(1);
    Map<Node, double[]> given = new HashMap<>();
    for (Node in : p.inputs()) {
      double[] x = random.doubles(in.shape().size()).map(d -> random.nextGaussian()).toArray();
      given.put(in, in.dtype().isReal() ? x : new double[x.length]);
    }
    Map<Node, double[]> values = ReferenceInterpreter.values(p, false, given);
    List<Node> products = p.nodes().stream().filter(n -> n.op() instanceof Op.Dot).toList();
    List<String> repeated = new ArrayList<>();
    for (int i = 0; i < products.size(); i++) {
      for (int j = 0; j < i; j++) {
        if (samePermuted(values.get(products.get(i)), values.get(products.get(j)))) {
          repeated.add(products.get(j) + " and " + products.get(i));
        }
      }
    }
    assertEquals(List.of(), repeated, what + ": the same product twice");
    return products.size();
  }

  private static boolean samePermuted(double[] a, double[] b) {
    if (a.length != b.length) {
      return false;
    }
    double[] x = Arrays.stream(a).sorted().toArray();
    double[] y = Arrays.stream(b).sorted().toArray();
    double size = Math.max(Math.abs(x[0]), Math.abs(x[x.length - 1]));
    for (int i = 0; i < x.length; i++) {
      if (Math.abs(x[i] - y[i]) > 1e-12 * size) {
        return false;
      }
    }
    return true;
  }
}
