// What NVRTC has built in, for a host C++ compiler: included in front of every kernel that is compiled for the
// simulated device. No standard headers, since it is compiled with each of thousands of small sources
// (and beforehand, where the compiler can; so nothing here may depend on what NVRTC's options define).
#pragma once
#include "abi.h"

#define HESSE_SIMULATED 1
#define __CUDACC__ 1
#define __CUDACC_RTC__ 1
// Left as they are where the preprocessor's result is searched for kernels; see compile.cpp. Hidden, so that a kernel
// by the name of a function of the C library is not mistaken for it.
#ifndef HESSE_SCAN
#define __global__ __attribute__((used, noinline, visibility("hidden")))
#define __launch_bounds__(...)
#endif
#define __device__
#define __host__
#define __constant__ __attribute__((visibility("default")))
#define __managed__ __attribute__((visibility("default")))
#define __shared__ static
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __restrict__ __restrict
#define __align__(n) __attribute__((aligned(n)))
#define __grid_constant__

typedef decltype(sizeof(0)) size_t;
typedef decltype((char*)0 - (char*)0) ptrdiff_t;
typedef long long clock_t;

// ---- vectors ----
#define HESSE_VECTORS(name, type, alignment2, alignment4)                                        \
  struct alignas(sizeof(type)) name##1 { type x; };                                               \
  struct alignas(alignment2) name##2 { type x, y; };                                             \
  struct name##3 { type x, y, z; };                                                              \
  struct alignas(alignment4) name##4 { type x, y, z, w; };                                       \
  inline name##1 make_##name##1(type x) { return {x}; }                                          \
  inline name##2 make_##name##2(type x, type y) { return {x, y}; }                               \
  inline name##3 make_##name##3(type x, type y, type z) { return {x, y, z}; }                    \
  inline name##4 make_##name##4(type x, type y, type z, type w) { return {x, y, z, w}; }
HESSE_VECTORS(char, signed char, 2, 4)
HESSE_VECTORS(uchar, unsigned char, 2, 4)
HESSE_VECTORS(short, short, 4, 8)
HESSE_VECTORS(ushort, unsigned short, 4, 8)
HESSE_VECTORS(int, int, 8, 16)
HESSE_VECTORS(uint, unsigned, 8, 16)
HESSE_VECTORS(longlong, long long, 16, 16)
HESSE_VECTORS(ulonglong, unsigned long long, 16, 16)
HESSE_VECTORS(float, float, 8, 16)
HESSE_VECTORS(double, double, 16, 16)
#undef HESSE_VECTORS

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
  constexpr dim3(HesseIndex i) : x(i.x), y(i.y), z(i.z) {}
};

extern "C" {
// Constant as each thread sees them, although one variable serves them all.
extern const HesseIndex threadIdx, blockIdx, blockDim, gridDim;

int hesse_barrier(int line, int predicate, HesseVote vote);
unsigned long long hesse_warp(unsigned mask, HesseWarp kind, unsigned long long value, unsigned source);
void hesse_fence();
void* hesse_simulated_shared();
[[noreturn]] void hesse_trap(const char* message);
void hesse_touch(const void* p, unsigned long size, HesseAccess kind);
float hesse_atomic_add_float(float* p, float v);
double hesse_atomic_add_double(double* p, double v);
int hesse_atomic_min_int(int* p, int v);
int hesse_atomic_max_int(int* p, int v);
unsigned hesse_atomic_min_unsigned(unsigned* p, unsigned v);
unsigned hesse_atomic_max_unsigned(unsigned* p, unsigned v);
long long hesse_atomic_min_long(long long* p, long long v);
long long hesse_atomic_max_long(long long* p, long long v);
unsigned long long hesse_atomic_min_ulong(unsigned long long* p, unsigned long long v);
unsigned long long hesse_atomic_max_ulong(unsigned long long* p, unsigned long long v);
int printf(const char* format, ...);
}
constexpr int warpSize = 32;

// ---- barriers and votes of a block ----
#define __syncthreads() ((void)hesse_barrier(__LINE__, 0, HESSE_COUNT))
#define __syncthreads_count(p) hesse_barrier(__LINE__, (p) != 0, HESSE_COUNT)
#define __syncthreads_and(p) hesse_barrier(__LINE__, (p) != 0, HESSE_AND)
#define __syncthreads_or(p) hesse_barrier(__LINE__, (p) != 0, HESSE_OR)
inline void __threadfence() { hesse_fence(); }
inline void __threadfence_block() {}
inline void __threadfence_system() { hesse_fence(); }
[[noreturn]] inline void __trap() { hesse_trap("__trap()"); }
#define assert(condition) ((condition) ? (void)0 : hesse_trap("assertion failed: " #condition))

// ---- warps ----
inline unsigned hesse_lane() {
  return (threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z)) & 31;
}
inline void __syncwarp(unsigned mask = 0xffffffffu) { hesse_warp(mask, HESSE_SYNC, 0, 0); }
inline unsigned __ballot_sync(unsigned mask, int p) { return (unsigned)hesse_warp(mask, HESSE_BALLOT, p != 0, 0); }
inline int __any_sync(unsigned mask, int p) { return __ballot_sync(mask, p) != 0; }
inline int __all_sync(unsigned mask, int p) { return __ballot_sync(mask, p) == mask; }
// Threads of a warp run one after the other here, so that a thread is sure of itself only.
inline unsigned __activemask() { return 1u << hesse_lane(); }

template <class T>
inline T hesse_shuffle(unsigned mask, T value, unsigned source) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8, "shuffles move 4 or 8 bytes");
  unsigned long long bits = 0;
  __builtin_memcpy(&bits, &value, sizeof(T));
  bits = hesse_warp(mask, HESSE_SHUFFLE, bits, source);
  __builtin_memcpy(&value, &bits, sizeof(T));
  return value;
}
template <class T>
inline T __shfl_sync(unsigned mask, T value, int source, int width = 32) {
  unsigned lane = hesse_lane();
  return hesse_shuffle(mask, value, (lane & ~(unsigned)(width - 1)) | ((unsigned)source & (unsigned)(width - 1)));
}
template <class T>
inline T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32) {
  unsigned lane = hesse_lane();
  return hesse_shuffle(mask, value, (lane & (unsigned)(width - 1)) < delta ? lane : lane - delta);
}
template <class T>
inline T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32) {
  unsigned lane = hesse_lane();
  return hesse_shuffle(mask, value, (lane & (unsigned)(width - 1)) + delta >= (unsigned)width ? lane : lane + delta);
}
template <class T>
inline T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32) {
  unsigned lane = hesse_lane();
  unsigned source = lane ^ (unsigned)lanes;
  return hesse_shuffle(mask, value, source >= (lane & ~(unsigned)(width - 1)) + (unsigned)width ? lane : source);
}

// ---- atomics ----
#define HESSE_ATOMICS(type)                                                                       \
  inline type atomicAdd(type* p, type v) { return __atomic_fetch_add(p, v, __ATOMIC_RELAXED); }   \
  inline type atomicSub(type* p, type v) { return __atomic_fetch_sub(p, v, __ATOMIC_RELAXED); }   \
  inline type atomicAnd(type* p, type v) { return __atomic_fetch_and(p, v, __ATOMIC_RELAXED); }   \
  inline type atomicOr(type* p, type v) { return __atomic_fetch_or(p, v, __ATOMIC_RELAXED); }     \
  inline type atomicXor(type* p, type v) { return __atomic_fetch_xor(p, v, __ATOMIC_RELAXED); }   \
  inline type atomicExch(type* p, type v) { return __atomic_exchange_n(p, v, __ATOMIC_RELAXED); } \
  inline type atomicCAS(type* p, type expected, type v) {                                         \
    __atomic_compare_exchange_n(p, &expected, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);      \
    return expected;                                                                              \
  }
HESSE_ATOMICS(int)
HESSE_ATOMICS(unsigned)
HESSE_ATOMICS(unsigned long long)
#undef HESSE_ATOMICS
inline float atomicAdd(float* p, float v) { return hesse_atomic_add_float(p, v); }
inline double atomicAdd(double* p, double v) { return hesse_atomic_add_double(p, v); }
inline int atomicMin(int* p, int v) { return hesse_atomic_min_int(p, v); }
inline int atomicMax(int* p, int v) { return hesse_atomic_max_int(p, v); }
inline unsigned atomicMin(unsigned* p, unsigned v) { return hesse_atomic_min_unsigned(p, v); }
inline unsigned atomicMax(unsigned* p, unsigned v) { return hesse_atomic_max_unsigned(p, v); }
inline long long atomicMin(long long* p, long long v) { return hesse_atomic_min_long(p, v); }
inline long long atomicMax(long long* p, long long v) { return hesse_atomic_max_long(p, v); }
inline unsigned long long atomicMin(unsigned long long* p, unsigned long long v) { return hesse_atomic_min_ulong(p, v); }
inline unsigned long long atomicMax(unsigned long long* p, unsigned long long v) { return hesse_atomic_max_ulong(p, v); }

// ---- memory ----
template <class T>
inline T __ldg(const T* p) {
  return *p;
}
// By a macro, since a definition of memcpy that calls itself would be compiled to a call of itself.
inline void* hesse_memcpy(void* to, const void* from, size_t n) {
  hesse_touch(from, n, HESSE_READ);
  hesse_touch(to, n, HESSE_WRITE);
  return __builtin_memcpy(to, from, n);
}
inline void* hesse_memset(void* to, int value, size_t n) {
  hesse_touch(to, n, HESSE_WRITE);
  return __builtin_memset(to, value, n);
}
#define memcpy hesse_memcpy
#define memset hesse_memset

#include "math.cuh"

// ---- calling a kernel with an array of pointers to its arguments ----
template <class... A>
struct HesseSizes {
  static constexpr unsigned values[] = {sizeof(A)..., 0};
};
template <unsigned... I>
struct HesseNumbers {};
template <unsigned N, unsigned... I>
struct HesseCount : HesseCount<N - 1, N - 1, I...> {};
template <unsigned... I>
struct HesseCount<0, I...> {
  typedef HesseNumbers<I...> type;
};
// The arguments lie in the host's memory, so reading them is not instrumented.
template <class... A, unsigned... I>
__attribute__((no_sanitize("thread"))) void hesse_call(void (*kernel)(A...), void** arguments, HesseNumbers<I...>) {
  kernel(*(A*)arguments[I]...);
}
template <class... A>
__attribute__((no_sanitize("thread"))) void hesse_call(void (*kernel)(A...), void** arguments) {
  hesse_call(kernel, arguments, typename HesseCount<sizeof...(A)>::type());
}
template <class... A>
constexpr const unsigned* hesse_sizes(void (*)(A...)) {
  return HesseSizes<A...>::values;
}
constexpr unsigned hesse_bounds() { return 0; }
template <class... More>
constexpr unsigned hesse_bounds(unsigned threads, More...) {
  return threads;
}
