#include "runtime/train/Schedule.h"

#include <cmath>
#include <gtest/gtest.h>

namespace nf::rt {
namespace {

RunConfig configOf(ScheduleKind kind) {
  RunConfig config;
  config.steps = 1000;
  config.lr = 0.01;
  config.warmup = 100;
  config.minLrRatio = 0.1;
  config.wsdDecay = 0.2;
  config.ramp = 1e-5;
  config.schedule = kind;
  return config;
}

TEST(Schedule, WarmsUpLinearlyInAllButRamp) {
  for (ScheduleKind kind : {ScheduleKind::Constant, ScheduleKind::Linear, ScheduleKind::Cosine, ScheduleKind::Wsd,
                            ScheduleKind::InverseSqrt})
    for (int64_t step : {1, 37, 100})
      EXPECT_DOUBLE_EQ(learningRate(configOf(kind), step), 0.01 * step / 100);
}

TEST(Schedule, WarmupBelowOneIsAShareOfTheSteps) {
  RunConfig config = configOf(ScheduleKind::Constant);
  config.warmup = 0.05;
  EXPECT_EQ(warmupSteps(config), 50);
  EXPECT_DOUBLE_EQ(learningRate(config, 25), 0.005);
  config.warmup = 0;
  EXPECT_DOUBLE_EQ(learningRate(config, 1), 0.01);
}

TEST(Schedule, FollowsTheClosedForms) {
  for (int64_t step : {101, 333, 550, 800, 999, 1000}) {
    double p = (step - 100) / 900.0;
    EXPECT_DOUBLE_EQ(learningRate(configOf(ScheduleKind::Constant), step), 0.01);
    EXPECT_NEAR(learningRate(configOf(ScheduleKind::Linear), step), 0.01 + (0.001 - 0.01) * p, 1e-15);
    EXPECT_NEAR(learningRate(configOf(ScheduleKind::Cosine), step), 0.001 + 0.009 * 0.5 * (1 + std::cos(M_PI * p)),
                1e-15);
    EXPECT_NEAR(learningRate(configOf(ScheduleKind::InverseSqrt), step), 0.01 * std::sqrt(100.0 / step), 1e-15);
    EXPECT_NEAR(learningRate(configOf(ScheduleKind::Wsd), step),
                step <= 800 ? 0.01 : 0.01 + (0.001 - 0.01) * (step - 800) / 200.0, 1e-15);
    EXPECT_DOUBLE_EQ(learningRate(configOf(ScheduleKind::Ramp), step), 1e-5 * step);
  }
}

TEST(Schedule, EndsAtTheSmallestRateAndNeverLeavesItsBounds) {
  for (ScheduleKind kind : {ScheduleKind::Linear, ScheduleKind::Cosine, ScheduleKind::Wsd}) {
    EXPECT_NEAR(learningRate(configOf(kind), 1000), 0.001, 1e-15);
    for (int64_t step = 101; step <= 1000; ++step) {
      EXPECT_LE(learningRate(configOf(kind), step), learningRate(configOf(kind), step - 1));
      EXPECT_GE(learningRate(configOf(kind), step), 0.001 - 1e-15);
    }
  }
}

TEST(Schedule, SurvivesDegenerateLengths) {
  for (ScheduleKind kind : {ScheduleKind::Linear, ScheduleKind::Cosine, ScheduleKind::Wsd, ScheduleKind::InverseSqrt}) {
    RunConfig config = configOf(kind);
    config.steps = 1;
    for (double warmup : {0.0, 0.5, 1.0, 5.0}) {
      config.warmup = warmup;
      EXPECT_TRUE(std::isfinite(learningRate(config, 1)));
      EXPECT_GE(learningRate(config, 1), 0);
    }
  }
}

} // namespace
} // namespace nf::rt
