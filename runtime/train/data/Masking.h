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
  /// Random replacements are ordinary ids: below `ids` and neither end-of-text nor mask (-1: there is none).
  /// End-of-text is never chosen. Throws Error when the rates are no probabilities or the mask id is not below `vocab`.
  Masking(MaskedObjective objective, int32_t ids, int32_t endOfText, int32_t vocab);

  /// True when the position is predicted; then `token` becomes what the model sees there.
  bool apply(const MaskDraw &draw, int32_t position, int32_t &token) const;

private:
  int32_t randomOrdinary(uint32_t word) const;

  uint64_t chosenBelow; ///< compared with a 32-bit word; 2^32 is certain
  uint64_t maskBelow, randomBelow;
  int32_t mask, endOfText;
  int32_t lowSpecial = -1, highSpecial = -1; ///< ids that a random replacement skips, ascending
  int32_t ordinaryIds;
};

} // namespace nf::rt

#endif // NF_RUNTIME_TRAIN_DATA_MASKING_H
