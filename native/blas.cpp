// A stand-in for libcublas.so.12: what Hesse calls, on the simulated device. What it does not have JCublas2 does not
// find when it calls it, and says so: calls are bound when they are first made.
#include "library.h"

using matrices::Matrix;

namespace {

enum Status : int {
  SUCCESS = 0,
  NOT_INITIALIZED = 1,
  INVALID_VALUE = 7,
  EXECUTION_FAILED = 13,
  NOT_SUPPORTED = 15,
};

enum Type : int { R_32F = 0, R_64F = 1 };

enum Compute : int { COMPUTE_32F = 68, FAST_16BF = 75, FAST_TF32 = 77, COMPUTE_64F = 70 };

enum Operation : int { OP_N = 0, OP_T = 1, OP_C = 2 };

constexpr int SIDE_LEFT = 0;
constexpr int FILL_LOWER = 0;
constexpr int DIAG_UNIT = 1;
constexpr int VERSION = 120600;

bool is_operation(int op) { return op >= OP_N && op <= OP_C; }

// Rounds to the nearest number with so many bits less behind the point, ties to even.
float shorten(float value, int bits) {
  uint32_t word;
  std::memcpy(&word, &value, sizeof word);
  if (bits > 0 && std::isfinite(value)) {
    word += (1u << (bits - 1)) - 1 + (word >> bits & 1);
    word &= ~((1u << bits) - 1);
  }
  std::memcpy(&value, &word, sizeof word);
  return value;
}

double shorten(double value, int) { return value; }

struct Sizes {
  int m, n, k, opA, opB;
  int64_t lda, strideA, ldb, strideB, ldc, strideC;
  int batch;
};

template <typename T>
void gemm(const Sizes& s, T alpha, const T* a, const T* b, T beta, T* c, int bits, const char* name) {
  bool turnA = s.opA != OP_N, turnB = s.opB != OP_N;
  for (int i = 0; i < s.batch; i++) {
    Matrix<const T> x{a + i * s.strideA, s.lda}, y{b + i * s.strideB, s.ldb};
    Matrix<T> z{c + i * s.strideC, s.ldc};
    reads(x, turnA ? s.k : s.m, turnA ? s.m : s.k, name);
    reads(y, turnB ? s.n : s.k, turnB ? s.k : s.n, name);
    if (beta != T(0)) {
      reads(z, s.m, s.n, name);
    }
    writes(z, s.m, s.n, name);
    matrices::multiply(
        s.m, s.n, s.k, alpha,
        [&](int64_t p, int64_t q) { return shorten(turnA ? x(q, p) : x(p, q), bits); },
        [&](int64_t p, int64_t q) { return shorten(turnB ? y(q, p) : y(p, q), bits); }, beta, z);
  }
}

int gemm_ex(const char* name, Handle* handle, const Sizes& s, const void* alpha, const void* a, int typeA,
            const void* b, int typeB, const void* beta, void* c, int typeC, int compute) {
  if (!is_handle(handle)) {
    return refuse(name, NOT_INITIALIZED, "no handle");
  }
  bool single = compute == COMPUTE_32F || compute == FAST_TF32 || compute == FAST_16BF;
  int type = single ? R_32F : R_64F;
  if (!(single || compute == COMPUTE_64F) || typeA != type || typeB != type || typeC != type) {
    return refuse(name, NOT_SUPPORTED, "no such combination of types here");
  }
  if (s.m < 0 || s.n < 0 || s.k < 0 || s.batch < 0 || !is_operation(s.opA) || !is_operation(s.opB)) {
    return refuse(name, INVALID_VALUE, "a size or an operation is out of range");
  }
  if (s.lda < std::max(1, s.opA == OP_N ? s.m : s.k) || s.ldb < std::max(1, s.opB == OP_N ? s.k : s.n) ||
      s.ldc < std::max(1, s.m)) {
    return refuse(name, INVALID_VALUE, "a leading dimension is less than the rows");
  }
  if (handle->pointer_mode != 0) {
    return refuse(name, NOT_SUPPORTED, "scalars on the device");
  }
  int bits = compute == FAST_TF32 ? 13 : compute == FAST_16BF ? 16 : 0;
  bool done;
  if (single) {
    float u = *static_cast<const float*>(alpha), v = *static_cast<const float*>(beta);
    done = enqueue(handle, name, [=] {
      gemm(s, u, static_cast<const float*>(a), static_cast<const float*>(b), v, static_cast<float*>(c), bits, name);
    });
  } else {
    double u = *static_cast<const double*>(alpha), v = *static_cast<const double*>(beta);
    done = enqueue(handle, name, [=] {
      gemm(s, u, static_cast<const double*>(a), static_cast<const double*>(b), v, static_cast<double*>(c), 0, name);
    });
  }
  return done ? SUCCESS : EXECUTION_FAILED;
}

struct Triangle {
  int uplo, op, diag, n, columns;
  int lda, ldb;
};

template <typename T>
void trsm(const Triangle& t, T alpha, const T* at, T* to, const char* name) {
  Matrix<const T> a{at, t.lda};
  Matrix<T> b{to, t.ldb};
  bool turn = t.op != OP_N, lower = t.uplo == FILL_LOWER;
  reads(a, t.n, t.n, name);
  reads(b, t.n, t.columns, name);
  matrices::solve_triangular(
      lower != turn, t.diag == DIAG_UNIT, t.n, t.columns, alpha,
      [&](int64_t i, int64_t j) { return turn ? a(j, i) : a(i, j); }, b);
}

int check_triangle(const char* name, const Handle* handle, int side, const Triangle& t, int batch) {
  if (!is_handle(handle)) {
    return refuse(name, NOT_INITIALIZED, "no handle");
  }
  if (side != SIDE_LEFT) {
    return refuse(name, NOT_SUPPORTED, "only the left side");
  }
  if (t.n < 0 || t.columns < 0 || batch < 0 || !is_operation(t.op) || t.uplo < 0 || t.uplo > 1) {
    return refuse(name, INVALID_VALUE, "a size or a mode is out of range");
  }
  if (t.lda < std::max(1, t.n) || t.ldb < std::max(1, t.n)) {
    return refuse(name, INVALID_VALUE, "a leading dimension is less than the rows");
  }
  return SUCCESS;
}

template <typename T>
int trsm_call(const char* name, Handle* handle, int side, const Triangle& t, const T* alpha, const T* a, T* b) {
  int status = check_triangle(name, handle, side, t, 1);
  if (status != SUCCESS) {
    return status;
  }
  T factor = *alpha;
  return enqueue(handle, name, [=] { trsm(t, factor, a, b, name); }) ? SUCCESS : EXECUTION_FAILED;
}

template <typename T>
int trsm_batched(const char* name, Handle* handle, int side, const Triangle& t, const T* alpha, const T* const* a,
                 T* const* b, int batch) {
  int status = check_triangle(name, handle, side, t, batch);
  if (status != SUCCESS) {
    return status;
  }
  T factor = *alpha;
  bool done = enqueue(handle, name, [=] {
    reads(a, batch, name);
    reads(b, batch, name);
    for (int i = 0; i < batch; i++) {
      trsm(t, factor, a[i], b[i], name);
    }
  });
  return done ? SUCCESS : EXECUTION_FAILED;
}

template <typename T>
int getrf_batched(const char* name, Handle* handle, int n, T* const* a, int lda, int* pivots, int* info, int batch) {
  if (!is_handle(handle)) {
    return refuse(name, NOT_INITIALIZED, "no handle");
  }
  if (n < 0 || batch < 0 || lda < std::max(1, n)) {
    return refuse(name, INVALID_VALUE, "a size is negative, or the leading dimension less than the rows");
  }
  bool done = enqueue(handle, name, [=] {
    reads(a, batch, name);
    writes(pivots, static_cast<int64_t>(n) * batch, name);
    writes(info, batch, name);
    for (int i = 0; i < batch; i++) {
      Matrix<T> x{a[i], lda};
      reads(x, n, n, name);
      info[i] = matrices::lu(n, n, x, pivots + static_cast<int64_t>(i) * n);
    }
  });
  return done ? SUCCESS : EXECUTION_FAILED;
}

// Setting a mode that a handle has.
int set(Handle* handle, int Handle::*mode, int value) {
  if (!is_handle(handle)) {
    return NOT_INITIALIZED;
  }
  handle->*mode = value;
  return SUCCESS;
}

}  // namespace

LIBRARY_API int cublasCreate_v2(Handle** handle) {
  if (handle == nullptr) {
    return INVALID_VALUE;
  }
  *handle = new Handle;
  return SUCCESS;
}

LIBRARY_API int cublasDestroy_v2(Handle* handle) {
  if (!is_handle(handle)) {
    return NOT_INITIALIZED;
  }
  handle->alive = 0;
  delete handle;
  return SUCCESS;
}

LIBRARY_API int cublasGetVersion_v2(Handle*, int* version) {
  *version = VERSION;
  return SUCCESS;
}

LIBRARY_API int cublasSetStream_v2(Handle* handle, void* stream) {
  if (!is_handle(handle)) {
    return NOT_INITIALIZED;
  }
  handle->stream = stream;
  return SUCCESS;
}

LIBRARY_API int cublasGetStream_v2(Handle* handle, void** stream) {
  if (!is_handle(handle)) {
    return NOT_INITIALIZED;
  }
  *stream = handle->stream;
  return SUCCESS;
}

LIBRARY_API int cublasSetWorkspace_v2(Handle* handle, void*, size_t) {
  return is_handle(handle) ? SUCCESS : NOT_INITIALIZED;
}

LIBRARY_API int cublasSetPointerMode_v2(Handle* handle, int mode) { return set(handle, &Handle::pointer_mode, mode); }
LIBRARY_API int cublasSetMathMode(Handle* handle, int mode) { return set(handle, &Handle::math_mode, mode); }
LIBRARY_API int cublasSetAtomicsMode(Handle* handle, int mode) { return set(handle, &Handle::atomics_mode, mode); }

LIBRARY_API int cublasGemmEx(Handle* handle, int opA, int opB, int m, int n, int k, const void* alpha, const void* a,
                             int typeA, int lda, const void* b, int typeB, int ldb, const void* beta, void* c,
                             int typeC, int ldc, int compute, int) {
  Sizes sizes{m, n, k, opA, opB, lda, 0, ldb, 0, ldc, 0, 1};
  return gemm_ex("cublasGemmEx", handle, sizes, alpha, a, typeA, b, typeB, beta, c, typeC, compute);
}

LIBRARY_API int cublasGemmStridedBatchedEx(Handle* handle, int opA, int opB, int m, int n, int k, const void* alpha,
                                           const void* a, int typeA, int lda, long long strideA, const void* b,
                                           int typeB, int ldb, long long strideB, const void* beta, void* c, int typeC,
                                           int ldc, long long strideC, int batch, int compute, int) {
  Sizes sizes{m, n, k, opA, opB, lda, strideA, ldb, strideB, ldc, strideC, batch};
  return gemm_ex("cublasGemmStridedBatchedEx", handle, sizes, alpha, a, typeA, b, typeB, beta, c, typeC, compute);
}

#define TYPED(X, T)                                                                                                  \
  LIBRARY_API int cublas##X##trsm_v2(Handle* handle, int side, int uplo, int op, int diag, int m, int n,             \
                                     const T* alpha, const T* a, int lda, T* b, int ldb) {                           \
    return trsm_call("cublas" #X "trsm", handle, side, {uplo, op, diag, m, n, lda, ldb}, alpha, a, b);               \
  }                                                                                                                  \
  LIBRARY_API int cublas##X##trsmBatched(Handle* handle, int side, int uplo, int op, int diag, int m, int n,         \
                                         const T* alpha, const T* const* a, int lda, T* const* b, int ldb,           \
                                         int batch) {                                                                \
    return trsm_batched("cublas" #X "trsmBatched", handle, side, {uplo, op, diag, m, n, lda, ldb}, alpha, a, b,      \
                        batch);                                                                                      \
  }                                                                                                                  \
  LIBRARY_API int cublas##X##getrfBatched(Handle* handle, int n, T* const* a, int lda, int* pivots, int* info,       \
                                          int batch) {                                                               \
    return getrf_batched("cublas" #X "getrfBatched", handle, n, a, lda, pivots, info, batch);                        \
  }

TYPED(S, float)
TYPED(D, double)
