#include "runtime/core/Initialize.h"

#include "runtime/core/Error.h"
#include "runtime/core/Philox.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <vector>

namespace nf::rt {
namespace {

std::vector<float> filled(const char *rule, const char *name, uint64_t seed, size_t size,
                          std::vector<int64_t> shape = {}) {
  std::vector<float> values(size, -7);
  Initializer(rule, name, seed, shape).fill(0, values);
  return values;
}

double mean(const std::vector<float> &values, int power) {
  double sum = 0;
  for (float value : values)
    sum += std::pow(value, power);
  return sum / static_cast<double>(values.size());
}

TEST(Philox, GivesTheAuthorsTestVectors) {
  EXPECT_EQ(philox(0, {0, 0, 0, 0}), (PhiloxCounter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox(~0ull, {~0u, ~0u, ~0u, ~0u}), (PhiloxCounter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
}

TEST(Initialize, FillsConstants) {
  EXPECT_EQ(filled(R"({"kind":"zeros"})", "a", 1, 3), std::vector<float>(3, 0.0f));
  EXPECT_EQ(filled(R"({"kind":"ones"})", "a", 1, 3), std::vector<float>(3, 1.0f));
  EXPECT_EQ(filled(R"({"kind":"constant","value":0.25})", "a", 1, 3), std::vector<float>(3, 0.25f));
}

TEST(Initialize, NormalHasItsMoments) {
  constexpr size_t n = 1 << 20;
  std::vector<float> values = filled(R"({"kind":"normal","std":0.02})", "embed.tokens.weight", 1, n);
  double standardError = 0.02 / std::sqrt(double(n));
  EXPECT_NEAR(mean(values, 1), 0, 4 * standardError);
  EXPECT_NEAR(mean(values, 2), 0.0004, 4 * 0.0004 * std::sqrt(2.0 / n));
  EXPECT_NEAR(mean(values, 4), 3 * std::pow(0.02, 4), 0.03 * 3 * std::pow(0.02, 4));
  auto beyond = std::ranges::count_if(values, [](float value) { return std::abs(value) > 0.02 * 1.959964; });
  EXPECT_NEAR(double(beyond) / n, 0.05, 0.001);
  // The two numbers of a pair, and neighbouring pairs, do not depend on one another.
  for (size_t lag : {1, 2, 4}) {
    double sum = 0;
    for (size_t i = 0; i + lag < n; ++i)
      sum += double(values[i]) * values[i + lag];
    EXPECT_NEAR(sum / n / 0.0004, 0, 4 / std::sqrt(double(n))) << lag;
  }
}

TEST(Initialize, UniformHasItsMomentsAndBounds) {
  constexpr size_t n = 1 << 20;
  std::vector<float> values = filled(R"({"kind":"uniform","bound":0.5})", "w", 7, n);
  EXPECT_NEAR(mean(values, 1), 0, 4 * 0.5 / std::sqrt(3.0 * n));
  EXPECT_NEAR(mean(values, 2), 0.25 / 3, 0.001);
  auto [low, high] = std::ranges::minmax(values);
  EXPECT_GE(low, -0.5f);
  EXPECT_LE(high, 0.5f);
  EXPECT_LT(low, -0.4999f);
  EXPECT_GT(high, 0.4999f);
}

TEST(Initialize, DependsOnSeedNameAndElementOnly) {
  const char *rule = R"({"kind":"normal","std":1})";
  std::vector<float> values = filled(rule, "w", 1, 101);
  EXPECT_EQ(values, filled(rule, "w", 1, 101));
  EXPECT_NE(values, filled(rule, "w", 2, 101));
  EXPECT_NE(values, filled(rule, "v", 1, 101));
  std::vector<float> longer = filled(rule, "w", 1, 1000);
  EXPECT_TRUE(std::equal(values.begin(), values.end(), longer.begin()));
  // Filling in pieces gives the same values.
  std::vector<float> pieces(101);
  Initializer initializer(rule, "w", 1, {});
  initializer.fill(64, std::span(pieces).subspan(64));
  initializer.fill(0, std::span(pieces).first(64));
  EXPECT_EQ(pieces, values);
}

TEST(Initialize, FirstNormalIsBoxMullerOfTheFirstWords) {
  std::vector<float> values = filled(R"({"kind":"normal","std":2})", "w", 5, 4);
  std::vector<float> uniform = filled(R"({"kind":"uniform","bound":1})", "w", 5, 4);
  for (int pair = 0; pair < 2; ++pair) {
    double u1 = (uniform[2 * pair] + 1) / 2, u2 = (uniform[2 * pair + 1] + 1) / 2;
    double radius = 2 * std::sqrt(-2 * std::log(u1));
    EXPECT_NEAR(values[2 * pair], radius * std::cos(2 * M_PI * u2), 1e-4);
    EXPECT_NEAR(values[2 * pair + 1], radius * std::sin(2 * M_PI * u2), 1e-4);
  }
}

TEST(Initialize, SinusoidalPositionsAreFairseqs) {
  std::vector<float> values = filled(R"({"kind":"sinusoidal"})", "p", 1, 3 * 6, {3, 6});
  for (int p = 0; p < 3; ++p)
    for (int i = 0; i < 3; ++i) {
      double angle = p * std::pow(10000.0, -i / 2.0);
      EXPECT_NEAR(values[p * 6 + i], std::sin(angle), 1e-6);
      EXPECT_NEAR(values[p * 6 + 3 + i], std::cos(angle), 1e-6);
    }
  EXPECT_EQ(filled(R"({"kind":"sinusoidal"})", "p", 1, 2 * 3, {2, 3})[5], 0.0f);
}

TEST(Initialize, RefusesRulesThatItDoesNotKnow) {
  EXPECT_THROW(Initializer(R"({"kind":"orthogonal"})", "w", 1, {}), Error);
  EXPECT_THROW(Initializer("", "w", 1, {}), Error);
  EXPECT_THROW(Initializer("[1]", "w", 1, {}), Error);
}

} // namespace
} // namespace nf::rt
