// Softmax and its relatives along rows, see org.hesse.ir.CompositeKind.
#include "rows.cuh"

#define HESSE_ROWS(name, V) \
  template <class T, int N> \
  __device__ void name(      \
      const T* x, const T* z, T* y, const HesseAxes& axes, const HesseStrides<V>& strides, const HesseRowShape& shape)

HESSE_ROWS(hesse_softmax, 3) {
  HesseGroup<T, N> g(shape);
  hesse_long at[3];
  hesse_locate(axes, strides, g.row, at);
  HesseRow<T, N> row = g.operand(x + at[0], 0);
  if (g.kept == nullptr) {
    HesseExponentials<T> e = hesse_exponentials(g, [&](int i) { return row.from[i]; });
    T factor = (T)(e.max - e.max == 0 ? 1 / e.sum : hesse_nan());
    g.store(y + at[2], [&](int i) {
      HessePack<T, N> p = row.from[i];
      return hesse_pack<T, N>([&](int j) { return hesse_exp(p.v[j] - e.max) * factor; });
    });
    return;
  }
  T max = (T)-hesse_infinity();
  g.each([&](int i) {
    HessePack<T, N> p = row.first(i);
    for (int j = 0; j < N; j++) {
      max = p.v[j] > max ? p.v[j] : max;
    }
  });
  max = (T)g.largest(max);
  double sum = g.sum([&](int i) {
    HessePack<T, N> p = row.kept[i];
    row.kept[i] = hesse_pack<T, N>([&](int j) { return hesse_exp(p.v[j] - max); });
    return hesse_sum(row.kept[i]);
  });
  T factor = (T)(1 / sum);
  g.store(y + at[2], [&](int i) {
    HessePack<T, N> p = row.kept[i];
    return hesse_pack<T, N>([&](int j) { return p.v[j] * factor; });
  });
}

HESSE_ROWS(hesse_softmax_tangent, 3) {
  HesseGroup<T, N> g(shape);
  hesse_long at[3];
  hesse_locate(axes, strides, g.row, at);
  HesseRow<T, N> p = g.operand(x + at[0], 0);
  HesseRow<T, N> t = g.operand(z + at[1], 1);
  T mean = (T)g.sum([&](int i) {
    HessePack<T, N> a = p.first(i);
    HessePack<T, N> b = t.first(i);
    return hesse_sum(hesse_pack<T, N>([&](int j) { return a.v[j] * b.v[j]; }));
  });
  g.store(y + at[2], [&](int i) {
    HessePack<T, N> a = p.again(i);
    HessePack<T, N> b = t.again(i);
    return hesse_pack<T, N>([&](int j) { return a.v[j] * (b.v[j] - mean); });
  });
}

HESSE_ROWS(hesse_log_softmax, 3) {
  HesseGroup<T, N> g(shape);
  hesse_long at[3];
  hesse_locate(axes, strides, g.row, at);
  HesseRow<T, N> row = g.operand(x + at[0], 0);
  HesseExponentials<T> e = hesse_exponentials(g, [&](int i) { return row.first(i); });
  T log_sum = (T)(e.max - e.max == 0 ? log(e.sum) : hesse_nan());
  g.store(y + at[2], [&](int i) {
    HessePack<T, N> p = row.again(i);
    return hesse_pack<T, N>([&](int j) { return p.v[j] - e.max - log_sum; });
  });
}

HESSE_ROWS(hesse_log_softmax_tangent, 3) {
  HesseGroup<T, N> g(shape);
  hesse_long at[3];
  hesse_locate(axes, strides, g.row, at);
  HesseRow<T, N> t = g.operand(z + at[1], 0);
  HesseRow<T, N> logs = g.operand(x + at[0], -1);
  T mean = (T)g.sum([&](int i) {
    HessePack<T, N> a = logs.from[i];
    HessePack<T, N> b = t.first(i);
    return hesse_sum(hesse_pack<T, N>([&](int j) { return hesse_exp(a.v[j]) * b.v[j]; }));
  });
  g.store(y + at[2], [&](int i) {
    HessePack<T, N> b = t.again(i);
    return hesse_pack<T, N>([&](int j) { return b.v[j] - mean; });
  });
}

HESSE_ROWS(hesse_log_softmax_cotangent, 3) {
  HesseGroup<T, N> g(shape);
  hesse_long at[3];
  hesse_locate(axes, strides, g.row, at);
  HesseRow<T, N> c = g.operand(z + at[1], 0);
  HesseRow<T, N> logs = g.operand(x + at[0], -1);
  T sum = (T)g.sum([&](int i) { return hesse_sum(c.first(i)); });
  g.store(y + at[2], [&](int i) {
    HessePack<T, N> a = logs.from[i];
    HessePack<T, N> b = c.again(i);
    return hesse_pack<T, N>([&](int j) { return b.v[j] - hesse_exp(a.v[j]) * sum; });
  });
}

HESSE_ROWS(hesse_log_sum_exp, 3) {
  HesseGroup<T, N> g(shape);
  hesse_long at[3];
  hesse_locate(axes, strides, g.row, at);
  HesseRow<T, N> row = g.operand(x + at[0], -1);
  HesseExponentials<T> e = hesse_exponentials(g, [&](int i) { return row.from[i]; });
  if (g.stores && g.lane == 0) {
    y[at[2]] = e.sum != e.sum ? (T)e.sum : hesse_finite(e.max);
    y[at[2] + 1] = (T)log(e.sum);
  }
}

// Operands x and z, of which a kernel with one takes x only, and the result y.
#define HESSE_ENTRY(name, type, N, suffix)                                                                     \
  extern "C" __global__ void name##suffix(                                                                     \
      const type* x, const type* z, type* y, HesseAxes axes, HesseStrides<3> strides, HesseRowShape shape) { \
    hesse_##name<type, N>(x, z, y, axes, strides, shape);                                                      \
  }
#define HESSE_ENTRIES(name)            \
  HESSE_ENTRY(name, float, 1, _f32)    \
  HESSE_ENTRY(name, float, 4, _f32x4)  \
  HESSE_ENTRY(name, double, 1, _f64)   \
  HESSE_ENTRY(name, double, 2, _f64x2)

HESSE_ENTRIES(softmax)
HESSE_ENTRIES(softmax_tangent)
HESSE_ENTRIES(log_softmax)
HESSE_ENTRIES(log_softmax_tangent)
HESSE_ENTRIES(log_softmax_cotangent)
HESSE_ENTRIES(log_sum_exp)
