// The mathematical functions of CUDA C++ by CUDA's names, from the host's libm.
#pragma once

#define HESSE_UNARY(name)            \
  extern "C" double name(double);    \
  extern "C" float name##f(float);   \
  inline float name(float x) { return name##f(x); }
#define HESSE_BINARY(name)                    \
  extern "C" double name(double, double);     \
  extern "C" float name##f(float, float);     \
  inline float name(float x, float y) { return name##f(x, y); }
HESSE_UNARY(exp)
HESSE_UNARY(exp2)
HESSE_UNARY(exp10)
HESSE_UNARY(expm1)
HESSE_UNARY(log)
HESSE_UNARY(log2)
HESSE_UNARY(log10)
HESSE_UNARY(log1p)
HESSE_UNARY(logb)
HESSE_UNARY(sqrt)
HESSE_UNARY(cbrt)
HESSE_UNARY(sin)
HESSE_UNARY(cos)
HESSE_UNARY(tan)
HESSE_UNARY(asin)
HESSE_UNARY(acos)
HESSE_UNARY(atan)
HESSE_UNARY(sinh)
HESSE_UNARY(cosh)
HESSE_UNARY(tanh)
HESSE_UNARY(asinh)
HESSE_UNARY(acosh)
HESSE_UNARY(atanh)
HESSE_UNARY(erf)
HESSE_UNARY(erfc)
HESSE_UNARY(tgamma)
HESSE_UNARY(lgamma)
HESSE_UNARY(fabs)
HESSE_UNARY(floor)
HESSE_UNARY(ceil)
HESSE_UNARY(trunc)
HESSE_UNARY(round)
HESSE_UNARY(rint)
HESSE_UNARY(nearbyint)
HESSE_BINARY(pow)
HESSE_BINARY(fmod)
HESSE_BINARY(remainder)
HESSE_BINARY(atan2)
HESSE_BINARY(hypot)
HESSE_BINARY(fmin)
HESSE_BINARY(fmax)
HESSE_BINARY(fdim)
HESSE_BINARY(copysign)
HESSE_BINARY(nextafter)
#undef HESSE_UNARY
#undef HESSE_BINARY

extern "C" {
double fma(double, double, double);
float fmaf(float, float, float);
double ldexp(double, int);
float ldexpf(float, int);
double scalbn(double, int);
float scalbnf(float, int);
int ilogb(double);
int ilogbf(float);
long lrint(double);
long lrintf(float);
long long llrint(double);
long long llrintf(float);
long lround(double);
long lroundf(float);
long long llround(double);
long long llroundf(float);
int abs(int);
long labs(long);
long long llabs(long long);
}
inline float fma(float x, float y, float z) { return fmaf(x, y, z); }
inline float ldexp(float x, int n) { return ldexpf(x, n); }
inline float scalbn(float x, int n) { return scalbnf(x, n); }
inline float abs(float x) { return __builtin_fabsf(x); }
inline double abs(double x) { return __builtin_fabs(x); }
inline long abs(long x) { return labs(x); }
inline long long abs(long long x) { return llabs(x); }

inline double rsqrt(double x) { return 1 / __builtin_sqrt(x); }
inline float rsqrtf(float x) { return (float)(1 / __builtin_sqrt((double)x)); }
inline double rcbrt(double x) { return 1 / cbrt(x); }
inline float rcbrtf(float x) { return (float)(1 / cbrt((double)x)); }
inline double erfcx(double x) { return exp(x * x) * erfc(x); }
inline float erfcxf(float x) { return (float)erfcx((double)x); }
inline double normcdf(double x) { return 0.5 * erfc(-x * 0.70710678118654752440); }
inline float normcdff(float x) { return (float)normcdf((double)x); }
constexpr double hesse_pi = 3.14159265358979323846;
inline double sinpi(double x) { return sin(hesse_pi * remainder(x, 2.0)); }
inline double cospi(double x) { return cos(hesse_pi * remainder(x, 2.0)); }
inline float sinpif(float x) { return (float)sinpi((double)x); }
inline float cospif(float x) { return (float)cospi((double)x); }

inline void sincos(double x, double* s, double* c) {
  *s = sin(x);
  *c = cos(x);
}
inline void sincosf(float x, float* s, float* c) {
  *s = sinf(x);
  *c = cosf(x);
}
inline void sincospi(double x, double* s, double* c) {
  *s = sinpi(x);
  *c = cospi(x);
}
inline void sincospif(float x, float* s, float* c) {
  *s = sinpif(x);
  *c = cospif(x);
}
inline double frexp(double x, int* e) {
  int exponent = 0;
  double m = __builtin_frexp(x, &exponent);
  *e = exponent;
  return m;
}
inline float frexpf(float x, int* e) {
  int exponent = 0;
  float m = __builtin_frexpf(x, &exponent);
  *e = exponent;
  return m;
}
inline double modf(double x, double* whole) {
  double w = __builtin_trunc(x);
  *whole = w;
  return __builtin_isinf(x) ? copysign(0.0, x) : copysign(x - w, x);
}
inline float modff(float x, float* whole) {
  float w = __builtin_truncf(x);
  *whole = w;
  return __builtin_isinf(x) ? copysignf(0.0f, x) : copysignf(x - w, x);
}

inline bool isnan(float x) { return __builtin_isnan(x); }
inline bool isnan(double x) { return __builtin_isnan(x); }
inline bool isinf(float x) { return __builtin_isinf(x); }
inline bool isinf(double x) { return __builtin_isinf(x); }
inline bool isfinite(float x) { return __builtin_isfinite(x); }
inline bool isfinite(double x) { return __builtin_isfinite(x); }
inline bool signbit(float x) { return __builtin_signbit(x); }
inline bool signbit(double x) { return __builtin_signbit(x); }

// As CUDA has them, with its rules for arguments of two types.
#define HESSE_EXTREME(type)                                      \
  inline type min(type a, type b) { return b < a ? b : a; }      \
  inline type max(type a, type b) { return a < b ? b : a; }
HESSE_EXTREME(int)
HESSE_EXTREME(unsigned)
HESSE_EXTREME(long)
HESSE_EXTREME(unsigned long)
HESSE_EXTREME(long long)
HESSE_EXTREME(unsigned long long)
#undef HESSE_EXTREME
inline unsigned min(int a, unsigned b) { return min((unsigned)a, b); }
inline unsigned min(unsigned a, int b) { return min(a, (unsigned)b); }
inline unsigned max(int a, unsigned b) { return max((unsigned)a, b); }
inline unsigned max(unsigned a, int b) { return max(a, (unsigned)b); }
inline float min(float a, float b) { return fminf(a, b); }
inline float max(float a, float b) { return fmaxf(a, b); }
inline double min(double a, double b) { return fmin(a, b); }
inline double max(double a, double b) { return fmax(a, b); }
inline double min(float a, double b) { return fmin((double)a, b); }
inline double max(float a, double b) { return fmax((double)a, b); }
inline double min(double a, float b) { return fmin(a, (double)b); }
inline double max(double a, float b) { return fmax(a, (double)b); }

// ---- rounding given in the name; other modes than to nearest are not simulated ----
inline float __fadd_rn(float x, float y) { return x + y; }
inline float __fsub_rn(float x, float y) { return x - y; }
inline float __fmul_rn(float x, float y) { return x * y; }
inline float __fdiv_rn(float x, float y) { return x / y; }
inline float __fmaf_rn(float x, float y, float z) { return __builtin_fmaf(x, y, z); }
inline float __frcp_rn(float x) { return 1 / x; }
inline float __fsqrt_rn(float x) { return __builtin_sqrtf(x); }
inline float __frsqrt_rn(float x) { return rsqrtf(x); }
inline double __dadd_rn(double x, double y) { return x + y; }
inline double __dsub_rn(double x, double y) { return x - y; }
inline double __dmul_rn(double x, double y) { return x * y; }
inline double __ddiv_rn(double x, double y) { return x / y; }
inline double __fma_rn(double x, double y, double z) { return __builtin_fma(x, y, z); }
inline double __drcp_rn(double x) { return 1 / x; }
inline double __dsqrt_rn(double x) { return __builtin_sqrt(x); }
inline float __expf(float x) { return expf(x); }
inline float __exp10f(float x) { return exp10f(x); }
inline float __logf(float x) { return logf(x); }
inline float __log2f(float x) { return log2f(x); }
inline float __log10f(float x) { return log10f(x); }
inline float __sinf(float x) { return sinf(x); }
inline float __cosf(float x) { return cosf(x); }
inline float __tanf(float x) { return tanf(x); }
inline float __powf(float x, float y) { return powf(x, y); }
inline float __fdividef(float x, float y) { return x / y; }
inline float __saturatef(float x) { return x > 0 ? (x < 1 ? x : 1) : 0; }

// ---- bits ----
template <class To, class From>
inline To hesse_bits(From from) {
  static_assert(sizeof(To) == sizeof(From), "same size");
  To to;
  __builtin_memcpy(&to, &from, sizeof(To));
  return to;
}
inline int __float_as_int(float x) { return hesse_bits<int>(x); }
inline unsigned __float_as_uint(float x) { return hesse_bits<unsigned>(x); }
inline float __int_as_float(int x) { return hesse_bits<float>(x); }
inline float __uint_as_float(unsigned x) { return hesse_bits<float>(x); }
inline long long __double_as_longlong(double x) { return hesse_bits<long long>(x); }
inline double __longlong_as_double(long long x) { return hesse_bits<double>(x); }
inline int __double2hiint(double x) { return (int)(__double_as_longlong(x) >> 32); }
inline int __double2loint(double x) { return (int)__double_as_longlong(x); }
inline double __hiloint2double(int high, int low) {
  return __longlong_as_double((long long)(((unsigned long long)(unsigned)high << 32) | (unsigned)low));
}
inline int __clz(int x) { return x == 0 ? 32 : __builtin_clz((unsigned)x); }
inline int __clzll(long long x) { return x == 0 ? 64 : __builtin_clzll((unsigned long long)x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline unsigned __brev(unsigned x) {
  unsigned reversed = 0;
  for (int i = 0; i < 32; i++) {
    reversed |= ((x >> i) & 1u) << (31 - i);
  }
  return reversed;
}
inline int __mulhi(int x, int y) { return (int)(((long long)x * y) >> 32); }
inline unsigned __umulhi(unsigned x, unsigned y) { return (unsigned)(((unsigned long long)x * y) >> 32); }
inline long long __mul64hi(long long x, long long y) { return (long long)(((__int128)x * y) >> 64); }
inline unsigned long long __umul64hi(unsigned long long x, unsigned long long y) {
  return (unsigned long long)(((unsigned __int128)x * y) >> 64);
}
inline int __mul24(int x, int y) { return (x << 8 >> 8) * (y << 8 >> 8); }
inline unsigned __funnelshift_l(unsigned low, unsigned high, unsigned shift) {
  return (unsigned)(((((unsigned long long)high << 32) | low) << (shift & 31)) >> 32);
}
inline unsigned __funnelshift_r(unsigned low, unsigned high, unsigned shift) {
  return (unsigned)((((unsigned long long)high << 32) | low) >> (shift & 31));
}

// ---- conversions; out of range, they saturate, as the device's do ----
template <class To, class From>
inline To hesse_saturate(From x, From low, From beyond, To lowest, To highest) {
  return __builtin_isnan(x) ? (sizeof(To) == 8 ? lowest : (To)0) : x <= low ? lowest : x >= beyond ? highest : (To)x;
}
inline int __float2int_rz(float x) {
  return hesse_saturate<int>(x, -2147483648.0f, 2147483648.0f, -2147483647 - 1, 2147483647);
}
inline int __float2int_rn(float x) { return __float2int_rz(__builtin_rintf(x)); }
inline int __float2int_rd(float x) { return __float2int_rz(__builtin_floorf(x)); }
inline int __float2int_ru(float x) { return __float2int_rz(__builtin_ceilf(x)); }
inline int __double2int_rz(double x) {
  return hesse_saturate<int>(x, -2147483648.0, 2147483648.0, -2147483647 - 1, 2147483647);
}
inline int __double2int_rn(double x) { return __double2int_rz(__builtin_rint(x)); }
inline float __double2float_rn(double x) { return (float)x; }
inline float __int2float_rn(int x) { return (float)x; }
inline double __int2double_rn(int x) { return (double)x; }
inline float __uint2float_rn(unsigned x) { return (float)x; }
inline float __ll2float_rn(long long x) { return (float)x; }
inline double __ll2double_rn(long long x) { return (double)x; }
