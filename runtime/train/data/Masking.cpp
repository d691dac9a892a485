#include "runtime/train/data/Masking.h"
#include "runtime/core/Error.h"
#include "runtime/core/Philox.h"

namespace nf::rt {

/// Keeps the words drawn here apart from those that dropout and initial values draw with the same seed.
static constexpr uint64_t kMaskStream = 0x6d61736b696e6721u;

static uint64_t threshold(double probability) { return uint64_t(probability * 4294967296.0 + 0.5); }

static void checkShare(const char *key, double value) {
  if (!(value >= 0 && value <= 1))
    fail("objective.{}: expected a probability from 0 to 1, but got {}", key, value);
}

Masking::Masking(MaskedObjective objective, std::vector<int32_t> ordinary, int32_t endOfText, int32_t vocab)
    : mask(objective.maskId), endOfText(endOfText), ordinary(std::move(ordinary)) {
  checkShare("mask_rate", objective.maskRate);
  checkShare("mask_token", objective.maskToken);
  checkShare("random_token", objective.randomToken);
  checkShare("mask_token + random_token", objective.maskToken + objective.randomToken);
  if (mask < 0 || mask >= vocab)
    fail("objective.mask_id: expected an id below the vocabulary of {}, but got {}", vocab, mask);
  chosenBelow = threshold(objective.maskRate);
  maskBelow = threshold(objective.maskToken);
  randomBelow = maskBelow + threshold(objective.randomToken);
}

bool Masking::apply(const MaskDraw &draw, int32_t position, int32_t &token) const {
  if (token == endOfText)
    return false;
  PhiloxCounter words = philox(draw.seed ^ kMaskStream, {uint32_t(position), uint32_t(draw.sequence),
                                                         uint32_t(draw.sequence >> 32), uint32_t(draw.epoch)});
  if (words[0] >= chosenBelow)
    return false;
  if (words[1] < maskBelow)
    token = mask;
  else if (words[1] < randomBelow)
    token = ordinary[uint64_t(words[2]) * ordinary.size() >> 32];
  return true;
}

} // namespace nf::rt
