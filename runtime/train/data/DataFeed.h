#ifndef NF_RUNTIME_TRAIN_DATA_DATAFEED_H
#define NF_RUNTIME_TRAIN_DATA_DATAFEED_H

#include "runtime/train/data/Tokenizer.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace nf::rt {

/// One row [T] of a micro-batch's arguments; the caller owns the memory.
struct SampleRow {
  int32_t *tokens;
  int32_t *targets;  ///< always in [0, vocab), also where lossWeight is 0
  float *lossWeight; ///< 1 counts, 0 does not (padding; positions that masking did not choose)
  float *keyPadding; ///< 1 = a real token; may be null (decoders)
  /// Number of the token's document in the row: end-of-text tokens up to and with it. May be null.
  int32_t *segments = nullptr;
};

/// RoBERTa's masking: each position is chosen with probability maskRate; a chosen one becomes the mask token with
/// probability maskToken, a random id with randomToken, and stays itself otherwise. The target is the original token.
struct MaskedObjective {
  double maskRate = 0.15;
  double maskToken = 0.8;
  double randomToken = 0.1;
  int32_t maskId = -1;
};

struct DataFeedOptions {
  std::string directory;
  int32_t vocab = 0;                     ///< of the compiled model; every token id must be below it
  int32_t sequence = 0;                  ///< T
  std::optional<MaskedObjective> masked; ///< absent: causal. maskId < 0 takes the tokenizer's
  bool documents = false;                ///< the model keeps documents apart: notes() says when the data cannot
};

/// The sequences of a prepared data directory, or of a directory of llm.c shards (*train*.bin, *val*.bin).
///
/// Sequence i of a shard is its tokens [iT, iT + T), causal with targets one further. The last, short one of a shard
/// counts in validation only. Everything is a function of (seed, position), so that is all that a checkpoint stores.
/// After open() no call allocates, and all calls are const and thread-safe.
class DataFeed {
public:
  /// Maps the shards and checks manifest, tokenizer, headers, lengths and ids. Throws Error.
  static DataFeed open(const DataFeedOptions &options);

  /// Full training sequences of one epoch; at least 1.
  int64_t trainCount() const;
  /// The `position`-th sequence of training, position >= 0: epoch position / trainCount() visits every sequence once,
  /// in an order drawn from (seed, epoch); masks are drawn from (seed, epoch, sequence). Returns the number of
  /// positions that count.
  int32_t train(uint64_t seed, int64_t position, SampleRow row) const;
  /// What train() would return, without filling a row: the valid count of a step must be known before its first
  /// backward.
  int32_t trainValid(uint64_t seed, int64_t position) const;

  /// Validation sequences in order, short last ones included; 0 when there is no validation data.
  int64_t validationCount() const;
  /// Fills sequence `index`, padded where it is short, and returns the number of positions that count. Masks are drawn
  /// from `seed` (use a fixed one).
  int32_t validation(uint64_t seed, int64_t index, SampleRow row) const;
  /// Bytes of text that the counting targets of validation sequence `index` stand for; 0 without a tokenizer.
  int64_t validationBytes(uint64_t seed, int64_t index) const;

  /// Tokens of all shards of a split.
  int64_t trainTokens() const;
  int64_t validationTokens() const;
  /// The tokens themselves, a span a shard, for statistics.
  std::vector<std::span<const uint16_t>> trainShards() const;
  std::vector<std::span<const uint16_t>> validationShards() const;

  /// Null for shards without a tokenizer.json.
  const Tokenizer *tokenizer() const;
  /// 16 hexadecimal digits, or "" without a tokenizer. A checkpoint must match it.
  const std::string &tokenizerHash() const;
  /// XXH3-64 of all token counts and shard hashes, 16 hexadecimal digits: tells whether a resumed run sees the same
  /// data.
  const std::string &dataHash() const;
  /// Lines to print as "note: ...", such as that there is no manifest.
  const std::vector<std::string> &notes() const;

  DataFeed(DataFeed &&) noexcept;
  DataFeed &operator=(DataFeed &&) noexcept;
  ~DataFeed();

private:
  struct Impl;
  explicit DataFeed(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

} // namespace nf::rt

#endif // NF_RUNTIME_TRAIN_DATA_DATAFEED_H
