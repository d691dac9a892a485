// Multi-head attention, one query at a time.
#include "runtime/reference/Tables.h"

#include <algorithm>
#include <cmath>

namespace nf::rt::reference {

namespace {
/// What forward and backward share: shapes, masks and the scores of one query. q is [batch, queries, heads·width], k
/// and v are [batch, keys, heads·width]; lse is [batch, heads, queries].
template <typename T> struct Attention {
  const Call<T> &call;
  const Tensor<T> &q, &k, &v;
  size_t
      optional; // the first of the operands key_padding, segments, key_length, query_offset, seed, step, sample_offset
  int64_t batch, queries, keys, heads, width;
  T scale;
  double p;

  Attention(const Call<T> &call, size_t optional)
      : call(call), q(call.in(0)), k(call.in(1)), v(call.in(2)), optional(optional), batch(q.shape[0]),
        queries(q.shape[1]), keys(k.shape[1]), heads(call.attributes.integer("heads")), width(q.shape[2] / heads),
        scale(static_cast<T>(call.attributes.number("scale"))), p(call.attributes.number("dropout", 0)) {}

  /// An optional integer operand of one element.
  int64_t scalar(size_t index, int64_t otherwise) const {
    return call.has(optional + index) ? call.in(optional + index).integers[0] : otherwise;
  }

  bool isVisible(int64_t b, int64_t query, int64_t key) const {
    if (call.attributes.flag("causal") && key > query + scalar(3, 0))
      return false;
    if (key >= scalar(2, keys))
      return false;
    if (call.has(optional) && call.in(optional).at(b, key) == 0)
      return false;
    if (!call.has(optional + 1))
      return true;
    const auto &segments = call.in(optional + 1).integers;
    return segments[b * keys + key] == segments[b * keys + keys - queries + query];
  }

  /// Where row `t` of head `h` starts in a tensor [batch, length, heads·width].
  int64_t start(int64_t b, int64_t t, int64_t h, int64_t length) const {
    return ((b * length + t) * heads + h) * width;
  }

  /// scale · q·k for every key; −1e30 where the key is not visible, so that a query that sees none attends to all.
  std::vector<T> scores(int64_t b, int64_t h, int64_t query) const {
    std::vector<T> s(keys);
    for (int64_t key = 0; key < keys; ++key) {
      for (int64_t i = 0; i < width; ++i)
        s[key] += q[start(b, query, h, queries) + i] * k[start(b, key, h, keys) + i];
      s[key] = isVisible(b, query, key) ? s[key] * scale : T(-1e30);
    }
    return s;
  }

  /// What dropout multiplies the probability of a key by.
  T dropFactor(int64_t b, int64_t h, int64_t query, int64_t key) const {
    if (p == 0)
      return 1;
    int64_t row = ((scalar(6, 0) + b) * heads + h) * queries + query;
    int64_t bits = randomBits(scalar(4, 0), scalar(5, 0), call.attributes.integer("site", 0), row, key);
    return dropoutKeeps(bits, p) ? static_cast<T>(1 / (1 - p)) : T(0);
  }

  /// f(batch entry, head, query) for all.
  template <typename F> void forEachQuery(F f) const {
    for (int64_t b = 0; b < batch; ++b)
      for (int64_t h = 0; h < heads; ++h)
        for (int64_t query = 0; query < queries; ++query)
          f(b, h, query);
  }
};
} // namespace

/// q, k, v, … -> out [batch, queries, heads·width], lse [batch, heads, queries].
template <typename T> static void attention(Call<T> &call) {
  Attention<T> a(call, 3);
  Tensor<T> &out = call.out(0), &lse = call.out(1);
  a.forEachQuery([&](int64_t b, int64_t h, int64_t query) {
    std::vector<T> s = a.scores(b, h, query);
    T maximum = *std::max_element(s.begin(), s.end()), sum = 0;
    for (T score : s)
      sum += std::exp(score - maximum);
    for (int64_t key = 0; key < a.keys; ++key) {
      T probability = std::exp(s[key] - maximum) / sum * a.dropFactor(b, h, query, key);
      for (int64_t i = 0; i < a.width; ++i)
        out[a.start(b, query, h, a.queries) + i] += probability * a.v[a.start(b, key, h, a.keys) + i];
    }
    lse[(b * a.heads + h) * a.queries + query] = maximum + std::log(sum);
  });
}

/// q, k, v, out, lse, dout, … -> dq, dk, dv.
template <typename T> static void attentionBackward(Call<T> &call) {
  Attention<T> a(call, 6);
  const Tensor<T> &out = call.in(3), &lse = call.in(4), &dout = call.in(5);
  Tensor<T> &dq = call.out(0), &dk = call.out(1), &dv = call.out(2);
  a.forEachQuery([&](int64_t b, int64_t h, int64_t query) {
    std::vector<T> s = a.scores(b, h, query);
    int64_t row = a.start(b, query, h, a.queries);
    T delta = 0; // Σ over keys of dP · P
    for (int64_t i = 0; i < a.width; ++i)
      delta += dout[row + i] * out[row + i];
    for (int64_t key = 0; key < a.keys; ++key) {
      int64_t other = a.start(b, key, h, a.keys);
      T probability = std::exp(s[key] - lse[(b * a.heads + h) * a.queries + query]);
      T factor = a.dropFactor(b, h, query, key), dProbability = 0;
      for (int64_t i = 0; i < a.width; ++i)
        dProbability += factor * dout[row + i] * a.v[other + i];
      T dScore = probability * (dProbability - delta) * a.scale;
      for (int64_t i = 0; i < a.width; ++i) {
        dq[row + i] += dScore * a.k[other + i];
        dk[other + i] += dScore * a.q[row + i];
        dv[other + i] += probability * factor * dout[row + i];
      }
    }
  });
}

template <typename T> void addAttention(KernelTable<T> &table) {
  table["nf.attention"] = attention<T>;
  table["nf.attention_backward"] = attentionBackward<T>;
}

NF_REFERENCE_TABLE(addAttention)

} // namespace nf::rt::reference
