package org.hesse.testing;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.hesse.ir.Node;
import org.hesse.ir.Op;
import org.hesse.ir.Program;

/** Primitives that run programs, by the {@link ReferenceInterpreter}, straight from {@link Op}. */
record ReferenceLoops(boolean unsignedZeros) {

  /** All results, one after the other. */
  double[] run(Op.Nested op, double[][] in) {
    double[][] results =
        switch (op) {
          case Op.Call call -> run(call.body(), in);
          case Op.Solve solve -> new double[][] {in[1]};
          case Op.While(Program condition, Program body) -> {
            double[][] now = in.clone();
            while (run(condition, now)[0][0] != 0) {
              double[][] next = run(body, now);
              System.arraycopy(next, 0, now, 0, next.length);
            }
            yield Arrays.copyOf(now, op.results());
          }
          case Op.Scan scan -> scan(scan, in);
        };
    return Arrays.stream(results).flatMapToDouble(Arrays::stream).toArray();
  }

  /** One of the results. */
  static double[] result(Op.Nested op, double[] all, int index) {
    int start = 0;
    for (int i = 0; i < index; i++) {
      start += (int) op.shape(i).size();
    }
    return Arrays.copyOfRange(all, start, start + (int) op.shape(index).size());
  }

  private double[][] run(Program program, double[][] inputs) {
    Map<Node, double[]> given = new HashMap<>();
    for (int i = 0; i < inputs.length; i++) {
      given.put(program.inputs().get(i), inputs[i].clone());
    }
    Map<Node, double[]> values = ReferenceInterpreter.values(program, unsignedZeros, given);
    return program.outputs().stream().map(n -> values.get(n).clone()).toArray(double[][]::new);
  }

  private double[][] scan(Op.Scan op, double[][] in) {
    double[][] results = new double[op.results()][];
    for (int r = 0; r < results.length; r++) {
      results[r] = new double[(int) op.shape(r).size()];
    }
    double[][] now = in.clone();
    for (int i = 0; i < op.length(); i++) {
      int t = op.reverse() ? op.length() - 1 - i : i;
      for (int s = op.states(); s < op.states() + op.slices(); s++) {
        int size = in[s].length / op.length();
        now[s] = Arrays.copyOfRange(in[s], t * size, (t + 1) * size);
      }
      for (int s = 0; s < op.states(); s++) {
        System.arraycopy(now[s], 0, results[op.history(s)], t * now[s].length, now[s].length);
      }
      double[][] out = run(op.body(), now);
      for (int o = op.states(); o < out.length; o++) {
        System.arraycopy(out[o], 0, results[o], t * out[o].length, out[o].length);
      }
      System.arraycopy(out, 0, now, 0, op.states());
    }
    System.arraycopy(now, 0, results, 0, op.states());
    return results;
  }
}
