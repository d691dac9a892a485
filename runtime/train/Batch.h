// Filling the arguments of a program with a micro-batch of samples.
#ifndef NF_RUNTIME_TRAIN_BATCH_H
#define NF_RUNTIME_TRAIN_BATCH_H

#include "runtime/core/Context.h"
#include "runtime/train/Metadata.h"
#include "runtime/train/data/DataFeed.h"

#include <cstdint>
#include <span>
#include <vector>

namespace nf::rt {

/// One row [T] of a micro-batch, with the positions that the model embeds.
struct BatchRow : SampleRow {
  int32_t *positions;
};

/// Where samples come from. Calls allocate nothing.
class SampleSource {
public:
  virtual ~SampleSource() = default;
  /// Sum of the loss weights of a sample, without filling it.
  virtual double weight(int64_t position) const = 0;
  /// Fills the row; positions are already those of the model, and may be overwritten.
  virtual void fill(int64_t position, const BatchRow &row) const = 0;
};

/// The training sequences of a data feed.
class FeedSource : public SampleSource {
public:
  FeedSource(const DataFeed &feed, uint64_t seed) : feed(feed), seed(seed) {}
  double weight(int64_t position) const override { return feed.trainValid(seed, position); }
  void fill(int64_t position, const BatchRow &row) const override { feed.train(seed, position, row); }

private:
  const DataFeed &feed;
  uint64_t seed;
};

/// The batch arguments of one program. Since programs share their arena, all rows are filled again before every run.
class BatchArguments {
public:
  BatchArguments(const Program &program, const Metadata &metadata);

  int64_t rows() const { return batch; }
  int64_t sequence() const { return length; }
  /// Row b with the positions filled in.
  BatchRow row(int64_t b);
  /// Makes row b a padding row: valid tokens that count for nothing.
  void pad(int64_t b);

private:
  template <typename T> T *at(std::span<T> argument, std::vector<T> &spare, int64_t b) {
    return argument.empty() ? spare.data() : argument.data() + b * length;
  }

  int64_t batch, length, positionOffset;
  std::span<int32_t> tokens, positions, targets;
  std::span<float> lossWeight, keyPadding;
  std::span<int32_t> segments;
  // Rows for the arguments that the program does not need.
  std::vector<int32_t> spareTokens, sparePositions, spareTargets;
  std::vector<float> spareWeight;
};

} // namespace nf::rt

#endif
