#include "runtime/train/data/Masking.h"
#include "test/runtime/data/Support.h"

namespace nf::rt {
namespace {

constexpr int32_t kIds = 300, kEnd = 256, kMaskId = 257;

std::vector<int32_t> ordinary() {
  std::vector<int32_t> ids;
  for (int32_t id = 0; id < kIds; ++id)
    if (id != kEnd && id != kMaskId)
      ids.push_back(id);
  return ids;
}

MaskedObjective objective() {
  MaskedObjective result;
  result.maskId = kMaskId;
  return result;
}

TEST(MaskingTest, SharesAreFifteenPercentAndEightyTenTen) {
  Masking masking(objective(), ordinary(), kEnd, 512);
  int64_t chosen = 0, masked = 0, kept = 0, random = 0;
  const int64_t total = 400000;
  for (int64_t i = 0; i < total; ++i) {
    int32_t token = 65;
    if (!masking.apply({1, 0, uint64_t(i / 100)}, int32_t(i % 100), token)) {
      EXPECT_EQ(token, 65);
      continue;
    }
    ++chosen;
    (token == kMaskId ? masked : token == 65 ? kept : random) += 1;
  }
  EXPECT_NEAR(double(chosen) / total, 0.15, 0.003);
  EXPECT_NEAR(double(masked) / double(chosen), 0.8, 0.01);
  EXPECT_NEAR(double(kept) / double(chosen), 0.1, 0.01);
  EXPECT_NEAR(double(random) / double(chosen), 0.1, 0.01);
}

TEST(MaskingTest, RandomTokensAreAllOrdinaryIdsAndNoSpecialOnes) {
  MaskedObjective always{1, 0, 1, kMaskId};
  Masking masking(always, ordinary(), kEnd, 512);
  std::vector<int> counts(512, 0);
  for (int32_t i = 0; i < 30000; ++i) {
    int32_t token = 65;
    ASSERT_TRUE(masking.apply({1, 0, 0}, i, token));
    ++counts[token];
  }
  for (int32_t id = 0; id < 512; ++id)
    EXPECT_EQ(counts[id] > 0, id < kIds && id != kEnd && id != kMaskId) << id;
}

TEST(MaskingTest, EndOfTextIsNeverChosen) {
  Masking masking({1, 1, 0, kMaskId}, ordinary(), kEnd, 512);
  int32_t token = kEnd;
  EXPECT_FALSE(masking.apply({1, 0, 0}, 0, token));
}

TEST(MaskingTest, DrawsDifferByEpochSequenceAndSeedAndRepeatOtherwise) {
  Masking masking(objective(), ordinary(), kEnd, 512);
  auto pattern = [&](MaskDraw draw) {
    std::vector<bool> chosen;
    for (int32_t t = 0; t < 200; ++t) {
      int32_t token = 65;
      chosen.push_back(masking.apply(draw, t, token));
    }
    return chosen;
  };
  EXPECT_EQ(pattern({1, 0, 0}), pattern({1, 0, 0}));
  EXPECT_NE(pattern({1, 0, 0}), pattern({1, 1, 0}));
  EXPECT_NE(pattern({1, 0, 0}), pattern({1, 0, 1}));
  EXPECT_NE(pattern({1, 0, 0}), pattern({2, 0, 0}));
}

TEST(MaskingTest, ImpossibleObjectivesAreRefused) {
  auto error = [](MaskedObjective bad) { return errorOf(Folder(), [&] { Masking(bad, ordinary(), kEnd, 512); }); };
  EXPECT_EQ(error({1.5, 0.8, 0.1, 257}), "objective.mask_rate: expected a probability from 0 to 1, but got 1.5");
  EXPECT_NE(error({0.15, 0.8, 0.3, 257}), "");
  EXPECT_EQ(error({0.15, 0.8, 0.1, 512}), "objective.mask_id: expected an id below the vocabulary of 512, but got 512");
}

} // namespace
} // namespace nf::rt
