// Where lines have their first maximum. Of long lines the chunks' are found first.
#include "entries.cuh"
#include "lines.cuh"

// S holds any value of the operand, and leaves no gap behind itself.
template <class S>
struct HesseCandidate {
  S value;
  int place;
  // Whether it is one.
  int valid;
};

// Whether a comes before b: NaN is largest, and of equals the first.
template <class S>
__device__ inline bool hesse_leads(const HesseCandidate<S>& a, const HesseCandidate<S>& b) {
  if (!a.valid || !b.valid) {
    return a.valid;
  }
  bool a_none = a.value != a.value;
  bool b_none = b.value != b.value;
  bool equal = a_none ? b_none : a.value == b.value;
  return equal ? a.place < b.place : a_none || (!b_none && a.value > b.value);
}

template <class T, class S>
__device__ void hesse_argmax(
    const T* in, int* out, HesseCandidate<S>* candidates, const HesseAxes& axes, const HesseStrides<2>& strides,
    hesse_long step, const HesseLineShape& shape) {
  __shared__ HesseCandidate<S> shared[HESSE_LINE_THREADS];
  HesseLine p(shape);
  hesse_long at[2];
  hesse_locate(axes, strides, p.inside ? p.line : 0, at);
  HesseCandidate<S> best = {};
  for (hesse_long i = p.begin + p.part; p.inside && i < p.end; i += p.parts) {
    HesseCandidate<S> other = {in[at[0] + i * step], (int)i, 1};
    if (hesse_leads(other, best)) {
      best = other;
    }
  }
  HesseCandidate<S>* slot = shared + threadIdx.x;
  *slot = best;
  for (int half = p.parts / 2; half > 0; half /= 2) {
    __syncthreads();
    if (p.part < half && hesse_leads(slot[half * p.next], *slot)) {
      *slot = slot[half * p.next];
    }
  }
  if (p.part == 0 && p.inside) {
    if (shape.chunks > 1) {
      candidates[p.line * shape.chunks + p.chunk] = *slot;
    } else {
      out[at[1]] = slot->place;
    }
  }
}

// The first of the chunks' candidates; a thread for each line.
template <class S>
__device__ void hesse_argmax_chunks(
    const HesseCandidate<S>* candidates, int* out, const HesseAxes& axes, const HesseStrides<2>& strides,
    const HesseLineShape& shape) {
  hesse_long line = hesse_thread();
  if (line >= shape.lines) {
    return;
  }
  hesse_long at[2];
  hesse_locate(axes, strides, line, at);
  HesseCandidate<S> best = candidates[line * shape.chunks];
  for (hesse_long c = 1; c < shape.chunks; c++) {
    HesseCandidate<S> other = candidates[line * shape.chunks + c];
    if (hesse_leads(other, best)) {
      best = other;
    }
  }
  out[at[1]] = best.place;
}

#define HESSE_ARGMAX(suffix, T, S)                                                                                    \
  HESSE_ENTRY(argmax_##suffix)(                                                                                       \
      const T* in, int* out, HesseCandidate<S>* candidates, HesseAxes axes, HesseStrides<2> strides,                  \
      hesse_long step, HesseLineShape shape) {                                                                        \
    hesse_argmax<T, S>(in, out, candidates, axes, strides, step, shape);                                              \
  }                                                                                                                   \
  HESSE_ENTRY(argmax_chunks_##suffix)(                                                                                \
      const HesseCandidate<S>* candidates, int* out, HesseAxes axes, HesseStrides<2> strides, HesseLineShape shape) { \
    hesse_argmax_chunks(candidates, out, axes, strides, shape);                                                       \
  }
HESSE_ARGMAX(f32, float, float)
HESSE_ARGMAX(f64, double, double)
HESSE_ARGMAX(i32, int, int)
HESSE_ARGMAX(bool, unsigned char, int)
