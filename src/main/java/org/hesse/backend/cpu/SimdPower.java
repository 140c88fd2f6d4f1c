package org.hesse.backend.cpu;

import org.hesse.backend.cpu.VectorPass.Stage;

/**
 * The power of floats as e^(y·log x) in double, where the error of the logarithm times its size
 * stays far below half a unit in a float's last place. For doubles that would not do.
 */
final class SimdPower implements Kernel {
  private final VectorPass log = SimdFunction.pass(Stage.LOG, false);
  private final VectorPass exp = SimdFunction.pass(Stage.EXP_OF_S, false);

  @Override
  public void run(Frame frame, int[] arguments, int result, int n) {
    double[] x = frame.argument;
    double[] y = frame.exponent;
    double[] s = frame.outcome;
    SimdFunction.load(frame, arguments[0], x, n);
    SimdFunction.load(frame, arguments[1], y, n);
    log.run(x, s, n);
    for (int i = 0; i < n; i++) {
      s[i] *= y[i];
    }
    exp.run(x, s, n);
    for (int i = 0; i < n; i++) {
      boolean plain = x[i] > 0 && x[i] <= Float.MAX_VALUE && Math.abs(y[i]) <= Float.MAX_VALUE;
      if (!plain) {
        s[i] = StrictMath.pow(x[i], y[i]);
      }
    }
    SimdFunction.store(s, frame, result, n);
  }
}
