// Elements added up where indices say. Additions have a fixed order: where an axis has many indices, these are sorted,
// each with its place, and then every element of the result finds its terms side by side.
#include "entries.cuh"
#include "index.cuh"

#define HESSE_RUN 512
#define HESSE_SCATTER_THREADS 256

// The axes of the batch and of the indices are one domain, with strides of the indices and of the operand; those of
// the result another, with strides of the result and, along the rest of the axes only, of the operand.
struct HesseScatterShape {
  // Elements of the first domain, and how many of them there are to each item of the batch.
  hesse_long places;
  hesse_long count;
  // Elements of the second domain, and how many of them lie behind the axis that is indexed.
  hesse_long size;
  hesse_long rest;
  hesse_long extent;
  // A place takes so many of the low bits of an entry.
  hesse_long bits;
  // Threads to an element of the result, a power of two.
  hesse_long parts;
};

// Sorts runs of entries, (item of the batch · extent + index) << bits | place, each of which there is once: so an
// entry's rank is how many are smaller.
HESSE_ENTRY(scatter_runs)(
    const int* indices, hesse_long* entries, HesseAxes axes, HesseStrides<2> strides, HesseScatterShape shape,
    HesseStatus* status, int fault) {
  __shared__ hesse_long run[HESSE_RUN];
  hesse_long begin = (hesse_long)blockIdx.x * HESSE_RUN;
  int length = (int)(shape.places - begin < HESSE_RUN ? shape.places - begin : HESSE_RUN);
  for (int i = (int)threadIdx.x; i < length; i += HESSE_SCATTER_THREADS) {
    hesse_long place = begin + i;
    hesse_long at[2];
    hesse_locate(axes, strides, place, at);
    int index = indices[at[0]];
    if (index < 0 || index >= shape.extent) {
      hesse_fail(status, fault, index);
      index = 0;
    }
    run[i] = (place / shape.count * shape.extent + index) << shape.bits | place;
  }
  __syncthreads();
  for (int i = (int)threadIdx.x; i < length; i += HESSE_SCATTER_THREADS) {
    int rank = 0;
    for (int j = 0; j < length; j++) {
      rank += run[j] < run[i] ? 1 : 0;
    }
    entries[begin + rank] = run[i];
  }
}

// How many of sorted entries are smaller.
__device__ inline hesse_long hesse_rank(const hesse_long* entries, hesse_long begin, hesse_long end, hesse_long entry) {
  hesse_long low = begin;
  hesse_long high = end;
  while (low < high) {
    hesse_long middle = (low + high) / 2;
    if (entries[middle] < entry) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low - begin;
}

// Merges pairs of runs.
HESSE_ENTRY(scatter_merge)(const hesse_long* from, hesse_long* to, hesse_long places, hesse_long length) {
  hesse_long i = hesse_thread();
  if (i >= places) {
    return;
  }
  hesse_long run = i / length;
  hesse_long begin = (run ^ 1) * length;
  begin = begin < places ? begin : places;
  hesse_long end = begin + length < places ? begin + length : places;
  hesse_long entry = from[i];
  to[(run & ~1LL) * length + (i - run * length) + hesse_rank(from, begin, end, entry)] = entry;
}

// The sum of the terms that parts of a block have found, by halves; part 0 has it.
template <class S>
__device__ inline S hesse_parts(S sum, int part, int parts, int next) {
  __shared__ S shared[HESSE_SCATTER_THREADS];
  S* slot = shared + threadIdx.x;
  *slot = sum;
  for (int half = parts / 2; half > 0; half /= 2) {
    __syncthreads();
    if (part < half) {
      *slot += slot[half * next];
    }
  }
  return *slot;
}

template <class T, class S>
__device__ void hesse_scatter_sums(
    const T* in, const hesse_long* entries, T* out, const HesseAxes& axes, const HesseStrides<2>& strides,
    const HesseAxes& out_axes, const HesseStrides<2>& out_strides, const HesseScatterShape& shape) {
  int side = HESSE_SCATTER_THREADS / (int)shape.parts;
  int part = (int)threadIdx.x / side;
  hesse_long element = (hesse_long)blockIdx.x * side + threadIdx.x % side;
  bool inside = element < shape.size;
  hesse_long to[2];
  hesse_locate(out_axes, out_strides, inside ? element : 0, to);
  S sum = 0;
  if (inside) {
    hesse_long key = element / shape.rest;
    hesse_long begin = hesse_rank(entries, 0, shape.places, key << shape.bits);
    hesse_long end = begin + hesse_rank(entries, begin, shape.places, (key + 1) << shape.bits);
    for (hesse_long i = begin + part; i < end; i += shape.parts) {
      hesse_long from[2];
      hesse_locate(axes, strides, entries[i] & ((1LL << shape.bits) - 1), from);
      sum += in[from[1] + to[1]];
    }
  }
  sum = hesse_parts(sum, part, (int)shape.parts, side);
  if (inside && part == 0) {
    out[to[0]] = (T)sum;
  }
}

// Where there are few indices: every element of the result looks at all of its item's.
template <class T, class S>
__device__ void hesse_scatter_few(
    const T* in, const int* indices, T* out, const HesseAxes& axes, const HesseStrides<2>& strides,
    const HesseAxes& out_axes, const HesseStrides<2>& out_strides, const HesseScatterShape& shape, HesseStatus* status,
    int fault) {
  hesse_long element = hesse_thread();
  if (element >= shape.size) {
    return;
  }
  hesse_long to[2];
  hesse_locate(out_axes, out_strides, element, to);
  hesse_long key = element / shape.rest;
  hesse_long item = key / shape.extent;
  int k = (int)(key - item * shape.extent);
  S sum = 0;
  for (hesse_long i = 0; i < shape.count; i++) {
    hesse_long from[2];
    hesse_locate(axes, strides, item * shape.count + i, from);
    int index = indices[from[0]];
    if (index == k) {
      sum += in[from[1] + to[1]];
    } else if (k == 0 && (index < 0 || index >= shape.extent)) {
      hesse_fail(status, fault, index);
    }
  }
  out[to[0]] = (T)sum;
}

#define HESSE_SCATTER(suffix, T, S)                                                                                \
  HESSE_ENTRY(scatter_sums_##suffix)(                                                                              \
      const T* in, const hesse_long* entries, T* out, HesseAxes axes, HesseStrides<2> strides, HesseAxes out_axes, \
      HesseStrides<2> out_strides, HesseScatterShape shape) {                                                      \
    hesse_scatter_sums<T, S>(in, entries, out, axes, strides, out_axes, out_strides, shape);                       \
  }                                                                                                                \
  HESSE_ENTRY(scatter_few_##suffix)(                                                                               \
      const T* in, const int* indices, T* out, HesseAxes axes, HesseStrides<2> strides, HesseAxes out_axes,        \
      HesseStrides<2> out_strides, HesseScatterShape shape, HesseStatus* status, int fault) {                      \
    hesse_scatter_few<T, S>(in, indices, out, axes, strides, out_axes, out_strides, shape, status, fault);         \
  }
HESSE_SCATTER(f32, float, double)
HESSE_SCATTER(f64, double, double)
HESSE_SCATTER(i32, int, hesse_long)
