package org.hesse;

import org.hesse.ir.Node;
import org.hesse.ops.RandomWords;

/**
 * A key of the counter-based random number generator Threefry-2x32. A key gives the same numbers
 * whenever it is used, on every device; {@link #split} makes independent keys from it. It is a
 * tree, so it can be an argument of compiled functions.
 *
 * @param words the key, I32[2]
 */
public record RngKey(Tensor words) {
  /** Keeps what {@link #fold} draws from a key apart from what {@link #split} draws. */
  private static final int FOLD = 0x5851f42d;

  /** The key for a seed, on the current device. */
  public static RngKey of(long seed) {
    return new RngKey(Tensor.of(new int[] {(int) (seed >>> 32), (int) seed}));
  }

  /** Independent keys, which replace this one: do not use it afterwards. */
  public RngKey[] split(int count) {
    Tensor all = bits(count, 2);
    RngKey[] keys = new RngKey[count];
    for (int i = 0; i < count; i++) {
      keys[i] = new RngKey(all.select(0, i));
    }
    return keys;
  }

  /** A key that depends on this one and a number. */
  public RngKey fold(int number) {
    return fold(scalar(number));
  }

  /** A key that depends on this one and an I32 scalar, such as a step count. */
  public RngKey fold(Tensor number) {
    Tensor zero = scalar(0);
    Tensor apart = words.xor(Tensor.stack(0, zero, scalar(FOLD)));
    // Enciphered once before the number goes in: keys of seeds that differ by it would meet.
    Tensor mixed = new RngKey(apart).bits(2).xor(Tensor.stack(0, number, zero));
    return new RngKey(new RngKey(mixed).bits(2));
  }

  /** Where the key is. */
  private Tensor scalar(int number) {
    return Hesse.on(words.device(), () -> Tensor.scalar(number, DType.I32));
  }

  /** Random I32 words. */
  public Tensor bits(int... dims) {
    Node n = RandomWords.bits(words.node(), Shape.of(dims));
    return Tensor.finish(n);
  }

  /** Uniform numbers in [0, 1): multiples of 2⁻²⁴ for F32, of 2⁻⁵³ for F64. */
  public Tensor uniform(DType dtype, int... dims) {
    if (!dtype.isReal()) {
      throw new IllegalArgumentException("dtype: " + dtype + "; expected F32 or F64");
    }
    if (dtype == DType.F32) {
      return bits(dims).shiftRight(8).cast(DType.F32).mul(0x1p-24);
    }
    Shape shape = Shape.of(dims);
    Tensor two = bits(shape.insert(shape.rank(), 2).dims());
    Tensor high = two.select(-1, 0).shiftRight(5).cast(DType.F64).mul(0x1p26);
    return high.add(two.select(-1, 1).shiftRight(6).cast(DType.F64)).mul(0x1p-53);
  }

  /**
   * Independent standard normal numbers, by the transform of Box and Muller (1958) of two uniform
   * ones each; none exceeds 5.8 in F32, 8.6 in F64.
   */
  public Tensor normal(DType dtype, int... dims) {
    Tensor u = uniform(dtype, Shape.of(dims).insert(0, 2).dims());
    Tensor radius = u.select(0, 0).neg().log1p().mul(-2).sqrt();
    return radius.mul(u.select(0, 1).mul(2 * Math.PI).cos());
  }

  /** −1 or 1, each with probability one half. */
  public Tensor rademacher(DType dtype, int... dims) {
    return bits(dims).shiftRight(31).cast(dtype).mul(2).sub(1);
  }
}
