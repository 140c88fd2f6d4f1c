package org.hesse.linalg;

/**
 * What the products of a trace estimation tell.
 *
 * @param trace tr A
 * @param frobeniusSquared ‖A‖_F² = tr AᵀA, from the squared norms of the same products
 * @param probes how many random vectors were used
 * @param reached whether the relative standard error asked for was reached; true if none was
 */
public record TraceEstimate(
    Estimate trace, Estimate frobeniusSquared, int probes, boolean reached) {}
