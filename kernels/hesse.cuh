// What every kernel includes. It is compiled by NVRTC, by nvcc, and by a host C++ compiler for the simulated
// device, so it uses no header of the standard library.
#pragma once

typedef long long hesse_long;

// Where a run's kernels report the first error that one of them finds: a code, which the plan knows the
// meaning of, and a value for its message. For each level of loops that it was found in, there is a bit in
// `noted` and the round's number.
struct HesseStatus {
  int code;
  int noted;
  hesse_long value;
  int rounds[4];
};

__device__ inline void hesse_fail(HesseStatus* status, int code, hesse_long value) {
  if (atomicCAS(&status->code, 0, code) == 0) {
    status->value = value;
  }
}

// x y + z, rounded once; integers wrap around.
__device__ inline float hesse_fma(float x, float y, float z) { return fmaf(x, y, z); }
__device__ inline double hesse_fma(double x, double y, double z) { return fma(x, y, z); }
__device__ inline int hesse_fma(int x, int y, int z) { return (int)((unsigned)x * (unsigned)y + (unsigned)z); }

// Dynamic shared memory, the one way of asking for it that the simulated device understands, too.
#ifdef HESSE_SIMULATED
#define HESSE_DYNAMIC_SHARED(type, name) type* name = (type*)hesse_simulated_shared()
#else
#define HESSE_DYNAMIC_SHARED(type, name)                 \
  extern __shared__ __align__(16) char hesse_shared[];   \
  type* name = (type*)hesse_shared
#endif
