// Products over any axes, out[b, m, n] = Σₖ lhs[b, m, k] rhs[b, n, k], without bringing operands into matrices first:
// blocks make tiles of the result, and find where the elements are as they go.
#include "rows.cuh"

#define HESSE_SQUARE 16
#define HESSE_DEPTH 16

struct HesseContractShape {
  hesse_long batch;
  hesse_long m;
  hesse_long n;
  hesse_long k;
  // How many parts k is cut into, each a block's, and how long they are.
  hesse_long parts;
  hesse_long part;
  // Whether neighbours along k are neighbours in an operand, and not those along m or n.
  hesse_long lhs_along;
  hesse_long rhs_along;
};

// Strides over the axes of b, m, n and k: of lhs, rhs and the result over b; of lhs and the result over m; of rhs and
// the result over n; of lhs and rhs over k.
struct HesseContractAxes {
  HesseAxes b;
  HesseAxes m;
  HesseAxes n;
  HesseAxes k;
};

struct HesseContractStrides {
  HesseStrides<3> b;
  HesseStrides<2> m;
  HesseStrides<2> n;
  HesseStrides<2> k;
};

// Moves a tile of one operand, of LINES lines and HESSE_DEPTH deep, through registers, which are under way while the
// tile before is in use.
template <class T, int LINES>
struct HesseStream {
  static constexpr int LINE = LINES + 16 / (int)sizeof(T);
  static constexpr int EACH = LINES * HESSE_DEPTH / (HESSE_SQUARE * HESSE_SQUARE);
  static constexpr int LINES_AT_ONCE = HESSE_SQUARE * HESSE_SQUARE / HESSE_DEPTH;

  T held[EACH];
  const T* from;
  int lines;
  bool along;

  // The line and depth of this thread's element number j.
  __device__ int line(int j) const {
    int i = (int)threadIdx.x;
    return along ? i / HESSE_DEPTH + j * LINES_AT_ONCE : (i + j * HESSE_SQUARE * HESSE_SQUARE) % LINES;
  }

  __device__ int depth(int j) const {
    int i = (int)threadIdx.x;
    return along ? i % HESSE_DEPTH : (i + j * HESSE_SQUARE * HESSE_SQUARE) / LINES;
  }

  __device__ void load(const hesse_long* at_line, const hesse_long* at_depth, int depths) {
    for (int j = 0; j < EACH; j++) {
      int l = line(j);
      int d = depth(j);
      held[j] = l < lines && d < depths ? from[at_line[l] + at_depth[d]] : (T)0;
    }
  }

  __device__ void store(T* tile) const {
    for (int j = 0; j < EACH; j++) {
      tile[depth(j) * LINE + line(j)] = held[j];
    }
  }
};

// Which line of a tile a thread's number i is; packs of neighbouring ones, and what one pack is from all threads.
template <int PACK>
__device__ inline int hesse_spread(int thread, int i) {
  return (i / PACK * HESSE_SQUARE + thread) * PACK + i % PACK;
}

// Where some indices of an axis group are in two operands.
template <int COUNT>
struct HessePlaces {
  hesse_long of[2][COUNT];

  __device__ void fill(const HesseAxes& axes, const HesseStrides<2>& strides, hesse_long begin, int count) {
    for (int i = (int)threadIdx.x; i < count; i += HESSE_SQUARE * HESSE_SQUARE) {
      hesse_long at[2];
      hesse_locate(axes, strides, begin + i, at);
      of[0][i] = at[0];
      of[1][i] = at[1];
    }
  }
};

__device__ inline int hesse_least(hesse_long a, int b) { return a < b ? (int)a : b; }

// Threads of a block stand in a square, and each makes M × N elements.
template <class T, int M, int N>
__device__ void hesse_contract(
    const T* lhs, const T* rhs, T* out, T* parts, const HesseContractAxes& axes, const HesseContractStrides& strides,
    const HesseContractShape& shape) {
  constexpr int ROWS = HESSE_SQUARE * M;
  constexpr int COLUMNS = HESSE_SQUARE * N;
  constexpr int PACK = M < 16 / (int)sizeof(T) ? M : 16 / (int)sizeof(T);
  typedef HesseStream<T, ROWS> Left;
  typedef HesseStream<T, COLUMNS> Right;
  typedef HessePack<T, PACK> Pack;
  __shared__ __align__(16) T left_tile[Left::LINE * HESSE_DEPTH];
  __shared__ __align__(16) T right_tile[Right::LINE * HESSE_DEPTH];
  __shared__ HessePlaces<ROWS> of_rows;
  __shared__ HessePlaces<COLUMNS> of_columns;
  __shared__ HessePlaces<HESSE_DEPTH> of_depths[2];

  int tiles_m = (int)((shape.m + ROWS - 1) / ROWS);
  int tiles_n = (int)((shape.n + COLUMNS - 1) / COLUMNS);
  hesse_long block = blockIdx.x;
  hesse_long n0 = block % tiles_n * COLUMNS;
  block /= tiles_n;
  hesse_long m0 = block % tiles_m * ROWS;
  block /= tiles_m;
  hesse_long part = block % shape.parts;
  hesse_long batch = block / shape.parts;
  hesse_long k0 = part * shape.part;
  int depth = hesse_least(shape.k - k0, (int)shape.part);
  int rows = hesse_least(shape.m - m0, ROWS);
  int columns = hesse_least(shape.n - n0, COLUMNS);

  hesse_long base[3];
  hesse_locate(axes.b, strides.b, batch, base);
  Left left;
  left.from = lhs + base[0];
  left.lines = rows;
  left.along = shape.lhs_along;
  Right right;
  right.from = rhs + base[1];
  right.lines = columns;
  right.along = shape.rhs_along;
  of_rows.fill(axes.m, strides.m, m0, rows);
  of_columns.fill(axes.n, strides.n, n0, columns);
  of_depths[0].fill(axes.k, strides.k, k0, hesse_least(depth, HESSE_DEPTH));
  __syncthreads();
  left.load(of_rows.of[0], of_depths[0].of[0], depth);
  right.load(of_columns.of[0], of_depths[0].of[1], depth);

  int row = (int)threadIdx.x / HESSE_SQUARE;
  int column = (int)threadIdx.x % HESSE_SQUARE;
  T sum[M][N] = {};
  for (int d = 0; d < depth; d += HESSE_DEPTH) {
    int rest = depth - d - HESSE_DEPTH;
    HessePlaces<HESSE_DEPTH>& next = of_depths[(d / HESSE_DEPTH + 1) % 2];
    __syncthreads();
    left.store(left_tile);
    right.store(right_tile);
    next.fill(axes.k, strides.k, k0 + d + HESSE_DEPTH, hesse_least(rest, HESSE_DEPTH));
    __syncthreads();
    if (rest > 0) {
      left.load(of_rows.of[0], next.of[0], rest);
      right.load(of_columns.of[0], next.of[1], rest);
    }
#pragma unroll
    for (int k = 0; k < HESSE_DEPTH; k++) {
      T u[M];
      for (int i = 0; i < M; i += PACK) {
        Pack p = *(const Pack*)(left_tile + k * Left::LINE + hesse_spread<PACK>(row, i));
        for (int j = 0; j < PACK; j++) {
          u[i + j] = p.v[j];
        }
      }
      for (int j = 0; j < N; j += PACK) {
        Pack v = *(const Pack*)(right_tile + k * Right::LINE + hesse_spread<PACK>(column, j));
        for (int i = 0; i < M; i++) {
          for (int l = 0; l < PACK; l++) {
            sum[i][j + l] += u[i] * v.v[l];
          }
        }
      }
    }
  }

  for (int i = 0; i < M; i++) {
    int r = hesse_spread<PACK>(row, i);
    for (int j = 0; j < N; j++) {
      int c = hesse_spread<PACK>(column, j);
      if (r < rows && c < columns) {
        if (shape.parts > 1) {
          parts[((part * shape.batch + batch) * shape.m + m0 + r) * shape.n + n0 + c] = sum[i][j];
        } else {
          out[base[2] + of_rows.of[1][r] + of_columns.of[1][c]] = sum[i][j];
        }
      }
    }
  }
}

// Adds the parts up, in double.
template <class T>
__device__ void hesse_contract_parts(
    const T* parts, T* out, const HesseContractAxes& axes, const HesseContractStrides& strides,
    const HesseContractShape& shape) {
  hesse_long element = hesse_thread();
  hesse_long size = shape.batch * shape.m * shape.n;
  if (element >= size) {
    return;
  }
  double sum = 0;
  for (hesse_long p = 0; p < shape.parts; p++) {
    sum += parts[p * size + element];
  }
  hesse_long row = element / shape.n;
  hesse_long b[3];
  hesse_long m[2];
  hesse_long n[2];
  hesse_locate(axes.b, strides.b, row / shape.m, b);
  hesse_locate(axes.m, strides.m, row % shape.m, m);
  hesse_locate(axes.n, strides.n, element % shape.n, n);
  out[b[2] + m[1] + n[1]] = (T)sum;
}

#define HESSE_CONTRACT(entry, T, M, N)                                                                    \
  HESSE_BOUND_ENTRY(entry, HESSE_SQUARE * HESSE_SQUARE)(                                                  \
      const T* lhs, const T* rhs, T* out, T* parts, HesseContractAxes axes, HesseContractStrides strides, \
      HesseContractShape shape) {                                                                         \
    hesse_contract<T, M, N>(lhs, rhs, out, parts, axes, strides, shape);                                  \
  }
#define HESSE_CONTRACT_PARTS(entry, T)                                                                          \
  HESSE_ENTRY(entry)(                                                                                           \
      const T* parts, T* out, HesseContractAxes axes, HesseContractStrides strides, HesseContractShape shape) { \
    hesse_contract_parts(parts, out, axes, strides, shape);                                                     \
  }
HESSE_CONTRACT(contract_f32_128x128, float, 8, 8)
HESSE_CONTRACT(contract_f32_64x64, float, 4, 4)
HESSE_CONTRACT(contract_f32_32x128, float, 2, 8)
HESSE_CONTRACT(contract_f64_64x64, double, 4, 4)
HESSE_CONTRACT(contract_f64_32x128, double, 2, 8)
HESSE_CONTRACT_PARTS(contract_parts_f32, float)
HESSE_CONTRACT_PARTS(contract_parts_f64, double)
