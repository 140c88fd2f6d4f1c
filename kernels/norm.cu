// Rows with mean 0 and variance 1, or with mean square 1 where not centred, see org.hesse.ir.CompositeKind.
#include "rows.cuh"

// The two numbers of a row: its mean, and what makes its variance 1.
struct HesseMoments {
  double mean;
  double factor;
};

template <class T, int N>
__device__ HesseMoments hesse_row_moments(
    const HesseGroup<T, N>& g, const HesseRows<T>& rows, const HesseRow<T, N>& x) {
  double mean = 0;
  if (rows.centred) {
    mean = g.sum([&](int i) { return hesse_sum(x.first(i)); }) / g.length;
  }
  T rounded = (T)mean;
  double squares = g.sum([&](int i) {
    HessePack<T, N> p = rows.centred ? x.again(i) : x.first(i);
    return hesse_sum(hesse_pack<T, N>([&](int j) {
      T d = p.v[j] - rounded;
      return d * d;
    }));
  });
  // What rounding the mean takes is no small part of a variance far below it.
  double lost = rounded - mean;
  double variance = squares / g.length - lost * lost;
  return {mean, 1 / sqrt((variance < 0 ? 0 : variance) + rows.epsilon)};
}

template <class T, int N>
__device__ void hesse_moments(const HesseGroup<T, N>& g, const HesseRows<T>& rows) {
  HesseMoments m = hesse_row_moments(g, rows, g.operand(rows.x, 0));
  if (g.stores && g.lane == 0) {
    rows.y[0] = (T)m.mean;
    rows.y[1] = (T)m.factor;
  }
}

// x alone, with a scale z, or with a scale z and a shift w.
template <int OPERANDS, class T, int N>
__device__ void hesse_normalized(const HesseGroup<T, N>& g, const HesseRows<T>& rows) {
  HesseRow<T, N> x = g.operand(rows.x, 0);
  HesseRow<T, N> z = g.operand(rows.z, -1);
  HesseRow<T, N> w = g.operand(rows.w, -1);
  HesseMoments m = hesse_row_moments(g, rows, x);
  T mean = (T)m.mean;
  T factor = (T)m.factor;
  g.store(rows.y, [&](int i) {
    HessePack<T, N> p = x.again(i);
    HessePack<T, N> scale = OPERANDS > 1 ? z.from[i] : p;
    HessePack<T, N> shift = OPERANDS > 2 ? w.from[i] : p;
    return hesse_pack<T, N>([&](int j) {
      T v = (p.v[j] - mean) * factor;
      v = OPERANDS > 1 ? v * scale.v[j] : v;
      return OPERANDS > 2 ? v + shift.v[j] : v;
    });
  });
}

template <class T, int N>
__device__ void hesse_normalize(const HesseGroup<T, N>& g, const HesseRows<T>& rows) {
  hesse_normalized<1>(g, rows);
}

template <class T, int N>
__device__ void hesse_normalize_scale(const HesseGroup<T, N>& g, const HesseRows<T>& rows) {
  hesse_normalized<2>(g, rows);
}

template <class T, int N>
__device__ void hesse_normalize_scale_shift(const HesseGroup<T, N>& g, const HesseRows<T>& rows) {
  hesse_normalized<3>(g, rows);
}

// Where org.hesse.ir.CompositeKind.Scaling multiplies with a scale.
enum HesseScaling { HESSE_NONE, HESSE_BEFORE, HESSE_AFTER };

// r (t − mean t − (x − μ) r² mean((x − μ) t)), z being (μ, r) and w being t; with a scale w, t is v.
template <HesseScaling SCALING, class T, int N>
__device__ void hesse_norm_tangent(const HesseGroup<T, N>& g, const HesseRows<T>& rows) {
  HesseRow<T, N> x = g.operand(rows.x, 0);
  HesseRow<T, N> t = g.operand(SCALING == HESSE_NONE ? rows.w : rows.v, 1);
  HesseRow<T, N> s = g.operand(rows.w, SCALING == HESSE_BEFORE ? 2 : -1);
  T mean = rows.z[0];
  double r = rows.z[1];
  double sum = 0;
  double along = 0;
  g.each([&](int i) {
    HessePack<T, N> a = x.first(i);
    HessePack<T, N> b = t.first(i);
    if constexpr (SCALING == HESSE_BEFORE) {
      HessePack<T, N> scale = s.first(i);
      b = hesse_pack<T, N>([&](int j) { return b.v[j] * scale.v[j]; });
    }
    sum += hesse_sum(b);
    along += hesse_sum(hesse_pack<T, N>([&](int j) { return (a.v[j] - mean) * b.v[j]; }));
  });
  T slope = (T)(-r * r * r * g.total(along) / g.length);
  T average = rows.centred ? (T)(g.total(sum) / g.length) : (T)0;
  T factor = (T)r;
  g.store(rows.y, [&](int i) {
    HessePack<T, N> a = x.again(i);
    HessePack<T, N> b = t.again(i);
    HessePack<T, N> scale = SCALING == HESSE_NONE ? b : s.again(i);
    return hesse_pack<T, N>([&](int j) {
      T v = SCALING == HESSE_BEFORE ? b.v[j] * scale.v[j] : b.v[j];
      T y = (a.v[j] - mean) * slope + (v - average) * factor;
      return SCALING == HESSE_AFTER ? y * scale.v[j] : y;
    });
  });
}

template <class T, int N>
__device__ void hesse_normalize_tangent(const HesseGroup<T, N>& g, const HesseRows<T>& rows) {
  hesse_norm_tangent<HESSE_NONE>(g, rows);
}

template <class T, int N>
__device__ void hesse_normalize_tangent_scaled_before(const HesseGroup<T, N>& g, const HesseRows<T>& rows) {
  hesse_norm_tangent<HESSE_BEFORE>(g, rows);
}

template <class T, int N>
__device__ void hesse_normalize_tangent_scaled_after(const HesseGroup<T, N>& g, const HesseRows<T>& rows) {
  hesse_norm_tangent<HESSE_AFTER>(g, rows);
}

HESSE_ROW_ENTRIES(moments)
HESSE_ROW_ENTRIES(normalize)
HESSE_ROW_ENTRIES(normalize_scale)
HESSE_ROW_ENTRIES(normalize_scale_shift)
HESSE_ROW_ENTRIES(normalize_tangent)
HESSE_ROW_ENTRIES(normalize_tangent_scaled_before)
HESSE_ROW_ENTRIES(normalize_tangent_scaled_after)
