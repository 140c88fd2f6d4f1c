package org.hesse;

import java.util.ArrayList;
import java.util.List;
import org.hesse.backend.Backend;
import org.hesse.backend.Buffer;
import org.hesse.backend.cpu.CpuBackend;
import org.hesse.ir.Node;
import org.hesse.plan.Evaluator;

/** The library's version and the device that it runs on. */
public final class Hesse {
  private Hesse() {}

  /** The device on which tensors are made and programs run. */
  public static Device device() {
    return backend().device();
  }

  /** The library's version, as its jar states it; "development" outside a jar. */
  public static String version() {
    String v = Hesse.class.getPackage().getImplementationVersion();
    return v == null ? "development" : v;
  }

  static Backend backend() {
    return CpuBackend.instance();
  }

  /** Runs the program that computes the nodes, as one plan. */
  static List<Tensor> evaluate(List<Node> nodes) {
    Buffer[] values = Evaluator.evaluate(backend(), nodes);
    List<Tensor> tensors = new ArrayList<>();
    for (int i = 0; i < values.length; i++) {
      tensors.add(Tensor.of(values[i], nodes.get(i).shape()));
    }
    return tensors;
  }
}
