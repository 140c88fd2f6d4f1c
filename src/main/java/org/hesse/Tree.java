package org.hesse;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The structure of a value made of tensors: a {@link Tensor}, or any record, {@link List}, {@link
 * Map} with string keys or {@link Optional} of such values. Everything else in it is static: kept
 * as it is, and part of the structure, which is compared with {@code equals}. The entries of a map
 * are in the order of their keys, whatever the map's own order is.
 *
 * <pre>{@code
 * record Linear(Tensor weight, Tensor bias) {}
 * Tree<Linear> tree = Tree.of(layer);
 * tree.leaves(layer);   // [weight, bias]
 * tree.paths();         // ["weight", "bias"]
 * tree.rebuild(List.of(w, b));
 * }</pre>
 *
 * @param <T> the type of the value
 */
public final class Tree<T> {
  private final Part root;
  private final List<String> paths = new ArrayList<>();

  private Tree(Part root) {
    this.root = root;
    root.collectPaths("", paths);
  }

  /**
   * The structure of a value.
   *
   * @throws IllegalArgumentException if the value has a part that is null or cannot be read
   */
  public static <T> Tree<T> of(T value) {
    return of("value", value);
  }

  /** The same, of a value that messages call by a name. */
  static <T> Tree<T> of(String name, @Nullable T value) {
    return new Tree<>(Part.of(name, value, ""));
  }

  /** The tensors of a value, in order of record components, list elements and map entries. */
  public static List<Tensor> leavesOf(Object value) {
    return of(value).leaves(value);
  }

  /** The value with a function applied to each of its tensors. */
  public static <T> T map(T value, UnaryOperator<Tensor> f) {
    Tree<T> tree = of(value);
    return tree.rebuild(tree.leaves(value).stream().map(f).toList());
  }

  /**
   * The tensors of a value that has this structure, in order.
   *
   * @throws IllegalArgumentException if it has another structure
   */
  public List<Tensor> leaves(T value) {
    return leaves("value", value);
  }

  /** The same, of a value that messages call by a name. */
  List<Tensor> leaves(String name, T value) {
    Tensor[] leaves = match(value);
    if (leaves == null) {
      Tree<T> other = of(name, value);
      throw new IllegalArgumentException(
          name
              + ": "
              + Part.difference(other.root, root, "")
              + " (its structure is "
              + other
              + "; expected "
              + this
              + ")");
    }
    return new ArrayList<>(Arrays.asList(leaves));
  }

  /** The tensors of a value, in order; null if it has another structure. */
  Tensor @Nullable [] match(@Nullable Object value) {
    Tensor[] leaves = new Tensor[size()];
    return root.match(value, leaves, 0) < 0 ? null : leaves;
  }

  /** The name of each tensor, such as {@code hidden.weight} or {@code layers.0.bias}. */
  public List<String> paths() {
    return List.copyOf(paths);
  }

  /** How many tensors there are. */
  public int size() {
    return paths.size();
  }

  /**
   * A value of this structure from its tensors.
   *
   * @param leaves one for each of {@link #paths}, in that order
   * @throws IllegalStateException if the canonical constructor of a record throws, or replaces a
   *     tensor by another
   */
  @SuppressWarnings("unchecked") // the root part was made from a T
  public T rebuild(List<Tensor> leaves) {
    if (leaves.size() != size()) {
      throw new IllegalArgumentException(
          "leaves: " + leaves.size() + " tensors given; expected " + size() + ": " + paths);
    }
    return (T) root.build(leaves.iterator());
  }

  /**
   * All the numbers of a value in one vector: its tensors in order, each in row-major order.
   *
   * @return [n]
   * @throws IllegalArgumentException if there is no tensor or their dtypes differ
   */
  public Tensor ravel(T value) {
    List<Tensor> flat = leaves(value).stream().map(t -> t.reshape(-1)).toList();
    return Tensor.concat(0, flat.toArray(Tensor[]::new));
  }

  /**
   * The inverse of {@link #ravel}.
   *
   * @param vector [n]
   * @param like a value of this structure, for the tensors' shapes
   */
  public T unravel(Tensor vector, T like) {
    List<Tensor> leaves = leaves(like);
    long n = leaves.stream().mapToLong(Tensor::size).sum();
    if (vector.rank() != 1 || vector.dim(0) != n) {
      throw new IllegalArgumentException(
          "vector: shape " + vector.shape() + "; expected [" + n + "]");
    }
    List<Tensor> parts = new ArrayList<>();
    int at = 0;
    for (Tensor t : leaves) {
      int next = at + Math.toIntExact(t.size());
      parts.add(vector.slice(0, at, next).reshape(t.shape().dims()));
      at = next;
    }
    return rebuild(parts);
  }

  @Override
  public boolean equals(@Nullable Object o) {
    return o instanceof Tree<?> t && root.equals(t.root);
  }

  @Override
  public int hashCode() {
    return root.hashCode();
  }

  @Override
  public String toString() {
    return root.toString();
  }

  /** One level of the structure. */
  private sealed interface Part {
    /** Where {@link #match} finds another structure. */
    int DIFFERS = -1;

    /**
     * Collects the tensors of a value that need not have this structure, without making anything
     * else: this is done in each call of a compiled function.
     *
     * @param at where the first tensor goes
     * @return where the next one after this part goes, or {@link #DIFFERS}
     */
    int match(@Nullable Object value, Tensor[] leaves, int at);

    /** Matches parts one after another. */
    static int matchAll(
        List<Part> parts, IntFunction<@Nullable Object> values, Tensor[] to, int at) {
      int next = at;
      for (int i = 0; i < parts.size() && next >= 0; i++) {
        next = parts.get(i).match(values.apply(i), to, next);
      }
      return next;
    }

    Object build(java.util.Iterator<Tensor> leaves);

    void collectPaths(String path, List<String> paths);

    static Part of(String name, @Nullable Object value, String path) {
      return switch (value) {
        case null ->
            throw new IllegalArgumentException(
                name
                    + ": "
                    + place(path)
                    + " is null; use an Optional for a part that may be absent");
        case Tensor t -> Leaf.INSTANCE;
        case Record r -> RecordPart.of(name, r, path);
        case List<?> list -> {
          List<Part> parts = new ArrayList<>();
          for (int i = 0; i < list.size(); i++) {
            parts.add(of(name, list.get(i), join(path, Integer.toString(i))));
          }
          yield new ListPart(parts);
        }
        case Map<?, ?> map -> MapPart.of(name, map, path);
        case Optional<?> o -> new OptionalPart(o.map(v -> of(name, v, path)));
        default -> {
          if (value.getClass().isArray()) {
            throw new IllegalArgumentException(
                name
                    + ": "
                    + place(path)
                    + " is an array, whose contents may change behind a compiled function; use a"
                    + " tensor or a List");
          }
          yield new Static(value);
        }
      };
    }

    static String place(String path) {
      return path.isEmpty() ? "the root" : "'" + path + "'";
    }

    /** The first place, from the left, where two structures that differ do so. */
    static String difference(Part given, Part expected, String path) {
      List<String> names = expected.names();
      if (!names.isEmpty() && names.equals(given.names()) && given.kind().equals(expected.kind())) {
        for (int i = 0; i < names.size(); i++) {
          Part a = given.parts().get(i);
          Part b = expected.parts().get(i);
          if (!a.equals(b)) {
            return difference(a, b, join(path, names.get(i)));
          }
        }
      }
      return place(path) + " is " + given.kind() + "; expected " + expected.kind();
    }

    /** What this is, but for its parts. */
    String kind();

    /** Names of the parts. */
    default List<String> names() {
      return List.of();
    }

    default List<Part> parts() {
      return List.of();
    }

    static String join(String path, String name) {
      return path.isEmpty() ? name : path + "." + name;
    }
  }

  private record Leaf() implements Part {
    static final Leaf INSTANCE = new Leaf();

    @Override
    public int match(@Nullable Object value, Tensor[] leaves, int at) {
      if (!(value instanceof Tensor t)) {
        return DIFFERS;
      }
      leaves[at] = t;
      return at + 1;
    }

    @Override
    public Object build(java.util.Iterator<Tensor> leaves) {
      return leaves.next();
    }

    @Override
    public void collectPaths(String path, List<String> paths) {
      paths.add(path);
    }

    @Override
    public String kind() {
      return "a tensor";
    }

    @Override
    public String toString() {
      return "*";
    }
  }

  private record Static(Object value, int hash) implements Part {
    Static(Object value) {
      this(value, value.hashCode());
    }

    /** A collection may be the same object with other contents, which its hash tells. */
    @Override
    public int match(@Nullable Object other, Tensor[] leaves, int at) {
      return other != null && value.equals(other) && hash == other.hashCode() ? at : DIFFERS;
    }

    @Override
    public Object build(java.util.Iterator<Tensor> leaves) {
      return value;
    }

    @Override
    public void collectPaths(String path, List<String> paths) {}

    @Override
    public String kind() {
      return "the static value " + value;
    }

    @Override
    public String toString() {
      return String.valueOf(value);
    }
  }

  /** The path is that of the record in the whole, so equal structures have equal paths. */
  private record RecordPart(RecordAccess access, String path, List<Part> parts) implements Part {
    static RecordPart of(String name, Record value, String path) {
      RecordAccess access = RecordAccess.of(value.getClass());
      List<Part> parts = new ArrayList<>();
      for (int i = 0; i < access.size(); i++) {
        parts.add(Part.of(name, access.get(value, i), Part.join(path, access.name(i))));
      }
      return new RecordPart(access, path, parts);
    }

    @Override
    public int match(@Nullable Object value, Tensor[] leaves, int at) {
      if (value == null || value.getClass() != access.type()) {
        return DIFFERS;
      }
      return Part.matchAll(parts, i -> access.get(value, i), leaves, at);
    }

    @Override
    public Object build(java.util.Iterator<Tensor> leaves) {
      Object[] components = new Object[parts.size()];
      for (int i = 0; i < components.length; i++) {
        components[i] = parts.get(i).build(leaves);
      }
      Object made = access.make(components, path);
      for (int i = 0; i < components.length; i++) {
        Object now = access.get(made, i);
        if (!keeps(components[i], now)) {
          throw new IllegalStateException(
              "record "
                  + access.type().getName()
                  + " at "
                  + Part.place(path)
                  + " cannot be rebuilt: its constructor or accessor changes the component '"
                  + access.name(i)
                  + "', and would change gradients and updates too; let the canonical constructor"
                  + " keep the tensors it is given, and do such work in a method");
        }
      }
      return made;
    }

    /** Whether what became of a component has the same tensors. */
    @SuppressWarnings("ReferenceEquality") // the very tensors are meant
    private static boolean keeps(Object given, @Nullable Object now) {
      if (given == now) {
        return true;
      }
      List<Tensor> before = leavesOf(given);
      if (now == null) {
        return before.isEmpty();
      }
      List<Tensor> after = leavesOf(now);
      boolean same = before.size() == after.size();
      for (int i = 0; same && i < before.size(); i++) {
        same = before.get(i) == after.get(i);
      }
      return same;
    }

    @Override
    public List<String> names() {
      return IntStream.range(0, access.size()).mapToObj(access::name).toList();
    }

    @Override
    public void collectPaths(String path, List<String> paths) {
      for (int i = 0; i < parts.size(); i++) {
        parts.get(i).collectPaths(Part.join(path, access.name(i)), paths);
      }
    }

    @Override
    public String kind() {
      return "a " + access.type().getSimpleName();
    }

    @Override
    public String toString() {
      return access.type().getSimpleName() + parts;
    }
  }

  private record ListPart(List<Part> parts) implements Part {
    @Override
    public int match(@Nullable Object value, Tensor[] leaves, int at) {
      return value instanceof List<?> list
              && !(value instanceof Record)
              && list.size() == parts.size()
          ? Part.matchAll(parts, list::get, leaves, at)
          : DIFFERS;
    }

    @Override
    public Object build(java.util.Iterator<Tensor> leaves) {
      Object[] list = new Object[parts.size()];
      for (int i = 0; i < list.length; i++) {
        list[i] = parts.get(i).build(leaves);
      }
      return List.of(list);
    }

    @Override
    public void collectPaths(String path, List<String> paths) {
      for (int i = 0; i < parts.size(); i++) {
        parts.get(i).collectPaths(Part.join(path, Integer.toString(i)), paths);
      }
    }

    @Override
    public List<String> names() {
      return IntStream.range(0, parts.size()).mapToObj(Integer::toString).toList();
    }

    @Override
    public String kind() {
      return "a list of " + parts.size();
    }

    @Override
    public String toString() {
      return parts.toString();
    }
  }

  /**
   * Keys are sorted, so that equal maps have equal structures, whatever order they were made in.
   */
  private record MapPart(List<String> keys, List<Part> parts) implements Part {
    static MapPart of(String name, Map<?, ?> map, String path) {
      List<String> keys = new ArrayList<>();
      for (Object k : map.keySet()) {
        if (!(k instanceof String key)) {
          throw new IllegalArgumentException(
              name
                  + ": "
                  + Part.place(path)
                  + " is a map with the key "
                  + k
                  + "; expected strings");
        }
        keys.add(key);
      }
      keys.sort(Comparator.naturalOrder());
      List<Part> parts = new ArrayList<>();
      for (String key : keys) {
        parts.add(Part.of(name, map.get(key), Part.join(path, key)));
      }
      return new MapPart(keys, parts);
    }

    @Override
    public int match(@Nullable Object value, Tensor[] leaves, int at) {
      return value instanceof Map<?, ?> map
              && !(value instanceof Record || value instanceof List)
              && map.size() == parts.size()
              && hasNames(map)
          ? Part.matchAll(parts, i -> map.get(keys.get(i)), leaves, at)
          : DIFFERS;
    }

    /** A sorted map of other keys would fail to compare them with names. */
    private static boolean hasNames(Map<?, ?> map) {
      for (Object key : map.keySet()) {
        if (!(key instanceof String)) {
          return false;
        }
      }
      return true;
    }

    @Override
    public Object build(java.util.Iterator<Tensor> leaves) {
      LinkedHashMap<String, Object> map = new LinkedHashMap<>();
      for (int i = 0; i < parts.size(); i++) {
        map.put(keys.get(i), parts.get(i).build(leaves));
      }
      return java.util.Collections.unmodifiableSequencedMap(map);
    }

    @Override
    public void collectPaths(String path, List<String> paths) {
      for (int i = 0; i < parts.size(); i++) {
        parts.get(i).collectPaths(Part.join(path, keys.get(i)), paths);
      }
    }

    @Override
    public List<String> names() {
      return keys;
    }

    @Override
    public String kind() {
      return "a map of " + keys;
    }

    @Override
    public String toString() {
      return keys + "" + parts;
    }
  }

  private record OptionalPart(Optional<Part> part) implements Part {
    @Override
    public int match(@Nullable Object value, Tensor[] leaves, int at) {
      if (!(value instanceof Optional<?> o) || o.isPresent() != part.isPresent()) {
        return DIFFERS;
      }
      return o.isPresent() ? part.get().match(o.get(), leaves, at) : at;
    }

    @Override
    public Object build(java.util.Iterator<Tensor> leaves) {
      return part.map(p -> p.build(leaves));
    }

    @Override
    public void collectPaths(String path, List<String> paths) {
      part.ifPresent(p -> p.collectPaths(path, paths));
    }

    @Override
    public String kind() {
      return part.map(p -> "an Optional of " + p.kind()).orElse("an empty Optional");
    }

    @Override
    public String toString() {
      return part.map(p -> "Optional[" + p + "]").orElse("Optional.empty");
    }
  }
}
