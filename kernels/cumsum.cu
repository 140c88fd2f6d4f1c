// Running sums along lines. Long ones are cut into chunks: first these are summed, then what comes before each.
#include "entries.cuh"
#include "lines.cuh"

#define HESSE_EACH 4

// Leaves in shared memory, for each thread, the sum of its value and those of the parts before it.
template <class S>
__device__ inline void hesse_scan(S v, const HesseLine& p, S* shared) {
  S* slot = shared + threadIdx.x;
  __syncthreads();
  *slot = v;
  for (int back = 1; back < p.parts; back *= 2) {
    __syncthreads();
    S before = p.part >= back ? slot[-back * p.next] : 0;
    __syncthreads();
    v += before;
    *slot = v;
  }
  __syncthreads();
}

// Sums of chunks, line by line.
template <class T, class S>
__device__ void hesse_cumsum_chunks(
    const T* in, S* sums, const HesseAxes& axes, const HesseStrides<2>& strides, hesse_long step,
    const HesseLineShape& shape) {
  __shared__ S shared[HESSE_LINE_THREADS];
  HesseLine p(shape);
  hesse_long at[2];
  hesse_locate(axes, strides, p.inside ? p.line : 0, at);
  S sum = 0;
  for (hesse_long i = p.begin + p.part; p.inside && i < p.end; i += p.parts) {
    sum += in[at[0] + i * step];
  }
  hesse_scan(sum, p, shared);
  if (p.inside && p.part == p.parts - 1) {
    sums[p.line * shape.chunks + p.chunk] = shared[threadIdx.x];
  }
}

// What comes before each chunk, in place of its sum; a thread for each line.
template <class S>
__device__ void hesse_cumsum_before(S* sums, hesse_long lines, hesse_long chunks) {
  hesse_long line = hesse_thread();
  if (line < lines) {
    S before = 0;
    for (hesse_long c = line * chunks; c < (line + 1) * chunks; c++) {
      S sum = sums[c];
      sums[c] = before;
      before += sum;
    }
  }
}

// Each thread has a few elements one after another.
template <class T, class S>
__device__ void hesse_cumsum(
    const T* in, T* out, const S* sums, const HesseAxes& axes, const HesseStrides<2>& strides, hesse_long in_step,
    hesse_long out_step, const HesseLineShape& shape) {
  __shared__ S shared[HESSE_LINE_THREADS];
  HesseLine p(shape);
  hesse_long at[2];
  hesse_locate(axes, strides, p.inside ? p.line : 0, at);
  S before = shape.chunks > 1 && p.inside ? sums[p.line * shape.chunks + p.chunk] : 0;
  for (hesse_long i0 = p.begin; i0 < p.end; i0 += p.parts * HESSE_EACH) {
    hesse_long i = i0 + p.part * HESSE_EACH;
    S v[HESSE_EACH];
    S sum = 0;
    for (int j = 0; j < HESSE_EACH; j++) {
      sum += p.inside && i + j < p.end ? (S)in[at[0] + (i + j) * in_step] : 0;
      v[j] = sum;
    }
    hesse_scan(sum, p, shared);
    S left = p.part == 0 ? 0 : shared[(int)threadIdx.x - p.next];
    for (int j = 0; j < HESSE_EACH; j++) {
      if (p.inside && i + j < p.end) {
        out[at[1] + (i + j) * out_step] = (T)(before + left + v[j]);
      }
    }
    before += shared[(int)threadIdx.x + (p.parts - 1 - p.part) * p.next];
  }
}

#define HESSE_CUMSUM(suffix, T, S)                                                                            \
  HESSE_ENTRY(cumsum_chunks_##suffix)(                                                                        \
      const T* in, S* sums, HesseAxes axes, HesseStrides<2> strides, hesse_long step, HesseLineShape shape) { \
    hesse_cumsum_chunks(in, sums, axes, strides, step, shape);                                                \
  }                                                                                                           \
  HESSE_ENTRY(cumsum_before_##suffix)(S* sums, hesse_long lines, hesse_long chunks) {                         \
    hesse_cumsum_before(sums, lines, chunks);                                                                 \
  }                                                                                                           \
  HESSE_ENTRY(cumsum_##suffix)(                                                                               \
      const T* in, T* out, const S* sums, HesseAxes axes, HesseStrides<2> strides, hesse_long in_step,        \
      hesse_long out_step, HesseLineShape shape) {                                                            \
    hesse_cumsum(in, out, sums, axes, strides, in_step, out_step, shape);                                     \
  }
HESSE_CUMSUM(f32, float, double)
HESSE_CUMSUM(f64, double, double)
HESSE_CUMSUM(i32, int, hesse_long)
