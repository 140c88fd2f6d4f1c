package org.hesse.examples;

import org.hesse.DType;
import org.hesse.Device;
import org.hesse.Hesse;
import org.hesse.Scope;
import org.hesse.Tensor;

/** Tensors on a GPU, if there is one. */
public final class DeviceExample {
  private DeviceExample() {}

  /** Prints a sum of squares and the device that it was computed on. */
  public static void main(String[] args) {
    Device gpu = Hesse.devices().getLast().device(); // the CPU where there is no GPU
    Tensor x = Tensor.of(new double[] {1, 2, 3}).to(gpu);
    Tensor sum;
    try (Scope scope = Scope.open()) { // closes what is made in it,
      sum = scope.keep(x.square().sum()); // but for what it is told to keep
    }
    System.out.println(sum.item() + " on " + sum.device()); // where the operands are
    Hesse.on(gpu, () -> System.out.println(Tensor.ones(DType.F32, 2).device()));
    Hesse.setDevice(gpu); // where tensors are made from now on
    Hesse.setDevice(Device.CPU);
  }
}
