// Elements read where indices say. What they are does not matter, only how long they are.
#include "entries.cuh"
#include "index.cuh"

struct alignas(16) HesseSixteen {
  hesse_long half[2];
};

// Strides are those of the operand, the indices and the result; the index goes along the operand's axis with `step`.
template <class T>
__device__ void hesse_gather(
    const T* in, const int* indices, T* out, const HesseAxes& axes, const HesseStrides<3>& strides, hesse_long size,
    int extent, hesse_long step, HesseStatus* status, int fault) {
  hesse_long thread = hesse_thread();
  if (thread >= size) {
    return;
  }
  hesse_long at[3];
  hesse_locate(axes, strides, thread, at);
  int k = indices[at[1]];
  if (k >= 0 && k < extent) {
    out[at[2]] = in[at[0] + k * step];
  } else {
    hesse_fail(status, fault, k);
    out[at[2]] = T();
  }
}

#define HESSE_GATHER(entry, T)                                                                           \
  HESSE_ENTRY(entry)(                                                                                    \
      const T* in, const int* indices, T* out, HesseAxes axes, HesseStrides<3> strides, hesse_long size, \
      int extent, hesse_long step, HesseStatus* status, int fault) {                                     \
    hesse_gather(in, indices, out, axes, strides, size, extent, step, status, fault);                    \
  }
HESSE_GATHER(gather_1, unsigned char)
HESSE_GATHER(gather_4, int)
HESSE_GATHER(gather_8, hesse_long)
HESSE_GATHER(gather_16, HesseSixteen)
