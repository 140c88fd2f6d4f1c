// twin: F64
package org.hesse.backend.cpu;

/** The two loops over a row in the derivative of a norm, see {@link NormPassF32}. */
interface NormLoopF32 {
  /** Leaves Σ (x − c) t and Σ t, or the same with t s in place of t. */
  void sums(
      float[] x, int xAt, float c, float[] t, int tAt, float[] s, int sAt, int n, double[] sums);

  /** Stores (x − c) a + (t − d) b, or that with t s in place of t, or that times s. */
  void combine(
      float[] x,
      int xAt,
      float c,
      float a,
      float[] t,
      int tAt,
      float d,
      float b,
      float[] s,
      int sAt,
      int n,
      float[] y,
      int to);
}
