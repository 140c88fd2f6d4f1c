// The products of matmul.cuh, stored as they are.
#include "matmul.cuh"

#define KERNEL(name, In, Out, ...)                                                                                   \
  HESSE_BOUND_ENTRY(name, 256)(                                                                                      \
      const In* a, matmul::Strides sa, const In* c, matmul::Strides sc, Out* out, matmul::Strides so,                \
      matmul::Product size) {                                                                                        \
    matmul::__VA_ARGS__(a, sa, c, sc, matmul::Stored<Out>{out}, so, size);                                           \
  }

#define KERNELS(suffix, In, Out)                                                                                     \
  KERNEL(matmul_large_##suffix, In, Out, tile<4, In, Out>)                                                           \
  KERNEL(matmul_small_##suffix, In, Out, tile<2, In, Out>)                                                           \
  KERNEL(matmul_rows_##suffix, In, Out, rows<In, Out>)                                                               \
  KERNEL(matmul_columns_##suffix, In, Out, columns<In, Out>)                                                         \
  KERNEL(matmul_outer_##suffix, In, Out, outer<In, Out>)                                                             \
  KERNEL(matmul_batch_##suffix, In, Out, batch<In, Out>)                                                             \
  HESSE_BOUND_ENTRY(matmul_sum_##suffix, 256)(                                                                       \
      const Out* parts, int count, Out* out, matmul::Strides so, matmul::Product size) {                             \
    matmul::sum(parts, count, matmul::Stored<Out>{out}, so, size);                                                   \
  }

KERNELS(f32, float, float)
KERNELS(f64, double, double)
KERNELS(f32_f64, float, double)
KERNELS(i32, int, int)
