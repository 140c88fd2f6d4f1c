package org.hesse.io;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.hesse.Tensor;

/**
 * What a safetensors file holds.
 *
 * @param tensors by name, in the order in which their data lie in the file; unmodifiable
 * @param metadata the file's own notes, empty if it has none; unmodifiable
 */
public record SafetensorsFile(Map<String, Tensor> tensors, Map<String, String> metadata) {
  /** Keeps copies of both maps, in their order. */
  public SafetensorsFile {
    tensors = Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
    metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
  }

  /**
   * The tensor of some name.
   *
   * @throws IllegalArgumentException listing the names that are there, if there is none
   */
  public Tensor tensor(String name) {
    Tensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new IllegalArgumentException(
          "name: no tensor \"" + name + "\"; there are " + String.join(", ", tensors.keySet()));
    }
    return tensor;
  }
}
