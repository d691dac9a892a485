#include "runtime/train/data/NGrams.h"
#include "runtime/train/data/DataFeed.h"
#include "runtime/train/data/Prepare.h"
#include "runtime/train/data/Shards.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <unordered_map>

namespace nf::rt {
namespace {

class Counts {
public:
  Counts(std::span<const std::span<const uint16_t>> shards, int32_t ids)
      : ids(ids), single(ids), asHistory(ids), followers(ids) {
    for (std::span<const uint16_t> tokens : shards)
      for (size_t i = 0; i < tokens.size(); ++i) {
        ++single[tokens[i]];
        ++total;
        if (i + 1 < tokens.size())
          countPair(tokens[i], tokens[i + 1]);
      }
  }

  double unigram(uint16_t word) const { return double(single[word] + 1) / double(total + ids); }

  double bigram(uint16_t history, uint16_t word) const {
    double different = double(followers[history]);
    if (different == 0)
      return unigram(word);
    auto found = pairs.find(uint32_t(history) << 16 | word);
    double together = found == pairs.end() ? 0.0 : double(found->second);
    return (together + different * unigram(word)) / (double(asHistory[history]) + different);
  }

private:
  void countPair(uint16_t history, uint16_t word) {
    ++asHistory[history];
    if (++pairs[uint32_t(history) << 16 | word] == 1)
      ++followers[history];
  }

  int32_t ids;
  int64_t total = 0;
  std::vector<int64_t> single, asHistory, followers; // of each id
  std::unordered_map<uint32_t, int64_t> pairs;
};

} // namespace

NGramPerplexity ngramPerplexity(std::span<const std::span<const uint16_t>> train,
                                std::span<const std::span<const uint16_t>> validation, int32_t ids) {
  Counts counts(train, ids);
  double unigramLoss = 0, bigramLoss = 0;
  NGramPerplexity result;
  for (std::span<const uint16_t> tokens : validation)
    for (size_t i = 0; i + 1 < tokens.size(); ++i) {
      unigramLoss -= std::log(counts.unigram(tokens[i + 1]));
      bigramLoss -= std::log(counts.bigram(tokens[i], tokens[i + 1]));
      ++result.tokens;
    }
  double divisor = double(std::max<int64_t>(1, result.tokens));
  result.unigram = std::exp(unigramLoss / divisor);
  result.bigram = std::exp(bigramLoss / divisor);
  return result;
}

void printDataStats(const std::string &directory, std::ostream &out) {
  DataFeed feed = DataFeed::open({directory, kShardIds, 1, std::nullopt});
  auto train = feed.trainShards(), validation = feed.validationShards();
  int32_t ids = feed.tokenizer() ? feed.tokenizer()->size() : 0;
  for (const auto *shards : {&train, &validation})
    for (std::span<const uint16_t> tokens : *shards)
      ids = std::max(ids, highestId(tokens) + 1);
  for (const std::string &note : feed.notes())
    out << "note: " << note << "\n";
  out << fmt::format("train tokens {}\nvalidation tokens {}\nids {}\n", feed.trainTokens(), feed.validationTokens(),
                     ids);
  if (feed.validationTokens() < 2)
    return;
  if (feed.tokenizer()) {
    int64_t bytes = 0;
    for (int64_t i = 0; i < feed.validationCount(); ++i)
      bytes += feed.validationBytes(0, i);
    out << fmt::format("validation bytes a token {:.3f}\n", double(bytes) / double(feed.validationCount()));
  }
  NGramPerplexity perplexity = ngramPerplexity(train, validation, ids);
  out << fmt::format("unigram perplexity {:.2f}\nbigram perplexity {:.2f}\n", perplexity.unigram, perplexity.bigram);
}

} // namespace nf::rt
