// Choosing the next token.
#ifndef NF_RUNTIME_TRAIN_SAMPLING_H
#define NF_RUNTIME_TRAIN_SAMPLING_H

#include <cstdint>
#include <span>

namespace nf::rt {

/// Draws from softmax(logits / temperature) with the random number (seed, index); temperature 0 takes the largest
/// logit, the first one of equals. Throws Error when a logit is not finite.
int32_t sampleToken(std::span<const float> logits, double temperature, uint64_t seed, uint32_t index);

} // namespace nf::rt

#endif
