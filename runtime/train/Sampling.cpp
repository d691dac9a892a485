#include "runtime/train/Sampling.h"

#include "runtime/core/Error.h"
#include "runtime/core/Philox.h"

#include <algorithm>
#include <cmath>

namespace nf::rt {

int32_t sampleToken(std::span<const float> logits, double temperature, uint64_t seed, uint32_t index) {
  for (float logit : logits)
    if (!std::isfinite(logit))
      fail("the model's logits are not finite; its weights are damaged");
  auto largest = std::ranges::max_element(logits);
  if (temperature <= 0)
    return static_cast<int32_t>(largest - logits.begin());
  auto weight = [&](float logit) { return std::exp((double(logit) - double(*largest)) / temperature); };
  double total = 0;
  for (float logit : logits)
    total += weight(logit);
  double left = philox(seed, {index, 0, 0, 0})[0] * 0x1p-32 * total;
  for (size_t id = 0; id < logits.size(); ++id)
    if ((left -= weight(logits[id])) < 0)
      return static_cast<int32_t>(id);
  return static_cast<int32_t>(largest - logits.begin()); // rounding left a rest
}

} // namespace nf::rt
