// train: checks what can be checked, then steps until the end, a limit, a signal or a bad number.
#include "runtime/core/Error.h"
#include "runtime/core/Print.h"
#include "runtime/train/Checkpoint.h"
#include "runtime/train/Commands.h"
#include "runtime/train/Evaluation.h"
#include "runtime/train/Files.h"
#include "runtime/train/Machine.h"
#include "runtime/train/OptimizerStep.h"
#include "runtime/train/Progress.h"
#include "runtime/train/RunFolder.h"
#include "runtime/train/Signals.h"
#include "runtime/train/Weights.h"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>

namespace nf::rt {
namespace {

using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

class Trainer {
public:
  Trainer(const Invocation &invocation, const TrainOptions &options, const RunConfig &config, DataFeed &feed,
          Machine &machine)
      : invocation(invocation), options(options), config(config), feed(feed), machine(machine),
        progress(options.quiet, options.logEvery) {}

  /// Fills the parameters and says where the run begins.
  void begin(const std::optional<CheckpointState> &resumed);
  int run();

private:
  Provenance provenance() const;
  void announce(const std::optional<CheckpointState> &resumed);
  bool outOfTime() const { return options.maxSeconds > 0 && secondsSince(started) >= options.maxSeconds; }
  bool shouldStop() const { return stopSignal() || outOfTime(); }
  StepResult makeStep(OptimizerStep &stepper, int64_t step, const SampleSource &source);
  void report(int64_t step, const StepResult &result, double seconds);
  void evaluateNow(OptimizerStep &stepper);
  void save();
  void trySave();
  [[noreturn]] void stopOnBadNumber(int64_t step, const StepResult &result, const OptimizerStep &stepper);
  int stopForLater();

  const Invocation &invocation;
  const TrainOptions &options;
  const RunConfig &config;
  DataFeed &feed;
  Machine &machine;
  Progress progress;
  std::unique_ptr<MetricsLog> metrics;
  Clock::time_point started = Clock::now();
  int64_t done = 0;     // steps made
  int64_t position = 0; // training sequences consumed
  int64_t savedStep = -1;
  double tokensPerSecond = 0;
};

Provenance Trainer::provenance() const {
  const Metadata &metadata = invocation.metadata;
  return {metadata.sequence,
          metadata.microBatch,
          metadata.precision,
          metadata.cpu,
          metadata.compiler,
          machine.products(),
          fmt::format("{:016x}", invocation.model.compile_hash),
          feed.dataHash()};
}

void Trainer::begin(const std::optional<CheckpointState> &resumed) {
  Context &context = machine.context;
  if (!resumed) {
    fillInitialStates(context, config.seed);
  } else {
    fillConstants(context);
    loadParameters(context, *resumed);
    loadMoments(context, *resumed);
    done = savedStep = resumed->step;
    // Positions count sequences of the length that the checkpoint's executable had.
    position = resumed->position * resumed->provenance.sequence / invocation.metadata.sequence;
  }
  machine.prepareWeights();
  metrics = std::make_unique<MetricsLog>(options.out + "/metrics.jsonl", done);
  announce(resumed);
}

void Trainer::announce(const std::optional<CheckpointState> &resumed) {
  const Metadata &metadata = invocation.metadata;
  int64_t tokensPerStep = config.globalBatch * metadata.sequence;
  int64_t microBatches = (config.globalBatch + metadata.microBatch - 1) / metadata.microBatch;
  progress.note(fmt::format("{}: {} parameters, {} sequence{} of {} tokens a step in {} micro-batch{}", metadata.name,
                            formatCount(static_cast<double>(metadata.parameters)), config.globalBatch,
                            config.globalBatch == 1 ? "" : "s", metadata.sequence, microBatches,
                            microBatches == 1 ? "" : "es"));
  progress.note(machine.describe());
  progress.note(machine.describeMemory());
  progress.note(fmt::format(
      "data: {} training tokens, {} validation tokens; {} steps are {} tokens, {:.2g} epochs",
      formatCount(static_cast<double>(feed.trainTokens())), formatCount(static_cast<double>(feed.validationTokens())),
      config.steps, formatCount(static_cast<double>(config.steps * tokensPerStep)),
      static_cast<double>(config.steps * config.globalBatch) / static_cast<double>(feed.trainCount())));
  if (!resumed)
    return;
  progress.note(fmt::format("resuming after step {} from {}", done, resumed->folder));
  if (auto reasons = bitDifferences(resumed->provenance, provenance()); !reasons.empty())
    say(stdout, "bits will differ: {}\n", fmt::join(reasons, "; "));
}

void Trainer::report(int64_t step, const StepResult &result, double seconds) {
  double rate = static_cast<double>(config.globalBatch * invocation.metadata.sequence) / seconds;
  // Smoothed over some twenty steps, so that the line can be read.
  tokensPerSecond = tokensPerSecond == 0 ? rate : tokensPerSecond + 0.1 * (rate - tokensPerSecond);
  double left = static_cast<double>((config.steps - step) * config.globalBatch * invocation.metadata.sequence);
  progress.step({step, config.steps, result.loss, result.lr, result.gradNorm, tokensPerSecond, left / tokensPerSecond});
  metrics->write({{"step", step},
                  {"loss", result.loss},
                  {"lr", result.lr},
                  {"grad_norm", result.gradNorm},
                  {"tokens", position * invocation.metadata.sequence},
                  {"seconds", seconds},
                  {"tokens_per_second", rate}});
}

void Trainer::evaluateNow(OptimizerStep &stepper) {
  if (feed.validationCount() == 0)
    return;
  int64_t most = options.evalTokens > 0
                     ? (options.evalTokens + invocation.metadata.sequence - 1) / invocation.metadata.sequence
                     : 0;
  Evaluation result = evaluate(machine.context, invocation.metadata, feed, most);
  const char *name = invocation.metadata.encoder ? "pseudo-perplexity" : "perplexity";
  progress.note(
      fmt::format("step {}: validation loss {:.4f}, {} {:.2f}", done, result.loss(), name, result.perplexity()));
  nlohmann::json norms = nlohmann::json::object();
  auto parameters = machine.context.parameters();
  for (size_t i = 0; i < parameters.size(); ++i)
    norms[parameters[i]->name] = std::sqrt(stepper.gradientSquares()[i]);
  metrics->write({{"step", done},
                  {"validation_loss", result.loss()},
                  {"validation_sequences", result.sequences},
                  {"grad_norms", norms}});
}

void Trainer::save() {
  CheckpointState state;
  state.step = done;
  state.position = position;
  state.config = invocation.config.values();
  state.model = invocation.metadata.name;
  state.definition = invocation.metadata.definition;
  state.tokenizerHash = feed.tokenizerHash();
  state.provenance = provenance();
  std::string tokenizer = feed.tokenizer() ? feed.tokenizer()->toJson() : "";
  saveCheckpoint(options.out, machine.context, state, tokenizer, options.keep);
  savedStep = done;
}

// A save that fails on the way is tried again later; the last one must succeed.
void Trainer::trySave() {
  try {
    save();
  } catch (const DeviceError &) { // there is nothing left to go on with
    throw;
  } catch (const Error &error) {
    say(stderr, "warning: {}; the run goes on, the next checkpoint is tried at step {}\n", error.what(),
        std::min(config.steps, done + options.saveEvery));
  }
}

void Trainer::stopOnBadNumber(int64_t step, const StepResult &result, const OptimizerStep &stepper) {
  std::string what = result.status == StepResult::BadLoss ? fmt::format("the loss is {}", result.loss)
                                                          : fmt::format("the gradient norm is {}", result.gradNorm);
  std::string where = savedStep >= 0 ? fmt::format("resume from step {} with a lower train.lr", savedStep)
                                     : std::string("start again with a lower train.lr");
  fail("step {}: {}; first bad tensor: {}; no parameter was changed; {}, a longer train.warmup or train.clip", step,
       what, stepper.firstBadTensor(result), where);
}

int Trainer::stopForLater() {
  if (savedStep != done)
    save();
  const char *signal = stopSignal();
  progress.note(fmt::format("stopped by {} after step {}; go on with: {} train --data {} --out {} --resume auto",
                            signal ? signal : "--max-time", done, invocation.program, options.data, options.out));
  return resumeMe;
}

StepResult Trainer::makeStep(OptimizerStep &stepper, int64_t step, const SampleSource &source) {
  try {
    StepResult result = stepper.gradients(step, position, source, [this] { return shouldStop(); });
    if (result.status == StepResult::Done)
      stepper.update(step, result);
    return result;
  } catch (const DeviceError &error) {
    std::string state =
        savedStep > 0 ? fmt::format("the checkpoint of step {} is whole, --resume auto goes on from it", savedStep)
                      : std::string("no checkpoint was made yet");
    throw DeviceError(fmt::format("step {}: {}; {}", step, error.what(), state));
  }
}

int Trainer::run() {
  OptimizerStep stepper(machine.context, invocation.metadata, config);
  FeedSource source(feed, config.seed);
  if (done >= config.steps)
    progress.note(fmt::format("the run already has its {} steps; ask for more with --steps", config.steps));
  while (done < config.steps) {
    Clock::time_point begin = Clock::now();
    int64_t step = done + 1;
    StepResult result = makeStep(stepper, step, source);
    if (result.status == StepResult::Interrupted)
      return stopForLater();
    if (result.status != StepResult::Done)
      stopOnBadNumber(step, result, stepper);
    done = step;
    position += config.globalBatch;
    report(step, result, secondsSince(begin));
    bool last = done == config.steps;
    if (last || (options.evalEvery > 0 && done % options.evalEvery == 0))
      evaluateNow(stepper);
    if (!last && options.saveEvery > 0 && done % options.saveEvery == 0)
      trySave();
  }
  if (savedStep != done)
    save();
  progress.note(fmt::format("done: {}", *latestCheckpoint(options.out)));
  return 0;
}

void checkDisk(const TrainOptions &options, const Context &context) {
  int64_t needed = 2 * checkpointBytes(context), available = freeDiskBytes(options.out);
  if (needed > available)
    fail("{}: two checkpoints need {:.0f} MB, but {:.0f} MB are free on this disk; free space or use another --out",
         options.out, needed / 1e6, available / 1e6);
}

} // namespace

DataFeed openFeed(const Metadata &metadata, const std::string &directory, const RunConfig &config) {
  DataFeedOptions options;
  options.directory = directory;
  options.vocab = static_cast<int32_t>(metadata.vocab);
  options.sequence = static_cast<int32_t>(metadata.sequence);
  options.documents = metadata.documentMask;
  if (metadata.masked)
    options.masked = MaskedObjective{config.maskRate, config.maskToken, config.randomToken, config.maskId};
  DataFeed feed = DataFeed::open(options);
  for (const std::string &note : feed.notes())
    say(stderr, "note: {}\n", note);
  return feed;
}

int train(const Invocation &invocation, const TrainOptions &options) {
  std::optional<CheckpointState> resumed = findCheckpointToResume(options.out, options.resume);
  if (resumed)
    invocation.config.adoptCheckpoint(resumed->config);
  RunConfig config = invocation.config.resolve();
  if (options.printConfig) {
    say(stdout, "{}", invocation.config.describe());
    return 0;
  }
  DataFeed feed = openFeed(invocation.metadata, options.data, config);
  if (resumed)
    checkTokenizer(*resumed, feed, options.data);
  int threads = options.threads > 0 ? options.threads : availableCores().count;
  if (invocation.model.target != NF_TARGET_CUDA) // of a device the machine asks itself
    checkMemory(invocation.model, invocation.metadata, threads, availableMemory(), invocation.program);

  handleStopSignals();
  Machine machine(invocation.model, invocation.metadata, threads);
  RunFolder folder(options.out, options.resume, invocation.program, options.data);
  checkDisk(options, machine.context);
  Trainer trainer(invocation, options, config, feed, machine);
  trainer.begin(resumed);
  return trainer.run();
}

} // namespace nf::rt
