#include "runtime/train/Sampling.h"
#include "runtime/core/Error.h"
#include "runtime/train/Progress.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <vector>

namespace nf::rt {
namespace {

TEST(Sampling, TemperatureZeroTakesTheFirstLargest) {
  EXPECT_EQ(sampleToken(std::vector<float>{1, 3, 3, 2}, 0, 1, 0), 1);
}

TEST(Sampling, DrawsFromTheSoftmax) {
  std::vector<float> logits = {0, std::log(2.0f), std::log(5.0f)};
  std::vector<int> counts(3);
  constexpr int draws = 80000;
  for (uint32_t index = 0; index < draws; ++index)
    ++counts[sampleToken(logits, 1, 42, index)];
  EXPECT_NEAR(counts[0], draws / 8.0, 400);
  EXPECT_NEAR(counts[1], draws / 4.0, 500);
  EXPECT_NEAR(counts[2], draws * 5 / 8.0, 600);
}

TEST(Sampling, LowTemperatureAndLargeLogitsDoNotOverflow) {
  EXPECT_EQ(sampleToken(std::vector<float>{1e30f, 2e30f, -1e30f}, 1e-3, 1, 0), 1);
}

TEST(Sampling, IsAFunctionOfSeedAndIndex) {
  std::vector<float> logits(1000, 0.0f);
  EXPECT_EQ(sampleToken(logits, 1, 1, 5), sampleToken(logits, 1, 1, 5));
  EXPECT_NE(sampleToken(logits, 1, 1, 5), sampleToken(logits, 1, 2, 5));
}

TEST(Sampling, RefusesLogitsThatAreNotFinite) {
  EXPECT_THROW(sampleToken(std::vector<float>{0, std::numeric_limits<float>::quiet_NaN()}, 1, 1, 0), Error);
}

TEST(Progress, LineHoldsWhatAPersonWants) {
  EXPECT_EQ(progressLine({120, 500, 3.21402, 3e-4, 0.8234, 12345.6, 83}),
            "step 120/500  loss 3.2140  lr 3.00e-04  norm 0.823  12.3k tokens/s  ETA 1:23");
}

TEST(Progress, FormatsDurationsAndCounts) {
  EXPECT_EQ(formatDuration(0.2), "0:00");
  EXPECT_EQ(formatDuration(59.7), "1:00");
  EXPECT_EQ(formatDuration(7384), "2:03:04");
  EXPECT_EQ(formatCount(987), "987");
  EXPECT_EQ(formatCount(999.9), "1.00k");
  EXPECT_EQ(formatCount(12345), "12.3k");
  EXPECT_EQ(formatCount(124439808), "124M");
  EXPECT_EQ(formatCount(1.3e9), "1.30G");
}

} // namespace
} // namespace nf::rt
