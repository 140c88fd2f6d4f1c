package org.hesse.curvature;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import org.hesse.Hesse;
import org.hesse.Shape;
import org.hesse.Tensor;
import org.hesse.io.DataException;
import org.hesse.io.Safetensors;
import org.hesse.io.SafetensorsFile;
import org.hesse.linalg.NumericalException;

/**
 * Curvature in a safetensors file. Tensors are called {@code 0.output}, the number being that of
 * the block. The metadata say the rest: {@code format} and {@code version}, {@code type}, {@code
 * parameters} as a JSON list of path and shape, and {@code blocks} as one of kind and parts.
 */
final class CurvatureFile {
  private static final String FORMAT = "hesse-curvature";
  private static final String VERSION = "1";
  private static final ObjectMapper JSON = new ObjectMapper();

  private CurvatureFile() {}

  static void write(Path file, String type, BlockCurvature curvature) throws DataException {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    ArrayNode blocks = JSON.createArrayNode();
    for (CurvatureBlock block : curvature.blocks()) {
      String prefix = blocks.size() + ".";
      tensors(block).forEach((name, t) -> tensors.put(prefix + name, t));
      ArrayNode parts = blocks.addObject().put("kind", kind(block)).putArray("parts");
      for (ParameterPart p : block.parts()) {
        parts
            .addObject()
            .put("path", p.path())
            .put("from", p.from())
            .put("rows", p.rows())
            .put("columns", p.columns())
            .put("transposed", p.transposed());
      }
    }
    ArrayNode parameters = JSON.createArrayNode();
    ParameterLayout layout = curvature.layout();
    for (String path : layout.paths()) {
      ObjectNode parameter = parameters.addObject().put("path", path);
      ArrayNode shape = parameter.putArray("shape");
      for (int d : layout.shape(path).dims()) {
        shape.add(d);
      }
    }
    Map<String, String> metadata = new LinkedHashMap<>();
    metadata.put("format", FORMAT);
    metadata.put("version", VERSION);
    metadata.put("type", type);
    metadata.put("parameters", parameters.toString());
    metadata.put("blocks", blocks.toString());
    Safetensors.write(file, tensors, metadata);
  }

  private static String kind(CurvatureBlock block) {
    return switch (block) {
      case KroneckerBlock _ -> "kronecker";
      case EigenBlock _ -> "eigen";
      case DenseBlock _ -> "dense";
      case DiagonalBlock _ -> "diagonal";
    };
  }

  private static Map<String, Tensor> tensors(CurvatureBlock block) {
    Map<String, Tensor> all = new LinkedHashMap<>(block.statistics());
    if (block instanceof EigenBlock e) {
      e.outputBasis().ifPresent(t -> all.put("outputBasis", t));
      e.inputBasis().ifPresent(t -> all.put("inputBasis", t));
    }
    return all;
  }

  static <C extends BlockCurvature> C read(
      Path file,
      String type,
      Objective<?> objective,
      BiFunction<ParameterLayout, List<CurvatureBlock>, C> make)
      throws DataException {
    ParameterLayout expected = ParameterLayout.of(objective);
    C curvature = Hesse.on(objective.device(), () -> read(file, type, expected, make));
    if (curvature.dtype() != objective.dtype()) {
      throw new DataException(
          file
              + ": it is in "
              + curvature.dtype()
              + ", the objective in "
              + objective.dtype()
              + "; load it for ParameterLayout.of(objective) and cast it");
    }
    return curvature;
  }

  /**
   * Reads a file of a type.
   *
   * @param expected the parameters that it must be of, in the order to use
   */
  static <C extends BlockCurvature> C read(
      Path file,
      String type,
      ParameterLayout expected,
      BiFunction<ParameterLayout, List<CurvatureBlock>, C> make)
      throws DataException {
    SafetensorsFile content = Safetensors.read(file);
    Map<String, String> notes = content.metadata();
    requireNote(file, notes, "format", FORMAT, "write it with Kfac.save or Ekfac.save");
    requireNote(file, notes, "version", VERSION, "write it anew with this release");
    requireNote(file, notes, "type", type, "kfac is for Kfac.load, ekfac for Ekfac.load");
    try {
      requireParameters(json(notes, "parameters"), expected);
      List<CurvatureBlock> blocks = new ArrayList<>();
      for (JsonNode node : json(notes, "blocks")) {
        blocks.add(block(content, node, blocks.size() + "."));
      }
      return make.apply(expected, blocks);
    } catch (IllegalArgumentException | NumericalException e) {
      throw new DataException(file + ": " + e.getMessage(), e);
    }
  }

  private static void requireNote(
      Path file, Map<String, String> notes, String key, String expected, String remedy)
      throws DataException {
    String found = notes.get(key);
    if (!expected.equals(found)) {
      throw new DataException(
          file
              + ": its metadata have "
              + (found == null ? "no " + key : "the " + key + " \"" + found + "\"")
              + "; expected \""
              + expected
              + "\"; "
              + remedy);
    }
  }

  private static JsonNode json(Map<String, String> notes, String key) {
    try {
      return JSON.readTree(notes.getOrDefault(key, ""));
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          "its metadata have no list of " + key + ": " + e.getOriginalMessage(), e);
    }
  }

  private static void requireParameters(JsonNode found, ParameterLayout expected) {
    Map<String, Shape> inFile = new LinkedHashMap<>();
    for (JsonNode node : found) {
      int[] dims = new int[node.path("shape").size()];
      for (int i = 0; i < dims.length; i++) {
        dims[i] = node.path("shape").path(i).asInt(-1);
      }
      inFile.put(text(node, "path"), Shape.of(dims));
    }
    List<String> problems = new ArrayList<>();
    for (String path : expected.paths()) {
      Shape shape = inFile.remove(path);
      if (shape == null) {
        problems.add(path + " is not in it");
      } else if (!shape.equals(expected.shape(path))) {
        problems.add(path + " is " + shape + ", expected " + expected.shape(path));
      }
    }
    inFile.keySet().forEach(path -> problems.add(path + " is none of the model's parameters"));
    if (!problems.isEmpty()) {
      throw new IllegalArgumentException(
          "it is of other parameters: " + String.join("; ", problems));
    }
  }

  private static CurvatureBlock block(SafetensorsFile content, JsonNode node, String prefix) {
    List<ParameterPart> parts = new ArrayList<>();
    for (JsonNode p : node.path("parts")) {
      parts.add(
          new ParameterPart(
              text(p, "path"),
              p.path("from").asInt(-1),
              p.path("rows").asInt(),
              p.path("columns").asInt(),
              p.path("transposed").asBoolean()));
    }
    String kind = text(node, "kind");
    return switch (kind) {
      case "kronecker" ->
          new KroneckerBlock(
              parts, content.tensor(prefix + "output"), content.tensor(prefix + "input"));
      case "eigen" ->
          new EigenBlock(
              parts,
              optional(content, prefix + "outputBasis"),
              optional(content, prefix + "inputBasis"),
              content.tensor(prefix + "eigenvalues"));
      case "dense" -> new DenseBlock(parts, content.tensor(prefix + "matrix"));
      case "diagonal" -> new DiagonalBlock(parts, content.tensor(prefix + "diagonal"));
      default ->
          throw new IllegalArgumentException(
              "a block of kind \"" + kind + "\"; expected kronecker, eigen, dense or diagonal");
    };
  }

  private static Optional<Tensor> optional(SafetensorsFile content, String name) {
    return Optional.ofNullable(content.tensors().get(name));
  }

  private static String text(JsonNode node, String key) {
    JsonNode value = node.path(key);
    if (!value.isTextual()) {
      throw new IllegalArgumentException("its metadata lack a " + key + " in " + node);
    }
    return value.textValue();
  }
}
