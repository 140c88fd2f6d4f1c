package org.hesse.linalg;

import java.util.concurrent.atomic.AtomicLong;
import org.hesse.DType;
import org.hesse.Device;
import org.hesse.Tensor;

/** Counts the products made with an operator; a block of k vectors counts as k. */
public final class CountingOperator implements LinearOperator {
  private final LinearOperator operator;
  private final AtomicLong matvecs;

  CountingOperator(LinearOperator operator) {
    this(operator, new AtomicLong());
  }

  private CountingOperator(LinearOperator operator, AtomicLong matvecs) {
    this.operator = operator;
    this.matvecs = matvecs;
  }

  /** Products made so far through this operator and its adjoint. */
  public long matvecs() {
    return matvecs.get();
  }

  @Override
  public int size() {
    return operator.size();
  }

  @Override
  public DType dtype() {
    return operator.dtype();
  }

  @Override
  public Device device() {
    return operator.device();
  }

  @Override
  public boolean symmetric() {
    return operator.symmetric();
  }

  @Override
  public Tensor apply(Tensor v) {
    matvecs.incrementAndGet();
    return operator.apply(v);
  }

  @Override
  public Tensor applyAll(Tensor vs) {
    Operators.requireBlock(this, vs);
    matvecs.addAndGet(vs.dim(0));
    return operator.applyAll(vs);
  }

  @Override
  public LinearOperator adjoint() {
    return symmetric() ? this : new CountingOperator(operator.adjoint(), matvecs);
  }

  @Override
  public String toString() {
    return operator.toString();
  }
}
