// Products: out[b, i, j] = sum over p of a[b, i, p] · c[b, j, p], for any strides. Each kernel may be launched
// with several parts (blockIdx.y), each of which adds up `chunk` pairs and writes a result of its own, `part`
// elements after the last one's; `sum` then adds these up in order, so the bits are the same in every run. What
// becomes of an element is left to `to`, which is given its position and its value: generated kernels apply a map.
#pragma once
#include "entries.cuh"
#include "hesse.cuh"

namespace matmul {
// Over the batch, then rows or columns, then pairs; of the result: the batch, rows, columns.
struct Strides {
  hesse_long batch, row, pair;
};

struct Product {
  hesse_long batch, m, n, k, chunk, part;
};

__device__ inline hesse_long magnitude(hesse_long stride) { return stride < 0 ? -stride : stride; }

// Stores an element.
template <typename Out>
struct Stored {
  Out* out;

  __device__ void operator()(hesse_long at, Out value) const { out[at] = value; }
};

constexpr int THREADS = 256;
constexpr int DEPTH = 16;

// ROWS x DEPTH elements of an operand, first into registers, so that they travel while the last ones are
// multiplied, then into shared memory, pair by pair. Neighbouring threads take neighbours in memory.
template <int ROWS, typename In, typename Out>
struct Panel {
  static constexpr int EACH = ROWS * DEPTH / THREADS;
  static constexpr int PITCH = ROWS + 16 / (int)sizeof(Out);

  const In* from;
  Strides s;
  hesse_long rows;
  bool along;
  In held[EACH];

  __device__ Panel(const In* from, Strides s, hesse_long batch, hesse_long first, hesse_long count)
      : from(from + batch * s.batch + first * s.row),
        s(s),
        rows(count - first),
        along(magnitude(s.pair) <= magnitude(s.row)) {}

  __device__ int row(int e) const {
    int t = (int)threadIdx.x + e * THREADS;
    return along ? t / DEPTH : t % ROWS;
  }

  __device__ int pair(int e) const {
    int t = (int)threadIdx.x + e * THREADS;
    return along ? t % DEPTH : t / ROWS;
  }

  __device__ void fetch(hesse_long p, hesse_long end) {
#pragma unroll
    for (int e = 0; e < EACH; e++) {
      bool there = row(e) < rows && p + pair(e) < end;
      held[e] = there ? from[row(e) * s.row + (p + pair(e)) * s.pair] : In(0);
    }
  }

  __device__ void put(Out* shared) const {
#pragma unroll
    for (int e = 0; e < EACH; e++) {
      shared[pair(e) * PITCH + row(e)] = Out(held[e]);
    }
  }
};

// A block computes SIDE x SIDE elements, a thread EACH x EACH of them. The panels take the dynamic shared memory.
template <int EACH, typename In, typename Out, typename To>
__device__ void tile(const In* a, Strides sa, const In* c, Strides sc, To to, Strides so, Product size) {
  constexpr int SIDE = 16 * EACH;
  using Operand = Panel<SIDE, In, Out>;
  HESSE_DYNAMIC_SHARED(Out, left);
  Out* right = left + DEPTH * Operand::PITCH;
  hesse_long down = (size.m + SIDE - 1) / SIDE;
  hesse_long across = (size.n + SIDE - 1) / SIDE;
  hesse_long batch = blockIdx.x / (down * across);
  hesse_long i0 = blockIdx.x / across % down * SIDE;
  hesse_long j0 = blockIdx.x % across * SIDE;
  hesse_long p = blockIdx.y * size.chunk;
  hesse_long end = p + size.chunk < size.k ? p + size.chunk : size.k;
  int ti = (int)threadIdx.x / 16 * EACH;
  int tj = (int)threadIdx.x % 16 * EACH;
  Operand x(a, sa, batch, i0, size.m);
  Operand y(c, sc, batch, j0, size.n);
  Out sum[EACH][EACH] = {};
  x.fetch(p, end);
  y.fetch(p, end);
  for (; p < end; p += DEPTH) {
    x.put(left);
    y.put(right);
    __syncthreads();
    if (p + DEPTH < end) {
      x.fetch(p + DEPTH, end);
      y.fetch(p + DEPTH, end);
    }
#pragma unroll
    for (int q = 0; q < DEPTH; q++) {
      Out u[EACH], v[EACH];
#pragma unroll
      for (int e = 0; e < EACH; e++) {
        u[e] = left[q * Operand::PITCH + ti + e];
        v[e] = right[q * Operand::PITCH + tj + e];
      }
#pragma unroll
      for (int i = 0; i < EACH; i++) {
#pragma unroll
        for (int j = 0; j < EACH; j++) {
          sum[i][j] = hesse_fma(u[i], v[j], sum[i][j]);
        }
      }
    }
    __syncthreads();
  }
  hesse_long first = blockIdx.y * size.part + batch * so.batch;
#pragma unroll
  for (int i = 0; i < EACH; i++) {
#pragma unroll
    for (int j = 0; j < EACH; j++) {
      hesse_long row = i0 + ti + i, column = j0 + tj + j;
      if (row < size.m && column < size.n) {
        to(first + row * so.row + column * so.pair, sum[i][j]);
      }
    }
  }
}

// Up to NARROW columns. The pairs of a row lie side by side: a warp takes a row.
constexpr int NARROW = 4;

template <typename In, typename Out, typename To>
__device__ void rows(const In* a, Strides sa, const In* c, Strides sc, To to, Strides so, Product size) {
  constexpr int WARPS = THREADS / 32;
  int lane = (int)threadIdx.x % 32;
  hesse_long blocks = (size.m + WARPS - 1) / WARPS;
  hesse_long batch = blockIdx.x / blocks;
  hesse_long row = blockIdx.x % blocks * WARPS + threadIdx.x / 32;
  hesse_long end = (blockIdx.y + 1) * size.chunk < size.k ? (blockIdx.y + 1) * size.chunk : size.k;
  Out sum[NARROW] = {};
  if (row < size.m) {
    a += batch * sa.batch + row * sa.row;
    c += batch * sc.batch;
#pragma unroll 4
    for (hesse_long p = blockIdx.y * size.chunk + lane; p < end; p += 32) {
      Out x = Out(a[p * sa.pair]);
#pragma unroll
      for (int j = 0; j < NARROW; j++) {
        if (j < size.n) {
          sum[j] = hesse_fma(x, Out(c[j * sc.row + p * sc.pair]), sum[j]);
        }
      }
    }
  }
  hesse_long first = blockIdx.y * size.part + batch * so.batch + row * so.row;
#pragma unroll
  for (int j = 0; j < NARROW; j++) {
    for (int d = 16; d > 0; d /= 2) {
      sum[j] += __shfl_xor_sync(0xffffffffu, sum[j], d);
    }
    if (lane == 0 && row < size.m && j < size.n) {
      to(first + j * so.pair, sum[j]);
    }
  }
}

// The same where the rows of a pair lie side by side: a lane takes a row, a warp every eighth pair.
template <typename In, typename Out, typename To>
__device__ void columns(const In* a, Strides sa, const In* c, Strides sc, To to, Strides so, Product size) {
  constexpr int WARPS = THREADS / 32;
  __shared__ Out shared[NARROW][WARPS][32];
  int lane = (int)threadIdx.x % 32;
  int warp = (int)threadIdx.x / 32;
  hesse_long blocks = (size.m + 31) / 32;
  hesse_long batch = blockIdx.x / blocks;
  hesse_long row = blockIdx.x % blocks * 32 + lane;
  hesse_long end = (blockIdx.y + 1) * size.chunk < size.k ? (blockIdx.y + 1) * size.chunk : size.k;
  Out sum[NARROW] = {};
  if (row < size.m) {
    a += batch * sa.batch + row * sa.row;
    c += batch * sc.batch;
#pragma unroll 4
    for (hesse_long p = blockIdx.y * size.chunk + warp; p < end; p += WARPS) {
      Out x = Out(a[p * sa.pair]);
#pragma unroll
      for (int j = 0; j < NARROW; j++) {
        if (j < size.n) {
          sum[j] = hesse_fma(x, Out(c[j * sc.row + p * sc.pair]), sum[j]);
        }
      }
    }
  }
#pragma unroll
  for (int j = 0; j < NARROW; j++) {
    shared[j][warp][lane] = sum[j];
  }
  __syncthreads();
  if (warp < size.n && row < size.m) {
    Out all = shared[warp][0][lane];
    for (int w = 1; w < WARPS; w++) {
      all += shared[warp][w][lane];
    }
    to(blockIdx.y * size.part + batch * so.batch + row * so.row + warp * so.pair, all);
  }
}

// Few pairs: a thread computes an element by itself.
template <typename In, typename Out, typename To>
__device__ void outer(const In* a, Strides sa, const In* c, Strides sc, To to, Strides so, Product size) {
  hesse_long at = (hesse_long)blockIdx.x * THREADS + threadIdx.x;
  hesse_long j = at % size.n;
  hesse_long i = at / size.n % size.m;
  hesse_long batch = at / size.n / size.m;
  if (batch >= size.batch) {
    return;
  }
  a += batch * sa.batch + i * sa.row;
  c += batch * sc.batch + j * sc.row;
  Out sum = Out(a[0]) * Out(c[0]);
  for (hesse_long p = 1; p < size.k; p++) {
    sum = hesse_fma(Out(a[p * sa.pair]), Out(c[p * sc.pair]), sum);
  }
  to(batch * so.batch + i * so.row + j * so.pair, sum);
}

// Products of a batch with up to SMALL rows and columns: as many of them as there is a thread for each element, from
// shared memory, where all rows of the one operand and then those of the other one have up to DEEP pairs at a time.
constexpr int SMALL = 16;
constexpr int DEEP = 32;

template <typename In, typename Out>
__device__ void fetch(
    const In* from, Strides s, hesse_long batch, int items, int rows, hesse_long p, int pairs, Out* shared) {
  bool along = magnitude(s.pair) <= magnitude(s.row);
  for (int t = (int)threadIdx.x; t < items * rows * pairs; t += THREADS) {
    int q = along ? t % pairs : t / rows % pairs;
    int row = along ? t / pairs % rows : t % rows;
    int item = t / (rows * pairs);
    shared[(item * rows + row) * (DEEP + 1) + q] = Out(from[(batch + item) * s.batch + row * s.row + (p + q) * s.pair]);
  }
}

template <typename In, typename Out, typename To>
__device__ void batch(const In* a, Strides sa, const In* c, Strides sc, To to, Strides so, Product size) {
  HESSE_DYNAMIC_SHARED(Out, left);
  int m = (int)size.m, n = (int)size.n;
  int most = THREADS / (m * n);
  Out* right = left + most * m * (DEEP + 1);
  hesse_long first = (hesse_long)blockIdx.x * most;
  int items = (int)(size.batch - first < most ? size.batch - first : most);
  int row = (int)threadIdx.x / n, column = (int)threadIdx.x % n + row / m * n;
  bool there = row < items * m;
  Out sum = 0;
  for (hesse_long p = 0; p < size.k; p += DEEP) {
    int pairs = (int)(size.k - p < DEEP ? size.k - p : DEEP);
    fetch(a, sa, first, items, m, p, pairs, left);
    fetch(c, sc, first, items, n, p, pairs, right);
    __syncthreads();
    for (int q = 0; there && q < pairs; q++) {
      sum = hesse_fma(left[row * (DEEP + 1) + q], right[column * (DEEP + 1) + q], sum);
    }
    __syncthreads();
  }
  if (there) {
    to((first + row / m) * so.batch + row % m * so.row + column % n * so.pair, sum);
  }
}

template <typename Out, typename To>
__device__ void sum(const Out* parts, int count, To to, Strides so, Product size) {
  hesse_long at = (hesse_long)blockIdx.x * THREADS + threadIdx.x;
  if (at >= size.part) {
    return;
  }
  Out all = parts[at];
  for (int s = 1; s < count; s++) {
    all += parts[at + s * size.part];
  }
  hesse_long j = at % size.n;
  hesse_long i = at / size.n % size.m;
  hesse_long batch = at / size.n / size.m;
  to(batch * so.batch + i * so.row + j * so.pair, all);
}

}  // namespace matmul
