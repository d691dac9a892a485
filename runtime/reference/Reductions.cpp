// Reductions, which keep the reduced axes with extent 1, and softmax.
#include "runtime/reference/Tables.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace nf::rt::reference {

template <typename T> static void reduceSum(Call<T> &call) {
  const Tensor<T> &x = call.in(0);
  Tensor<T> &y = call.out();
  for (int64_t i = 0; i < x.size(); ++i)
    y[broadcastPosition(y.shape, x.shape, i)] += x[i];
}

template <typename T> static void reduceMean(Call<T> &call) {
  reduceSum(call);
  T count = static_cast<T>(call.in(0).size() / call.out().size());
  for (T &sum : call.out().floats)
    sum /= count;
}

/// NaN where any element is NaN.
template <typename T> static void reduceMax(Call<T> &call) {
  const Tensor<T> &x = call.in(0);
  Tensor<T> &y = call.out();
  std::fill(y.floats.begin(), y.floats.end(), -std::numeric_limits<T>::infinity());
  for (int64_t i = 0; i < x.size(); ++i) {
    T &maximum = y[broadcastPosition(y.shape, x.shape, i)];
    if (x[i] > maximum || std::isnan(x[i]))
      maximum = x[i];
  }
}

template <typename T> static void softmax(Call<T> &call) {
  const Tensor<T> &x = call.in(0);
  Tensor<T> &y = call.out();
  for (int64_t row = 0; row < x.rows(); ++row) {
    T maximum = x.at(row, 0), sum = 0;
    for (int64_t j = 1; j < x.columns(); ++j)
      maximum = std::max(maximum, x.at(row, j));
    for (int64_t j = 0; j < x.columns(); ++j)
      sum += std::exp(x.at(row, j) - maximum);
    for (int64_t j = 0; j < x.columns(); ++j)
      y.at(row, j) = std::exp(x.at(row, j) - maximum) / sum;
  }
}

template <typename T> void addReductions(KernelTable<T> &table) {
  table["nf.reduce_sum"] = reduceSum<T>;
  table["nf.reduce_mean"] = reduceMean<T>;
  table["nf.reduce_max"] = reduceMax<T>;
  table["nf.softmax"] = softmax<T>;
}

NF_REFERENCE_TABLE(addReductions)

} // namespace nf::rt::reference
