#include "runtime/train/OptimizerStep.h"

#include "runtime/core/Error.h"
#include "runtime/train/Schedule.h"
#include "runtime/train/Slots.h"

#include <algorithm>
#include <cmath>

namespace nf::rt {

static Program required(Context &context, const std::string &name) {
  Program program = context.program(name);
  if (!program)
    fail("this executable has no program '{}'; compile the model again", name);
  return program;
}

OptimizerStep::OptimizerStep(Context &context, const Metadata &metadata, const RunConfig &config)
    : context(context), config(config), forwardBackward(required(context, "forward_backward")),
      updateProgram(required(context, "update")), batch(forwardBackward, metadata),
      microBatchesOfSlot(microBatchesOfEachSlot(metadata, config.globalBatch, "the batch")) {
  if (metadata.reductionSlots > 1)
    for (int k = 0; k <= pairsCompletedBy(metadata.reductionSlots - 1); ++k)
      combine.push_back(required(context, fmt::format("combine_{}", k)));
  for (const nf_state *parameter : context.parameters())
    decay.push_back(config.decayAll || parameter->rank >= 2 ? static_cast<float>(config.weightDecay) : 0.0f);
  lastSquares.resize(decay.size());
  for (const char *name : {"weight_decay", "grad_sqnorm"})
    if (auto argument = updateProgram.argument<float>(name); !argument.empty() && argument.size() != decay.size())
      fail("program 'update' takes {} values of {} for {} parameters; compile the model again", argument.size(), name,
           decay.size());
}

StepResult OptimizerStep::gradients(int64_t step, int64_t first, const SampleSource &source,
                                    const std::function<bool()> &stop) {
  StepResult result;
  result.lr = learningRate(config, step);
  for (int64_t s = 0; s < config.globalBatch; ++s)
    result.counted += source.weight(first + s);
  TreeSum loss;
  double slotLoss = 0;
  int64_t microBatch = 0;
  double inverse = result.counted > 0 ? 1.0 / result.counted : 0.0;
  for (int64_t offset = 0; offset < config.globalBatch; offset += batch.rows()) {
    if (stop()) {
      result.status = StepResult::Interrupted;
      return result;
    }
    for (int64_t b = 0; b < batch.rows(); ++b) {
      if (offset + b < config.globalBatch)
        source.fill(first + offset + b, batch.row(b));
      else
        batch.pad(b);
    }
    forwardBackward.set("inv_count", static_cast<float>(inverse));
    forwardBackward.set("accumulate", static_cast<int32_t>(microBatch % microBatchesOfSlot != 0));
    forwardBackward.set("step", static_cast<int32_t>(step));
    forwardBackward.set("sample_offset", static_cast<int32_t>(offset));
    forwardBackward.set("seed", static_cast<int64_t>(config.seed));
    forwardBackward.run();
    auto part = forwardBackward.argument<float>("loss");
    slotLoss += part.empty() ? 0.0 : part[0];
    if (!std::isfinite(slotLoss)) {
      result.status = StepResult::BadLoss;
      result.loss = slotLoss;
      return result;
    }
    if (++microBatch % microBatchesOfSlot == 0) {
      if (!combine.empty())
        combine[pairsCompletedBy(microBatch / microBatchesOfSlot - 1)].run();
      loss.add(slotLoss);
      slotLoss = 0;
    }
  }
  result.loss = loss.total();
  return result;
}

void OptimizerStep::update(int64_t step, StepResult &result) {
  auto power = static_cast<double>(step);
  updateProgram.set("lr", static_cast<float>(result.lr));
  updateProgram.set("beta1", static_cast<float>(config.beta1));
  updateProgram.set("beta2", static_cast<float>(config.beta2));
  updateProgram.set("eps", static_cast<float>(config.eps));
  updateProgram.set("clip", static_cast<float>(config.clip));
  updateProgram.set("bias_correction1", static_cast<float>(1 - std::pow(config.beta1, power)));
  updateProgram.set("bias_correction2", static_cast<float>(1 - std::pow(config.beta2, power)));
  if (auto argument = updateProgram.argument<float>("weight_decay"); !argument.empty())
    std::ranges::copy(decay, argument.begin());
  updateProgram.run();
  auto norm = updateProgram.argument<float>("grad_norm");
  result.gradNorm = norm.empty() ? 0.0 : norm[0];
  if (auto squares = updateProgram.argument<float>("grad_sqnorm"); !squares.empty())
    std::ranges::copy(squares, lastSquares.begin());
  if (!std::isfinite(result.gradNorm))
    result.status = StepResult::BadGradient;
}

/// p stays p, m becomes g and v stays 0.
void OptimizerStep::unfoldIntoMoments() {
  for (const char *zero : {"lr", "beta1", "clip"})
    updateProgram.set(zero, 0.0f);
  for (const char *one : {"beta2", "eps", "bias_correction1", "bias_correction2"})
    updateProgram.set(one, 1.0f);
  std::ranges::fill(updateProgram.argument<float>("weight_decay"), 0.0f);
  updateProgram.run();
}

std::vector<std::vector<float>> OptimizerStep::parameterGradients() {
  bool isFolded =
      std::ranges::any_of(context.states(), [](const nf_state &state) { return state.kind == NF_STATE_FOLDED; });
  if (isFolded)
    unfoldIntoMoments();
  std::vector<std::vector<float>> gradients;
  for (const nf_state *parameter : context.parameters()) {
    const nf_state *state = context.companion(*parameter, isFolded ? NF_STATE_MOMENT1 : NF_STATE_GRADIENT);
    auto values = state ? context.fetch(*state) : std::span<const float>();
    gradients.emplace_back(values.begin(), values.end());
    if (!isFolded || !state)
      continue;
    std::ranges::fill(context.values(*state), 0.0f);
    context.send(*state);
  }
  return gradients;
}

static bool allFinite(std::span<const float> values) {
  return std::ranges::all_of(values, [](float value) { return std::isfinite(value); });
}

std::string OptimizerStep::firstBadTensor(const StepResult &result) const {
  for (const nf_state *parameter : context.parameters())
    if (!allFinite(context.fetch(*parameter)))
      return parameter->name;
  std::span<const nf_state *const> parameters = context.parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    const nf_state *gradient = context.companion(*parameters[i], NF_STATE_GRADIENT);
    bool bad = result.status == StepResult::BadGradient && !std::isfinite(lastSquares[i]);
    if (bad || (gradient && !allFinite(context.fetch(*gradient))))
      return fmt::format("the gradient of {}", parameters[i]->name);
  }
  return result.status == StepResult::BadLoss ? "the loss" : "the gradient norm";
}

} // namespace nf::rt
