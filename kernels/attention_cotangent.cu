// The transpose of attention's tangent, see org.hesse.ir.CompositeKind: of queries a block of these at a time, of keys
// and of values a block of those.
#include "attention.cuh"

HESSE_ATTENTION_ENTRIES(attention_cotangent_q, HESSE_COTANGENT_Q)
HESSE_ATTENTION_ENTRIES(attention_cotangent_k, HESSE_COTANGENT_K)
HESSE_ATTENTION_ENTRIES(attention_cotangent_v, HESSE_COTANGENT_V)

// For each query Σ a w over the values, less the cotangent of the logarithm: what slopes of weights are relative to.
template <class T>
__device__ void hesse_along(
    const T* a, const T* w, T* along, const HesseAxes& axes, const HesseStrides<9>& strides,
    const HesseAttentionShape& shape) {
  hesse_long number = hesse_thread() / 32;
  hesse_long last = shape.items * shape.queries - 1;
  hesse_long i = number < last ? number : last;
  hesse_long at[9];
  hesse_locate(axes, strides, i / shape.queries, at);
  hesse_long query = i % shape.queries;
  const T* u = a + at[HESSE_A] + query * shape.stride[HESSE_A];
  const T* v = w + at[HESSE_W] + query * shape.stride[HESSE_W];
  double sum = 0;
  for (int e = (int)threadIdx.x % 32; e < shape.values; e += 32) {
    sum += (double)u[e] * v[e];
  }
  sum = hesse_warp_reduce(sum, HesseSum());
  if (number <= last && threadIdx.x % 32 == 0) {
    along[i] = (T)(sum - v[shape.values + 1]);
  }
}

#define HESSE_ALONG(entry, T)                                                                                 \
  HESSE_ENTRY(entry)(                                                                                         \
      const T* a, const T* w, T* along, HesseAxes axes, HesseStrides<9> strides, HesseAttentionShape shape) { \
    hesse_along(a, w, along, axes, strides, shape);                                                           \
  }
HESSE_ALONG(attention_along_f32, float)
HESSE_ALONG(attention_along_f64, double)
