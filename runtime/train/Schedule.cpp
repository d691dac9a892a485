#include "runtime/train/Schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace nf::rt {

int64_t warmupSteps(const RunConfig &config) {
  double steps = config.warmup < 1 ? config.warmup * static_cast<double>(config.steps) : config.warmup;
  return std::llround(std::min(steps, 0x1p53));
}

// 0 at `begin`, 1 at `end`.
static double progress(int64_t step, int64_t begin, int64_t end) {
  return std::clamp(double(step - begin) / double(std::max<int64_t>(end - begin, 1)), 0.0, 1.0);
}

double learningRate(const RunConfig &config, int64_t step) {
  if (config.schedule == ScheduleKind::Ramp)
    return config.ramp * static_cast<double>(step);
  int64_t warmup = warmupSteps(config);
  if (step <= warmup)
    return config.lr * static_cast<double>(step) / static_cast<double>(warmup);
  double left = 1 - config.minLrRatio, p = progress(step, warmup, config.steps);
  switch (config.schedule) {
  case ScheduleKind::Linear:
    return config.lr * (1 - left * p);
  case ScheduleKind::Cosine:
    return config.lr * (config.minLrRatio + left * (1 + std::cos(std::numbers::pi * p)) / 2);
  case ScheduleKind::Wsd: {
    auto decay = std::llround(config.wsdDecay * static_cast<double>(config.steps));
    int64_t begin = std::max<int64_t>(warmup, config.steps - decay);
    return step <= begin ? config.lr : config.lr * (1 - left * progress(step, begin, config.steps));
  }
  case ScheduleKind::InverseSqrt:
    return config.lr * std::sqrt(double(std::max<int64_t>(warmup, 1)) / double(step));
  case ScheduleKind::Constant:
  case ScheduleKind::Ramp:
    break;
  }
  return config.lr;
}

} // namespace nf::rt
