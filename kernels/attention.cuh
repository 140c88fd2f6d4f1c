// Attention and its derivatives over tiles of the scores, of which no more than a tile is there at a time (Dao et al.,
// 2022). Every block makes some rows of a result, so that no two add to the same element.
#pragma once
#include "rows.cuh"

// Threads of a block stand in a square of 16 × 16, and each has a square of SIDE × SIDE elements of a tile.
#define HESSE_SQUARE 16
#define HESSE_CHUNK 32

// What a kernel makes.
enum HesseAttentionResult {
  HESSE_ATTENTION,
  HESSE_ATTENTION_TANGENT,
  HESSE_COTANGENT_Q,
  HESSE_COTANGENT_K,
  HESSE_COTANGENT_V
};

enum HesseAttentionOperand { HESSE_A, HESSE_Q, HESSE_K, HESSE_V, HESSE_B, HESSE_W, HESSE_DK, HESSE_DV, HESSE_OUT };

#define HESSE_DQ HESSE_W

struct HesseAttentionShape {
  hesse_long items;
  hesse_long queries;
  hesse_long keys;
  hesse_long inner;
  hesse_long values;
  hesse_long biased;
  // From one row of an operand to the next.
  hesse_long stride[8];
};

// Operands; those that a kernel has no use for are any of the others.
template <class T>
struct HesseAttentionOperands {
  const T* of[8];
};

template <class T>
struct HesseMatrix {
  const T* at;
  hesse_long stride;
  int rows;
  int columns;
};

// One block's part of the work.
template <class T, int SIDE, int WIDTH>
struct HesseAttention {
  static constexpr int TILE = HESSE_SQUARE * SIDE;
  static constexpr int LINE = TILE + 16 / (int)sizeof(T);
  // Columns of the result that a block makes: WIDTH for each thread.
  static constexpr int COLUMNS = HESSE_SQUARE * WIDTH;
  static constexpr int STAGE =
      2 * LINE * HESSE_CHUNK > COLUMNS * HESSE_CHUNK ? 2 * LINE * HESSE_CHUNK : COLUMNS * HESSE_CHUNK;
  static constexpr int SHARED = STAGE + TILE * LINE;
  typedef HessePack<T, SIDE> Pack;

  const HesseAttentionShape& shape;
  HesseMatrix<T> operand[8];
  T* out;
  // For each query what its weights' slopes are relative to.
  const T* along;
  T scale;
  int row;
  int column;
  // Chunks of operands on their way to registers.
  T* stage;
  // A tile of weights, by columns.
  T* weights;

  __device__ HesseAttention(
      const HesseAttentionShape& s, const T* const (&operands)[8], T* result, const T* kept, const HesseAxes& axes,
      const HesseStrides<9>& strides, hesse_long item, T* shared)
      : shape(s) {
    hesse_long at[9];
    hesse_locate(axes, strides, item, at);
    for (int i = 0; i < 8; i++) {
      bool of_keys = i == HESSE_K || i == HESSE_V || i == HESSE_DK || i == HESSE_DV;
      bool of_values = i == HESSE_A || i == HESSE_V || i == HESSE_DV;
      operand[i].at = operands[i] + at[i];
      operand[i].stride = s.stride[i];
      operand[i].rows = (int)(of_keys ? s.keys : s.queries);
      operand[i].columns = (int)(of_values ? s.values : s.inner);
    }
    out = result + at[8];
    along = kept + item * s.queries;
    scale = (T)(1 / sqrt((double)s.inner));
    row = (int)threadIdx.x / HESSE_SQUARE;
    column = (int)threadIdx.x % HESSE_SQUARE;
    stage = shared;
    weights = shared + STAGE;
  }

  // s[i][j] += Σₚ a[a0 + row of i, p] b[b0 + column of j, p], over the first `depth` columns of both.
  __device__ void dot(
      T (&s)[SIDE][SIDE], const HesseMatrix<T>& a, int a0, const HesseMatrix<T>& b, int b0, int depth) const {
    T* left = stage;
    T* right = stage + LINE * HESSE_CHUNK;
    int p = (int)threadIdx.x % HESSE_CHUNK;
    for (int p0 = 0; p0 < depth; p0 += HESSE_CHUNK) {
      __syncthreads();
      bool inside = p0 + p < depth;
      for (int r = (int)threadIdx.x / HESSE_CHUNK; r < TILE; r += HESSE_SQUARE * HESSE_SQUARE / HESSE_CHUNK) {
        left[p * LINE + r] = inside && a0 + r < a.rows ? a.at[(a0 + r) * a.stride + p0 + p] : (T)0;
        right[p * LINE + r] = inside && b0 + r < b.rows ? b.at[(b0 + r) * b.stride + p0 + p] : (T)0;
      }
      __syncthreads();
#pragma unroll 8
      for (int k = 0; k < HESSE_CHUNK; k++) {
        Pack u = *(const Pack*)(left + k * LINE + row * SIDE);
        Pack v = *(const Pack*)(right + k * LINE + column * SIDE);
        for (int i = 0; i < SIDE; i++) {
          for (int j = 0; j < SIDE; j++) {
            s[i][j] += u.v[i] * v.v[j];
          }
        }
      }
    }
  }

  // Which of the block's columns of the result a thread's column j is.
  __device__ int place(int j) const { return (j / SIDE * HESSE_SQUARE + column) * SIDE + j % SIDE; }

  // sum[i][j] += Σ over columns c of a tile of w[i][c] x[c0 + c, e0 + place of j].
  __device__ void add(T (&sum)[SIDE][WIDTH], const T (&w)[SIDE][SIDE], const HesseMatrix<T>& x, int c0, int e0) const {
    // Whoever still reads the weights or the stage of before.
    __syncthreads();
    for (int j = 0; j < SIDE; j++) {
      *(Pack*)(weights + (column * SIDE + j) * LINE + row * SIDE) = hesse_pack<T, SIDE>([&](int i) { return w[i][j]; });
    }
    for (int s = 0; s < TILE; s += HESSE_CHUNK) {
      for (int n = (int)threadIdx.x; n < COLUMNS * HESSE_CHUNK; n += HESSE_SQUARE * HESSE_SQUARE) {
        int r = c0 + s + n / COLUMNS;
        int e = e0 + n % COLUMNS;
        stage[n] = r < x.rows && e < x.columns ? x.at[r * x.stride + e] : (T)0;
      }
      __syncthreads();
#pragma unroll 4
      for (int c = 0; c < HESSE_CHUNK; c++) {
        Pack u = *(const Pack*)(weights + (s + c) * LINE + row * SIDE);
        for (int j = 0; j < WIDTH; j += SIDE) {
          Pack v = *(const Pack*)(stage + c * COLUMNS + place(j));
          for (int i = 0; i < SIDE; i++) {
            for (int l = 0; l < SIDE; l++) {
              sum[i][j + l] += u.v[i] * v.v[l];
            }
          }
        }
      }
      __syncthreads();
    }
  }

  // The score of a query and a key from their product.
  __device__ T score(T product, int query, int key) const {
    T s = product * scale;
    return shape.biased ? s + operand[HESSE_B].at[query * operand[HESSE_B].stride + key] : s;
  }

  // The weight again, from what attention has kept; 0 outside.
  __device__ T weight(T product, int query, int key) const {
    if (query >= shape.queries || key >= shape.keys) {
      return 0;
    }
    const T* kept = operand[HESSE_A].at + query * operand[HESSE_A].stride + shape.values;
    return hesse_exp(score(product, query, key) - kept[0] - kept[1]);
  }

  // Turns products of queries and keys into weights, and what there is of the largest scores and the sums of
  // exponentials to what they are with these, too.
  __device__ void soften(
      T (&s)[SIDE][SIDE], int r0, int c0, T (&max)[SIDE], double (&total)[SIDE], T (&sum)[SIDE][WIDTH]) const {
    for (int i = 0; i < SIDE; i++) {
      int query = r0 + row * SIDE + i;
      T most = max[i];
      for (int j = 0; j < SIDE; j++) {
        int key = c0 + column * SIDE + j;
        s[i][j] = query < shape.queries && key < shape.keys ? score(s[i][j], query, key) : (T)-hesse_infinity();
        most = s[i][j] > most ? s[i][j] : most;
      }
      most = hesse_warp_reduce(most, HesseMax(), HESSE_SQUARE);
      T shift = hesse_finite(most);
      T part = 0;
      for (int j = 0; j < SIDE; j++) {
        s[i][j] = hesse_exp(s[i][j] - shift);
        part += s[i][j];
      }
      // Before the first score above −∞ there are only zeros, which the factor might make NaN.
      T factor = max[i] == (T)-hesse_infinity() ? (T)0 : hesse_exp(hesse_finite(max[i]) - shift);
      total[i] = total[i] * factor + hesse_warp_reduce(part, HesseSum(), HESSE_SQUARE);
      max[i] = most;
      for (int j = 0; j < WIDTH; j++) {
        sum[i][j] *= factor;
      }
    }
  }

  __device__ void attention(int r0, int e0) const {
    T sum[SIDE][WIDTH] = {};
    T max[SIDE];
    double total[SIDE] = {};
    for (int i = 0; i < SIDE; i++) {
      max[i] = (T)-hesse_infinity();
    }
    for (int c0 = 0; c0 < shape.keys; c0 += TILE) {
      T s[SIDE][SIDE] = {};
      dot(s, operand[HESSE_Q], r0, operand[HESSE_K], c0, (int)shape.inner);
      soften(s, r0, c0, max, total, sum);
      add(sum, s, operand[HESSE_V], c0, e0);
    }
    for (int i = 0; i < SIDE; i++) {
      T factor = (T)(total[i] == 0 ? 0 : 1 / total[i]);
      for (int j = 0; j < WIDTH; j++) {
        sum[i][j] *= factor;
      }
      keep(r0 + row * SIDE + i, e0, hesse_finite(max[i]), (T)(total[i] == 0 ? 0 : log(total[i])));
    }
    store(sum, out, shape.values + 2, (int)shape.queries, (int)shape.values, r0, e0, 1);
  }

  // With the weights p, and what the scores' tangents t make of them, p t.
  __device__ void tangent(int r0, int e0) const {
    T sum[SIDE][WIDTH] = {};
    double total[SIDE] = {};
    int inner = (int)shape.inner;
    for (int c0 = 0; c0 < shape.keys; c0 += TILE) {
      T p[SIDE][SIDE] = {};
      T t[SIDE][SIDE] = {};
      dot(p, operand[HESSE_Q], r0, operand[HESSE_K], c0, inner);
      dot(t, operand[HESSE_DQ], r0, operand[HESSE_K], c0, inner);
      dot(t, operand[HESSE_Q], r0, operand[HESSE_DK], c0, inner);
      for (int i = 0; i < SIDE; i++) {
        T part = 0;
        for (int j = 0; j < SIDE; j++) {
          p[i][j] = weight(p[i][j], r0 + row * SIDE + i, c0 + column * SIDE + j);
          t[i][j] *= p[i][j] * scale;
          part += t[i][j];
        }
        total[i] += hesse_warp_reduce(part, HesseSum(), HESSE_SQUARE);
      }
      add(sum, t, operand[HESSE_V], c0, e0);
      add(sum, p, operand[HESSE_DV], c0, e0);
    }
    const HesseMatrix<T>& a = operand[HESSE_A];
    for (int i = 0; i < SIDE; i++) {
      int query = r0 + row * SIDE + i;
      for (int j = 0; j < WIDTH; j++) {
        int e = e0 + place(j);
        sum[i][j] -= query < a.rows && e < a.columns ? (T)total[i] * a.at[query * a.stride + e] : (T)0;
      }
      keep(query, e0, 0, (T)total[i]);
    }
    store(sum, out, shape.values + 2, (int)shape.queries, (int)shape.values, r0, e0, 1);
  }

  // Slopes of the weights, p (dp − along).
  __device__ void slope(T (&p)[SIDE][SIDE], const T (&dp)[SIDE][SIDE], int i, int j, int query) const {
    p[i][j] = query < shape.queries ? p[i][j] * (dp[i][j] - along[query]) : (T)0;
  }

  __device__ void cotangent_q(int r0, int e0) const {
    T sum[SIDE][WIDTH] = {};
    for (int c0 = 0; c0 < shape.keys; c0 += TILE) {
      T p[SIDE][SIDE] = {};
      T dp[SIDE][SIDE] = {};
      dot(p, operand[HESSE_Q], r0, operand[HESSE_K], c0, (int)shape.inner);
      dot(dp, operand[HESSE_W], r0, operand[HESSE_V], c0, (int)shape.values);
      for (int i = 0; i < SIDE; i++) {
        int query = r0 + row * SIDE + i;
        for (int j = 0; j < SIDE; j++) {
          p[i][j] = weight(p[i][j], query, c0 + column * SIDE + j);
          slope(p, dp, i, j, query);
        }
      }
      add(sum, p, operand[HESSE_K], c0, e0);
    }
    store(sum, out, shape.inner, (int)shape.queries, (int)shape.inner, r0, e0, scale);
  }

  // Of keys, or of values: their rows are those of the tiles, and queries the columns.
  __device__ void cotangent_of_keys(bool values, int r0, int e0) const {
    T sum[SIDE][WIDTH] = {};
    for (int c0 = 0; c0 < shape.queries; c0 += TILE) {
      T p[SIDE][SIDE] = {};
      T dp[SIDE][SIDE] = {};
      dot(p, operand[HESSE_K], r0, operand[HESSE_Q], c0, (int)shape.inner);
      if (!values) {
        dot(dp, operand[HESSE_V], r0, operand[HESSE_W], c0, (int)shape.values);
      }
      for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
          int query = c0 + column * SIDE + j;
          p[i][j] = weight(p[i][j], query, r0 + row * SIDE + i);
          if (!values) {
            slope(p, dp, i, j, query);
          }
        }
      }
      HesseMatrix<T> x = operand[values ? HESSE_W : HESSE_Q];
      x.columns = (int)(values ? shape.values : shape.inner);
      add(sum, p, x, c0, e0);
    }
    T* to = out + (shape.queries + (values ? shape.keys : 0)) * shape.inner;
    int columns = (int)(values ? shape.values : shape.inner);
    store(sum, to, columns, (int)shape.keys, columns, r0, e0, values ? (T)1 : scale);
  }

  // What attention keeps of a query beside its values.
  __device__ void keep(int query, int e0, T first, T second) const {
    if (e0 == 0 && column == 0 && query < shape.queries) {
      T* to = out + query * (shape.values + 2) + shape.values;
      to[0] = first;
      to[1] = second;
    }
  }

  __device__ void store(
      const T (&sum)[SIDE][WIDTH], T* to, hesse_long stride, int rows, int columns, int r0, int e0, T factor) const {
    for (int i = 0; i < SIDE; i++) {
      int r = r0 + row * SIDE + i;
      for (int j = 0; j < WIDTH; j++) {
        int e = e0 + place(j);
        if (r < rows && e < columns) {
          to[r * stride + e] = sum[i][j] * factor;
        }
      }
    }
  }
};

template <class T, int SIDE, int WIDTH, HesseAttentionResult RESULT>
__device__ void hesse_attention(
    const T* const (&operands)[8], T* out, const T* along, const HesseAxes& axes, const HesseStrides<9>& strides,
    const HesseAttentionShape& shape) {
  typedef HesseAttention<T, SIDE, WIDTH> Attention;
  __shared__ __align__(16) T shared[Attention::SHARED];
  constexpr bool keys = RESULT == HESSE_COTANGENT_K || RESULT == HESSE_COTANGENT_V;
  constexpr bool inner = RESULT == HESSE_COTANGENT_K || RESULT == HESSE_COTANGENT_Q;
  hesse_long rows = keys ? shape.keys : shape.queries;
  hesse_long columns = inner ? shape.inner : shape.values;
  int strips = (int)((columns + Attention::COLUMNS - 1) / Attention::COLUMNS);
  int tiles = (int)((rows + Attention::TILE - 1) / Attention::TILE);
  int e0 = (int)blockIdx.x % strips * Attention::COLUMNS;
  int r0 = (int)blockIdx.x / strips % tiles * Attention::TILE;
  Attention a(shape, operands, out, along, axes, strides, blockIdx.x / strips / tiles, shared);
  if constexpr (RESULT == HESSE_ATTENTION) {
    a.attention(r0, e0);
  } else if constexpr (RESULT == HESSE_ATTENTION_TANGENT) {
    a.tangent(r0, e0);
  } else if constexpr (RESULT == HESSE_COTANGENT_Q) {
    a.cotangent_q(r0, e0);
  } else {
    a.cotangent_of_keys(RESULT == HESSE_COTANGENT_V, r0, e0);
  }
}

#define HESSE_ATTENTION_ENTRY(entry, T, SIDE, WIDTH, RESULT)                                                    \
  HESSE_BOUND_ENTRY(entry, HESSE_SQUARE * HESSE_SQUARE)(                                                        \
      const T* a, const T* q, const T* k, const T* v, const T* b, const T* w, const T* dk, const T* dv, T* out, \
      const T* along, HesseAxes axes, HesseStrides<9> strides, HesseAttentionShape shape) {                     \
    const T* const operands[8] = {a, q, k, v, b, w, dk, dv};                                                    \
    hesse_attention<T, SIDE, WIDTH, RESULT>(operands, out, along, axes, strides, shape);                        \
  }
// For results of up to 64 columns, and of more.
#define HESSE_ATTENTION_ENTRIES(name, RESULT)                 \
  HESSE_ATTENTION_ENTRY(name##_f32, float, 4, 4, RESULT)      \
  HESSE_ATTENTION_ENTRY(name##_f32_wide, float, 4, 8, RESULT) \
  HESSE_ATTENTION_ENTRY(name##_f64, double, 2, 4, RESULT)     \
  HESSE_ATTENTION_ENTRY(name##_f64_wide, double, 2, 8, RESULT)
