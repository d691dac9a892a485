// Activation functions.
#include "runtime/reference/Tables.h"

#include <cmath>
#include <numbers>

namespace nf::rt::reference {

template <typename T> static T gelu(T x) { return x * (1 + std::erf(x / std::numbers::sqrt2_v<T>)) / 2; }

template <typename T> static T geluTanh(T x) {
  T root = std::numbers::sqrt2_v<T> * std::numbers::inv_sqrtpi_v<T>; // √(2/π)
  return x * (1 + std::tanh(root * (x + T(0.044715) * x * x * x))) / 2;
}

template <typename T> static T relu(T x) { return x < 0 ? T(0) : x; } // NaN stays
template <typename T> static T relu2(T x) { return relu(x) * relu(x); }
template <typename T> static T silu(T x) { return x / (1 + std::exp(-x)); }

template <typename T> static Kernel<T> map(T (*f)(T)) {
  return [f](Call<T> &call) {
    for (int64_t i = 0; i < call.out().size(); ++i)
      call.out()[i] = f(call.in(0)[i]);
  };
}

template <typename T> void addActivations(KernelTable<T> &table) {
  table["nf.gelu"] = map<T>(gelu);
  table["nf.gelu_tanh"] = map<T>(geluTanh);
  table["nf.relu"] = map<T>(relu);
  table["nf.relu2"] = map<T>(relu2);
  table["nf.silu"] = map<T>(silu);
}

NF_REFERENCE_TABLE(addActivations)

} // namespace nf::rt::reference
