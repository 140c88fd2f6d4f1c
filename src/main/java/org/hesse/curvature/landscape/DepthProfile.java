package org.hesse.curvature.landscape;

import static org.hesse.Autodiff.grad;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.hesse.DType;
import org.hesse.Hesse;
import org.hesse.Tensor;
import org.hesse.Tree;
import org.hesse.nn.Layer;

/**
 * How signals and gradients pass through the layers of a network: whether they vanish or explode
 * with depth, and which layer does it.
 *
 * <pre>{@code
 * DepthProfile p = DepthProfile.of(mlp.layers(), x, y -> Loss.CROSS_ENTROPY.apply(y, labels));
 * for (DepthProfile.Stage s : p.stages()) {
 *   System.out.println(s);     // norms of activations and gradients, singular values
 * }
 * }</pre>
 *
 * <p>Norms are Frobenius norms over the whole batch. Singular values are those of each sample's
 * Jacobian, see {@link JacobianSpectrum}.
 *
 * @param stages one for each layer, in order of application
 */
public record DepthProfile(List<Stage> stages) {
  /** Copies the list. */
  public DepthProfile {
    stages = List.copyOf(stages);
  }

  /**
   * One layer.
   *
   * @param layer its number, from 0
   * @param activation ‖h‖, h being what the layer gives
   * @param gradient ‖∂loss/∂h‖
   * @param parameterGradient ‖∂loss/∂θ‖ for all of the layer's parameters, 0 if it has none
   * @param jacobian of the layer's output in its input, at each sample
   * @param product of the layer's output in the network's input, at each sample: the product of the
   *     Jacobians so far
   */
  public record Stage(
      int layer,
      double activation,
      double gradient,
      double parameterGradient,
      List<JacobianSpectrum> jacobian,
      List<JacobianSpectrum> product) {
    /** Copies the lists. */
    public Stage {
      jacobian = List.copyOf(jacobian);
      product = List.copyOf(product);
    }

    @Override
    public String toString() {
      return String.format(
          Locale.ROOT,
          "layer %d: |h| %.4g, |dL/dh| %.4g, |dL/dθ| %.4g, |J| up to %.4g, |J…J| up to %.4g",
          layer,
          activation,
          gradient,
          parameterGradient,
          largest(jacobian),
          largest(product));
    }

    private static double largest(List<JacobianSpectrum> spectra) {
      return spectra.stream().mapToDouble(s -> s.largest().value()).max().orElse(Double.NaN);
    }
  }

  /** The layers, and what is added to what each of them gives: nothing. */
  private record Perturbed(List<Layer> layers, List<Tensor> offsets) {
    Tensor apply(Tensor x) {
      Tensor h = x;
      for (int i = 0; i < layers.size(); i++) {
        h = layers.get(i).apply(h).add(offsets.get(i));
      }
      return h;
    }
  }

  /**
   * Measures layers at some samples.
   *
   * @param layers in order of application, trees of their parameters
   * @param x samples, [batch, …], F32 or F64
   * @param loss of the last layer's output, a scalar
   * @throws IllegalArgumentException if there is no layer
   */
  public static DepthProfile of(
      List<? extends Layer> layers, Tensor x, Function<Tensor, Tensor> loss) {
    if (layers.isEmpty()) {
      throw new IllegalArgumentException("layers: none given; expected 1 or more");
    }
    return Hesse.on(x.device(), () -> measured(List.copyOf(layers), x, loss));
  }

  private static DepthProfile measured(
      List<Layer> layers, Tensor x, Function<Tensor, Tensor> loss) {
    List<Tensor> activations = new ArrayList<>();
    Tensor h = x;
    for (Layer layer : layers) {
      h = layer.apply(h);
      activations.add(h);
    }
    Perturbed at =
        new Perturbed(
            layers,
            activations.stream().map(a -> Tensor.zeros(a.dtype(), a.shape().dims())).toList());
    Perturbed gradient = grad((Perturbed p) -> loss.apply(p.apply(x))).apply(at);
    List<Stage> stages = new ArrayList<>();
    for (int i = 0; i < layers.size(); i++) {
      Layer layer = layers.get(i);
      List<Layer> first = layers.subList(0, i + 1);
      stages.add(
          new Stage(
              i,
              norm(List.of(activations.get(i))),
              norm(List.of(gradient.offsets.get(i))),
              norm(Tree.leavesOf(gradient.layers.get(i))),
              JacobianSpectrum.of(layer, i == 0 ? x : activations.get(i - 1)).run(),
              JacobianSpectrum.of(v -> through(first, v), x).run()));
    }
    return new DepthProfile(stages);
  }

  private static Tensor through(List<Layer> layers, Tensor x) {
    Tensor h = x;
    for (Layer layer : layers) {
      h = layer.apply(h);
    }
    return h;
  }

  private static double norm(List<Tensor> tensors) {
    double sum = 0;
    for (Tensor t : tensors) {
      sum += t.cast(DType.F64).square().sum().item();
    }
    return Math.sqrt(sum);
  }

  /** One line for each layer. */
  @Override
  public String toString() {
    return stages.stream().map(Stage::toString).collect(Collectors.joining("\n"));
  }
}
