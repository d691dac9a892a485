// The optimizer step.
#include "runtime/reference/Tables.h"

#include <algorithm>
#include <cmath>

namespace nf::rt::reference {

/// x -> [1].
template <typename T> static void squareNorm(Call<T> &call) {
  for (T x : call.in(0).floats)
    call.out()[0] += x * x;
}

/// norm, clip -> coefficient.
template <typename T> static void clipCoefficient(Call<T> &call) {
  T norm = call.in(0)[0], clip = call.in(1)[0];
  T ratio = clip / (norm + T(1e-6));
  call.out()[0] = clip > 0 && ratio < 1 ? ratio : T(1);
}

/// parameter, gradient, moment1, moment2, norm, clip_coefficient, lr, beta1, beta2, eps, weight_decay, correction1,
/// correction2 -> the first, third and fourth anew; unchanged where norm is not finite.
template <typename T> static void adamw(Call<T> &call) {
  T clip = call.in(5)[0], lr = call.in(6)[0], beta1 = call.in(7)[0], beta2 = call.in(8)[0], eps = call.in(9)[0];
  T decay = call.in(10)[0], correction1 = call.in(11)[0], correction2 = call.in(12)[0];
  bool finite = std::isfinite(call.in(4)[0]);
  for (int64_t i = 0; i < call.in(0).size(); ++i) {
    T p = call.in(0)[i], g = call.in(1)[i] * clip, m = call.in(2)[i], v = call.in(3)[i];
    if (finite) {
      m = beta1 * m + (1 - beta1) * g;
      v = beta2 * v + (1 - beta2) * g * g;
      p = p * (1 - lr * decay) - lr / correction1 * m / (std::sqrt(v) / std::sqrt(correction2) + eps);
    }
    call.out(0)[i] = p;
    call.out(1)[i] = m;
    call.out(2)[i] = v;
  }
}

template <typename T> void addOptimizer(KernelTable<T> &table) {
  table["nf.square_norm"] = squareNorm<T>;
  table["nf.clip_coefficient"] = clipCoefficient<T>;
  table["nf.adamw"] = adamw<T>;
}

NF_REFERENCE_TABLE(addOptimizer)

} // namespace nf::rt::reference
