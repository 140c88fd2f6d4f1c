// Reductions over the threads of a warp, a part of one, or a block. Every thread gets the result, and the same bits
// in each run. The functions are called by all threads of the block.
#pragma once
#include "hesse.cuh"

struct HesseSum {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a + b;
  }
};

// The larger; a NaN only where both are.
struct HesseMax {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return b > a || a != a ? b : a;
  }
};

// Over neighbouring threads, as many as `width`, a power of two up to 32.
template <class T, class F>
__device__ inline T hesse_warp_reduce(T v, F f, int width = 32) {
  for (int other = width / 2; other > 0; other /= 2) {
    v = f(v, __shfl_xor_sync(0xffffffffu, v, other));
  }
  return v;
}

// Over the block, whose number of threads is a power of two times 32.
//
// shared: room for one value of each warp
template <class T, class F>
__device__ inline T hesse_block_reduce(T v, F f, T* shared) {
  int warps = (int)blockDim.x / 32;
  v = hesse_warp_reduce(v, f);
  if (warps == 1) {
    return v;
  }
  __syncthreads();
  if (threadIdx.x % 32 == 0) {
    shared[threadIdx.x / 32] = v;
  }
  __syncthreads();
  return hesse_warp_reduce(shared[threadIdx.x % warps], f, warps);
}
