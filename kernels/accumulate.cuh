// Accumulators of reductions: sums are formed with what rounding takes from them (Ogita, Rump and Oishi, Accurate Sum
// and Dot Product, 2005). Generated reductions include this file.
#pragma once
#include "elementwise.cuh"

// In float, since double is slow on many GPUs, and settled in double after at most 64 numbers: beside the rounding of
// the result the error is at most 2⁻³⁶ of the sum of magnitudes, whatever their number.
struct HesseSumFloat {
  double settled = 0;
  float sum = 0;
  float lost = 0;
  __device__ void add(float v) {
    float t = sum + v;
    float back = t - sum;
    lost += (sum - (t - back)) + (v - back);
    sum = t;
  }
  // Next to an infinity what was lost is NaN, and meaningless.
  __device__ void settle() {
    settled += sum - sum == 0 ? (double)sum + lost : sum;
    sum = 0;
    lost = 0;
  }
  // Of those that are settled.
  __device__ void merge(const HesseSumFloat& other) { settled += other.settled; }
  __device__ float result() const { return (float)settled; }
};

struct HesseSumDouble {
  double sum = 0;
  double lost = 0;
  __device__ void add(double v) {
    double t = sum + v;
    double back = t - sum;
    lost += (sum - (t - back)) + (v - back);
    sum = t;
  }
  __device__ void merge(const HesseSumDouble& other) {
    add(other.sum);
    lost += other.lost;
  }
  // Next to an infinity what was lost is NaN, and meaningless.
  __device__ double result() const { return sum - sum == 0 ? sum + lost : sum; }
};

struct HesseSumInt {
  unsigned sum = 0;
  __device__ void add(int v) { sum += (unsigned)v; }
  __device__ void merge(const HesseSumInt& other) { sum += other.sum; }
  __device__ int result() const { return (int)sum; }
};

__device__ inline void hesse_lowest(float& x) { x = __int_as_float((int)0xff800000u); }
__device__ inline void hesse_lowest(double& x) { x = __longlong_as_double((long long)0xfff0000000000000ull); }
__device__ inline void hesse_lowest(int& x) { x = -2147483647 - 1; }

template <class T>
struct HesseMaximum {
  T most;
  __device__ HesseMaximum() { hesse_lowest(most); }
  __device__ void add(T v) { most = hesse_max(most, v); }
  __device__ void merge(const HesseMaximum& other) { add(other.most); }
  __device__ T result() const { return most; }
};

#define HESSE_REDUCE_THREADS 256

// How the threads of a block stand: `columns` results, and for each as many threads as there are left, which are
// neighbours where `rows`, else as far apart as there are columns. Both numbers are powers of two.
struct HesseTeam {
  int columns;
  int lanes;
  int column;
  int lane;
  int step;
  __device__ HesseTeam(int columns, bool rows) : columns(columns) {
    lanes = HESSE_REDUCE_THREADS / columns;
    column = rows ? (int)threadIdx.x / lanes : (int)threadIdx.x % columns;
    lane = rows ? (int)threadIdx.x % lanes : (int)threadIdx.x / columns;
    step = rows ? 1 : columns;
  }
};

// Merges what the threads of each column have; the one of lane 0 has the result. Called by all threads.
template <class A>
__device__ inline void hesse_merge(A& mine, const HesseTeam& team, A* shared) {
  shared[threadIdx.x] = mine;
  for (int half = team.lanes / 2; half > 0; half /= 2) {
    __syncthreads();
    if (team.lane < half) {
      mine.merge(shared[threadIdx.x + half * team.step]);
      shared[threadIdx.x] = mine;
    }
  }
}
