// Overlapping windows added up.
#include "entries.cuh"
#include "index.cuh"

// The result's elements are those of its domain's axes, of which that of number `axis` the windows lie along.
struct HesseFoldShape {
  hesse_long size;
  hesse_long axis;
  hesse_long positions;
  hesse_long window;
  hesse_long stride;
  hesse_long dilation;
  // Strides of the operand from position to position, and from place to place within the window.
  hesse_long position_step;
  hesse_long place_step;
};

// Every element collects its terms, in the order of the places in the window.
template <class T, class S>
__device__ void hesse_fold(
    const T* in, T* out, const HesseAxes& axes, const HesseStrides<2>& strides, const HesseFoldShape& shape) {
  hesse_long index = hesse_thread();
  if (index >= shape.size) {
    return;
  }
  hesse_long at[2] = {0, 0};
  int along = 0;
  for (int a = axes.rank - 1; a >= 0; a--) {
    hesse_long digit = a == 0 ? index : hesse_digit(axes, a, &index);
    along = a == shape.axis ? (int)digit : along;
    at[0] += digit * strides.of[0][a];
    at[1] += digit * strides.of[1][a];
  }
  S sum = 0;
  for (int w = 0; w < shape.window; w++) {
    int offset = along - w * (int)shape.dilation;
    if (offset < 0) {
      break;
    }
    int p = offset / (int)shape.stride;
    if (p < shape.positions && p * (int)shape.stride == offset) {
      sum += in[at[0] + p * shape.position_step + w * shape.place_step];
    }
  }
  out[at[1]] = (T)sum;
}

#define HESSE_FOLD(entry, T, S)                                                             \
  HESSE_ENTRY(entry)(                                                                       \
      const T* in, T* out, HesseAxes axes, HesseStrides<2> strides, HesseFoldShape shape) { \
    hesse_fold<T, S>(in, out, axes, strides, shape);                                        \
  }
HESSE_FOLD(fold_f32, float, double)
HESSE_FOLD(fold_f64, double, double)
HESSE_FOLD(fold_i32, int, hesse_long)
