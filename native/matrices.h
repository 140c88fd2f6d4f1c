// Dense linear algebra on matrices in columns, for the stand-ins of cuBLAS and cuSOLVER: the plainest algorithms
// there are, so that they need no library and can be trusted.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <vector>

namespace matrices {

// Element (i, j) is at at[i + j · leading].
template <typename T>
struct Matrix {
  T* at;
  int64_t leading;

  T& operator()(int64_t i, int64_t j) const { return at[i + j * leading]; }
};

// C := alpha · A · B + beta · C, of operands that are copied as they are needed: `a` gives columns, `b` elements.
// C is not read where beta is 0.
template <typename T, typename A, typename B>
void multiply(int64_t m, int64_t n, int64_t k, T alpha, A a, B b, T beta, Matrix<T> c) {
  std::vector<T> left(static_cast<size_t>(m * k));
  for (int64_t p = 0; p < k; p++) {
    for (int64_t i = 0; i < m; i++) {
      left[static_cast<size_t>(i + p * m)] = a(i, p);
    }
  }
  std::vector<T> sum(static_cast<size_t>(m));
  for (int64_t j = 0; j < n; j++) {
    std::fill(sum.begin(), sum.end(), T(0));
    for (int64_t p = 0; p < k; p++) {
      T factor = b(p, j);
      const T* column = left.data() + p * m;
      for (int64_t i = 0; i < m; i++) {
        sum[static_cast<size_t>(i)] += factor * column[i];
      }
    }
    for (int64_t i = 0; i < m; i++) {
      T product = alpha * sum[static_cast<size_t>(i)];
      c(i, j) = beta == T(0) ? product : product + beta * c(i, j);
    }
  }
}

// B := alpha · op(A)⁻¹ · B for a triangular A of n rows; `a` gives the elements of op(A), which is `lower` or not.
template <typename T, typename A>
void solve_triangular(bool lower, bool unit, int64_t n, int64_t columns, T alpha, A a, Matrix<T> b) {
  for (int64_t j = 0; j < columns; j++) {
    for (int64_t i = 0; i < n; i++) {
      b(i, j) *= alpha;
    }
    for (int64_t q = 0; q < n; q++) {
      int64_t p = lower ? q : n - 1 - q;
      if (!unit) {
        b(p, j) /= a(p, p);
      }
      T x = b(p, j);
      for (int64_t i = lower ? p + 1 : 0; i < (lower ? n : p); i++) {
        b(i, j) -= a(i, p) * x;
      }
    }
  }
}

// The lower triangle becomes its Cholesky factor. Returns 0, or the order of the minor that is not positive.
template <typename T>
int cholesky(int64_t n, Matrix<T> a) {
  for (int64_t j = 0; j < n; j++) {
    T pivot = a(j, j);
    for (int64_t p = 0; p < j; p++) {
      pivot -= a(j, p) * a(j, p);
    }
    if (!(pivot > T(0))) {
      return static_cast<int>(j + 1);
    }
    a(j, j) = std::sqrt(pivot);
    for (int64_t i = j + 1; i < n; i++) {
      T sum = a(i, j);
      for (int64_t p = 0; p < j; p++) {
        sum -= a(i, p) * a(j, p);
      }
      a(i, j) = sum / a(j, j);
    }
  }
  return 0;
}

// LU with partial pivoting; the exchanges count from 1. Returns 0, or the place (from 1) of the first zero pivot.
template <typename T>
int lu(int64_t m, int64_t n, Matrix<T> a, int* exchanges) {
  int info = 0;
  for (int64_t j = 0; j < std::min(m, n); j++) {
    int64_t p = j;
    for (int64_t i = j + 1; i < m; i++) {
      if (std::abs(a(i, j)) > std::abs(a(p, j))) {
        p = i;
      }
    }
    exchanges[j] = static_cast<int>(p + 1);
    if (a(p, j) == T(0)) {
      info = info == 0 ? static_cast<int>(j + 1) : info;
      continue;
    }
    for (int64_t q = 0; p != j && q < n; q++) {
      std::swap(a(p, q), a(j, q));
    }
    for (int64_t i = j + 1; i < m; i++) {
      a(i, j) /= a(j, j);
    }
    for (int64_t q = j + 1; q < n; q++) {
      for (int64_t i = j + 1; i < m; i++) {
        a(i, q) -= a(i, j) * a(j, q);
      }
    }
  }
  return info;
}

// Applies I − tau · v · vᵀ, v = (1, a(j+1, j), …), to a column's rows from j on.
template <typename T>
void reflect(int64_t m, int64_t j, Matrix<T> a, T tau, Matrix<T> c, int64_t column) {
  T dot = c(j, column);
  for (int64_t i = j + 1; i < m; i++) {
    dot += a(i, j) * c(i, column);
  }
  dot *= tau;
  c(j, column) -= dot;
  for (int64_t i = j + 1; i < m; i++) {
    c(i, column) -= a(i, j) * dot;
  }
}

// QR by Householder: R on and above the diagonal, reflectors below.
template <typename T>
void qr(int64_t m, int64_t n, Matrix<T> a, T* tau) {
  for (int64_t j = 0; j < std::min(m, n); j++) {
    T norm = 0;
    for (int64_t i = j + 1; i < m; i++) {
      norm = std::hypot(norm, a(i, j));
    }
    if (norm == T(0)) {
      tau[j] = 0;
      continue;
    }
    T beta = -std::copysign(std::hypot(norm, a(j, j)), a(j, j));
    tau[j] = (beta - a(j, j)) / beta;
    T scale = a(j, j) - beta;
    for (int64_t i = j + 1; i < m; i++) {
      a(i, j) /= scale;
    }
    a(j, j) = beta;
    for (int64_t q = j + 1; q < n; q++) {
      reflect(m, j, a, tau[j], a, q);
    }
  }
}

// The first n columns of the product of k reflectors, in the reflectors' place.
template <typename T>
void orthogonal(int64_t m, int64_t n, int64_t k, Matrix<T> a, const T* tau) {
  std::vector<T> copy(static_cast<size_t>(m * n), T(0));
  Matrix<T> q{copy.data(), m};
  for (int64_t j = 0; j < n; j++) {
    q(j, j) = 1;
    for (int64_t p = k - 1; p >= 0; p--) {
      reflect(m, p, a, tau[p], q, j);
    }
  }
  for (int64_t j = 0; j < n; j++) {
    std::copy_n(&q(0, j), m, &a(0, j));
  }
}

inline void rotate(double* x, double* y, int64_t n, double cosine, double sine) {
  for (int64_t i = 0; i < n; i++) {
    double u = x[i];
    x[i] = cosine * u - sine * y[i];
    y[i] = sine * u + cosine * y[i];
  }
}

// The rotation that makes two numbers' product vanish: tangent from their difference over twice the product.
inline void rotation(double zeta, double& cosine, double& sine) {
  double t = std::copysign(1 / (std::abs(zeta) + std::sqrt(1 + zeta * zeta)), zeta);
  cosine = 1 / std::sqrt(1 + t * t);
  sine = cosine * t;
}

inline std::vector<int64_t> order(const std::vector<double>& keys, bool descending) {
  std::vector<int64_t> at(keys.size());
  std::iota(at.begin(), at.end(), 0);
  std::stable_sort(at.begin(), at.end(), [&](int64_t x, int64_t y) {
    return descending ? keys[static_cast<size_t>(x)] > keys[static_cast<size_t>(y)]
                      : keys[static_cast<size_t>(x)] < keys[static_cast<size_t>(y)];
  });
  return at;
}

constexpr int SWEEPS = 60;

// One-sided Jacobi (Hestenes): rotates columns until they are orthogonal. Returns whether they have become so.
inline bool orthogonalise(int64_t m, int64_t n, Matrix<double> a, Matrix<double> v) {
  for (int sweep = 0; sweep < SWEEPS; sweep++) {
    bool rotated = false;
    for (int64_t p = 0; p < n; p++) {
      for (int64_t q = p + 1; q < n; q++) {
        double x = 0, y = 0, xy = 0;
        for (int64_t i = 0; i < m; i++) {
          x += a(i, p) * a(i, p);
          y += a(i, q) * a(i, q);
          xy += a(i, p) * a(i, q);
        }
        if (std::abs(xy) <= 1e-15 * std::sqrt(x) * std::sqrt(y) || std::abs(xy) < 1e-300) {
          continue;
        }
        rotated = true;
        double cosine, sine;
        rotation((y - x) / (2 * xy), cosine, sine);
        rotate(&a(0, p), &a(0, q), m, cosine, sine);
        rotate(&v(0, p), &v(0, q), n, cosine, sine);
      }
    }
    if (!rotated) {
      return true;
    }
  }
  return false;
}

// Makes a column a unit vector that is orthogonal to the ones before it.
inline void complete(int64_t m, int64_t column, Matrix<double> u) {
  for (int64_t start = 0; start < m; start++) {
    std::fill_n(&u(0, column), m, 0.0);
    u(start, column) = 1;
    for (int twice = 0; twice < 2; twice++) {
      for (int64_t j = 0; j < column; j++) {
        double dot = std::inner_product(&u(0, j), &u(0, j) + m, &u(0, column), 0.0);
        for (int64_t i = 0; i < m; i++) {
          u(i, column) -= dot * u(i, j);
        }
      }
    }
    double norm = std::sqrt(std::inner_product(&u(0, column), &u(0, column) + m, &u(0, column), 0.0));
    if (norm > 0.5 / std::sqrt(static_cast<double>(m))) {
      for (int64_t i = 0; i < m; i++) {
        u(i, column) /= norm;
      }
      return;
    }
  }
}

// Reduced singular value decomposition of m × n, m ≥ n: U, descending values, Vᵀ. Returns 0, or 1 for failure.
template <typename T>
int svd(int64_t m, int64_t n, Matrix<T> a, T* values, Matrix<T> u, Matrix<T> vt) {
  std::vector<double> work(static_cast<size_t>(m * n)), rotations(static_cast<size_t>(n * n), 0.0);
  Matrix<double> w{work.data(), m}, v{rotations.data(), n};
  for (int64_t j = 0; j < n; j++) {
    std::copy_n(&a(0, j), m, &w(0, j));
    v(j, j) = 1;
  }
  if (!orthogonalise(m, n, w, v)) {
    return 1;
  }
  std::vector<double> s(static_cast<size_t>(n));
  for (int64_t j = 0; j < n; j++) {
    s[static_cast<size_t>(j)] = std::sqrt(std::inner_product(&w(0, j), &w(0, j) + m, &w(0, j), 0.0));
  }
  std::vector<int64_t> by = order(s, true);
  std::vector<double> left(static_cast<size_t>(m * n));
  Matrix<double> l{left.data(), m};
  for (int64_t j = 0; j < n; j++) {
    int64_t from = by[static_cast<size_t>(j)];
    double size = s[static_cast<size_t>(from)];
    if (size > 1e-14 * s[static_cast<size_t>(by[0])]) {
      std::transform(&w(0, from), &w(0, from) + m, &l(0, j), [size](double x) { return x / size; });
    } else {
      complete(m, j, l);
    }
    values[j] = static_cast<T>(size);
    for (int64_t i = 0; i < m; i++) {
      u(i, j) = static_cast<T>(l(i, j));
    }
    for (int64_t i = 0; i < n; i++) {
      vt(j, i) = static_cast<T>(v(i, from));
    }
  }
  return 0;
}

// One sweep of Jacobi's method for eigenvalues; returns whether anything was left to rotate.
inline bool sweep(int64_t n, Matrix<double> s, Matrix<double> v) {
  bool rotated = false;
  for (int64_t p = 0; p < n; p++) {
    for (int64_t q = p + 1; q < n; q++) {
      if (std::abs(s(p, q)) <= 1e-17 * (std::abs(s(p, p)) + std::abs(s(q, q))) || std::abs(s(p, q)) < 1e-300) {
        continue;
      }
      rotated = true;
      double cosine, sine;
      rotation((s(q, q) - s(p, p)) / (2 * s(p, q)), cosine, sine);
      rotate(&s(0, p), &s(0, q), n, cosine, sine);
      for (int64_t i = 0; i < n; i++) {
        double x = s(p, i);
        s(p, i) = cosine * x - sine * s(q, i);
        s(q, i) = sine * x + cosine * s(q, i);
      }
      s(p, q) = s(q, p) = 0;
      rotate(&v(0, p), &v(0, q), n, cosine, sine);
    }
  }
  return rotated;
}

// Ascending eigenvalues of a symmetric matrix, of which one triangle is read; it becomes the eigenvectors.
// Returns 0, or 1 for failure.
template <typename T>
int eigen(bool lower, int64_t n, Matrix<T> a, T* values) {
  std::vector<double> work(static_cast<size_t>(n * n)), rotations(static_cast<size_t>(n * n), 0.0);
  Matrix<double> s{work.data(), n}, v{rotations.data(), n};
  for (int64_t j = 0; j < n; j++) {
    for (int64_t i = 0; i < n; i++) {
      s(i, j) = (i >= j) == lower ? a(i, j) : a(j, i);
    }
    v(j, j) = 1;
  }
  for (int count = 0; sweep(n, s, v); count++) {
    if (count == SWEEPS) {
      return 1;
    }
  }
  std::vector<double> diagonal(static_cast<size_t>(n));
  for (int64_t j = 0; j < n; j++) {
    diagonal[static_cast<size_t>(j)] = s(j, j);
  }
  std::vector<int64_t> by = order(diagonal, false);
  for (int64_t j = 0; j < n; j++) {
    int64_t from = by[static_cast<size_t>(j)];
    values[j] = static_cast<T>(diagonal[static_cast<size_t>(from)]);
    for (int64_t i = 0; i < n; i++) {
      a(i, j) = static_cast<T>(v(i, from));
    }
  }
  return 0;
}

}  // namespace matrices
