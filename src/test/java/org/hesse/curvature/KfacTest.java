package org.hesse.curvature;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.hesse.DType;
import org.hesse.Matrices;
import org.hesse.Shape;
import org.hesse.Tensor;
import org.hesse.Tree;
import org.hesse.io.DataException;
import org.hesse.io.Safetensors;
import org.hesse.io.SafetensorsFile;
import org.hesse.linalg.LinearOperator;
import org.hesse.linalg.NumericalException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Block-diagonal curvature on the vector of all parameters, against dense matrices. */
class KfacTest {
  /**
   * A bias before its weight, two groups of a convolution, an embedding, and two normalisations.
   */
  private static final ParameterLayout LAYOUT =
      new ParameterLayout(
          List.of("conv", "embedding", "linear.bias", "linear.weight", "scale", "shift"),
          List.of(
              Shape.of(4, 1, 1, 2),
              Shape.of(3, 2),
              Shape.of(2),
              Shape.of(2, 3),
              Shape.of(2),
              Shape.of(2)));

  private static ParameterPart part(String path, String kind) {
    Shape shape = LAYOUT.shape(path);
    return switch (kind) {
      case "matrix" -> ParameterPart.matrix(path, shape);
      case "transposed" -> ParameterPart.transposed(path, shape);
      case "column" -> ParameterPart.column(path, shape);
      default -> ParameterPart.entries(path, shape);
    };
  }

  private static Tensor uniform(Random random, double from, int... dims) {
    return Tensor.of(random.doubles(Shape.of(dims).size(), from, 1).toArray(), dims);
  }

  private static Tensor wishart(Random random, int n) {
    Tensor x = uniform(random, -1, n + 2, n);
    return x.transpose().matmul(x);
  }

  private static final ParameterPart CONV = part("conv", "matrix");

  /** Where in the vector the numbers of each block's X are, row by row. */
  private static final int[][] PLACES = {
    {16, 17, 18, 14, 19, 20, 21, 15},
    {4, 5, 6, 7},
    {22, 23, 24, 25},
    {8, 10, 12, 9, 11, 13},
    {0, 1, 2, 3}
  };

  private static Kfac kfac(int seed, DType dtype) {
    Random random = new Random(seed);
    List<CurvatureBlock> blocks =
        List.of(
            new KroneckerBlock(
                List.of(part("linear.weight", "matrix"), part("linear.bias", "column")),
                wishart(random, 2),
                wishart(random, 4)),
            new KroneckerBlock(
                List.of(CONV.rowRange(2, 4)), wishart(random, 2), wishart(random, 2)),
            new DenseBlock(
                List.of(part("scale", "entries"), part("shift", "entries")), wishart(random, 4)),
            new KroneckerBlock(
                List.of(part("embedding", "transposed")),
                wishart(random, 2),
                uniform(random, 0.1, 3)),
            new KroneckerBlock(
                List.of(CONV.rowRange(0, 2)), wishart(random, 2), wishart(random, 2)));
    return new Kfac(LAYOUT, blocks.stream().map(b -> Tree.map(b, t -> t.cast(dtype))).toList());
  }

  /** The matrix of all blocks, element by element. */
  private static Tensor dense(BlockCurvature kfac) {
    int n = LAYOUT.size();
    double[] all = new double[n * n];
    for (int b = 0; b < PLACES.length; b++) {
      double[] block = kfac.blocks().get(b).toDense().toDoubleArray();
      int[] at = PLACES[b];
      for (int i = 0; i < at.length; i++) {
        for (int j = 0; j < at.length; j++) {
          all[at[i] * n + at[j]] = block[i * at.length + j];
        }
      }
    }
    return Tensor.of(all, n, n);
  }

  private static void assertClose(Tensor expected, Tensor actual, double relative) {
    double scale = expected.abs().max().item();
    assertArrayEquals(expected.toDoubleArray(), actual.toDoubleArray(), relative * scale);
  }

  private static Tensor damped(Tensor m, double by) {
    return m.add(Tensor.eye(DType.F64, m.dim(0)).mul(by));
  }

  @Test
  void productsAreInTheOrderOfTheParameters() {
    Kfac kfac = kfac(1, DType.F64);
    Tensor matrix = dense(kfac);
    assertEquals(26, kfac.size());
    assertTrue(kfac.symmetric());
    assertClose(matrix, kfac.toDense(), 1e-14);
    Tensor vs = uniform(new Random(2), -1, 3, 26);
    assertClose(vs.matmul(matrix), kfac.applyAll(vs), 1e-13);
    assertClose(matrix.matmul(vs.select(0, 2)), kfac.apply(vs.select(0, 2)), 1e-13);
    Kfac single = kfac(1, DType.F32);
    assertClose(vs.matmul(matrix), single.applyAll(vs.cast(DType.F32)), 1e-6);
  }

  @Test
  void scalarsAreThoseOfTheMatrix() {
    Kfac kfac = kfac(3, DType.F64);
    Tensor matrix = dense(kfac);
    double determinant = Matrices.det(matrix).item();
    assertEquals(Matrices.trace(matrix).item(), kfac.trace(), 1e-12 * kfac.trace());
    assertEquals(Math.sqrt(matrix.square().sum().item()), kfac.frobeniusNorm(), 1e-12);
    assertEquals(Matrices.slogdet(matrix).log().item(), kfac.logDeterminant(), 1e-8);
    assertEquals(determinant, kfac.determinant(), 1e-8 * determinant);
    double log = Matrices.slogdet(damped(matrix, 0.1)).log().item();
    assertEquals(log, kfac.logDeterminant(Damping.exact(0.1)), 1e-9);
    assertEquals(log, kfac.eigen().logDeterminant(Damping.exact(0.1)), 1e-9);
    Kfac single = kfac(3, DType.F32);
    assertEquals(kfac.trace(), single.trace(), 1e-5 * kfac.trace());
    assertEquals(log, single.logDeterminant(Damping.exact(0.1)), 1e-4);
  }

  @Test
  void inversesAndRootsAreThoseOfTheMatrix() {
    Kfac kfac = kfac(4, DType.F64);
    Tensor inverse = Matrices.inverse(damped(dense(kfac), 0.1));
    assertClose(inverse, kfac.inverse(Damping.exact(0.1)).toDense(), 1e-11);
    assertClose(inverse, kfac.eigen().inverse(Damping.exact(0.1)).toDense(), 1e-11);
    LinearOperator root = kfac.inverseRoot(Damping.exact(0.1));
    assertClose(inverse, root.times(root).toDense(), 1e-11);
    BlockCurvature single = kfac(4, DType.F32).inverse(Damping.exact(0.1));
    assertClose(inverse, single.toDense(), 1e-4);
    for (Damping damping : List.of(Damping.pi(0.1), Damping.equal(0.1))) {
      assertClose(dense(kfac.inverse(damping)), kfac.inverse(damping).toDense(), 1e-13);
    }
  }

  /** Of a matrix that F32 holds, but cannot decompose as well. */
  @Test
  void decompositionsInF64LoseLess() {
    double[] values = {1, 1e-3, 1e-6};
    Tensor q = Matrices.qr(uniform(new Random(5), -1, 3, 3)).q();
    Tensor g = q.mul(Tensor.of(values, 3)).matmul(q.transpose()).cast(DType.F32);
    ParameterPart part = ParameterPart.matrix("w", Shape.of(3, 3));
    Kfac kfac =
        new Kfac(
            new ParameterLayout(List.of("w"), List.of(Shape.of(3, 3))),
            List.of(new KroneckerBlock(List.of(part), g, Tensor.ones(DType.F32, 3))));
    Damping damping = Damping.exact(1e-6);
    Tensor exact = Matrices.inverse(damped(kfac.cast(DType.F64).toDense(), 1e-6));
    Tensor wide = kfac.cast(DType.F64).inverse(damping).cast(DType.F32).toDense();
    assertClose(exact, wide, 1e-6);
    assertClose(exact, kfac.inverse(damping).toDense(), 0.3);
  }

  @Test
  void determinantsThatAreNoDoublesAreRefused() {
    for (double scale : new double[] {1e-200, 1e200}) {
      Tensor d = Tensor.full(scale, DType.F64, 2);
      Kfac kfac = new Kfac(scalePair(), List.of(new DiagonalBlock(pair(), d)));
      assertEquals(2 * Math.log(scale), kfac.logDeterminant(), 1e-9);
      String message = assertThrows(ArithmeticException.class, kfac::determinant).getMessage();
      assertTrue(message.contains("logDeterminant"), message);
    }
    Tensor zero = Tensor.of(new double[] {0, 1}, 2);
    assertEquals(0, new Kfac(scalePair(), List.of(new DiagonalBlock(pair(), zero))).determinant());
  }

  private static ParameterLayout scalePair() {
    return new ParameterLayout(List.of("scale"), List.of(Shape.of(2)));
  }

  private static List<ParameterPart> pair() {
    return List.of(ParameterPart.entries("scale", Shape.of(2)));
  }

  @Test
  void parametersWithoutABlockAreNamed() {
    List<CurvatureBlock> blocks = kfac(1, DType.F64).blocks();
    String none = refused(() -> new Kfac(LAYOUT, blocks.subList(0, 4)));
    assertTrue(none.contains("conv") && none.contains("no block"), none);
    List<CurvatureBlock> twice = new ArrayList<>(blocks);
    twice.add(blocks.get(2));
    String several = refused(() -> new Kfac(LAYOUT, twice));
    assertTrue(several.contains("scale") && several.contains("several"), several);
    String other = refused(() -> new Kfac(scalePair(), blocks));
    assertTrue(other.contains("linear.weight") && other.contains("scale"), other);
    List<CurvatureBlock> mixed = new ArrayList<>(blocks.subList(0, 4));
    mixed.add(kfac(1, DType.F32).blocks().get(4));
    assertTrue(refused(() -> new Kfac(LAYOUT, mixed)).contains("F32"));
    Kfac kfac = kfac(1, DType.F64);
    assertTrue(refused(() -> kfac.apply(Tensor.zeros(DType.F64, 5))).contains("[26]"));
    assertTrue(refused(() -> kfac.applyAll(Tensor.zeros(DType.F32, 2, 26))).contains("F64"));
  }

  private static String refused(Executable call) {
    return assertThrows(IllegalArgumentException.class, call).getMessage();
  }

  @Test
  void statisticsThatAreNotFiniteAreNamed() {
    Tensor bad = Tensor.of(new float[] {1, Float.POSITIVE_INFINITY}, 2);
    String message =
        assertThrows(
                NumericalException.class,
                () -> new Kfac(scalePair(), List.of(new DiagonalBlock(pair(), bad))))
            .getMessage();
    assertTrue(message.contains("scale") && message.contains("Infinity at [1]"), message);
  }

  @Test
  void factorsThatAreNotSymmetricAreNamed() {
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      Tensor bad = Tensor.of(new double[] {1, 0.2, 0.1, 1}, 2, 2).cast(dtype);
      String message =
          assertThrows(
                  NumericalException.class,
                  () -> new Kfac(scalePair(), List.of(new DenseBlock(pair(), bad))))
              .getMessage();
      assertTrue(message.contains("scale") && message.contains("not symmetric"), message);
    }
  }

  @Test
  void eachBlockCanHaveItsOwnDamping() {
    Kfac kfac = kfac(9, DType.F64);
    BlockCurvature inverse = kfac.map(b -> b.inverse(Damping.exact(0.1 * b.trace() / b.size())));
    for (int i = 0; i < PLACES.length; i++) {
      Tensor block = kfac.blocks().get(i).toDense();
      double mean = Matrices.trace(block).item() / block.dim(0);
      Tensor expected = Matrices.inverse(damped(block, 0.1 * mean));
      assertClose(expected, inverse.blocks().get(i).toDense(), 1e-11);
    }
    assertClose(dense(inverse), inverse.toDense(), 1e-14);
  }

  @Test
  void averagesAreOfEachFactor() {
    Kfac a = kfac(6, DType.F64);
    Kfac b = kfac(7, DType.F64);
    Kfac mean = Kfac.average(List.of(a, b), 30, 10);
    Kfac moving = Kfac.ema(a, b, 0.9);
    for (int i = 0; i < a.blocks().size(); i++) {
      for (Map.Entry<String, Tensor> e : a.blocks().get(i).statistics().entrySet()) {
        String name = e.getKey();
        Tensor x = e.getValue();
        Tensor y = b.blocks().get(i).statistics().get(name);
        assertClose(
            x.mul(0.75).add(y.mul(0.25)), mean.blocks().get(i).statistics().get(name), 1e-15);
        assertClose(
            x.mul(0.9).add(y.mul(0.1)), moving.blocks().get(i).statistics().get(name), 1e-15);
      }
    }
    assertClose(a.toDense(), Kfac.average(List.of(a, b), 3, 0).toDense(), 0);
    Ekfac e = a.eigen();
    Ekfac other = scaled(e, 3);
    assertClose(a.toDense().mul(1.5), Ekfac.ema(e, other, 0.75).toDense(), 1e-14);
  }

  private static Ekfac scaled(Ekfac e, double factor) {
    return new Ekfac(
        e.layout(),
        e.blocks().stream()
            .map(CurvatureBlock::eigen)
            .map(b -> b.withEigenvalues(b.eigenvalues().mul(factor)))
            .toList());
  }

  @Test
  void averagesOfOtherStructureAreRefused() {
    Kfac a = kfac(6, DType.F64);
    Kfac b = kfac(7, DType.F64);
    assertTrue(refused(() -> Kfac.average(List.of(a, b), 1)).contains("weights"));
    assertTrue(refused(() -> Kfac.average(List.of())).contains("weights"));
    assertTrue(refused(() -> Kfac.average(List.of(a, b), 1, -1)).contains("negative"));
    assertTrue(refused(() -> Kfac.average(List.of(a, b), 0, 0)).contains("weights"));
    assertTrue(refused(() -> Kfac.ema(a, b, 1.5)).contains("decay"));
    assertTrue(refused(() -> Kfac.ema(a, kfac(6, DType.F32), 0.5)).contains("dtype"));
    assertTrue(refused(() -> Ekfac.ema(a.eigen(), b.eigen(), 0.5)).contains("bases"));
  }

  @Test
  void filesKeepEverything(@TempDir Path folder) throws DataException {
    for (DType dtype : List.of(DType.F32, DType.F64)) {
      Path file = folder.resolve("kfac.safetensors");
      Kfac kfac = kfac(8, dtype);
      kfac.save(file);
      Kfac loaded = Kfac.load(file, LAYOUT);
      assertEquals(dtype, loaded.dtype());
      assertClose(kfac.toDense(), loaded.toDense(), 0);
      Ekfac ekfac = scaled(kfac.eigen(), 2);
      ekfac.save(file);
      assertClose(ekfac.toDense(), Ekfac.load(file, LAYOUT).toDense(), 0);
      // Of one run in two files.
      Ekfac again = Ekfac.load(file, LAYOUT);
      assertClose(ekfac.toDense(), Ekfac.average(List.of(ekfac, again), 1, 2).toDense(), 1e-6);
    }
  }

  /** The order of the model decides, not that of the file. */
  @Test
  void parametersMayBeInAnotherOrder(@TempDir Path folder) throws DataException {
    Path file = folder.resolve("kfac.safetensors");
    Kfac kfac = kfac(8, DType.F64);
    kfac.save(file);
    ParameterLayout reversed =
        new ParameterLayout(LAYOUT.paths().reversed(), LAYOUT.shapes().reversed());
    Kfac loaded = Kfac.load(file, reversed);
    assertEquals(reversed, loaded.layout());
    Tensor first = kfac.toDense().slice(0, 0, 8).slice(1, 0, 8);
    assertClose(first, loaded.toDense().slice(0, 18, 26).slice(1, 18, 26), 0);
  }

  @Test
  void filesOfOtherModelsAreRefused(@TempDir Path folder) throws DataException {
    Path file = folder.resolve("kfac.safetensors");
    kfac(8, DType.F64).save(file);
    List<String> paths = new ArrayList<>(LAYOUT.paths());
    List<Shape> shapes = new ArrayList<>(LAYOUT.shapes());
    paths.set(1, "tokens");
    shapes.set(0, Shape.of(8, 1, 1, 1));
    String message = unread(file, new ParameterLayout(paths, shapes));
    for (String word :
        List.of("kfac.safetensors", "tokens is not", "embedding is none", "[4, 1, 1, 2]")) {
      assertTrue(message.contains(word), message);
    }
    String type = assertThrows(DataException.class, () -> Ekfac.load(file, LAYOUT)).getMessage();
    assertTrue(type.contains("Kfac.load"), type);
  }

  private static String unread(Path file, ParameterLayout layout) {
    return assertThrows(DataException.class, () -> Kfac.load(file, layout)).getMessage();
  }

  @Test
  void damagedFilesAreRefused(@TempDir Path folder) throws DataException {
    Path file = folder.resolve("kfac.safetensors");
    kfac(8, DType.F64).save(file);
    SafetensorsFile content = Safetensors.read(file);
    Map<String, Tensor> tensors = new TreeMap<>(content.tensors());
    Map<String, String> notes = new TreeMap<>(content.metadata());
    Safetensors.write(file, tensors, Map.of());
    assertTrue(unread(file, LAYOUT).contains("no format"));
    for (Map.Entry<String, String> change :
        Map.of("version", "7", "parameters", "[", "blocks", "[{}]").entrySet()) {
      Map<String, String> changed = new TreeMap<>(notes);
      changed.put(change.getKey(), change.getValue());
      Safetensors.write(file, tensors, changed);
      unread(file, LAYOUT);
    }
    tensors.put("0.input", Tensor.ones(DType.F64, 3));
    Safetensors.write(file, tensors, notes);
    assertTrue(unread(file, LAYOUT).contains("linear.weight"));
    tensors.remove("0.input");
    Safetensors.write(file, tensors, notes);
    assertTrue(unread(file, LAYOUT).contains("0.input"));
    tensors.put("0.input", Tensor.full(Double.NaN, DType.F64, 4, 4));
    Safetensors.write(file, tensors, notes);
    assertTrue(unread(file, LAYOUT).contains("NaN"));
  }
}
