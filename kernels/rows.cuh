// Rows, each of which is gone over by a group of threads: a part of a warp, or all of a block. A row that is read more
// than once is kept in shared memory if it fits, where every thread reads only what it has put there itself.
#pragma once
#include "entries.cuh"
#include "index.cuh"
#include "reduce.cuh"

// The most threads of a block.
#define HESSE_ROW_THREADS 1024

// So many elements that one instruction moves.
template <class T, int N>
struct alignas(N * sizeof(T)) HessePack {
  T v[N];
};

// How rows are shared out.
struct HesseRowShape {
  hesse_long rows;
  // Elements of a row.
  hesse_long length;
  // Threads for each row: a power of two up to 32, or else all of the block.
  hesse_long group;
  // How many rows of each group are kept.
  hesse_long keep;
};

// What a kernel is given: up to four real operands, labels, and the result; at a row of the batch, or at its
// beginning. Those that it has no use for are any of the others.
template <class T>
struct HesseRows {
  const T* x;
  const T* z;
  const T* w;
  const T* v;
  const int* labels;
  T* y;
  // Of normalization.
  bool centred;
  double epsilon;

  __device__ HesseRows at(const HesseAxes& axes, const HesseStrides<6>& strides, hesse_long row) const {
    hesse_long at[6];
    hesse_locate(axes, strides, row, at);
    return {x + at[0], z + at[1], w + at[2], v + at[3], labels + at[4], y + at[5], centred, epsilon};
  }
};

// A row that may be kept.
template <class T, int N>
struct HesseRow {
  const HessePack<T, N>* from;
  HessePack<T, N>* kept;

  // Reads a pack for the first time.
  __device__ HessePack<T, N> first(int i) const {
    HessePack<T, N> p = from[i];
    if (kept != nullptr) {
      kept[i] = p;
    }
    return p;
  }

  __device__ HessePack<T, N> again(int i) const { return kept != nullptr ? kept[i] : from[i]; }
};

// A group of threads with its row. Threads of the last block that have none go over the last row, and store nothing.
template <class T, int N>
struct HesseGroup {
  hesse_long row;
  bool stores;
  int lane;
  int size;
  int length;
  int packs;
  T* kept;

  __device__ explicit HesseGroup(const HesseRowShape& shape) {
    HESSE_DYNAMIC_SHARED(T, memory);
    size = (int)shape.group;
    length = (int)shape.length;
    packs = length / N;
    lane = (int)threadIdx.x % size;
    int number = (int)threadIdx.x / size;
    row = (hesse_long)blockIdx.x * ((int)blockDim.x / size) + number;
    stores = row < shape.rows;
    row = stores ? row : shape.rows - 1;
    kept = shape.keep > 0 ? memory + (hesse_long)number * shape.keep * length : nullptr;
  }

  // A row of an operand, kept as the group's row of that number; -1 is not kept.
  __device__ HesseRow<T, N> operand(const T* from, int number) const {
    T* to = kept == nullptr || number < 0 ? nullptr : kept + number * length;
    return {(const HessePack<T, N>*)from, (HessePack<T, N>*)to};
  }

  // Calls f for this thread's packs.
  template <class F>
  __device__ void each(F f) const {
    for (int i = lane; i < packs; i += size) {
      f(i);
    }
  }

  // Sums what f returns for each pack: within a pack in T, then in double.
  template <class F>
  __device__ double sum(F f) const {
    double s = 0;
    each([&](int i) { s += f(i); });
    return total(s);
  }

  // Stores what f returns for each pack.
  template <class F>
  __device__ void store(T* to, F f) const {
    if (stores) {
      each([&](int i) {
        // A variable, since what a function writes right into the place of its result escapes the simulated device.
        HessePack<T, N> p = f(i);
        ((HessePack<T, N>*)to)[i] = p;
      });
    }
  }

  // The sum of what the threads have.
  __device__ double total(double v) const { return reduce(v, HesseSum()); }

  __device__ double largest(double v) const { return reduce(v, HesseMax()); }

 private:
  template <class F>
  __device__ double reduce(double v, F f) const {
    __shared__ double shared[32];
    return size <= 32 ? hesse_warp_reduce(v, f, size) : hesse_block_reduce(v, f, shared);
  }
};

// The sum of a pack by halves, in which equal numbers stay exact.
template <class T, int N>
__device__ inline T hesse_sum(const HessePack<T, N>& p) {
  if constexpr (N == 4) {
    return (p.v[0] + p.v[1]) + (p.v[2] + p.v[3]);
  } else if constexpr (N == 2) {
    return p.v[0] + p.v[1];
  } else {
    return p.v[0];
  }
}

// f of each element.
template <class T, int N, class F>
__device__ inline HessePack<T, N> hesse_pack(F f) {
  HessePack<T, N> p;
  for (int j = 0; j < N; j++) {
    p.v[j] = f(j);
  }
  return p;
}

__device__ inline float hesse_exp(float v) { return expf(v); }

__device__ inline double hesse_exp(double v) { return exp(v); }

__device__ inline double hesse_infinity() { return __longlong_as_double(0x7ff0000000000000LL); }

__device__ inline double hesse_nan() { return __longlong_as_double(0x7ff8000000000000LL); }

// v, or 0 where that is infinite.
template <class T>
__device__ inline T hesse_finite(T v) {
  return v - v == 0 ? v : (T)0;
}

// The product; of 0 also with an infinite factor 0, since no term has been met yet.
__device__ inline double hesse_scaled(double sum, double factor) { return sum == 0 ? 0 : sum * factor; }

// The largest m of some numbers and Σ eˣ⁻ᵐ, or Σ eˣ where m is infinite.
template <class T>
struct HesseExponentials {
  T max;
  double sum;
};

// Both in one pass (Milakov and Gimelshein, 2018). The maximum leaves NaN out, which the sum then is.
template <class T, int N, class F>
__device__ inline HesseExponentials<T> hesse_exponentials(const HesseGroup<T, N>& g, F read) {
  T max = (T)-hesse_infinity();
  double sum = 0;
  g.each([&](int i) {
    HessePack<T, N> p = read(i);
    T most = max;
    for (int j = 0; j < N; j++) {
      most = p.v[j] > most ? p.v[j] : most;
    }
    if (most > max) {
      sum = hesse_scaled(sum, hesse_exp(hesse_finite(max) - hesse_finite(most)));
      max = most;
    }
    T shift = hesse_finite(max);
    sum += hesse_sum(hesse_pack<T, N>([&](int j) { return hesse_exp(p.v[j] - shift); }));
  });
  T all = (T)g.largest(max);
  return {all, g.total(hesse_scaled(sum, hesse_exp(hesse_finite(max) - hesse_finite(all))))};
}

// The entries of a kernel hesse_NAME(group, operands at the row) for both dtypes, with packs and without. Blocks of
// 1024 threads leave each of them 64 registers, whatever the compiler would like.
#define HESSE_ROW_ENTRY(name, entry, T, N)                                                                  \
  HESSE_BOUND_ENTRY(entry, HESSE_ROW_THREADS, 1)(                                                           \
      const T* x, const T* z, const T* w, const T* v, const int* labels, T* y, int centred, double epsilon, \
      HesseAxes axes, HesseStrides<6> strides, HesseRowShape shape) {                                       \
    HesseGroup<T, N> g(shape);                                                                              \
    HesseRows<T> rows = {x, z, w, v, labels, y, centred != 0, epsilon};                                     \
    hesse_##name(g, rows.at(axes, strides, g.row));                                                         \
  }
#define HESSE_ROW_ENTRIES(name)                 \
  HESSE_ROW_ENTRY(name, name##_f32, float, 1)   \
  HESSE_ROW_ENTRY(name, name##_f32x4, float, 4) \
  HESSE_ROW_ENTRY(name, name##_f64, double, 1)  \
  HESSE_ROW_ENTRY(name, name##_f64x2, double, 2)
