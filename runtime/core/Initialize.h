// First values of the parameters and constants, by the rules of nf_abi.h.
#ifndef NF_RUNTIME_CORE_INITIALIZE_H
#define NF_RUNTIME_CORE_INITIALIZE_H

#include "runtime/abi/nf_abi.h"

#include <cstdint>
#include <span>
#include <string_view>

namespace nf::rt {

class Context;

/// Fills `values` by the init rule (JSON, see nf_state.init): a function of seed, name and shape only, in double
/// rounded to float. `shape` counts for "sinusoidal" alone: row p, column i of [positions, d] is sin(p * f_i) for
/// i < d/2 and cos(p * f_(i - d/2)) above, f_i = 10000^(-i / (d/2 - 1)); a last odd column is 0. Throws Error on a
/// rule that this runtime does not know.
void initialize(std::string_view rule, std::string_view name, uint64_t seed, std::span<const int64_t> shape,
                std::span<float> values);

/// All parameters from `seed`, all constants, and zeros everywhere else.
void initializeStates(Context &context, uint64_t seed);
/// The constants alone: what a checkpoint does not hold.
void initializeConstants(Context &context);

} // namespace nf::rt

#endif
