package org.hesse.linalg;

import org.hesse.Tensor;

/**
 * A = QᵀTQ on the Krylov subspace span{v, Av, …, Aᵐ⁻¹v}.
 *
 * @param basis Q, [m, n], orthonormal rows, the first of them v/‖v‖
 * @param tridiagonal T, m×m
 * @param coupling β, the norm of what AQᵀ leaves outside the subspace
 * @param invariant whether the subspace is invariant: β is 0 up to rounding, m is the degree of the
 *     start vector, and every Ritz value is an eigenvalue
 */
public record LanczosDecomposition(
    Tensor basis, Tridiagonal tridiagonal, double coupling, boolean invariant) {}
