// The elements of a domain, and where they are in operands.
#pragma once
#include "hesse.cuh"

// At most so many axes.
#define HESSE_RANK 12

// Extents of a domain, outermost first, and for each the multiplication and shift that divide by it
// (Granlund and Montgomery, 1994), since a GPU has no instruction for that.
struct HesseAxes {
  int rank;
  int extent[HESSE_RANK];
  int factor[HESSE_RANK];
  int shift[HESSE_RANK];
};

// Strides of V operands over such a domain.
template <int V>
struct HesseStrides {
  hesse_long of[V][HESSE_RANK];
};

// Takes the index along axis a, whatever is left of which is an index over the axes before it.
__device__ inline unsigned hesse_digit(const HesseAxes& axes, int a, hesse_long* index) {
  unsigned extent = (unsigned)axes.extent[a];
  if (*index < 0x80000000LL) {
    unsigned i = (unsigned)*index;
    unsigned high = (unsigned)((unsigned long long)i * (unsigned)axes.factor[a] >> 32);
    unsigned quotient = (high + i) >> axes.shift[a];
    *index = quotient;
    return i - quotient * extent;
  }
  unsigned digit = (unsigned)(*index % extent);
  *index /= extent;
  return digit;
}

// Where the element of a row-major index is in each operand, in elements.
template <int V>
__device__ inline void hesse_locate(
    const HesseAxes& axes, const HesseStrides<V>& strides, hesse_long index, hesse_long (&at)[V]) {
  for (int v = 0; v < V; v++) {
    at[v] = 0;
  }
  for (int a = axes.rank - 1; a >= 0; a--) {
    hesse_long digit = a == 0 ? index : hesse_digit(axes, a, &index);
    for (int v = 0; v < V; v++) {
      at[v] += digit * strides.of[v][a];
    }
  }
}

// This thread's number in a grid of one dimension.
__device__ inline hesse_long hesse_thread() {
  return (hesse_long)blockIdx.x * blockDim.x + threadIdx.x;
}
