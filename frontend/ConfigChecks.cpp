#include "frontend/ConfigChecks.h"

#include <bit>
#include <cmath>
#include <fmt/format.h>

using namespace nf;

bool nf::isNameCharacter(unsigned char c) { return std::isalnum(c) || c == '.' || c == '_' || c == '-'; }

namespace {

/// One function a rule; each starts with the keys that it reads.
class Checker {
public:
  Checker(ModelConfig &config, const KeySet &bad, ConfigDiagnostics &diagnostics)
      : c(config), bad(bad), diagnostics(diagnostics) {}

  void heads();
  void sinusoids();
  void sequence();
  void objective();
  void maskId();
  void maskShares();
  void slots();
  void globalBatch();
  void warmup();
  void runLength();
  void normFormerInit();

private:
  bool areGood(std::initializer_list<std::string_view> keys) const;
  void report(Severity severity, std::string_view key, std::string message, std::string note);
  void error(std::string_view key, std::string message, std::string note) {
    report(Severity::Error, key, std::move(message), std::move(note));
  }
  Origin originOf(std::string_view key) const { return c.settings.find(key)->second.origin; }
  /// The one of two keys that the user set; the first when both or none.
  std::string_view chosenOf(std::string_view first, std::string_view second) const;

  ModelConfig &c;
  const KeySet &bad;
  ConfigDiagnostics &diagnostics;
};

} // namespace

bool Checker::areGood(std::initializer_list<std::string_view> keys) const {
  for (std::string_view key : keys)
    if (bad.count(key))
      return false;
  return true;
}

void Checker::report(Severity severity, std::string_view key, std::string message, std::string note) {
  diagnostics.push_back({severity, c.locationOf(key), std::move(message), std::move(note)});
}

std::string_view Checker::chosenOf(std::string_view first, std::string_view second) const {
  if (!c.settings.count(second)) // what the graph says has no place
    return first;
  return originOf(second) > originOf(first) ? second : first;
}

/// The largest divisor of `n` up to `limit`.
static int64_t divisorUpTo(int64_t n, int64_t limit) {
  while (n % limit != 0)
    --limit;
  return limit;
}

void Checker::heads() {
  if (!areGood({"model.heads", "model.d_model"}) || c.dModel % c.heads == 0)
    return;
  error(chosenOf("model.heads", "model.d_model"),
        fmt::format("expected heads to divide d_model, but got {} heads and d_model {}", c.heads, c.dModel),
        fmt::format("{} heads divide {}", divisorUpTo(c.dModel, std::min(c.heads, c.dModel)), c.dModel));
}

void Checker::sinusoids() {
  if (areGood({"model.positions", "model.d_model"}) && c.positions == "sinusoidal" && c.dModel % 2 != 0)
    error("model.positions", fmt::format("expected an even d_model for sinusoidal positions, but got {}", c.dModel),
          "change d_model, or use positions = \"learned\"");
}

void Checker::sequence() {
  if (areGood({"train.sequence", "model.context"}) && c.sequence > c.context)
    error(chosenOf("train.sequence", "model.context"),
          fmt::format("expected a sequence of at most the context of {}, but got {}", c.context, c.sequence),
          "lower train.sequence or raise model.context");
}

void Checker::objective() {
  if (!areGood({"model.kind", "objective.kind"}))
    return;
  if (c.isEncoder() && c.objective == "causal")
    error(chosenOf("objective.kind", "model.kind"),
          "expected objective.kind = \"masked\" for an encoder, but got \"causal\"",
          "an encoder sees the token that it would have to predict; use kind = \"decoder\" for causal training");
  if (!c.isEncoder() && c.objective == "masked")
    error(chosenOf("objective.kind", "model.kind"),
          "expected objective.kind = \"causal\" for a decoder, but got \"masked\"",
          "use kind = \"encoder\" for masked training");
}

void Checker::maskId() {
  if (areGood({"objective.mask_id", "model.vocab"}) && c.maskId >= c.vocab)
    error(chosenOf("objective.mask_id", "model.vocab"),
          fmt::format("expected a mask_id below the vocabulary of {}, but got {}", c.vocab, c.maskId),
          "ids count from 0");
}

void Checker::maskShares() {
  if (areGood({"objective.mask_token", "objective.random_token"}) && c.maskToken + c.randomToken > 1 + 1e-12)
    error(chosenOf("objective.random_token", "objective.mask_token"),
          fmt::format("expected mask_token and random_token to sum to at most 1, but got {} and {}", c.maskToken,
                      c.randomToken),
          "what is left of 1 is the share that keeps its token");
}

void Checker::slots() {
  if (!areGood({"train.reduction_slots"}) || std::has_single_bit(static_cast<uint64_t>(c.reductionSlots)))
    return;
  auto lower = std::bit_floor(static_cast<uint64_t>(c.reductionSlots));
  error("train.reduction_slots",
        fmt::format("expected a power of two as the number of reduction slots, but got {}", c.reductionSlots),
        lower < 1024 / 2 + 1 ? fmt::format("{} or {}, perhaps", lower, 2 * lower) : fmt::format("{}, perhaps", lower));
}

/// Every slot gets the same number of micro-batches.
void Checker::globalBatch() {
  int64_t slots = c.reductionSlots;
  if (!areGood({"train.global_batch", "train.micro_batch", "train.reduction_slots"}) ||
      !std::has_single_bit(static_cast<uint64_t>(slots)))
    return;
  int64_t microBatches = (c.globalBatch + c.microBatch - 1) / c.microBatch;
  if (microBatches % slots != 0)
    error(chosenOf("train.global_batch", "train.reduction_slots"),
          fmt::format("expected a multiple of the {} reduction slots as the number of micro-batches, but got {} of {} "
                      "sequences for a global_batch of {}",
                      slots, microBatches, c.microBatch, c.globalBatch),
          fmt::format("set global_batch to {}", (microBatches / slots + 1) * slots * c.microBatch));
}

void Checker::warmup() {
  if (areGood({"train.warmup"}) && c.warmup >= 1 && c.warmup != std::floor(c.warmup))
    error("train.warmup", fmt::format("expected whole steps or a fraction below 1 of warmup, but got {}", c.warmup),
          fmt::format("{} steps, perhaps", std::floor(c.warmup)));
}

/// steps and tokens say the same thing: of two layers the later one counts, within one layer both are an error.
void Checker::runLength() {
  if (!areGood({"train.steps", "train.tokens"}) || c.tokens == 0 || originOf("train.steps") == Origin::Default)
    return;
  if (originOf("train.steps") == originOf("train.tokens"))
    error("train.tokens", fmt::format("expected steps or tokens, but got both: {} and {}", c.steps, c.tokens),
          "remove one of them");
  else if (originOf("train.steps") == Origin::Set) {
    c.tokens = 0;
    c.settings.find("train.tokens")->second = {int64_t{0}, Origin::Set, c.locationOf("train.steps")};
  }
}

void Checker::normFormerInit() {
  std::string_view operation = c.attentionLayernorm ? "norm.attention_layernorm"
                               : c.ffnLayernorm     ? "norm.ffn_layernorm"
                               : c.hasHeadScale()   ? "norm.head_scale"
                                                    : "norm.residual_scale";
  if (!areGood(
          {"model.init", "norm.attention_layernorm", "norm.ffn_layernorm", "norm.head_scale", "norm.residual_scale"}) ||
      c.init != "gpt2" || !(c.attentionLayernorm || c.ffnLayernorm || c.hasHeadScale() || c.residualScale))
    return;
  report(Severity::Warning, originOf("model.init") == Origin::Default ? operation : "model.init",
         "expected init = \"fairseq\" with NormFormer operations, but got \"gpt2\"",
         "a small model trained this way ended at perplexity 162 instead of 71; set model.init = \"fairseq\" and "
         "model.embedding_scale = \"sqrt(d_model)\", or norm.preset = \"normformer\"");
}

void nf::checkCombinations(ModelConfig &config, const KeySet &bad, ConfigDiagnostics &diagnostics) {
  Checker checker(config, bad, diagnostics);
  checker.heads();
  checker.sinusoids();
  checker.sequence();
  checker.objective();
  checker.maskId();
  checker.maskShares();
  checker.slots();
  checker.globalBatch();
  checker.warmup();
  checker.runLength();
  checker.normFormerInit();
}
