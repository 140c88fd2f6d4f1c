package org.hesse.linalg;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.hesse.Device;
import org.hesse.Tensor;

/**
 * Named numbers that a computation can go on from, as they are kept in a file.
 *
 * <pre>{@code
 * state.put("scale", scale);
 * basis.save(state.in("basis"));      // names begin with "basis."
 * }</pre>
 */
final class State {
  private final Map<String, Tensor> tensors;
  private final String prefix;
  private final Device device;

  /** Nothing yet. */
  State() {
    this(new LinkedHashMap<>(), Device.CPU);
  }

  /** What a file holds; long vectors are given out on the device of the computation. */
  State(Map<String, Tensor> tensors, Device device) {
    this(tensors, "", device);
  }

  private State(Map<String, Tensor> tensors, String prefix, Device device) {
    this.tensors = tensors;
    this.prefix = prefix;
    this.device = device;
  }

  Map<String, Tensor> tensors() {
    return tensors;
  }

  /** The part of this state whose names begin with {@code part} and a dot. */
  State in(String part) {
    return new State(tensors, prefix + part + ".", device);
  }

  State in(int part) {
    return in(Integer.toString(part));
  }

  void put(String name, Tensor tensor) {
    tensors.put(prefix + name, tensor);
  }

  void put(String name, double... numbers) {
    put(name, Tensor.of(numbers, numbers.length));
  }

  void put(String name, int... numbers) {
    put(name, Tensor.of(numbers, numbers.length));
  }

  void put(String name, boolean flag) {
    put(name, flag ? 1 : 0);
  }

  /** A matrix with rows of any lengths. */
  void put(String name, double[][] rows) {
    put(name, Arrays.stream(rows).flatMapToDouble(Arrays::stream).toArray());
    in(name).put("lengths", Arrays.stream(rows).mapToInt(row -> row.length).toArray());
  }

  boolean has(String name) {
    return tensors.containsKey(prefix + name);
  }

  private Tensor stored(String name) {
    Tensor tensor = tensors.get(prefix + name);
    if (tensor == null) {
      throw new IllegalArgumentException(
          "checkpoint: it lacks \"" + prefix + name + "\", so it is not whole; delete it");
    }
    return tensor;
  }

  Tensor tensor(String name) {
    return stored(name).to(device);
  }

  double[] doubles(String name) {
    return stored(name).toDoubleArray();
  }

  double[][] rows(String name) {
    double[] flat = doubles(name);
    int[] lengths = in(name).integers("lengths");
    double[][] rows = new double[lengths.length][];
    int from = 0;
    for (int i = 0; i < rows.length; i++) {
      rows[i] = Arrays.copyOfRange(flat, from, from + lengths[i]);
      from += lengths[i];
    }
    return rows;
  }

  int[] integers(String name) {
    return stored(name).toIntArray();
  }

  int integer(String name) {
    return integers(name)[0];
  }

  boolean flag(String name) {
    return integer(name) != 0;
  }
}
