// RoBERTa's masking as a function of (seed, epoch, sequence, position).
#ifndef NF_RUNTIME_TRAIN_DATA_MASKING_H
#define NF_RUNTIME_TRAIN_DATA_MASKING_H

#include "runtime/train/data/DataFeed.h"

namespace nf::rt {

/// Names one drawing of masks; the same draw always masks the same positions with the same tokens.
struct MaskDraw {
  uint64_t seed;
  uint64_t epoch;
  uint64_t sequence; ///< of the split, in order of storage
};

class Masking {
public:
  /// Random replacements are drawn from `ordinary` ids, which has at least one. `endOfText` (-1: there is none) is
  /// never chosen. Throws Error when the rates are no probabilities or the mask id is not below `vocab`.
  Masking(MaskedObjective objective, std::vector<int32_t> ordinary, int32_t endOfText, int32_t vocab);

  /// True when the position is predicted; then `token` becomes what the model sees there.
  bool apply(const MaskDraw &draw, int32_t position, int32_t &token) const;

private:
  uint64_t chosenBelow; ///< compared with a 32-bit word; 2^32 is certain
  uint64_t maskBelow, randomBelow;
  int32_t mask, endOfText;
  std::vector<int32_t> ordinary;
};

} // namespace nf::rt

#endif // NF_RUNTIME_TRAIN_DATA_MASKING_H
