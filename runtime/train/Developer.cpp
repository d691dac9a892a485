// dump and step: developer commands that let tests compare this executable with another implementation, from the same
// weights on the same batches.
#include "runtime/core/Error.h"
#include "runtime/train/Commands.h"
#include "runtime/train/Machine.h"
#include "runtime/train/OptimizerStep.h"
#include "runtime/train/Safetensors.h"
#include "runtime/train/Weights.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <limits>
#include <map>

namespace nf::rt {
namespace {

std::vector<int64_t> shapeOf(const nf_state &state) { return {state.shape, state.shape + state.rank}; }

/// A safetensors batch: tokens, targets i32 and loss_weight f32 of shape [N, B, T], optionally positions and segments
/// i32 and key_padding f32; N micro-batches, the same number for every step.
class FileSource : public SampleSource {
public:
  FileSource(const SafetensorsFile &file, const Metadata &metadata) : length(metadata.sequence) {
    const SafetensorsFile::Tensor *tensor = file.find("tokens");
    if (!tensor || tensor->shape.size() != 3)
      fail("the batch needs a tensor tokens of shape [micro-batches, {}, {}]", metadata.microBatch, length);
    count = tensor->shape[0];
    std::vector<int64_t> shape = {count, metadata.microBatch, length};
    auto read = [&](const char *name, const char *dtype, auto &values) {
      values.resize(count * metadata.microBatch * length);
      file.read(name, dtype, shape, values.data());
    };
    read("tokens", "I32", tokens);
    read("targets", "I32", targets);
    read("loss_weight", "F32", weights);
    if (file.find("positions"))
      read("positions", "I32", positions);
    if (file.find("segments"))
      read("segments", "I32", segments);
    if (file.find("key_padding"))
      read("key_padding", "F32", keys);
    for (const std::vector<int32_t> *ids : {&tokens, &targets})
      for (int32_t id : *ids)
        if (id < 0 || id >= metadata.vocab)
          fail("the batch has the token id {}, expected 0 to {}", id, metadata.vocab - 1);
  }

  int64_t microBatches() const { return count; }

  double weight(int64_t sample) const override {
    double sum = 0;
    for (int64_t t = 0; t < length; ++t)
      sum += weights[sample * length + t];
    return sum;
  }

  void fill(int64_t sample, const BatchRow &row) const override {
    auto copy = [&](const auto &from, auto *to) {
      if (to && !from.empty())
        std::copy_n(from.begin() + sample * length, length, to);
    };
    copy(tokens, row.tokens);
    copy(targets, row.targets);
    copy(weights, row.lossWeight);
    copy(positions, row.positions);
    if (row.keyPadding)
      std::fill_n(row.keyPadding, length, 1.0f);
    copy(keys, row.keyPadding);
    if (row.segments)
      std::fill_n(row.segments, length, 0);
    copy(segments, row.segments);
  }

private:
  int64_t length, count = 0;
  std::vector<int32_t> tokens, targets, positions, segments;
  std::vector<float> weights, keys;
};

/// What a step wrote, with an own copy of the gradients.
struct Recording {
  std::vector<double> losses, norms;
  std::vector<std::vector<float>> gradients;
};

void writeRecording(Context &context, const Recording &recording, const std::string &path) {
  auto steps = static_cast<int64_t>(recording.losses.size());
  std::vector<TensorView> views = {{"loss", "F64", {steps}, recording.losses.data()},
                                   {"grad_norm", "F64", {steps}, recording.norms.data()}};
  auto parameters = context.parameters();
  for (size_t i = 0; i < parameters.size(); ++i)
    if (!recording.gradients[i].empty())
      views.push_back(
          viewF32(fmt::format("grad.{}", parameters[i]->name), shapeOf(*parameters[i]), recording.gradients[i]));
  for (const nf_state *parameter : parameters)
    views.push_back(viewF32(parameter->name, shapeOf(*parameter), context.fetch(*parameter)));
  writeSafetensors(path, views);
}

/// The file is closed at the end, so that its pages do not count as memory of the steps.
void readWeights(Context &context, const std::string &path) {
  SafetensorsFile weights(path);
  for (const nf_state *parameter : context.parameters()) {
    weights.read(parameter->name, "F32", shapeOf(*parameter), context.values(*parameter).data());
    context.send(*parameter);
  }
}

void printTime(int64_t step, std::chrono::steady_clock::duration elapsed, double loss) {
  fmt::print("{{\"step\": {}, \"seconds\": {:.6f}, \"loss\": {:.9g}}}\n", step,
             std::chrono::duration<double>(elapsed).count(), loss);
  std::fflush(stdout);
}

/// Launches and seconds by kernel.
struct KernelTimes {
  struct Sum {
    int64_t launches = 0;
    double seconds = 0, least = std::numeric_limits<double>::infinity();
  };
  std::map<std::string, Sum, std::less<>> sums;

  /// A launch's name starts with its kernel's.
  void add(std::string_view name, double seconds) {
    std::string_view kernel = name.substr(0, name.find(' '));
    auto found = sums.find(kernel);
    if (found == sums.end())
      found = sums.emplace(kernel, Sum()).first;
    ++found->second.launches;
    found->second.seconds += seconds;
    found->second.least = std::min(found->second.least, seconds);
  }

  /// One line a kernel, the longest first: milliseconds and launches a step, microseconds of the fastest launch, name.
  void print(int64_t steps) const {
    std::vector<std::pair<std::string, Sum>> sorted(sums.begin(), sums.end());
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const auto &a, const auto &b) { return a.second.seconds > b.second.seconds; });
    for (const auto &[kernel, sum] : sorted)
      fmt::print("profile {:.3f} ms {} x {:.1f} us {}\n", sum.seconds * 1e3 / steps, sum.launches / steps,
                 sum.least * 1e6, kernel);
  }
};

} // namespace

int dumpInitialWeights(const Invocation &invocation, const DumpOptions &options) {
  RunConfig config = invocation.config.resolve();
  Machine machine(invocation.model, invocation.metadata, 1);
  fillInitialStates(machine.context, config.seed);
  std::vector<TensorView> views;
  for (const nf_state &state : machine.context.states())
    if (state.kind == NF_STATE_PARAMETER || state.kind == NF_STATE_CONSTANT)
      views.push_back(viewF32(state.name, shapeOf(state), machine.context.fetch(state)));
  writeSafetensors(options.output, views);
  return 0;
}

int replaySteps(const Invocation &invocation, const ReplayOptions &options) {
  RunConfig config = invocation.config.resolve();
  SafetensorsFile batchFile(options.batch);
  FileSource source(batchFile, invocation.metadata);
  if (options.steps < 1 || source.microBatches() % options.steps != 0)
    fail("{}: has {} micro-batches, which {} steps cannot share evenly", options.batch, source.microBatches(),
         options.steps);
  config.globalBatch = source.microBatches() / options.steps * invocation.metadata.microBatch;

  Machine machine(invocation.model, invocation.metadata, options.threads);
  Context &context = machine.context;
  fillConstants(context);
  readWeights(context, options.weights);
  machine.prepareWeights();

  OptimizerStep stepper(context, invocation.metadata, config);
  Recording recording;
  KernelTimes times;
  for (int64_t step = 1; step <= options.steps; ++step) {
    if (options.profile && step == 2)
      context.observeLaunches([&](const char *name, double seconds) { times.add(name, seconds); });
    auto start = std::chrono::steady_clock::now();
    StepResult result = stepper.gradients(step, (step - 1) * config.globalBatch, source, [] { return false; });
    if (step == 1 && !options.output.empty())
      recording.gradients = stepper.parameterGradients();
    if (result.status == StepResult::Done)
      stepper.update(step, result);
    if (result.status != StepResult::Done)
      fail("step {}: first bad tensor: {}", step, stepper.firstBadTensor(result));
    recording.losses.push_back(result.loss);
    recording.norms.push_back(result.gradNorm);
    if (options.time)
      printTime(step, std::chrono::steady_clock::now() - start, result.loss);
  }
  if (!options.output.empty())
    writeRecording(context, recording, options.output);
  times.print(options.steps - 1);
  return 0;
}

} // namespace nf::rt
