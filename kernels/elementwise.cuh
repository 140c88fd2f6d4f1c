// Elementwise functions with the results that the CPU's have: UnaryKind, BinaryKind and Op.Cast say which. For
// operands that are not finite, zeros with a sign and subnormal numbers they are the same, else to rounding.
#pragma once
#include "hesse.cuh"

#define HESSE_NAN (__int_as_float(0x7fc00000))

// Functions that the compiler has for both types of reals.
#define HESSE_FUNCTION(name)                                                    \
  __device__ inline float hesse_##name(float x) { return name##f(x); }          \
  __device__ inline double hesse_##name(double x) { return name(x); }

HESSE_FUNCTION(exp)
HESSE_FUNCTION(expm1)
HESSE_FUNCTION(log)
HESSE_FUNCTION(log1p)
HESSE_FUNCTION(sqrt)
HESSE_FUNCTION(sin)
HESSE_FUNCTION(cos)
HESSE_FUNCTION(tanh)
HESSE_FUNCTION(erf)
HESSE_FUNCTION(erfc)
HESSE_FUNCTION(floor)
HESSE_FUNCTION(fabs)

// Integers wrap around.
__device__ inline int hesse_wrap(unsigned x) { return (int)x; }

template <class T>
__device__ inline T hesse_neg(T x) {
  return -x;
}
template <>
__device__ inline int hesse_neg(int x) {
  return hesse_wrap(0u - (unsigned)x);
}

template <class T>
__device__ inline T hesse_abs(T x) {
  return hesse_fabs(x);
}
template <>
__device__ inline int hesse_abs(int x) {
  return x < 0 ? hesse_neg(x) : x;
}

// A zero keeps its sign, and NaN is NaN.
template <class T>
__device__ inline T hesse_sign(T x) {
  return x > 0 ? (T)1 : x < 0 ? (T)-1 : x;
}

template <class T>
__device__ inline T hesse_rsqrt(T x) {
  return (T)1 / hesse_sqrt(x);
}

// From e^−|x|, which cannot overflow and keeps its accuracy on both sides.
template <class T>
__device__ inline T hesse_sigmoid(T x) {
  T e = hesse_exp(-hesse_fabs(x));
  return (x < 0 ? e : (T)1) / ((T)1 + e);
}

template <class T>
__device__ inline T hesse_softplus(T x) {
  return hesse_log1p(hesse_exp(-hesse_fabs(x))) + (x < 0 ? (T)0 : x);
}

// Where a normal distribution's tail times any number is 0, and what √½ is rounded by.
__device__ inline float hesse_tail_end(float) { return 15.0f; }
__device__ inline double hesse_tail_end(double) { return 39.75; }
__device__ inline float hesse_root_half_rest(float) { return 1.21016173e-8f; }
__device__ inline double hesse_root_half_rest(double) { return -4.8336466567264567e-17; }

// e^(−a²/2), of the whole square.
template <class T>
__device__ inline T hesse_bell(T a) {
  T square = a * a;
  T lost = hesse_fma(a, a, -square);
  T e = hesse_exp((T)-0.5 * square);
  return hesse_fma(e, (T)-0.5 * lost, e);
}

// Φ(−a) = erfc(a/√2)/2 for a ≥ 0, put right by what rounding takes from a/√2.
template <class T>
__device__ inline T hesse_normal_tail(T a) {
  const T root = (T)0.70710678118654752440;
  T t = a * root;
  T lost = hesse_fma(a, hesse_root_half_rest(a), hesse_fma(a, root, -t));
  // The derivative of erfc(t)/2 is −e^(−t²)/√π.
  return (T)0.5 * hesse_erfc(t) - (T)0.56418958354775628695 * hesse_bell(a) * lost;
}

// x Φ(x) = max(x, 0) − a Φ(−a) with a = |x|.
template <class T>
__device__ inline T hesse_gelu(T x) {
  T b = hesse_fabs(x);
  T a = b > hesse_tail_end(x) ? hesse_tail_end(x) : b;
  return (x < 0 ? (T)-0.0 : x) - a * hesse_normal_tail(a);
}

// Φ(x) + x φ(x): for x < 0 it is Φ(−a) − a φ(a), else 1 less that.
template <class T>
__device__ inline T hesse_gelu_slope(T x) {
  T b = hesse_fabs(x);
  T a = b > hesse_tail_end(x) ? hesse_tail_end(x) : b;
  T h = -(a * (T)0.39894228040143267794 * hesse_bell(a) - hesse_normal_tail(a));
  return x > 0 ? (T)1 - h : h;
}

template <class T>
__device__ inline T hesse_add(T x, T y) {
  return x + y;
}
template <>
__device__ inline int hesse_add(int x, int y) {
  return hesse_wrap((unsigned)x + (unsigned)y);
}

template <class T>
__device__ inline T hesse_sub(T x, T y) {
  return x - y;
}
template <>
__device__ inline int hesse_sub(int x, int y) {
  return hesse_wrap((unsigned)x - (unsigned)y);
}

template <class T>
__device__ inline T hesse_mul(T x, T y) {
  return x * y;
}
template <>
__device__ inline int hesse_mul(int x, int y) {
  return hesse_wrap((unsigned)x * (unsigned)y);
}

// Integers are divided toward zero, and by zero give 0.
template <class T>
__device__ inline T hesse_div(T x, T y) {
  return x / y;
}
template <>
__device__ inline int hesse_div(int x, int y) {
  return y == 0 ? 0 : y == -1 ? hesse_neg(x) : x / y;
}

// NaN if either is; 0 is larger than −0.
template <class T>
__device__ inline T hesse_max(T x, T y) {
  if (x != x || y != y) {
    return x + y;
  }
  return x == 0 && y == 0 ? x + y : x > y ? x : y;
}
template <>
__device__ inline int hesse_max(int x, int y) {
  return x > y ? x : y;
}

template <class T>
__device__ inline T hesse_min(T x, T y) {
  if (x != x || y != y) {
    return x + y;
  }
  return x == 0 && y == 0 ? -(-x - y) : x < y ? x : y;
}
template <>
__device__ inline int hesse_min(int x, int y) {
  return x < y ? x : y;
}

__device__ inline float hesse_power(float x, float y) { return powf(x, y); }
__device__ inline double hesse_power(double x, double y) { return pow(x, y); }

// As Java has it: 1 to the power of what is not finite is NaN, unlike in C.
template <class T>
__device__ inline T hesse_pow(T x, T y) {
  if (y == 0) {
    return (T)1;
  }
  bool one = hesse_fabs(x) == 1;
  return y != y || one && y - y != 0 ? y - y : hesse_power(x, y);
}

__device__ inline int hesse_shr(int x, int y) { return (int)((unsigned)x >> (y & 31)); }

// Conversions; reals to integers truncate toward zero and saturate, and NaN is 0.
template <class R, class T>
struct HesseCast {
  static __device__ inline R of(T x) { return (R)x; }
};
template <class T>
struct HesseCast<bool, T> {
  static __device__ inline bool of(T x) { return x != 0; }
};
template <class T>
__device__ inline int hesse_truncate(T x) {
  return x != x ? 0 : x >= (T)2147483648.0 ? 2147483647 : x <= (T)-2147483648.0 ? -2147483647 - 1 : (int)x;
}
template <>
struct HesseCast<int, float> {
  static __device__ inline int of(float x) { return hesse_truncate(x); }
};
template <>
struct HesseCast<int, double> {
  static __device__ inline int of(double x) { return hesse_truncate(x); }
};

// Memory holds truth values in a byte each, registers in a bool.
template <class T>
struct HesseStored {
  typedef T type;
};
template <>
struct HesseStored<bool> {
  typedef unsigned char type;
};

// Four neighbours, at an address that is a multiple of their size.
template <class T>
struct __align__(4 * sizeof(T)) HesseFour {
  T v[4];
};
template <>
struct __align__(16) HesseFour<double> {
  double v[4];
};

template <class T>
__device__ inline T hesse_load(const typename HesseStored<T>::type* p) {
  return (T)*p;
}
template <>
__device__ inline bool hesse_load<bool>(const unsigned char* p) {
  return *p != 0;
}

template <class T>
__device__ inline void hesse_load4(const typename HesseStored<T>::type* p, T (&to)[4]) {
  HesseFour<typename HesseStored<T>::type> four = *(const HesseFour<typename HesseStored<T>::type>*)p;
#pragma unroll
  for (int u = 0; u < 4; u++) {
    to[u] = hesse_load<T>(four.v + u);
  }
}

template <class T>
__device__ inline void hesse_store4(typename HesseStored<T>::type* p, const T (&from)[4]) {
  HesseFour<typename HesseStored<T>::type> four;
#pragma unroll
  for (int u = 0; u < 4; u++) {
    four.v[u] = from[u];
  }
  *(HesseFour<typename HesseStored<T>::type>*)p = four;
}

// The same of the first few only.
template <class T>
__device__ inline void hesse_load4(const typename HesseStored<T>::type* p, T (&to)[4], int left) {
  if (left == 4) {
    hesse_load4<T>(p, to);
    return;
  }
#pragma unroll
  for (int u = 0; u < 4; u++) {
    to[u] = u < left ? hesse_load<T>(p + u) : (T)1;
  }
}

template <class T>
__device__ inline void hesse_store4(typename HesseStored<T>::type* p, const T (&from)[4], int left) {
  if (left == 4) {
    hesse_store4<T>(p, from);
    return;
  }
#pragma unroll
  for (int u = 0; u < 4; u++) {
    if (u < left) {
      p[u] = from[u];
    }
  }
}

// Numbers to divide by an extent quickly: n / extent = (⌊n·factor / 2³²⌋ + n) >> shift for 0 ≤ n < 2³¹.
struct HesseExtent {
  int extent;
  unsigned factor;
  int shift;
};

__device__ inline unsigned hesse_quotient(unsigned n, const HesseExtent& by) {
  return (unsigned)((((unsigned long long)n * by.factor) >> 32) + n) >> by.shift;
}
// Quotients of numbers that need 64 bits, for domains of 2³¹ elements and more.
__device__ inline unsigned long long hesse_quotient(unsigned long long n, const HesseExtent& by) {
  return n / (unsigned long long)by.extent;
}
