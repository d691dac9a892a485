#include "runtime/core/Initialize.h"

#include "runtime/core/Context.h"
#include "runtime/core/Error.h"
#include "runtime/core/Philox.h"
#include "runtime/cpu/Pool.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>
#include <string>
#include <vector>
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

/// Element `index` of fairseq's table: sines in the first half of a row, cosines in the second, a last odd column 0.
double sinusoid(int64_t index, int64_t width) {
  int64_t position = index / width, column = index % width, half = width / 2;
  if (column >= 2 * half)
    return 0;
  double step = half > 1 ? std::log(10000.0) / static_cast<double>(half - 1) : 0;
  double angle = static_cast<double>(position) * std::exp(-step * static_cast<double>(column % half));
  return column < half ? std::sin(angle) : std::cos(angle);
}

} // namespace

Initializer::Initializer(std::string_view rule, std::string_view name, uint64_t seed, std::span<const int64_t> shape)
    : key(seed ^ XXH3_64bits(name.data(), name.size())), width(shape.empty() ? 0 : shape.back()) {
  auto json = nlohmann::json::parse(rule, nullptr, false);
  std::string called = json.is_object() ? json.value("kind", "") : "";
  auto take = [&](Kind which, const char *field, double otherwise) {
    kind = which;
    value = field ? json.value(field, otherwise) : otherwise;
  };
  if (called == "zeros")
    take(Constant, nullptr, 0);
  else if (called == "ones")
    take(Constant, nullptr, 1);
  else if (called == "constant")
    take(Constant, "value", 0);
  else if (called == "normal")
    take(Normal, "std", 0);
  else if (called == "uniform")
    take(Uniform, "bound", 0);
  else if (called == "file")
    take(Constant, nullptr, 0); // the values come after
  else if (called == "sinusoidal" && width > 0)
    take(Sinusoidal, nullptr, 0);
  else
    fail("'{}' has the init rule '{}', which this runtime does not know; compile the model again with the nf-compile "
         "that belongs to this runtime",
         name, rule);
}

void Initializer::fill(int64_t first, std::span<float> values) const {
  if (kind == Constant) {
    std::ranges::fill(values, static_cast<float>(value));
    return;
  }
  for (size_t i = 0; i < values.size(); i += 4) {
    int64_t index = first + static_cast<int64_t>(i);
    double drawn[4];
    PhiloxCounter words = philox(key, {static_cast<uint32_t>(index / 4), 0, 0, 0});
    if (kind == Normal) {
      normalPair(words[0], words[1], value, drawn);
      normalPair(words[2], words[3], value, drawn + 2);
    } else {
      for (int w = 0; w < 4; ++w)
        drawn[w] = kind == Uniform ? value * (2 * unit(words[w]) - 1) : sinusoid(index + w, width);
    }
    std::copy_n(drawn, std::min<size_t>(4, values.size() - i), values.begin() + static_cast<ptrdiff_t>(i));
  }
}

/// Fills one state on all threads, in pieces.
static void fillState(Context &context, const nf_state &state, uint64_t seed) {
  constexpr int64_t piece = 1 << 16;
  Initializer initializer(state.init, state.name, seed, {state.shape, static_cast<size_t>(state.rank)});
  std::span<float> values = context.values(state);
  void *args[] = {&initializer, &values};
  context.pool().run(
      [](void *const *args, int64_t task, void *) {
        auto &values = *static_cast<std::span<float> *>(args[1]);
        size_t first = task * piece;
        static_cast<const Initializer *>(args[0])->fill(
            task * piece, values.subspan(first, std::min<size_t>(piece, values.size() - first)));
      },
      args, (static_cast<int64_t>(values.size()) + piece - 1) / piece);
  context.send(state);
}

void initializeStates(Context &context, uint64_t seed) {
  for (const nf_state *parameter : context.parameters())
    fillState(context, *parameter, seed);
  initializeConstants(context);
}

void initializeConstants(Context &context) {
  for (const nf_state &state : context.states())
    if (state.kind == NF_STATE_CONSTANT)
      fillState(context, state, 0);
}

} // namespace nf::rt
