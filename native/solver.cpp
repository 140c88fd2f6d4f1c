// A stand-in for libcusolver.so.11: what Hesse calls, on the simulated device. Like the real one it cannot be
// captured, and overwrites the work space that it asked for. The same file becomes libcusolverMg.so.11, which
// JCusolver's natives want to be there and Hesse does not call.
#include "library.h"

using matrices::Matrix;

namespace {

enum Status : int {
  SUCCESS = 0,
  NOT_INITIALIZED = 1,
  INVALID_VALUE = 3,
  EXECUTION_FAILED = 6,
  INTERNAL_ERROR = 7,
  NOT_SUPPORTED = 9,
};

constexpr int FILL_LOWER = 0;
constexpr int VECTORS = 1;

// Elements of work space; more than the plain algorithms need, which is nothing.
int length(int64_t m, int64_t n) { return static_cast<int>(2 * m + 3 * n + 7); }

template <typename T>
struct Work {
  T* at;
  int length;
};

// What all routines have in common: refusals, the work space, and the information at the end.
template <typename T, typename F>
int call(const char* name, Handle* handle, bool valid, Work<T> work, int needed, int* info, int infos, F routine) {
  if (!is_handle(handle)) {
    return refuse(name, NOT_INITIALIZED, "no handle");
  }
  if (!valid) {
    return refuse(name, INVALID_VALUE, "a size, mode or leading dimension is out of range");
  }
  if (work.length < needed) {
    return refuse(name, INVALID_VALUE, "too little work space");
  }
  int capturing = 0;
  if (cuStreamIsCapturing(handle->stream, &capturing) != 0 || capturing != 0) {
    return refuse(name, INTERNAL_ERROR, "cannot be captured");
  }
  bool done = enqueue(handle, name, [=] {
    writes(work.at, needed, name);
    std::fill_n(work.at, needed, std::nan(""));
    writes(info, infos, name);
    routine();
  });
  return done ? SUCCESS : EXECUTION_FAILED;
}

bool square(int n, int lda) { return n >= 0 && lda >= std::max(1, n); }

bool rectangle(int m, int n, int lda) { return m >= 0 && n >= 0 && lda >= std::max(1, m); }

template <typename T>
int potrf(const char* name, Handle* handle, int uplo, int n, T* at, int lda, Work<T> work, int* info) {
  bool valid = square(n, lda) && uplo == FILL_LOWER;
  return call(name, handle, valid, work, length(n, n), info, 1, [=] {
    Matrix<T> a{at, lda};
    reads(a, n, n, name);
    *info = matrices::cholesky(n, a);
  });
}

template <typename T>
int potrf_batched(const char* name, Handle* handle, int uplo, int n, T* const* at, int lda, int* info, int batch) {
  bool valid = square(n, lda) && uplo == FILL_LOWER && batch >= 0;
  return call(name, handle, valid, Work<T>{nullptr, 0}, 0, info, batch, [=] {
    reads(at, batch, name);
    for (int i = 0; i < batch; i++) {
      Matrix<T> a{at[i], lda};
      reads(a, n, n, name);
      info[i] = matrices::cholesky(n, a);
    }
  });
}

template <typename T>
int getrf(const char* name, Handle* handle, int m, int n, T* at, int lda, T* work, int* pivots, int* info) {
  return call(name, handle, rectangle(m, n, lda), Work<T>{work, length(m, n)}, length(m, n), info, 1, [=] {
    Matrix<T> a{at, lda};
    reads(a, m, n, name);
    writes(pivots, std::min(m, n), name);
    *info = matrices::lu(m, n, a, pivots);
  });
}

template <typename T>
int geqrf(const char* name, Handle* handle, int m, int n, T* at, int lda, T* tau, Work<T> work, int* info) {
  return call(name, handle, rectangle(m, n, lda), work, length(m, n), info, 1, [=] {
    Matrix<T> a{at, lda};
    reads(a, m, n, name);
    writes(tau, std::min(m, n), name);
    matrices::qr(m, n, a, tau);
    *info = 0;
  });
}

template <typename T>
int orgqr(const char* name, Handle* handle, int m, int n, int k, T* at, int lda, const T* tau, Work<T> work,
          int* info) {
  bool valid = rectangle(m, n, lda) && n <= m && k >= 0 && k <= n;
  return call(name, handle, valid, work, length(m, n), info, 1, [=] {
    Matrix<T> a{at, lda};
    reads(a, m, n, name);
    reads(tau, k, name);
    matrices::orthogonal(m, n, k, a, tau);
    *info = 0;
  });
}

template <typename T>
int syevd(const char* name, Handle* handle, int mode, int uplo, int n, T* at, int lda, T* values, Work<T> work,
          int* info) {
  bool valid = mode == VECTORS && uplo >= 0 && uplo <= 1 && square(n, lda);
  return call(name, handle, valid, work, length(n, n), info, 1, [=] {
    Matrix<T> a{at, lda};
    reads(a, n, n, name);
    writes(values, n, name);
    *info = matrices::eigen(uplo == FILL_LOWER, n, a, values);
  });
}

template <typename T>
int gesvd(const char* name, Handle* handle, char jobu, char jobvt, int m, int n, T* at, int lda, T* values, T* u,
          int ldu, T* vt, int ldvt, Work<T> work, int* info) {
  // The real one, too, wants at least as many rows as columns.
  bool valid = jobu == 'S' && jobvt == 'S' && n <= m && rectangle(m, n, lda) && rectangle(m, n, ldu) &&
               square(n, ldvt);
  return call(name, handle, valid, work, length(m, n), info, 1, [=] {
    Matrix<T> a{at, lda}, left{u, ldu}, right{vt, ldvt};
    reads(a, m, n, name);
    writes(values, n, name);
    writes(left, m, n, name);
    writes(right, n, n, name);
    *info = matrices::svd(m, n, a, values, left, right);
    for (int j = 0; j < n; j++) {
      std::fill_n(&a(0, j), m, static_cast<T>(std::nan("")));
    }
  });
}

int answer(const Handle* handle, bool valid, int* to, int value) {
  if (!is_handle(handle)) {
    return NOT_INITIALIZED;
  }
  if (!valid) {
    return INVALID_VALUE;
  }
  *to = value;
  return SUCCESS;
}

}  // namespace

LIBRARY_API int cusolverDnCreate(Handle** handle) {
  if (handle == nullptr) {
    return INVALID_VALUE;
  }
  *handle = new Handle;
  return SUCCESS;
}

LIBRARY_API int cusolverDnDestroy(Handle* handle) {
  if (!is_handle(handle)) {
    return NOT_INITIALIZED;
  }
  handle->alive = 0;
  delete handle;
  return SUCCESS;
}

LIBRARY_API int cusolverDnSetStream(Handle* handle, void* stream) {
  if (!is_handle(handle)) {
    return NOT_INITIALIZED;
  }
  handle->stream = stream;
  return SUCCESS;
}

LIBRARY_API int cusolverMgCreate(void**) { return refuse("cusolverMgCreate", NOT_SUPPORTED, "one device is all"); }

LIBRARY_API int cusolverGetVersion(int* version) {
  *version = 11604;
  return SUCCESS;
}

#define TYPED(X, T)                                                                                                   \
  LIBRARY_API int cusolverDn##X##potrf_bufferSize(Handle* handle, int, int n, T*, int lda, int* to) {                 \
    return answer(handle, square(n, lda), to, length(n, n));                                                          \
  }                                                                                                                   \
  LIBRARY_API int cusolverDn##X##potrf(Handle* handle, int uplo, int n, T* a, int lda, T* work, int size,             \
                                       int* info) {                                                                   \
    return potrf("cusolverDn" #X "potrf", handle, uplo, n, a, lda, Work<T>{work, size}, info);                        \
  }                                                                                                                   \
  LIBRARY_API int cusolverDn##X##potrfBatched(Handle* handle, int uplo, int n, T* const* a, int lda, int* info,       \
                                              int batch) {                                                            \
    return potrf_batched("cusolverDn" #X "potrfBatched", handle, uplo, n, a, lda, info, batch);                       \
  }                                                                                                                   \
  LIBRARY_API int cusolverDn##X##getrf_bufferSize(Handle* handle, int m, int n, T*, int lda, int* to) {               \
    return answer(handle, rectangle(m, n, lda), to, length(m, n));                                                    \
  }                                                                                                                   \
  LIBRARY_API int cusolverDn##X##getrf(Handle* handle, int m, int n, T* a, int lda, T* work, int* pivots,             \
                                       int* info) {                                                                   \
    return getrf("cusolverDn" #X "getrf", handle, m, n, a, lda, work, pivots, info);                                  \
  }                                                                                                                   \
  LIBRARY_API int cusolverDn##X##geqrf_bufferSize(Handle* handle, int m, int n, T*, int lda, int* to) {               \
    return answer(handle, rectangle(m, n, lda), to, length(m, n));                                                    \
  }                                                                                                                   \
  LIBRARY_API int cusolverDn##X##geqrf(Handle* handle, int m, int n, T* a, int lda, T* tau, T* work, int size,        \
                                       int* info) {                                                                   \
    return geqrf("cusolverDn" #X "geqrf", handle, m, n, a, lda, tau, Work<T>{work, size}, info);                      \
  }                                                                                                                   \
  LIBRARY_API int cusolverDn##X##orgqr_bufferSize(Handle* handle, int m, int n, int, const T*, int lda, const T*,     \
                                                    int* to) {                                                        \
    return answer(handle, rectangle(m, n, lda), to, length(m, n));                                                    \
  }                                                                                                                   \
  LIBRARY_API int cusolverDn##X##orgqr(Handle* handle, int m, int n, int k, T* a, int lda, const T* tau, T* work,     \
                                       int size, int* info) {                                                         \
    return orgqr("cusolverDn" #X "orgqr", handle, m, n, k, a, lda, tau, Work<T>{work, size}, info);                   \
  }                                                                                                                   \
  LIBRARY_API int cusolverDn##X##syevd_bufferSize(Handle* handle, int, int, int n, const T*, int lda, const T*,       \
                                                    int* to) {                                                        \
    return answer(handle, square(n, lda), to, length(n, n));                                                          \
  }                                                                                                                   \
  LIBRARY_API int cusolverDn##X##syevd(Handle* handle, int mode, int uplo, int n, T* a, int lda, T* values, T* work,  \
                                       int size, int* info) {                                                         \
    return syevd("cusolverDn" #X "syevd", handle, mode, uplo, n, a, lda, values, Work<T>{work, size}, info);          \
  }                                                                                                                   \
  LIBRARY_API int cusolverDn##X##gesvd_bufferSize(Handle* handle, int m, int n, int* to) {                            \
    return answer(handle, rectangle(m, n, std::max(1, m)), to, length(m, n));                                         \
  }                                                                                                                   \
  LIBRARY_API int cusolverDn##X##gesvd(Handle* handle, signed char jobu, signed char jobvt, int m, int n, T* a,       \
                                       int lda, T* values, T* u, int ldu, T* vt, int ldvt, T* work, int size, T*,     \
                                       int* info) {                                                                   \
    return gesvd("cusolverDn" #X "gesvd", handle, jobu, jobvt, m, n, a, lda, values, u, ldu, vt, ldvt,                \
                 Work<T>{work, size}, info);                                                                          \
  }

TYPED(S, float)
TYPED(D, double)
