package org.hesse.io;

/** What the targets of a data set are. */
public enum Task {
  /** Class labels: whole numbers from 0. */
  CLASSIFICATION,
  /** Real numbers. */
  REGRESSION
}
