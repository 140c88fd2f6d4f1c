/**
 * Matrix-free linear algebra: operators known only through their products with vectors, and what
 * can be measured of them that way.
 *
 * <ul>
 *   <li>{@link org.hesse.linalg.LinearMap}, {@link org.hesse.linalg.LinearOperator}: the products,
 *       and what sums, chains and blocks are made of
 *   <li>{@link org.hesse.linalg.Lanczos}: eigenvalues at either end or both, one by one or in
 *       blocks, each with a residual bound; {@link org.hesse.linalg.PowerIteration} with less
 *       memory
 *   <li>{@link org.hesse.linalg.SpectralDensity}, {@link
 *       org.hesse.linalg.StochasticLanczosQuadrature}: the whole spectrum as a density with a band
 *   <li>{@link org.hesse.linalg.Quadrature}: log-determinants and other sums over the spectrum,
 *       counts of eigenvalues; {@link org.hesse.linalg.SpectralNorms}: what its ends tell
 *   <li>{@link org.hesse.linalg.TraceEstimator}, {@link org.hesse.linalg.DiagonalEstimator}: trace,
 *       Frobenius norm and diagonal with standard errors
 *   <li>{@link org.hesse.linalg.ConjugateGradients}, {@link org.hesse.linalg.Lsmr}, {@link
 *       org.hesse.linalg.NeumannSeries}: linear systems and least squares, with their residuals
 *   <li>{@link org.hesse.linalg.Tridiagonal}: the small eigenproblem beneath them
 * </ul>
 *
 * <p>An operator may be of any scale: where squares of its products could over- or underflow they
 * are made over a power of two, and what is found is multiplied by it again.
 *
 * <p>Everything random is drawn from a seed; the same seed on the same device gives the same bits.
 */
@NullMarked
package org.hesse.linalg;

import org.jspecify.annotations.NullMarked;
