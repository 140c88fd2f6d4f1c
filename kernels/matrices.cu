// What surrounds the routines of cuBLAS and cuSOLVER: they want matrices column by column, overwrite their
// operands, and tell what they found in numbers on the device.
#include "entries.cuh"
#include "hesse.cuh"

namespace {

constexpr int THREADS = 256;
constexpr int SIDE = 32;

// Over the batch, rows, columns.
struct Strides {
  hesse_long batch, row, column;
};

struct Shape {
  int rows, columns;
  // Which elements count, the others are 0: see Region in CudaFactor.
  int region;
  // Distance of two columns of the dense side.
  int leading;
};

// Whole numbers held by elements of the matrices' type: where row i comes from, or goes to.
template <typename T>
struct Order {
  const T* at;
  hesse_long batch, row;

  // What a failed step has left behind may be anything.
  __device__ int of(hesse_long matrix, int i, int rows) const {
    if (at == nullptr) {
      return i;
    }
    T value = at[matrix * batch + i * row];
    return value >= T(0) && value < T(rows) ? (int)value : 0;
  }
};

__device__ inline bool counts(int region, int i, int j) {
  switch (region) {
    case 1: return i >= j;
    case 2: return i <= j;
    case 3: return i > j;
    case 4: return i < j;
    default: return true;
  }
}

__device__ inline hesse_long magnitude(hesse_long stride) { return stride < 0 ? -stride : stride; }

// The block's matrix and the first row and column of its tile.
struct Tile {
  hesse_long matrix;
  int i, j;

  __device__ explicit Tile(Shape shape) {
    hesse_long down = (shape.rows + SIDE - 1) / SIDE;
    hesse_long across = (shape.columns + SIDE - 1) / SIDE;
    matrix = blockIdx.x / (down * across);
    i = (int)(blockIdx.x / across % down) * SIDE;
    j = (int)(blockIdx.x % across) * SIDE;
  }
};

// Strided matrices become dense columns. Where `bad` is given, the first element of all, in the order of the
// result, that is NaN or infinite is noted there, and replaced, so that no routine iterates on it.
template <typename T>
__device__ void load(const T* from, Strides s, T* to, Shape shape, Order<T> order, hesse_long* bad) {
  __shared__ T shared[SIDE][SIDE + 1];
  Tile tile(shape);
  int x = (int)threadIdx.x % SIDE, y = (int)threadIdx.x / SIDE;
  bool along = magnitude(s.column) <= magnitude(s.row);
  hesse_long first = tile.matrix * shape.rows * shape.columns;
  from += tile.matrix * s.batch;
  for (int q = y; q < SIDE; q += THREADS / SIDE) {
    int r = along ? q : x, c = along ? x : q;
    int i = tile.i + r, j = tile.j + c;
    T value = T(0);
    if (i < shape.rows && j < shape.columns && counts(shape.region, i, j)) {
      value = from[order.of(tile.matrix, i, shape.rows) * s.row + j * s.column];
      if (bad != nullptr && !(value - value == T(0))) {
        atomicMin(bad, (first + (hesse_long)j * shape.rows + i) * 2 + (value == value ? 1 : 0));
        value = T(0);
      }
    }
    shared[r][c] = value;
  }
  __syncthreads();
  for (int q = y; q < SIDE; q += THREADS / SIDE) {
    int i = tile.i + x, j = tile.j + q;
    if (i < shape.rows && j < shape.columns) {
      to[tile.matrix * shape.leading * shape.columns + (hesse_long)j * shape.leading + i] = shared[x][q];
    }
  }
}

// Dense columns become strided matrices; each row, or each column, is multiplied by its sign, if there are any.
template <typename T>
__device__ void store(const T* from, hesse_long each, Shape shape, T* to, Strides s, Order<T> order,
                      const T* row_signs, const T* column_signs) {
  __shared__ T shared[SIDE][SIDE + 1];
  Tile tile(shape);
  int x = (int)threadIdx.x % SIDE, y = (int)threadIdx.x / SIDE;
  bool along = magnitude(s.column) <= magnitude(s.row);
  from += tile.matrix * each;
  for (int q = y; q < SIDE; q += THREADS / SIDE) {
    int i = tile.i + x, j = tile.j + q;
    T value = T(0);
    if (i < shape.rows && j < shape.columns && counts(shape.region, i, j)) {
      value = from[(hesse_long)j * shape.leading + i];
      if (row_signs != nullptr) {
        value *= row_signs[tile.matrix * shape.rows + i];
      }
      if (column_signs != nullptr) {
        value *= column_signs[tile.matrix * shape.columns + j];
      }
    }
    shared[x][q] = value;
  }
  __syncthreads();
  to += tile.matrix * s.batch;
  for (int q = y; q < SIDE; q += THREADS / SIDE) {
    int r = along ? q : x, c = along ? x : q;
    int i = tile.i + r, j = tile.j + c;
    if (i < shape.rows && j < shape.columns) {
      to[order.of(tile.matrix, i, shape.rows) * s.row + j * s.column] = shared[r][c];
    }
  }
}

// -1 where an element of the diagonal is negative, else 1.
template <typename T>
__device__ void signs(const T* from, hesse_long each, int leading, T* to, int n) {
  hesse_long matrix = blockIdx.x;
  for (int i = (int)threadIdx.x; i < n; i += THREADS) {
    to[matrix * n + i] = from[matrix * each + (hesse_long)i * leading + i] < T(0) ? T(-1) : T(1);
  }
}

// For each matrix 1 + the place of the first zero on the diagonal, or 0.
template <typename T>
__device__ void zeros(const T* from, int n, int* info) {
  __shared__ int first;
  hesse_long matrix = blockIdx.x;
  if (threadIdx.x == 0) {
    first = n;
  }
  __syncthreads();
  for (int i = (int)threadIdx.x; i < n; i += THREADS) {
    if (from[(matrix * n + i) * n + i] == T(0)) {
      atomicMin(&first, i);
    }
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    info[matrix] = first == n ? 0 : first + 1;
  }
}

// The row that has come to each place, from the exchanges (from 1) that a factorisation made.
constexpr int FEW = 1024;

template <typename T>
__device__ void permutation(const int* exchanges, int* large, int n, T* to, Strides s) {
  __shared__ int few[FEW];
  hesse_long matrix = blockIdx.x;
  int* rows = n <= FEW ? few : large + matrix * n;
  for (int i = (int)threadIdx.x; i < n; i += THREADS) {
    rows[i] = i;
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    for (int i = 0; i < n; i++) {
      int p = exchanges[matrix * n + i] - 1;
      int row = rows[p];
      rows[p] = rows[i];
      rows[i] = row;
    }
  }
  __syncthreads();
  for (int i = (int)threadIdx.x; i < n; i += THREADS) {
    to[matrix * s.batch + i * s.column] = T(rows[i]);
  }
}

// Sign, logarithm of the magnitude, and value of the determinant, from packed factors. A permutation is odd if
// an odd number of pairs is out of order. Pivots are multiplied in order, by one thread.
template <typename T>
__device__ void determinant(const T* from, Strides s, int n, T* to, Strides out) {
  __shared__ double pivots[THREADS];
  __shared__ double logarithms[THREADS];
  __shared__ int odd;
  hesse_long matrix = blockIdx.x;
  from += matrix * s.batch;
  const T* rows = from + n * s.row;
  int inversions = 0;
  for (int i = (int)threadIdx.x; i < n; i += THREADS) {
    T here = rows[i * s.column];
    for (int j = i + 1; j < n; j++) {
      inversions ^= here > rows[j * s.column] ? 1 : 0;
    }
  }
  if (threadIdx.x == 0) {
    odd = 0;
  }
  __syncthreads();
  if (inversions != 0) {
    atomicXor(&odd, 1);
  }
  __syncthreads();
  double det = odd != 0 ? -1 : 1;
  double sign = det;
  double log_det = 0;
  for (int i0 = 0; i0 < n; i0 += THREADS) {
    int i = i0 + (int)threadIdx.x;
    if (i < n) {
      double pivot = (double)from[i * (s.row + s.column)];
      pivots[threadIdx.x] = pivot;
      logarithms[threadIdx.x] = log(fabs(pivot));
    }
    __syncthreads();
    if (threadIdx.x == 0) {
      for (int q = 0; q < THREADS && i0 + q < n; q++) {
        det *= pivots[q];
        sign = pivots[q] > 0 ? sign : pivots[q] < 0 ? -sign : pivots[q] == 0 ? 0 : pivots[q];
        log_det += logarithms[q];
      }
    }
    __syncthreads();
  }
  if (threadIdx.x == 0) {
    to += matrix * out.batch;
    // A zero is no negative one.
    to[0] = T(sign + 0.0);
    to[out.column] = T(log_det);
    to[2 * out.column] = T(det + 0.0);
  }
}

// 1 / (x[j] - x[i]), a block for each row; in `equal` the first pair that is closer than `close` units of the
// largest.
template <typename T>
__device__ void gaps(const T* x, Strides s, int n, double close, T* to, Strides out, hesse_long* equal) {
  __shared__ double most[THREADS];
  hesse_long matrix = blockIdx.x / n;
  int i = (int)(blockIdx.x % n);
  x += matrix * s.batch;
  double largest = 0;
  for (int j = (int)threadIdx.x; j < n; j += THREADS) {
    largest = fmax(largest, fabs((double)x[j * s.column]));
  }
  most[threadIdx.x] = largest;
  __syncthreads();
  for (int d = THREADS / 2; d > 0; d /= 2) {
    if ((int)threadIdx.x < d) {
      most[threadIdx.x] = fmax(most[threadIdx.x], most[threadIdx.x + d]);
    }
    __syncthreads();
  }
  double least = close * most[0];
  double here = (double)x[i * s.column];
  for (int j = (int)threadIdx.x; j < n; j += THREADS) {
    double gap = (double)x[j * s.column] - here;
    if (i < j && fabs(gap) <= least) {
      atomicMin(equal, (matrix * n + i) * n + j);
    }
    to[matrix * out.batch + i * out.row + j * out.column] = i == j ? T(0) : T(1 / gap);
  }
}

// The least of the whole numbers that are less than `none`, or `none`.
__device__ int least(int mine, int none) {
  __shared__ int all;
  if (threadIdx.x == 0) {
    all = none;
  }
  __syncthreads();
  if (mine < none) {
    atomicMin(&all, mine);
  }
  __syncthreads();
  return all;
}

}  // namespace

constexpr hesse_long NOTHING = 0x7fffffffffffffffLL;

HESSE_ENTRY(matrices_begin)(hesse_long* bad) { *bad = NOTHING; }

// Pointers to the matrices of a batch.
HESSE_ENTRY(matrices_pointers)(char** to, char* first, hesse_long bytes, int count) {
  int i = (int)(blockIdx.x * THREADS + threadIdx.x);
  if (i < count) {
    to[i] = first + i * bytes;
  }
}

// Reports the first matrix that has a number that is not finite, or that a routine has something to say about
// (info, if given). One block.
HESSE_BOUND_ENTRY(matrices_report, 256)(
    const hesse_long* bad, hesse_long each, const int* info, int batch, HesseStatus* status, int nan_code,
    int infinity_code, int info_code) {
  int mine = batch;
  for (int i = (int)threadIdx.x; info != nullptr && i < batch && mine == batch; i += THREADS) {
    if (info[i] != 0) {
      mine = i;
    }
  }
  int found = least(mine, batch);
  if (threadIdx.x == 0) {
    if (*bad != NOTHING && *bad / 2 / each <= found) {
      hesse_fail(status, *bad % 2 == 0 ? nan_code : infinity_code, *bad / 2);
    } else if (found < batch) {
      hesse_fail(status, info_code, (hesse_long)found << 32 | (unsigned)info[found]);
    }
  }
}

// Reports a pair of equal values.
HESSE_ENTRY(matrices_equal)(const hesse_long* equal, HesseStatus* status, int code) {
  if (*equal != NOTHING) {
    hesse_fail(status, code, *equal);
  }
}

#define KERNELS(suffix, T)                                                                                           \
  HESSE_BOUND_ENTRY(matrices_load_##suffix, 256)(                                                                    \
      const T* from, Strides s, T* to, Shape shape, const T* order, hesse_long order_batch,                          \
      hesse_long order_row, hesse_long* bad) {                                                                       \
    load(from, s, to, shape, Order<T>{order, order_batch, order_row}, bad);                                          \
  }                                                                                                                  \
  HESSE_BOUND_ENTRY(matrices_store_##suffix, 256)(                                                                   \
      const T* from, hesse_long each, Shape shape, T* to, Strides s, const T* order, hesse_long order_batch,         \
      hesse_long order_row, const T* row_signs, const T* column_signs) {                                             \
    store(from, each, shape, to, s, Order<T>{order, order_batch, order_row}, row_signs, column_signs);               \
  }                                                                                                                  \
  HESSE_BOUND_ENTRY(matrices_signs_##suffix, 256)(const T* from, hesse_long each, int leading, T* to, int n) {       \
    signs(from, each, leading, to, n);                                                                               \
  }                                                                                                                  \
  HESSE_BOUND_ENTRY(matrices_zeros_##suffix, 256)(const T* from, int n, int* info) {                                 \
    zeros(from, n, info);                                                                                            \
  }                                                                                                                  \
  HESSE_BOUND_ENTRY(matrices_permutation_##suffix, 256)(const int* exchanges, int* large, int n, T* to, Strides s) { \
    permutation(exchanges, large, n, to, s);                                                                         \
  }                                                                                                                  \
  HESSE_BOUND_ENTRY(matrices_determinant_##suffix, 256)(const T* from, Strides s, int n, T* to, Strides out) {       \
    determinant(from, s, n, to, out);                                                                                \
  }                                                                                                                  \
  HESSE_BOUND_ENTRY(matrices_gaps_##suffix, 256)(                                                                    \
      const T* x, Strides s, int n, double close, T* to, Strides out, hesse_long* equal) {                           \
    gaps(x, s, n, close, to, out, equal);                                                                            \
  }

KERNELS(f32, float)
KERNELS(f64, double)
