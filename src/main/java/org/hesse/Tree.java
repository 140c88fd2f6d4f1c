package org.hesse;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The structure of a value made of tensors: a {@link Tensor}, or any record, {@link List}, {@link
 * Map} with string keys or {@link Optional} of such values. Everything else in it is static: kept
 * as it is, and part of the structure, which is compared with {@code equals}.
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
    return new Tree<>(Part.of(value, ""));
  }

  /** The tensors of a value, in order of record components, list elements and map entries. */
  public static List<Tensor> leavesOf(Object value) {
    List<Tensor> leaves = new ArrayList<>();
    Part.of(value, "").collect(value, leaves);
    return leaves;
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
    Tree<T> other = of(value);
    if (!equals(other)) {
      throw new IllegalArgumentException("value has the structure " + other + "; expected " + this);
    }
    List<Tensor> leaves = new ArrayList<>();
    root.collect(value, leaves);
    return leaves;
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
    void collect(Object value, List<Tensor> leaves);

    Object build(java.util.Iterator<Tensor> leaves);

    void collectPaths(String path, List<String> paths);

    static Part of(@Nullable Object value, String path) {
      return switch (value) {
        case null ->
            throw new IllegalArgumentException(
                "value: "
                    + (path.isEmpty() ? "the root" : path)
                    + " is null; use an Optional for a part that may be absent");
        case Tensor t -> Leaf.INSTANCE;
        case Record r -> RecordPart.of(r, path);
        case List<?> list -> {
          List<Part> parts = new ArrayList<>();
          for (int i = 0; i < list.size(); i++) {
            parts.add(of(list.get(i), join(path, Integer.toString(i))));
          }
          yield new ListPart(parts);
        }
        case Map<?, ?> map -> MapPart.of(map, path);
        case Optional<?> o -> new OptionalPart(o.map(v -> of(v, path)));
        default -> {
          if (value.getClass().isArray()) {
            throw new IllegalArgumentException(
                "value: "
                    + (path.isEmpty() ? "the root" : path)
                    + " is an array, whose contents may change behind a compiled function; use a"
                    + " tensor or a List");
          }
          yield new Static(value);
        }
      };
    }

    static String join(String path, String name) {
      return path.isEmpty() ? name : path + "." + name;
    }
  }

  private record Leaf() implements Part {
    static final Leaf INSTANCE = new Leaf();

    @Override
    public void collect(Object value, List<Tensor> leaves) {
      leaves.add((Tensor) value);
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
    public String toString() {
      return "*";
    }
  }

  private record Static(Object value) implements Part {
    @Override
    public void collect(Object ignored, List<Tensor> leaves) {}

    @Override
    public Object build(java.util.Iterator<Tensor> leaves) {
      return value;
    }

    @Override
    public void collectPaths(String path, List<String> paths) {}

    @Override
    public String toString() {
      return String.valueOf(value);
    }
  }

  private record RecordPart(Class<?> type, List<Part> parts) implements Part {
    static RecordPart of(Record value, String path) {
      RecordAccess access = RecordAccess.of(value.getClass());
      List<Part> parts = new ArrayList<>();
      for (int i = 0; i < access.size(); i++) {
        parts.add(Part.of(access.get(value, i), Part.join(path, access.name(i))));
      }
      return new RecordPart(value.getClass(), parts);
    }

    @Override
    public void collect(Object value, List<Tensor> leaves) {
      RecordAccess access = RecordAccess.of(type);
      for (int i = 0; i < parts.size(); i++) {
        parts.get(i).collect(Objects.requireNonNull(access.get(value, i)), leaves);
      }
    }

    @Override
    public Object build(java.util.Iterator<Tensor> leaves) {
      Object[] components = new Object[parts.size()];
      for (int i = 0; i < components.length; i++) {
        components[i] = parts.get(i).build(leaves);
      }
      return RecordAccess.of(type).make(components);
    }

    @Override
    public void collectPaths(String path, List<String> paths) {
      RecordAccess access = RecordAccess.of(type);
      for (int i = 0; i < parts.size(); i++) {
        parts.get(i).collectPaths(Part.join(path, access.name(i)), paths);
      }
    }

    @Override
    public String toString() {
      return type.getSimpleName() + parts;
    }
  }

  private record ListPart(List<Part> parts) implements Part {
    @Override
    public void collect(Object value, List<Tensor> leaves) {
      List<?> list = (List<?>) value;
      for (int i = 0; i < parts.size(); i++) {
        parts.get(i).collect(Objects.requireNonNull(list.get(i)), leaves);
      }
    }

    @Override
    public Object build(java.util.Iterator<Tensor> leaves) {
      List<Object> list = new ArrayList<>();
      parts.forEach(p -> list.add(p.build(leaves)));
      return List.copyOf(list);
    }

    @Override
    public void collectPaths(String path, List<String> paths) {
      for (int i = 0; i < parts.size(); i++) {
        parts.get(i).collectPaths(Part.join(path, Integer.toString(i)), paths);
      }
    }

    @Override
    public String toString() {
      return parts.toString();
    }
  }

  /**
   * Keys are kept in the map's own order where it has one, else sorted; the order is part of the
   * structure.
   */
  private record MapPart(List<String> keys, List<Part> parts) implements Part {
    /** Maps made by {@code Map.of} have another order in each run of the JVM. */
    private static List<Object> ordered(Map<?, ?> map) {
      List<Object> keys = new ArrayList<>(map.keySet());
      if (!(map instanceof SequencedMap<?, ?>)) {
        keys.sort(Comparator.comparing(String::valueOf));
      }
      return keys;
    }

    static MapPart of(Map<?, ?> map, String path) {
      List<String> keys = new ArrayList<>();
      List<Part> parts = new ArrayList<>();
      for (Object k : ordered(map)) {
        if (!(k instanceof String key)) {
          throw new IllegalArgumentException(
              "value: " + path + " is a map with the key " + k + "; expected strings");
        }
        keys.add(key);
        parts.add(Part.of(map.get(key), Part.join(path, key)));
      }
      return new MapPart(keys, parts);
    }

    @Override
    public void collect(Object value, List<Tensor> leaves) {
      Map<?, ?> map = (Map<?, ?>) value;
      for (int i = 0; i < parts.size(); i++) {
        parts.get(i).collect(Objects.requireNonNull(map.get(keys.get(i))), leaves);
      }
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
    public String toString() {
      return keys + "" + parts;
    }
  }

  private record OptionalPart(Optional<Part> part) implements Part {
    @Override
    public void collect(Object value, List<Tensor> leaves) {
      part.ifPresent(p -> p.collect(((Optional<?>) value).orElseThrow(), leaves));
    }

    @Override
    public Object build(java.util.Iterator<Tensor> leaves) {
      return part.map(p -> p.build(leaves));
    }

    @Override
    public void collectPaths(String path, List<String> paths) {
      part.ifPresent(p -> p.collectPaths(path, paths));
    }
  }
}
