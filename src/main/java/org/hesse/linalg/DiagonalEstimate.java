package org.hesse.linalg;

import org.hesse.Tensor;

/**
 * An estimated diagonal, [n], on the operator's device and in its dtype.
 *
 * @param value the estimate of each aᵢᵢ
 * @param standardError the estimated standard deviation of each entry of {@code value}
 * @param error the estimated root mean square of ‖value − diagonal‖₂; as it sums up all entries, it
 *     is far more certain than the standard error of one
 * @param norm ‖value‖₂
 * @param matvecs products made with the operator and its adjoint
 * @param reached whether the relative error asked for was reached; true if none was
 */
public record DiagonalEstimate(
    Tensor value, Tensor standardError, double error, double norm, int matvecs, boolean reached) {}
