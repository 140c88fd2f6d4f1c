// twin: F64
package org.hesse.backend.cpu;

import java.lang.invoke.MethodHandles;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Vector loop of up to four operations, each on the result of the one before, which stays in a
 * register. Operand 0 is what the first one works on, operand i the other one of operation i. What
 * is large lies in memory, hence the length of vectors, see {@link LanesF32#STREAM}; in the first
 * cache it makes no difference.
 */
final class ChainF32 implements Kernel {
  private static final Link[] LINKS = Specialized.constant(MethodHandles.lookup(), Link[].class);
  private static final Link L1 = link(1);
  private static final Link L2 = link(2);
  private static final Link L3 = link(3);
  private static final Link L4 = link(4);
  private static final VectorSpecies<Float> SPECIES = LanesF32.STREAM;
  private static final int LANES = SPECIES.length();

  ChainF32() {}

  private static Link link(int i) {
    return i <= LINKS.length ? LINKS[i - 1] : Link.NONE;
  }

  @Override
  public void run(Frame frame, int[] arguments, int result, int n) {
    float[] x = (float[]) frame.values[arguments[0]];
    float[] y1 = array(frame, arguments, 1, L1);
    float[] y2 = array(frame, arguments, 2, L2);
    float[] y3 = array(frame, arguments, 3, L3);
    float[] y4 = array(frame, arguments, 4, L4);
    float[] z = (float[]) frame.values[result];
    int xo = frame.offsets[arguments[0]];
    int o1 = offset(frame, arguments, 1, L1);
    int o2 = offset(frame, arguments, 2, L2);
    int o3 = offset(frame, arguments, 3, L3);
    int o4 = offset(frame, arguments, 4, L4);
    int zo = frame.offsets[result];
    int full = SPECIES.loopBound(n);
    // The rest first: the result may take the place of a number, which comes at its beginning.
    if (full < n) {
      float[] rest = frame.restF32;
      int left = n - full;
      System.arraycopy(x, xo + full, rest, 0, left);
      copy(L1, y1, o1, full, rest, LANES, left);
      copy(L2, y2, o2, full, rest, 2 * LANES, left);
      copy(L3, y3, o3, full, rest, 3 * LANES, left);
      copy(L4, y4, o4, full, rest, 4 * LANES, left);
      int l = LANES;
      wholeVectors(rest, 0, rest, l, rest, 2 * l, rest, 3 * l, rest, 4 * l, rest, 0, l);
      System.arraycopy(rest, 0, z, zo + full, left);
    }
    wholeVectors(x, xo, y1, o1, y2, o2, y3, o3, y4, o4, z, zo, full);
  }

  private static void copy(
      Link link, float[] from, int at, int full, float[] to, int toAt, int count) {
    if (link.other() == Link.Other.EACH) {
      System.arraycopy(from, at + full, to, toAt, count);
    } else {
      to[toAt] = from[at];
    }
  }

  // What is left is a call of its own, in which no vector passes: a loop beside this one would run
  // too rarely for the JIT compiler to inline the operations.
  private static void wholeVectors(
      float[] x,
      int xo,
      float[] y1,
      int o1,
      float[] y2,
      int o2,
      float[] y3,
      int o3,
      float[] y4,
      int o4,
      float[] z,
      int zo,
      int n) {
    FloatVector n1 = number(y1, o1, L1);
    FloatVector n2 = number(y2, o2, L2);
    FloatVector n3 = number(y3, o3, L3);
    FloatVector n4 = number(y4, o4, L4);
    for (int i = 0; i < n; i += LANES) {
      FloatVector v = load(x, xo + i);
      v = apply(L1, v, L1.other() == Link.Other.EACH ? load(y1, o1 + i) : n1);
      v = apply(L2, v, L2.other() == Link.Other.EACH ? load(y2, o2 + i) : n2);
      v = apply(L3, v, L3.other() == Link.Other.EACH ? load(y3, o3 + i) : n3);
      v = apply(L4, v, L4.other() == Link.Other.EACH ? load(y4, o4 + i) : n4);
      v.intoArray(z, zo + i);
    }
  }

  private static float[] array(Frame frame, int[] arguments, int i, Link link) {
    return (float[]) frame.values[arguments[link.other() == Link.Other.SELF ? 0 : i]];
  }

  private static int offset(Frame frame, int[] arguments, int i, Link link) {
    return frame.offsets[arguments[link.other() == Link.Other.SELF ? 0 : i]];
  }

  private static FloatVector number(float[] y, int offset, Link link) {
    return link.other() == Link.Other.NUMBER
        ? FloatVector.broadcast(SPECIES, y[offset])
        : FloatVector.zero(SPECIES);
  }

  private static FloatVector load(float[] y, int at) {
    return FloatVector.fromArray(SPECIES, y, at);
  }

  private static FloatVector apply(Link link, FloatVector v, FloatVector given) {
    FloatVector y = link.other() == Link.Other.SELF ? v : given;
    Link.Kind kind = link.kind();
    return kind == Link.Kind.ADD
        ? v.add(y)
        : kind == Link.Kind.SUB
            ? v.sub(y)
            : kind == Link.Kind.FROM
                ? y.sub(v)
                : kind == Link.Kind.MUL
                    ? v.mul(y)
                    : kind == Link.Kind.DIV
                        ? v.div(y)
                        : kind == Link.Kind.INTO
                            ? y.div(v)
                            : kind == Link.Kind.MAX
                                ? v.max(y)
                                : kind == Link.Kind.MIN ? v.min(y) : alone(kind, v);
  }

  private static FloatVector alone(Link.Kind kind, FloatVector v) {
    return kind == Link.Kind.NEG
        ? v.neg()
        : kind == Link.Kind.ABS
            ? v.abs()
            : kind == Link.Kind.SQRT
                ? v.sqrt()
                : kind == Link.Kind.RSQRT ? FloatVector.broadcast(SPECIES, 1).div(v.sqrt()) : v;
  }
}
