package org.hesse.curvature;

import java.util.ArrayList;
import java.util.List;
import org.hesse.Autodiff;
import org.hesse.Hesse;
import org.hesse.Shape;
import org.hesse.Tensor;
import org.hesse.Tree;
import org.hesse.io.Dataset;
import org.hesse.ir.Node;
import org.hesse.ir.Program;

/**
 * An objective's network as the program of one example, with values that are added to the outputs
 * of its layers.
 */
final class TracedNetwork<M> {
  private final Tree<M> tree;
  private final List<Integer> leaves;
  private final NetworkLayers layers;
  private final List<NetworkLayers.Use> uses;
  private final Program perturbed;
  private final Program inputs;
  private final int terms;
  private final int rootColumns;

  private record Arguments<M>(M model, Tensor x) {}

  /**
   * Traces the network.
   *
   * @param batch for the shape of its examples
   * @throws IllegalArgumentException if a use of a parameter is not covered
   */
  TracedNetwork(Objective<M> f, Dataset batch, boolean root) {
    M model = f.model();
    this.tree = Tree.of(model);
    this.leaves = f.paths().stream().map(tree.paths()::indexOf).toList();
    Arguments<M> one = new Arguments<>(model, batch.x().slice(0, 0, 1));
    Program network =
        Rewrites.withoutCalls(Autodiff.program((Arguments<M> a) -> f.outputs(a.model, a.x), one));
    int given = tree.size() + 1;
    List<Node> parameters = leaves.stream().map(network.inputs()::get).toList();
    List<Node> data = network.inputs().subList(given - 1, given);
    this.layers = NetworkLayers.find(network, parameters, f.paths(), data);
    this.uses = layers.layers().stream().flatMap(l -> l.uses().stream()).toList();
    List<Node> products = uses.stream().map(u -> u.product().output()).toList();
    this.perturbed = Rewrites.perturbed(network, given, products);
    this.inputs =
        Rewrites.reading(network, given, uses.stream().map(u -> u.product().input()).toList());
    this.terms = Math.toIntExact(f.lossFunction().terms(batch.y().slice(0, 0, 1)));
    this.rootColumns =
        root
            ? Autodiff.program(
                    (Arguments<M> a) -> f.likelihood().root(f.outputs(a.model, a.x)), one)
                .outputs()
                .getFirst()
                .shape()
                .dim(-1)
            : 0;
  }

  NetworkLayers layers() {
    return layers;
  }

  /** Uses of all layers in a row, in which order perturbations and inputs are. */
  List<NetworkLayers.Use> uses() {
    return uses;
  }

  /** Terms of the loss of one example. */
  int terms() {
    return terms;
  }

  /** How many columns a root of the loss's Hessian in the outputs of a term has. */
  int rootColumns() {
    return rootColumns;
  }

  /** Numbers that one cotangent of the outputs becomes. */
  long signalSize() {
    return perturbations().stream().mapToLong(Shape::size).sum();
  }

  /** Shapes of the values that are added. */
  List<Shape> perturbations() {
    return uses.stream().map(u -> u.product().output().shape()).toList();
  }

  /**
   * The outputs of the network.
   *
   * @param parameters the objective's
   * @param x an example, [1, …]
   * @param added to the outputs of each use
   */
  Tensor outputs(M model, List<Tensor> parameters, Tensor x, List<Tensor> added) {
    List<Tensor> arguments = new ArrayList<>(tree.leaves(model));
    for (int i = 0; i < parameters.size(); i++) {
      arguments.set(leaves.get(i), parameters.get(i));
    }
    arguments.add(x);
    arguments.addAll(added);
    return Hesse.run(perturbed, arguments).getFirst();
  }

  /** What each use multiplies the weight with. */
  List<Tensor> inputs(M model, Tensor x) {
    List<Tensor> arguments = new ArrayList<>(tree.leaves(model));
    arguments.add(x);
    return Hesse.run(inputs, arguments);
  }
}
