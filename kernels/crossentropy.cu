// Cross-entropy of labels from logits, see org.hesse.ir.CompositeKind. Operands x are the logits, z the result of the
// kernel itself where others have it for an operand, w their tangent or cotangent.
#include "rows.cuh"

template <class T, int N>
__device__ void hesse_cross_entropy(const HesseGroup<T, N>& g, const HesseRows<T>& rows) {
  HesseRow<T, N> x = g.operand(rows.x, -1);
  HesseExponentials<T> e = hesse_exponentials(g, [&](int i) { return x.from[i]; });
  if (g.stores && g.lane == 0) {
    int label = rows.labels[0];
    bool known = label >= 0 && label < g.length;
    T shift = hesse_finite(e.max);
    double log_sum = known ? log(e.sum) : hesse_nan();
    rows.y[0] = (T)(known ? log_sum - (rows.x[label] - shift) : log_sum);
    rows.y[1] = shift;
    rows.y[2] = (T)log_sum;
  }
}

template <class T, int N>
__device__ void hesse_cross_entropy_tangent(const HesseGroup<T, N>& g, const HesseRows<T>& rows) {
  HesseRow<T, N> x = g.operand(rows.x, -1);
  HesseRow<T, N> t = g.operand(rows.w, -1);
  T max = rows.z[1];
  T log_sum = rows.z[2];
  double mean = g.sum([&](int i) {
    HessePack<T, N> a = x.from[i];
    HessePack<T, N> b = t.from[i];
    return hesse_sum(hesse_pack<T, N>([&](int j) { return hesse_exp(a.v[j] - max - log_sum) * b.v[j]; }));
  });
  if (g.stores && g.lane == 0) {
    int label = rows.labels[0];
    rows.y[0] = (T)(mean - (label >= 0 && label < g.length ? rows.w[label] : (T)0));
    rows.y[1] = 0;
    rows.y[2] = (T)mean;
  }
}

template <class T, int N>
__device__ void hesse_cross_entropy_cotangent(const HesseGroup<T, N>& g, const HesseRows<T>& rows) {
  HesseRow<T, N> x = g.operand(rows.x, -1);
  T max = rows.z[1];
  T log_sum = rows.z[2];
  T loss = rows.w[0];
  T factor = (T)((double)loss + rows.w[2]);
  int label = rows.labels[0];
  g.store(rows.y, [&](int i) {
    HessePack<T, N> p = x.from[i];
    return hesse_pack<T, N>([&](int j) {
      return factor * hesse_exp(p.v[j] - max - log_sum) - (i * N + j == label ? loss : (T)0);
    });
  });
}

HESSE_ROW_ENTRIES(cross_entropy)
HESSE_ROW_ENTRIES(cross_entropy_tangent)
HESSE_ROW_ENTRIES(cross_entropy_cotangent)
