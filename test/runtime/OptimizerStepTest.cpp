#include "runtime/train/OptimizerStep.h"

#include "runtime/core/Error.h"
#include "runtime/core/Initialize.h"
#include "runtime/train/Machine.h"
#include "runtime/train/Schedule.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <gtest/gtest.h>
#include <limits>
#include <malloc.h>
#include <new>

// Counts what C++ code allocates in this process.
static std::atomic<int64_t> allocations{0};
void *operator new(size_t size) {
  ++allocations;
  if (void *memory = std::malloc(std::max<size_t>(size, 1)))
    return memory;
  throw std::bad_alloc();
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, size_t) noexcept { std::free(memory); }

namespace nf::rt {
namespace {

constexpr auto never = [] { return false; };

/// Sequences that count upwards from their position; `counting` of their positions count.
class CountingSource : public SampleSource {
public:
  explicit CountingSource(int64_t length, int64_t counting) : length(length), counting(counting) {}
  double weight(int64_t) const override { return double(counting); }
  void fill(int64_t position, const BatchRow &row) const override {
    for (int64_t t = 0; t < length; ++t) {
      row.tokens[t] = int32_t((position * 31 + t * 7) % 260);
      row.targets[t] = int32_t((position * 31 + t * 7 + 7) % 260);
      row.lossWeight[t] = t < counting ? 1.0f : 0.0f;
    }
  }

private:
  int64_t length, counting;
};

class OptimizerStepTest : public ::testing::Test {
protected:
  OptimizerStepTest() : metadata(readMetadata(nf_program_table)), machine(nf_program_table, metadata, 2) {
    config = Config(metadata, "bigram").resolve();
    initializeStates(machine.context, 1);
  }
  std::vector<float> copy(const char *name, nf_state_kind kind = NF_STATE_PARAMETER) {
    const nf_state *state = machine.context.findParameter(name);
    if (kind != NF_STATE_PARAMETER)
      state = machine.context.companion(*state, kind);
    auto values = machine.context.values(*state);
    return {values.begin(), values.end()};
  }
  std::vector<float> everything() {
    auto begin = reinterpret_cast<float *>(machine.context.persistent);
    return {begin, begin + machine.model().persistent_bytes / 4};
  }

  Metadata metadata;
  Machine machine;
  RunConfig config;
  CountingSource source{16, 16};
};

TEST_F(OptimizerStepTest, TheFirstLossIsThatOfAUniformGuess) {
  OptimizerStep stepper(machine.context, metadata, config);
  StepResult result = stepper.gradients(1, 0, source, never);
  EXPECT_EQ(result.status, StepResult::Done);
  EXPECT_NEAR(result.loss, std::log(260.0), 0.02);
  EXPECT_EQ(result.counted, 6 * 16);
  EXPECT_EQ(result.lr, learningRate(config, 1));
}

// 6 sequences are 4 + 2: the padded rows of the second micro-batch count for nothing, and the divisor is that of the
// whole step. So the gradient is the mean over 6 gradients of one sequence.
TEST_F(OptimizerStepTest, AccumulatesOverMicroBatchesAndPadsTheLast) {
  OptimizerStep stepper(machine.context, metadata, config);
  double loss = stepper.gradients(1, 0, source, never).loss;
  std::vector<float> together = copy("bigram.weight", NF_STATE_GRADIENT);
  config.globalBatch = 1;
  OptimizerStep single(machine.context, metadata, config);
  std::vector<double> mean(together.size());
  double meanLoss = 0;
  for (int64_t sample = 0; sample < 6; ++sample) {
    meanLoss += single.gradients(1, sample, source, never).loss / 6;
    std::vector<float> one = copy("bigram.weight", NF_STATE_GRADIENT);
    for (size_t i = 0; i < one.size(); ++i)
      mean[i] += one[i] / 6.0;
  }
  EXPECT_NEAR(loss, meanLoss, 1e-5);
  for (size_t i = 0; i < mean.size(); ++i)
    ASSERT_NEAR(together[i], mean[i], 1e-8);
}

TEST_F(OptimizerStepTest, TheLossIsTheMeanOverWhatCounts) {
  OptimizerStep stepper(machine.context, metadata, config);
  StepResult result = stepper.gradients(1, 0, CountingSource(16, 3), never);
  EXPECT_EQ(result.counted, 18);
  EXPECT_NEAR(result.loss, std::log(260.0), 0.05);
}

TEST_F(OptimizerStepTest, UpdatesAsAdamWWithDecayOfMatricesOnly) {
  config.clip = 0;
  OptimizerStep stepper(machine.context, metadata, config);
  std::vector<float> weight = copy("bigram.weight"), bias = copy("bigram.bias");
  StepResult result = stepper.gradients(1, 0, source, never);
  std::vector<float> gradW = copy("bigram.weight", NF_STATE_GRADIENT), gradB = copy("bigram.bias", NF_STATE_GRADIENT);
  stepper.update(1, result);
  double squares[2] = {};
  auto check = [&](const std::vector<float> &before, const std::vector<float> &gradient, const char *name,
                   double decay) {
    std::vector<float> after = copy(name);
    for (size_t i = 0; i < before.size(); ++i) {
      // At step 1 the bias-corrected moments are g and g^2.
      double expected =
          before[i] * (1 - result.lr * decay) - result.lr * gradient[i] / (std::abs(double(gradient[i])) + config.eps);
      ASSERT_NEAR(after[i], expected, 2e-4 * result.lr + 1e-7) << name << " " << i;
      squares[decay == 0] += double(gradient[i]) * gradient[i];
    }
  };
  check(weight, gradW, "bigram.weight", config.weightDecay);
  check(bias, gradB, "bigram.bias", 0);
  EXPECT_NEAR(result.gradNorm, std::sqrt(squares[0] + squares[1]), 1e-3);
  EXPECT_NEAR(stepper.gradientSquares()[0], squares[0], 1e-3 * squares[0]);
  EXPECT_NEAR(stepper.gradientSquares()[1], squares[1], 1e-3 * squares[1]);
}

TEST_F(OptimizerStepTest, AllocatesNothing) {
  OptimizerStep stepper(machine.context, metadata, config);
  const std::function<bool()> stop = never;
  auto step = [&](int64_t number) {
    StepResult result = stepper.gradients(number, 0, source, stop);
    stepper.update(number, result);
    ASSERT_EQ(result.status, StepResult::Done);
  };
  step(1); // the library's buffers
  int64_t before = allocations;
  size_t heapBefore = mallinfo2().uordblks;
  for (int64_t number = 2; number < 20; ++number)
    step(number);
  EXPECT_EQ(allocations, before);
  EXPECT_EQ(mallinfo2().uordblks, heapBefore);
}

TEST_F(OptimizerStepTest, ANanLossStopsBeforeAnythingChanges) {
  OptimizerStep stepper(machine.context, metadata, config);
  machine.context.values(*machine.context.findParameter("bigram.weight"))[7 * 260 + 3] =
      std::numeric_limits<float>::quiet_NaN();
  std::vector<float> parameters = copy("bigram.bias");
  StepResult result = stepper.gradients(1, 0, source, never);
  EXPECT_EQ(result.status, StepResult::BadLoss);
  EXPECT_EQ(copy("bigram.bias"), parameters);
  EXPECT_EQ(stepper.firstBadTensor(result), "bigram.weight");
}

TEST_F(OptimizerStepTest, AnInfiniteGradientStopsBeforeAnythingChanges) {
  setenv("BIGRAM_NAN_GRADIENT", "1", 1);
  OptimizerStep stepper(machine.context, metadata, config);
  StepResult result = stepper.gradients(1, 0, source, never);
  ASSERT_EQ(result.status, StepResult::Done);
  std::vector<float> before = everything();
  stepper.update(1, result);
  unsetenv("BIGRAM_NAN_GRADIENT");
  EXPECT_EQ(result.status, StepResult::BadGradient);
  EXPECT_TRUE(everything() == before);
  EXPECT_EQ(stepper.firstBadTensor(result), "the gradient of bigram.bias");
}

TEST_F(OptimizerStepTest, StopsBetweenMicroBatches) {
  OptimizerStep stepper(machine.context, metadata, config);
  int asked = 0;
  StepResult result = stepper.gradients(1, 0, source, [&] { return ++asked == 2; });
  EXPECT_EQ(result.status, StepResult::Interrupted);
}

TEST_F(OptimizerStepTest, AModelWithoutAProgramIsRefused) {
  nf_model model = nf_program_table;
  model.program_count = 1;
  Pool pool(1, 64);
  Context context(model, pool);
  EXPECT_THROW(OptimizerStep(context, metadata, config), Error);
  EXPECT_FALSE(context.program("logits"));
}

TEST_F(OptimizerStepTest, ArgumentsThatAProgramLacksAreEmpty) {
  Program program = machine.context.program("forward_backward");
  EXPECT_EQ(program.find("key_padding"), nullptr);
  EXPECT_TRUE(program.argument<float>("key_padding").empty());
  program.set("sample_offset", 3); // not needed by this program
  EXPECT_EQ(program.argument<int32_t>("tokens").size(), 4u * 16);
  EXPECT_THROW(program.argument<int64_t>("tokens"), Error);
}

TEST(MachineMemory, NamesTheMicroBatchThatFits) {
  Metadata metadata = readMetadata(nf_program_table);
  nf_model model = nf_program_table;
  std::vector<nf_program> programs(model.programs, model.programs + model.program_count);
  for (nf_program &program : programs)
    program.transient_bytes = 400 << 20;
  model.programs = programs.data();
  int64_t needed = neededMemory(model, 1);
  EXPECT_NO_THROW(checkMemory(model, metadata, 1, needed, "./m"));
  auto errorAt = [&](int64_t available) {
    try {
      checkMemory(model, metadata, 1, available, "./m");
    } catch (const Error &error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_NE(errorAt(needed - (90 << 20))
                .find("a micro-batch of 3 fits: nf-compile models/bigram.toml --set "
                      "train.micro_batch=3 -o ./m"),
            std::string::npos);
  EXPECT_NE(errorAt(needed - (390 << 20)).find("no micro-batch fits"), std::string::npos);
  EXPECT_NE(errorAt(1 << 20).find("no micro-batch fits"), std::string::npos);
}

} // namespace
} // namespace nf::rt
