package org.hesse.examples;

import static org.hesse.Autodiff.compile;
import static org.hesse.Autodiff.grad;
import static org.hesse.Autodiff.valueAndGrad;
import static org.hesse.ControlFlow.forLoop;

import java.util.function.BiFunction;
import java.util.function.Function;
import org.hesse.DType;
import org.hesse.Tensor;

/** Derivatives of a simulation of 10,000 steps. */
public final class LoopExample {
  private LoopExample() {}

  /** A mass on a spring, with friction. */
  public record Spring(Tensor stiffness, Tensor friction) {}

  /** Where the mass is, and how fast it moves. */
  public record Motion(Tensor place, Tensor speed) {}

  /** Prints where the mass is after 10 seconds, and how that depends on the spring. */
  public static void main(String[] args) {
    Spring spring = new Spring(Tensor.scalar(4, DType.F64), Tensor.scalar(0.1, DType.F64));
    Motion start = new Motion(Tensor.scalar(1, DType.F64), Tensor.scalar(0, DType.F64));
    double dt = 1e-3;

    BiFunction<Spring, Motion, Motion> step =
        (s, m) -> {
          Tensor force = m.place().mul(s.stiffness()).add(m.speed().mul(s.friction())).neg();
          Tensor speed = m.speed().add(force.mul(dt));
          return new Motion(m.place().add(speed.mul(dt)), speed);
        };
    Function<Spring, Tensor> place =
        s -> forLoop(10_000, (Motion m, Tensor i) -> step.apply(s, m), start).place();
    System.out.println(compile(valueAndGrad(place)).apply(spring));
    System.out.println(grad((Spring s) -> grad(place).apply(s).stiffness()).apply(spring));
  }
}
