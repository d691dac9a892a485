// First values of the parameters and constants, by the rules of nf_abi.h.
#ifndef NF_RUNTIME_CORE_INITIALIZE_H
#define NF_RUNTIME_CORE_INITIALIZE_H

#include "runtime/abi/nf_abi.h"

#include <cstdint>
#include <span>
#include <string_view>

namespace nf::rt {

class Context;

/// An init rule of nf_abi.h for one tensor. The values are a function of rule, seed, name, shape and index only, in
/// double rounded to float.
class Initializer {
public:
  /// `rule` is nf_state.init. Throws Error on one that this runtime does not know.
  Initializer(std::string_view rule, std::string_view name, uint64_t seed, std::span<const int64_t> shape);

  /// Fills the elements first, first + 1, ... of the tensor; first is a multiple of 4.
  void fill(int64_t first, std::span<float> values) const;

private:
  enum Kind { Constant, Normal, Uniform, Sinusoidal };

  Kind kind;
  double value = 0; // the constant, the standard deviation, or the bound
  uint64_t key = 0;
  int64_t width = 0;
};

/// Parameters from `seed` and constants; expects a context whose memory is fresh, and leaves all else zero, states of
/// the rule "file" included (runtime/train/Weights.h reads them).
void initializeStates(Context &context, uint64_t seed);
/// The constants alone: what a checkpoint does not hold.
void initializeConstants(Context &context);

} // namespace nf::rt

#endif
