package org.hesse;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.hesse.testing.Arr;
import org.junit.jupiter.api.Test;

/** Values taken apart into tensors and put together again. */
class TreeTest {
  private static final Tensor A = Tensor.of(new double[] {1, 2, 3, 4, 5, 6}, 2, 3);
  private static final Tensor B = Tensor.of(new double[] {7, 8});
  private static final Tensor C = Tensor.scalar(9, DType.F64);

  private record Linear(Tensor weight, Tensor bias) {}

  private record Net(Linear hidden, List<Linear> more, Map<String, Tensor> named, String note) {}

  private record Maybe(Optional<Linear> part, Optional<Tensor> tensor, int count) {}

  private static Net net() {
    Map<String, Tensor> named = new LinkedHashMap<>();
    named.put("z", C);
    named.put("a", B);
    return new Net(new Linear(A, B), List.of(new Linear(B, C)), named, "note");
  }

  @Test
  void pathsAndLeavesInOrder() {
    Tree<Net> tree = Tree.of(net());
    List<String> paths =
        List.of(
            "hidden.weight", "hidden.bias", "more.0.weight", "more.0.bias", "named.a", "named.z");
    assertEquals(paths, tree.paths());
    assertEquals(List.of(A, B, B, C, B, C), tree.leaves(net()));
    assertEquals(6, tree.size());
    assertEquals(tree.leaves(net()), Tree.leavesOf(net()));
  }

  @Test
  void rebuiltIsEqual() {
    Net n = net();
    Tree<Net> tree = Tree.of(n);
    assertEquals(n, tree.rebuild(tree.leaves(n)));
    Net doubled = Tree.map(n, t -> t.mul(2));
    assertEquals(18, doubled.named().get("z").item());
    assertEquals("note", doubled.note());
    assertEquals(List.of("a", "z"), List.copyOf(doubled.named().keySet()));
  }

  @Test
  void aLoneTensorIsATree() {
    Tree<Tensor> tree = Tree.of(A);
    assertEquals(List.of(""), tree.paths());
    assertSame(A, tree.rebuild(List.of(A)));
  }

  @Test
  void optionals() {
    Maybe full = new Maybe(Optional.of(new Linear(A, B)), Optional.of(C), 3);
    Maybe empty = new Maybe(Optional.empty(), Optional.empty(), 3);
    assertEquals(List.of("part.weight", "part.bias", "tensor"), Tree.of(full).paths());
    assertEquals(full, Tree.of(full).rebuild(List.of(A, B, C)));
    assertEquals(empty, Tree.of(empty).rebuild(List.of()));
    assertNotEquals(Tree.of(full), Tree.of(empty));
  }

  @Test
  void structuresAreComparedWithTheirStaticParts() {
    Net n = net();
    Net other = Tree.map(n, t -> t.add(1));
    assertEquals(Tree.of(n), Tree.of(other));
    assertEquals(Tree.of(n).hashCode(), Tree.of(other).hashCode());
    Net renamed = new Net(n.hidden(), n.more(), n.named(), "other");
    assertNotEquals(Tree.of(n), Tree.of(renamed));
    String message =
        assertThrows(IllegalArgumentException.class, () -> Tree.of(n).leaves(renamed)).getMessage();
    assertTrue(message.contains("other") && message.contains("note"), message);
  }

  @Test
  void localRecordsAndRecordsOfGenerics() {
    record Pair<P, Q>(P first, Q second) {}
    Pair<Tensor, Pair<Tensor, List<Tensor>>> p = new Pair<>(A, new Pair<>(B, List.of(C)));
    assertEquals(List.of("first", "second.first", "second.second.0"), Tree.of(p).paths());
    assertEquals(p, Tree.of(p).rebuild(List.of(A, B, C)));
  }

  @Test
  void aRecordsConstructorHasItsSay() {
    record Checked(Tensor x) {
      Checked {
        if (x.rank() != 1) {
          throw new IllegalArgumentException("x: rank " + x.rank() + "; expected 1");
        }
      }
    }
    Tree<Checked> tree = Tree.of(new Checked(B));
    String message =
        assertThrows(IllegalStateException.class, () -> tree.rebuild(List.of(A))).getMessage();
    assertTrue(message.contains("Checked") && message.contains("rank 2"), message);
  }

  @Test
  void nullsAreNamed() {
    record Holder(Linear inner, List<Tensor> list) {}
    assertMessage(() -> Tree.of(null), "the root");
    assertMessage(() -> Tree.of(new Linear(A, null)), "bias");
    assertMessage(() -> Tree.of(new Holder(new Linear(null, B), List.of())), "inner.weight");
    List<Tensor> list = new ArrayList<>();
    list.add(A);
    list.add(null);
    assertMessage(() -> Tree.of(new Holder(new Linear(A, B), list)), "list.1");
  }

  @Test
  void mapsNeedStringKeys() {
    Map<Integer, Tensor> map = new HashMap<>();
    map.put(3, A);
    assertMessage(() -> Tree.of(map), "3");
  }

  @Test
  void wrongNumberOfLeaves() {
    Tree<Net> tree = Tree.of(net());
    assertMessage(() -> tree.rebuild(List.of(A)), "6");
    assertMessage(() -> tree.rebuild(List.of(A, B, B, C, C, B, A)), "7");
  }

  @Test
  void ravelAndBack() {
    Linear l = new Linear(A, B);
    Tree<Linear> tree = Tree.of(l);
    Tensor v = tree.ravel(l);
    assertEquals(Arr.vector(1, 2, 3, 4, 5, 6, 7, 8).toString(), Arr.of(v).toString());
    Linear back = tree.unravel(v.neg(), l);
    assertEquals(Arr.of(A.neg()).toString(), Arr.of(back.weight()).toString());
    assertEquals(Arr.of(B.neg()).toString(), Arr.of(back.bias()).toString());
    assertMessage(() -> tree.unravel(Tensor.zeros(DType.F64, 9), l), "[8]");
    assertMessage(() -> tree.unravel(Tensor.zeros(DType.F64, 7), l), "[8]");
    assertMessage(() -> tree.unravel(Tensor.zeros(DType.F64, 8, 1), l), "[8]");
    assertMessage(() -> tree.ravel(new Linear(A, B.cast(DType.F32))), "F32");
  }

  private static void assertMessage(org.junit.jupiter.api.function.Executable body, String part) {
    String message = assertThrows(IllegalArgumentException.class, body).getMessage();
    assertTrue(message.contains(part), "'" + part + "' is not in: " + message);
  }

  @Test
  void unorderedMapsAreSorted() {
    assertEquals(
        List.of("a", "b", "c", "d"), Tree.of(Map.of("d", A, "b", B, "a", A, "c", B)).paths());
  }

  @Test
  void arraysAreRefused() {
    record Scaled(float[] factors, Tensor x) {}
    assertMessage(() -> Tree.of(new Scaled(new float[] {2}, A)), "factors");
  }

  /** Maps are equal whatever order they were filled in, and so are their structures. */
  @Test
  void equalMapsHaveEqualStructures() {
    Map<String, Tensor> one = new LinkedHashMap<>();
    one.put("z", A);
    one.put("a", B);
    Map<String, Tensor> other = new LinkedHashMap<>();
    other.put("a", B);
    other.put("z", A);
    assertEquals(Tree.of(one), Tree.of(other));
    assertEquals(Tree.of(one), Tree.of(Map.of("a", B, "z", A)));
    assertEquals(Tree.of(one).hashCode(), Tree.of(other).hashCode());
    assertEquals(List.of(B, A), Tree.of(one).leaves(other));
    assertEquals(List.of(B, A), Tree.of(other).leaves(one));
    assertEquals(
        17,
        Autodiff.jvp((Map<String, Tensor> m) -> m.get("a").sum(), one, other).tangent().item() + 2);
  }
}
