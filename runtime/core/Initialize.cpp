#include "runtime/core/Initialize.h"

#include "runtime/core/Context.h"
#include "runtime/core/Error.h"
#include "runtime/core/Philox.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>
#include <string>
#include <xxhash.h>

namespace nf::rt {
namespace {

/// In [0, 1).
double unit(uint32_t word) { return word * 0x1p-32; }

// Box-Muller. The logarithm's argument is in (0, 1], so it never sees 0.
void normalPair(uint32_t first, uint32_t second, double std, double out[2]) {
  double radius = std * std::sqrt(-2 * std::log((first + 1.0) * 0x1p-32));
  double angle = 2 * std::numbers::pi * unit(second);
  out[0] = radius * std::cos(angle);
  out[1] = radius * std::sin(angle);
}

/// Calls draw(words, out) for each group of four elements.
template <typename Draw> void fillRandom(std::string_view name, uint64_t seed, std::span<float> values, Draw draw) {
  uint64_t key = seed ^ XXH3_64bits(name.data(), name.size());
  for (size_t i = 0; i < values.size(); i += 4) {
    double drawn[4];
    draw(philox(key, {static_cast<uint32_t>(i / 4), 0, 0, 0}), drawn);
    std::copy_n(drawn, std::min<size_t>(4, values.size() - i), values.begin() + i);
  }
}

void fillSinusoidal(std::span<const int64_t> shape, std::span<float> values) {
  int64_t width = shape.back(), half = width / 2;
  double step = half > 1 ? std::log(10000.0) / (half - 1) : 0;
  for (size_t at = 0; at < values.size(); ++at) {
    int64_t position = at / width, column = at % width;
    double angle = position * std::exp(-step * (column % std::max<int64_t>(half, 1)));
    values[at] = column >= 2 * half ? 0.0f : static_cast<float>(column < half ? std::sin(angle) : std::cos(angle));
  }
}

std::span<const int64_t> shapeOf(const nf_state &state) { return {state.shape, static_cast<size_t>(state.rank)}; }

} // namespace

void initialize(std::string_view rule, std::string_view name, uint64_t seed, std::span<const int64_t> shape,
                std::span<float> values) {
  auto json = nlohmann::json::parse(rule, nullptr, false);
  std::string kind = json.is_object() ? json.value("kind", "") : "";
  if (kind == "zeros") {
    std::ranges::fill(values, 0.0f);
  } else if (kind == "ones") {
    std::ranges::fill(values, 1.0f);
  } else if (kind == "constant") {
    std::ranges::fill(values, json.value("value", 0.0f));
  } else if (kind == "normal") {
    double std = json.value("std", 0.0);
    fillRandom(name, seed, values, [=](PhiloxCounter words, double *out) {
      normalPair(words[0], words[1], std, out);
      normalPair(words[2], words[3], std, out + 2);
    });
  } else if (kind == "uniform") {
    double bound = json.value("bound", 0.0);
    fillRandom(name, seed, values, [=](PhiloxCounter words, double *out) {
      for (int w = 0; w < 4; ++w)
        out[w] = bound * (2 * unit(words[w]) - 1);
    });
  } else if (kind == "sinusoidal" && !shape.empty()) {
    fillSinusoidal(shape, values);
  } else {
    fail("'{}' has the init rule '{}', which this runtime does not know; compile the model again with the nf-compile "
         "that belongs to this runtime",
         name, rule);
  }
}

void initializeStates(Context &context, uint64_t seed) {
  std::fill_n(context.persistent, context.model().persistent_bytes, uint8_t{0});
  for (const nf_state *parameter : context.parameters())
    initialize(parameter->init, parameter->name, seed, shapeOf(*parameter), context.values(*parameter));
  initializeConstants(context);
}

void initializeConstants(Context &context) {
  for (const nf_state &state : context.states())
    if (state.kind == NF_STATE_CONSTANT)
      initialize(state.init, state.name, 0, shapeOf(state), context.values(state));
}

} // namespace nf::rt
