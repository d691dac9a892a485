#include "runtime/train/Batch.h"

#include "runtime/core/Error.h"

#include <algorithm>

namespace nf::rt {

BatchArguments::BatchArguments(const Program &program, const Metadata &metadata)
    : batch(metadata.microBatch), length(metadata.sequence), positionOffset(metadata.positionOffset),
      tokens(program.argument<int32_t>("tokens")), positions(program.argument<int32_t>("positions")),
      targets(program.argument<int32_t>("targets")), lossWeight(program.argument<float>("loss_weight")),
      keyPadding(program.argument<float>("key_padding")), segments(program.argument<int32_t>("segments")),
      spareTokens(length), sparePositions(length), spareTargets(length), spareWeight(length) {
  auto expected = static_cast<size_t>(batch * length);
  for (size_t size :
       {tokens.size(), positions.size(), targets.size(), lossWeight.size(), keyPadding.size(), segments.size()})
    if (size != 0 && size != expected)
      fail("the executable's batch arguments do not have the shape [{}, {}] of its metadata; compile the model again",
           batch, length);
}

BatchRow BatchArguments::row(int64_t b) {
  BatchRow row;
  row.tokens = at(tokens, spareTokens, b);
  row.targets = at(targets, spareTargets, b);
  row.lossWeight = at(lossWeight, spareWeight, b);
  row.keyPadding = keyPadding.empty() ? nullptr : keyPadding.data() + b * length;
  row.segments = segments.empty() ? nullptr : segments.data() + b * length;
  row.positions = at(positions, sparePositions, b);
  for (int64_t t = 0; t < length; ++t)
    row.positions[t] = static_cast<int32_t>(positionOffset + t);
  return row;
}

void BatchArguments::pad(int64_t b) {
  BatchRow padding = row(b);
  std::fill_n(padding.tokens, length, 0);
  std::fill_n(padding.targets, length, 0);
  std::fill_n(padding.lossWeight, length, 0.0f);
  if (padding.segments)
    std::fill_n(padding.segments, length, 0);
  // A row without any key would have a softmax over nothing.
  if (padding.keyPadding)
    std::fill_n(padding.keyPadding, length, 1.0f);
}

} // namespace nf::rt
