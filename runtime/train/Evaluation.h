// The loss on validation data.
#ifndef NF_RUNTIME_TRAIN_EVALUATION_H
#define NF_RUNTIME_TRAIN_EVALUATION_H

#include "runtime/core/Context.h"
#include "runtime/train/Batch.h"

#include <cstdint>

namespace nf::rt {

/// Masks of an encoder's evaluation are always drawn from this seed, so that results compare.
constexpr uint64_t evaluationSeed = 1;

struct Evaluation {
  double lossSum = 0; ///< nats
  double counted = 0; ///< positions
  int64_t bytes = 0;  ///< of text that they stand for; 0 when unknown
  int64_t sequences = 0;

  double loss() const { return lossSum / counted; }
  double perplexity() const;
  double bitsPerByte() const;
};

/// Runs program eval over the first `most` validation sequences (all of them when 0). Parameters, moments and gradients
/// stay as they are. Throws Error when there is no validation data.
Evaluation evaluate(Context &context, const Metadata &metadata, const DataFeed &feed, int64_t most);

} // namespace nf::rt

#endif
