// Matrix products.
#include "runtime/reference/Tables.h"

namespace nf::rt::reference {

/// A's leading axes are batches; B has the same, or none: then all batches meet one B. With transpose_a (transpose_b) A
/// (B) is stored [k, m] ([n, k]). bias [n] is added to each row. With sum_lhs (sum_rhs) the rows of A (B) as they are
/// stored add up to a second result.
template <typename T> static void matmul(Call<T> &call) {
  const Tensor<T> &a = call.in(0), &b = call.in(1);
  Tensor<T> &c = call.out();
  bool transposeA = call.attributes.flag("transpose_a"), transposeB = call.attributes.flag("transpose_b");
  size_t rank = c.shape.size();
  int64_t m = c.shape[rank - 2], n = c.shape[rank - 1], k = a.shape[transposeA ? rank - 2 : rank - 1];
  for (int64_t batch = 0; batch < c.size() / (m * n); ++batch) {
    const T *left = &a.floats[batch * m * k], *right = &b.floats[b.shape.size() == rank ? batch * k * n : 0];
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j < n; ++j) {
        T sum = call.has(2) ? call.in(2)[j] : T(0);
        for (int64_t l = 0; l < k; ++l)
          sum += left[transposeA ? l * m + i : i * k + l] * right[transposeB ? j * k + l : l * n + j];
        c[(batch * m + i) * n + j] = sum;
      }
  }
  if (call.results.size() < 2)
    return;
  const Tensor<T> &summed = call.attributes.flag("sum_lhs") ? a : b;
  for (int64_t row = 0; row < summed.rows(); ++row)
    for (int64_t column = 0; column < summed.columns(); ++column)
      call.out(1)[column] += summed.at(row, column);
}

/// x [..., in], weight [out, in], bias [out] -> [..., out].
template <typename T> static void linear(Call<T> &call) {
  const Tensor<T> &x = call.in(0), &weight = call.in(1);
  Tensor<T> &y = call.out();
  for (int64_t row = 0; row < x.rows(); ++row)
    for (int64_t j = 0; j < y.columns(); ++j) {
      T sum = call.has(2) ? call.in(2)[j] : T(0);
      for (int64_t l = 0; l < x.columns(); ++l)
        sum += x.at(row, l) * weight.at(j, l);
      y.at(row, j) = sum;
    }
}

template <typename T> void addProducts(KernelTable<T> &table) {
  table["nf.matmul"] = matmul<T>;
  table["nf.linear"] = linear<T>;
}

NF_REFERENCE_TABLE(addProducts)

} // namespace nf::rt::reference
