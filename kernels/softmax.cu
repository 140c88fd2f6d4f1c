// Softmax and its relatives along rows, see org.hesse.ir.CompositeKind.
#include "rows.cuh"

template <class T, int N>
__device__ void hesse_softmax(const HesseGroup<T, N>& g, const HesseRows<T>& rows) {
  HesseRow<T, N> row = g.operand(rows.x, 0);
  if (g.kept == nullptr) {
    HesseExponentials<T> e = hesse_exponentials(g, [&](int i) { return row.from[i]; });
    T factor = (T)(e.max - e.max == 0 ? 1 / e.sum : hesse_nan());
    g.store(rows.y, [&](int i) {
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
  g.store(rows.y, [&](int i) {
    HessePack<T, N> p = row.kept[i];
    return hesse_pack<T, N>([&](int j) { return p.v[j] * factor; });
  });
}

template <class T, int N>
__device__ void hesse_softmax_tangent(const HesseGroup<T, N>& g, const HesseRows<T>& rows) {
  HesseRow<T, N> p = g.operand(rows.x, 0);
  HesseRow<T, N> t = g.operand(rows.z, 1);
  T mean = (T)g.sum([&](int i) {
    HessePack<T, N> a = p.first(i);
    HessePack<T, N> b = t.first(i);
    return hesse_sum(hesse_pack<T, N>([&](int j) { return a.v[j] * b.v[j]; }));
  });
  g.store(rows.y, [&](int i) {
    HessePack<T, N> a = p.again(i);
    HessePack<T, N> b = t.again(i);
    return hesse_pack<T, N>([&](int j) { return a.v[j] * (b.v[j] - mean); });
  });
}

template <class T, int N>
__device__ void hesse_log_softmax(const HesseGroup<T, N>& g, const HesseRows<T>& rows) {
  HesseRow<T, N> row = g.operand(rows.x, 0);
  HesseExponentials<T> e = hesse_exponentials(g, [&](int i) { return row.first(i); });
  T log_sum = (T)(e.max - e.max == 0 ? log(e.sum) : hesse_nan());
  g.store(rows.y, [&](int i) {
    HessePack<T, N> p = row.again(i);
    return hesse_pack<T, N>([&](int j) { return p.v[j] - e.max - log_sum; });
  });
}

template <class T, int N>
__device__ void hesse_log_softmax_tangent(const HesseGroup<T, N>& g, const HesseRows<T>& rows) {
  HesseRow<T, N> t = g.operand(rows.z, 0);
  HesseRow<T, N> logs = g.operand(rows.x, -1);
  T mean = (T)g.sum([&](int i) {
    HessePack<T, N> a = logs.from[i];
    HessePack<T, N> b = t.first(i);
    return hesse_sum(hesse_pack<T, N>([&](int j) { return hesse_exp(a.v[j]) * b.v[j]; }));
  });
  g.store(rows.y, [&](int i) {
    HessePack<T, N> b = t.again(i);
    return hesse_pack<T, N>([&](int j) { return b.v[j] - mean; });
  });
}

template <class T, int N>
__device__ void hesse_log_softmax_cotangent(const HesseGroup<T, N>& g, const HesseRows<T>& rows) {
  HesseRow<T, N> c = g.operand(rows.z, 0);
  HesseRow<T, N> logs = g.operand(rows.x, -1);
  T sum = (T)g.sum([&](int i) { return hesse_sum(c.first(i)); });
  g.store(rows.y, [&](int i) {
    HessePack<T, N> a = logs.from[i];
    HessePack<T, N> b = c.again(i);
    return hesse_pack<T, N>([&](int j) { return b.v[j] - hesse_exp(a.v[j]) * sum; });
  });
}

template <class T, int N>
__device__ void hesse_log_sum_exp(const HesseGroup<T, N>& g, const HesseRows<T>& rows) {
  HesseRow<T, N> row = g.operand(rows.x, -1);
  HesseExponentials<T> e = hesse_exponentials(g, [&](int i) { return row.from[i]; });
  if (g.stores && g.lane == 0) {
    rows.y[0] = e.sum != e.sum ? (T)e.sum : hesse_finite(e.max);
    rows.y[1] = (T)log(e.sum);
  }
}

HESSE_ROW_ENTRIES(softmax)
HESSE_ROW_ENTRIES(softmax_tangent)
HESSE_ROW_ENTRIES(log_softmax)
HESSE_ROW_ENTRIES(log_softmax_tangent)
HESSE_ROW_ENTRIES(log_softmax_cotangent)
HESSE_ROW_ENTRIES(log_sum_exp)
