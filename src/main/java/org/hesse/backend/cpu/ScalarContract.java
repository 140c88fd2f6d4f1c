package org.hesse.backend.cpu;

/** Products over any axes in plain loops, for a machine without the Vector API. */
final class ScalarContract implements Prepared {
  private final Contraction c;

  ScalarContract(Contraction c) {
    this.c = c;
  }

  @Override
  public void run(Memory memory) {
    int[] n = c.counts();
    Workers.run(n[0] * n[1], task -> row(memory, task / n[1], task % n[1]));
  }

  /** One row of one matrix of the batch. */
  private void row(Memory memory, int batch, int i) {
    int lhs = c.lhs().batch(batch) + c.lhs().at()[1][i];
    int rhs = c.rhs().batch(batch);
    int out = c.out().batch(batch) + c.out().at()[1][i];
    int[] columns = c.rhs().at()[2];
    for (int j = 0; j < columns.length; j++) {
      double sum = sum(c.lhs().array(memory), lhs, c.rhs().array(memory), rhs + columns[j]);
      switch (c.out().array(memory)) {
        case float[] to -> to[out + c.out().at()[2][j]] = (float) sum;
        case double[] to -> to[out + c.out().at()[2][j]] = sum;
        default -> throw new IllegalArgumentException("a product of " + c.out().slot().dtype());
      }
    }
  }

  private double sum(Object lhs, int l, Object rhs, int r) {
    int[] left = c.lhs().at()[3];
    int[] right = c.rhs().at()[3];
    double sum = 0;
    if (lhs instanceof float[] a && rhs instanceof float[] b) {
      for (int p = 0; p < left.length; p++) {
        sum += (double) a[l + left[p]] * b[r + right[p]];
      }
    } else if (lhs instanceof double[] a && rhs instanceof double[] b) {
      for (int p = 0; p < left.length; p++) {
        sum += a[l + left[p]] * b[r + right[p]];
      }
    }
    return sum;
  }
}
