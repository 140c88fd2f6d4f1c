package org.hesse.optim;

/**
 * How a model does after an epoch of {@link Training}. Losses are means over all samples.
 *
 * @param number counted from 1
 * @param train on the samples trained on
 * @param test on the samples held out
 * @param seconds that the epoch took, evaluation included
 * @param steps of the optimiser so far
 */
public record Epoch(int number, Evaluation train, Evaluation test, double seconds, long steps) {}
