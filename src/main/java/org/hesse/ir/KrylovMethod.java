package org.hesse.ir;

/**
 * How a linear system is solved by products: by conjugate gradients, on the normal equations AᵀA x
 * = Aᵀb where A is not known to be symmetric and positive definite.
 *
 * @param symmetric whether A is known to be symmetric and positive definite
 * @param tolerance on the residual's norm over that of the right-hand side, along the last axis;
 *     other axes are a batch
 * @param steps at most so many
 */
public record KrylovMethod(boolean symmetric, double tolerance, int steps) {}
