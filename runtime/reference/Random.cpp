// Counter-based random numbers and dropout; the map from counters to elements is in runtime/abi/nf_abi.h.
#include "runtime/core/Philox.h"
#include "runtime/reference/Tables.h"

#include <cmath>

namespace nf::rt::reference {

int64_t randomBits(int64_t seed, int64_t step, int64_t site, int64_t row, int64_t column) {
  PhiloxCounter counter = {uint32_t(column / 4), uint32_t(row), uint32_t(site), uint32_t(step)};
  return philox(uint64_t(seed), counter)[column % 4] >> 1;
}

bool dropoutKeeps(int64_t bits, double p) { return bits >= static_cast<int64_t>(std::ldexp(p, 31)); }

/// seed, step, sample_offset -> bits [..., columns].
template <typename T> static void randomBitsOf(Call<T> &call) {
  Tensor<T> &y = call.out();
  int64_t firstRow = call.in(2).integers[0] * call.attributes.integer("rows_per_sample");
  for (int64_t i = 0; i < y.size(); ++i)
    y.integers[i] = randomBits(call.in(0).integers[0], call.in(1).integers[0], call.attributes.integer("site"),
                               firstRow + i / y.columns(), i % y.columns());
}

/// x [batch, sequence, columns], seed, step, sample_offset -> y.
template <typename T> static void dropout(Call<T> &call) {
  const Tensor<T> &x = call.in(0);
  Tensor<T> &y = call.out();
  double p = call.attributes.number("p");
  int64_t firstRow = call.in(3).integers[0] * x.shape[1];
  for (int64_t row = 0; row < x.rows(); ++row)
    for (int64_t j = 0; j < x.columns(); ++j) {
      int64_t bits = randomBits(call.in(1).integers[0], call.in(2).integers[0], call.attributes.integer("site"),
                                firstRow + row, j);
      y.at(row, j) = dropoutKeeps(bits, p) ? x.at(row, j) * static_cast<T>(1 / (1 - p)) : T(0);
    }
}

template <typename T> void addRandom(KernelTable<T> &table) {
  table["nf.random_bits"] = randomBitsOf<T>;
  table["nf.dropout"] = dropout<T>;
}

NF_REFERENCE_TABLE(addRandom)

} // namespace nf::rt::reference
