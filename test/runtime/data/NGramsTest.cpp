#include "runtime/train/data/NGrams.h"
#include "test/runtime/data/Support.h"

#include <cmath>

namespace nf::rt {
namespace {

using Tokens = std::vector<uint16_t>;

NGramPerplexity perplexity(const Tokens &train, const Tokens &validation, int32_t ids) {
  std::span<const uint16_t> trainShards[] = {train}, validationShards[] = {validation};
  return ngramPerplexity(trainShards, validationShards, ids);
}

TEST(NGramsTest, FormulasByHand) {
  // c(0)=3, c(1)=2, N=5; pairs 0,1 twice and 1,0 twice; D(0)=D(1)=1.
  NGramPerplexity result = perplexity({0, 1, 0, 1, 0}, {0, 1, 2}, 3);
  EXPECT_EQ(result.tokens, 2);
  double p1 = 3.0 / 8, p2 = 1.0 / 8; // unigram of 1 and of 2
  EXPECT_NEAR(result.unigram, std::exp(-(std::log(p1) + std::log(p2)) / 2), 1e-12);
  double b1 = (2 + 1 * p1) / (2 + 1), b2 = (0 + 1 * p2) / (2 + 1);
  EXPECT_NEAR(result.bigram, std::exp(-(std::log(b1) + std::log(b2)) / 2), 1e-12);
}

TEST(NGramsTest, UnseenHistoryFallsBackToUnigram) {
  NGramPerplexity result = perplexity({0, 1, 0}, {2, 0}, 3);
  EXPECT_DOUBLE_EQ(result.bigram, result.unigram);
}

TEST(NGramsTest, UniformTokensGiveTheVocabulary) {
  Tokens train, validation;
  uint32_t state = 1;
  for (int i = 0; i < 200000; ++i) {
    state = state * 1664525u + 1013904223u;
    (i < 150000 ? train : validation).push_back(uint16_t(state >> 28));
  }
  NGramPerplexity result = perplexity(train, validation, 16);
  EXPECT_NEAR(result.unigram, 16, 0.1);
  EXPECT_NEAR(result.bigram, 16, 0.2);
}

TEST(NGramsTest, ACycleIsKnownToTheBigramOnly) {
  Tokens train, validation;
  for (int i = 0; i < 10000; ++i)
    (i < 8000 ? train : validation).push_back(uint16_t(i % 10));
  NGramPerplexity result = perplexity(train, validation, 10);
  EXPECT_NEAR(result.unigram, 10, 0.01);
  EXPECT_LT(result.bigram, 1.01);
}

TEST(NGramsTest, DataStatsPrintsBoth) {
  Folder folder;
  prepared(optionsFor(folder.write("a.txt", prose(100'000)), folder.at("data")));
  std::ostringstream out;
  printDataStats(folder.at("data"), out);
  EXPECT_NE(out.str().find("\nunigram perplexity "), std::string::npos) << out.str();
  EXPECT_NE(out.str().find("\nbigram perplexity "), std::string::npos);
  EXPECT_NE(out.str().find("validation bytes a token 1.0"), std::string::npos) << out.str();
}

} // namespace
} // namespace nf::rt
