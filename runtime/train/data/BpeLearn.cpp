// Counts of pairs are kept up to date while pre-tokens change, so that a merge costs only the pre-tokens that hold it.
//   1. Count distinct pre-tokens; each becomes a word of byte ids.
//   2. Count adjacent pairs over the words, and remember which words hold each.
//   3. Merge the most frequent pair in its words; adjust the neighbouring pairs' counts; repeat.
#include "runtime/train/data/Bpe.h"
#include "runtime/train/data/PreTokens.h"

#include <algorithm>
#include <queue>
#include <tuple>
#include <xxhash.h>

namespace nf::rt {
namespace {

struct TextHash {
  size_t operator()(std::string_view text) const { return XXH3_64bits(text.data(), text.size()); }
};

struct Word {
  std::vector<int32_t> ids;
  int64_t count;
};

struct PairUse {
  int64_t count = 0;
  std::vector<uint32_t> words; ///< may hold a word twice, or one that lost the pair since
};

struct Candidate {
  int64_t count;
  IdPair pair;
  bool operator<(const Candidate &other) const { return std::tie(count, other.pair) < std::tie(other.count, pair); }
};

class Learner {
public:
  explicit Learner(std::span<const std::string_view> texts) {
    countWords(texts);
    for (uint32_t w = 0; w < words.size(); ++w)
      for (size_t i = 0; i + 1 < words[w].ids.size(); ++i)
        change({words[w].ids[i], words[w].ids[i + 1]}, words[w].count, w);
    queueTouched();
  }

  /// The most frequent pair, if one occurs at least twice.
  bool best(IdPair &pair) {
    while (!queue.empty()) {
      Candidate top = queue.top();
      queue.pop();
      auto use = pairs.find(top.pair);
      int64_t count = use == pairs.end() ? 0 : use->second.count;
      if (count == top.count) {
        pair = top.pair;
        return count >= 2;
      }
      if (count > 0 && count < top.count)
        queue.push({count, top.pair}); // counts that fell are queued again only when they surface
    }
    return false;
  }

  void merge(IdPair pair, int32_t id) {
    std::vector<uint32_t> holders = std::move(pairs[pair].words);
    std::sort(holders.begin(), holders.end());
    holders.erase(std::unique(holders.begin(), holders.end()), holders.end());
    for (uint32_t w : holders)
      mergeInWord(w, pair, id);
    pairs.erase(pair);
    queueTouched();
  }

private:
  void countWords(std::span<const std::string_view> texts) {
    std::unordered_map<std::string_view, uint32_t, TextHash> index;
    PreTokenizer preTokenizer;
    for (std::string_view text : texts)
      preTokenizer.forEach(text, [&](std::string_view piece) {
        auto [at, isNew] = index.try_emplace(piece, uint32_t(words.size()));
        if (isNew)
          words.push_back({{}, 0});
        ++words[at->second].count;
      });
    for (const auto &[piece, w] : index)
      for (char byte : piece)
        words[w].ids.push_back(uint8_t(byte));
  }

  /// Adds `by` to the count of a pair, which word `w` now holds if `by` is positive.
  void change(IdPair pair, int64_t by, uint32_t w) {
    PairUse &use = pairs[pair];
    use.count += by;
    if (by > 0) {
      if (use.words.empty() || use.words.back() != w)
        use.words.push_back(w);
      touched.push_back(pair);
    }
  }

  void mergeInWord(uint32_t w, IdPair pair, int32_t id) {
    std::vector<int32_t> &ids = words[w].ids;
    int64_t count = words[w].count;
    size_t out = 0;
    for (size_t i = 0; i < ids.size(); ++i) {
      bool found = i + 1 < ids.size() && ids[i] == pair.first && ids[i + 1] == pair.second;
      if (found) {
        if (out > 0) {
          change({ids[out - 1], pair.first}, -count, w);
          change({ids[out - 1], id}, count, w);
        }
        if (i + 2 < ids.size()) {
          change({pair.second, ids[i + 2]}, -count, w);
          change({id, ids[i + 2]}, count, w);
        }
        ++i;
      }
      ids[out++] = found ? id : ids[i];
    }
    ids.resize(out);
  }

  void queueTouched() {
    std::sort(touched.begin(), touched.end());
    touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
    for (IdPair pair : touched)
      if (auto use = pairs.find(pair); use != pairs.end() && use->second.count > 0)
        queue.push({use->second.count, pair});
    touched.clear();
  }

  std::vector<Word> words;
  std::unordered_map<IdPair, PairUse, IdPairHash> pairs;
  std::priority_queue<Candidate> queue;
  std::vector<IdPair> touched;
};

} // namespace

std::vector<LearnedMerge> learnMerges(std::span<const std::string_view> texts, std::span<const int32_t> ids) {
  std::vector<LearnedMerge> merges;
  Learner learner(texts);
  IdPair pair;
  while (merges.size() < ids.size() && learner.best(pair)) {
    int32_t id = ids[merges.size()];
    learner.merge(pair, id);
    merges.push_back({pair, id});
  }
  return merges;
}

} // namespace nf::rt
