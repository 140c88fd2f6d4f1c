/**
 * What a loss looks like around a point, and how a network's layers pass signals on: critical
 * points, sharpness along a training run, slices of the loss, singular values over depth.
 */
@NullMarked
package org.hesse.curvature.landscape;

import org.jspecify.annotations.NullMarked;
