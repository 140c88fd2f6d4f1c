package org.hesse.cli;

import java.util.Arrays;
import java.util.stream.Collectors;
import org.hesse.curvature.Fisher;
import org.hesse.curvature.GaussNewton;
import org.hesse.curvature.Hessian;
import org.hesse.curvature.NeuralTangentKernel;
import org.hesse.curvature.Objective;
import org.hesse.linalg.LinearOperator;
import org.hesse.nn.Mlp;

/** The matrices that {@code spectrum} measures. */
enum Curvature {
  HESSIAN("hessian", "Hessian"),
  GAUSS_NEWTON("ggn", "Gauss–Newton matrix"),
  FISHER("fisher", "Fisher matrix"),
  EMPIRICAL_FISHER("empirical-fisher", "Empirical Fisher matrix"),
  NEURAL_TANGENT_KERNEL("ntk", "Neural tangent kernel");

  private final String option;
  private final String title;

  Curvature(String option, String title) {
    this.option = option;
    this.title = title;
  }

  /** The matrix of an objective. */
  LinearOperator of(Objective<Mlp> f) {
    return switch (this) {
      case HESSIAN -> Hessian.of(f);
      case GAUSS_NEWTON -> GaussNewton.of(f);
      case FISHER -> Fisher.exact(f);
      case EMPIRICAL_FISHER -> Fisher.empirical(f);
      case NEURAL_TANGENT_KERNEL -> NeuralTangentKernel.of(f);
    };
  }

  /** How many rows it has for a number of parameters, and of outputs over all samples. */
  long size(long parameters, long outputs) {
    return this == NEURAL_TANGENT_KERNEL ? outputs : parameters;
  }

  /** The name on the command line. */
  String option() {
    return option;
  }

  /** The matrix's name, at the beginning of a sentence. */
  String title() {
    return title;
  }

  /** The name of its products with vectors. */
  String product() {
    return this == HESSIAN ? "Hessian-vector product" : "matrix-vector product";
  }

  static String options() {
    return Arrays.stream(values()).map(Curvature::option).collect(Collectors.joining(", "));
  }

  /**
   * The matrix of a name.
   *
   * @throws Failure if there is none
   */
  static Curvature parse(String name) {
    return Arrays.stream(values())
        .filter(c -> c.option.equals(name))
        .findFirst()
        .orElseThrow(() ->
            Failure.badInput(
                "--operator: '" + name + "' is unknown; expected one of " + options()));
  }
}
