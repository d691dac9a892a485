// The learning rate of every step.
#ifndef NF_RUNTIME_TRAIN_SCHEDULE_H
#define NF_RUNTIME_TRAIN_SCHEDULE_H

#include "runtime/train/Config.h"

namespace nf::rt {

/// The learning rate of step `step`, 1 <= step <= N = config.steps. With w = warmup in steps, every schedule but ramp
/// starts with lr * step / w for step <= w. After it, p = (step - w) / (N - w), m = min_lr_ratio:
///   constant      lr
///   linear        lr * (1 - (1 - m) p)
///   cosine        lr * (m + (1 - m) (1 + cos(pi p)) / 2)
///   wsd           lr until D = wsd_decay * N steps are left, then linear to m * lr over these D
///   inverse_sqrt  lr * sqrt(max(w, 1) / step)
///   ramp          ramp * step, from the first step on, until the run stops
double learningRate(const RunConfig &config, int64_t step);

/// train.warmup in steps.
int64_t warmupSteps(const RunConfig &config);

} // namespace nf::rt

#endif
