// Byte-pair encoding of one pre-token, and learning the merges. Tokenizer adds files, special tokens and a cache.
#ifndef NF_RUNTIME_TRAIN_DATA_BPE_H
#define NF_RUNTIME_TRAIN_DATA_BPE_H

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace nf::rt {

using IdPair = std::pair<int32_t, int32_t>;

struct IdPairHash {
  size_t operator()(IdPair pair) const {
    uint64_t mixed = (uint64_t(uint32_t(pair.first)) << 32 | uint32_t(pair.second)) * 0x9E3779B97F4A7C15u;
    return mixed ^ (mixed >> 32);
  }
};

class BpeMerges {
public:
  /// `byteIds[b]` is the id of byte b. Merges are added in order of rank.
  explicit BpeMerges(const std::array<int32_t, 256> &byteIds) : byteIds(byteIds) {}

  /// The next merge: `pair` becomes `id`. False when the pair already has a merge.
  bool add(IdPair pair, int32_t id) { return ranks.try_emplace(pair, Merge{int32_t(ranks.size()), id}).second; }

  /// Appends the ids of one pre-token: the merge of lowest rank is applied first, leftmost first among equals.
  void encode(std::string_view preToken, std::vector<int32_t> &ids);

private:
  struct Merge {
    int32_t rank;
    int32_t id;
  };
  struct Symbol {
    int32_t id; ///< -1: merged into the symbol before it
    int32_t previous, next;
  };
  struct Candidate {
    int32_t rank, position, left, right, id;
    bool operator<(const Candidate &other) const; ///< a heap keeps its largest on top: "less" is "later"
  };
  void consider(int32_t left);

  std::array<int32_t, 256> byteIds;
  std::unordered_map<IdPair, Merge, IdPairHash> ranks;
  // Kept between calls for their memory.
  std::vector<Symbol> symbols;
  std::vector<Candidate> heap;
};

struct LearnedMerge {
  IdPair pair;
  int32_t id;
};

/// Learns merges over ids that start as the bytes 0..255, as many as there are `ids`; the n-th merge gets ids[n]. The
/// pair that occurs most often is merged first, the one with the lower ids among equals; pairs that occur once are
/// never merged. Depends on the pre-tokens and their counts, not on the order of the texts.
std::vector<LearnedMerge> learnMerges(std::span<const std::string_view> texts, std::span<const int32_t> ids);

} // namespace nf::rt

#endif // NF_RUNTIME_TRAIN_DATA_BPE_H
