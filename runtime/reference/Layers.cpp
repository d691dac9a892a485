// Normalization and the learned scales. x is [..., columns].
#include "runtime/reference/Tables.h"

#include <cmath>

namespace nf::rt::reference {

/// Mean and 1 / standard deviation (population, eps inside the root) of one row.
template <typename T> struct RowStatistics {
  T mean = 0, rstd = 0;

  RowStatistics(const Tensor<T> &x, int64_t row, T eps) {
    T columns = static_cast<T>(x.columns());
    for (int64_t j = 0; j < x.columns(); ++j)
      mean += x.at(row, j);
    mean /= columns;
    T variance = 0;
    for (int64_t j = 0; j < x.columns(); ++j)
      variance += (x.at(row, j) - mean) * (x.at(row, j) - mean);
    rstd = 1 / std::sqrt(variance / columns + eps);
  }
};

/// x, weight [columns], bias [columns] -> y, mean [..., 1], rstd [..., 1].
template <typename T> static void layerNorm(Call<T> &call) {
  const Tensor<T> &x = call.in(0), &weight = call.in(1), &bias = call.in(2);
  for (int64_t row = 0; row < x.rows(); ++row) {
    RowStatistics<T> s(x, row, static_cast<T>(call.attributes.number("eps")));
    for (int64_t j = 0; j < x.columns(); ++j)
      call.out(0).at(row, j) = (x.at(row, j) - s.mean) * s.rstd * weight[j] + bias[j];
    call.out(1)[row] = s.mean;
    call.out(2)[row] = s.rstd;
  }
}

/// x -> y, rstd [..., 1].
template <typename T> static void normalize(Call<T> &call) {
  const Tensor<T> &x = call.in(0);
  for (int64_t row = 0; row < x.rows(); ++row) {
    RowStatistics<T> s(x, row, static_cast<T>(call.attributes.number("eps")));
    for (int64_t j = 0; j < x.columns(); ++j)
      call.out(0).at(row, j) = (x.at(row, j) - s.mean) * s.rstd;
    call.out(1)[row] = s.rstd;
  }
}

/// x, gamma [heads] -> y: columns are heads of equal width.
template <typename T> static void headScale(Call<T> &call) {
  const Tensor<T> &x = call.in(0), &gamma = call.in(1);
  int64_t width = x.columns() / gamma.size();
  for (int64_t row = 0; row < x.rows(); ++row)
    for (int64_t j = 0; j < x.columns(); ++j)
      call.out().at(row, j) = gamma[j / width] * x.at(row, j);
}

/// x, scale [columns] -> y.
template <typename T> static void residualScale(Call<T> &call) {
  const Tensor<T> &x = call.in(0), &scale = call.in(1);
  for (int64_t row = 0; row < x.rows(); ++row)
    for (int64_t j = 0; j < x.columns(); ++j)
      call.out().at(row, j) = scale[j] * x.at(row, j);
}

/// weight [.., extent, ..], scale [groups] -> the weight with each group along `axis` multiplied by its factor.
template <typename T> static void foldScale(Call<T> &call) {
  const Tensor<T> &weight = call.in(0), &scale = call.in(1);
  int64_t axis = call.attributes.integer("axis"),
          inner = axis + 1 < int64_t(weight.shape.size()) ? weight.columns() : 1;
  int64_t extent = weight.shape[axis], width = extent / scale.size();
  for (int64_t i = 0; i < weight.size(); ++i)
    call.out()[i] = weight[i] * scale[i / inner % extent / width];
}

/// weight [out, in], shift [in], optional bias [out] -> weight shift + bias.
template <typename T> static void foldShift(Call<T> &call) {
  const Tensor<T> &weight = call.in(0), &shift = call.in(1);
  for (int64_t row = 0; row < weight.rows(); ++row) {
    T sum = 0;
    for (int64_t j = 0; j < weight.columns(); ++j)
      sum += weight.at(row, j) * shift[j];
    call.out()[row] = call.has(2) ? sum + call.in(2)[row] : sum;
  }
}

template <typename T> void addLayers(KernelTable<T> &table) {
  table["nf.layer_norm"] = layerNorm<T>;
  table["nf.normalize"] = normalize<T>;
  table["nf.head_scale"] = headScale<T>;
  table["nf.residual_scale"] = residualScale<T>;
  table["nf.fold_scale"] = foldScale<T>;
  table["nf.fold_shift"] = foldShift<T>;
}

NF_REFERENCE_TABLE(addLayers)

} // namespace nf::rt::reference
