// Reduction slots: the order in which the sums of a step's slots are added.
#include "runtime/train/Slots.h"

#include "runtime/core/Error.h"
#include "runtime/train/Machine.h"
#include "runtime/train/OptimizerStep.h"

#include <gtest/gtest.h>

namespace nf::rt {
namespace {

TEST(Slots, ASlotCompletesAPairForEachTrailingOneOfItsNumber) {
  std::vector<int> pairs;
  for (int64_t slot = 0; slot < 8; ++slot)
    pairs.push_back(pairsCompletedBy(slot));
  EXPECT_EQ(pairs, (std::vector<int>{0, 1, 0, 2, 0, 1, 0, 3}));
}

/// Numbers whose sum depends on the order of additions.
double slotValue(int64_t slot) { return 1.0 / static_cast<double>(3 + 7 * slot) + (slot % 3 == 1 ? 1e9 : 0); }

/// The tree by its definition.
template <typename T> T treeOver(int64_t first, int64_t count, T (*value)(int64_t)) {
  if (count == 1)
    return value(first);
  return treeOver(first, count / 2, value) + treeOver(first + count / 2, count / 2, value);
}

TEST(Slots, NumbersAreAddedAsABalancedTree) {
  EXPECT_EQ(TreeSum().total(), 0);
  for (int64_t slots = 1; slots <= maxSlots; slots *= 2) {
    TreeSum sum;
    for (int64_t slot = 0; slot < slots; ++slot)
      sum.add(slotValue(slot));
    EXPECT_EQ(sum.total(), treeOver(0, slots, slotValue)) << slots;
  }
}

TEST(Slots, RanksThatOwnWholeSlotsComeToTheSameSum) {
  TreeSum alone;
  for (int64_t slot = 0; slot < 16; ++slot)
    alone.add(slotValue(slot));
  for (int64_t ranks : {2, 4, 8, 16}) {
    TreeSum together;
    for (int64_t rank = 0; rank < ranks; ++rank) {
      TreeSum own;
      for (int64_t slot = rank * 16 / ranks; slot < (rank + 1) * 16 / ranks; ++slot)
        own.add(slotValue(slot));
      together.add(own.total());
    }
    EXPECT_EQ(together.total(), alone.total()) << ranks;
  }
}

// A model of one weight, by hand, with 4 slots. The gradient of a micro-batch is its first token's reciprocal.
constexpr int64_t line = NF_ALIGNMENT;
constexpr const char *description =
    R"({"model":{"name":"one","kind":"decoder","layers":1,"d_model":1,"heads":1,"d_ffn":1,"vocab":1000,"context":1,
        "sequence":1,"micro_batch":1,"precision":"fp32","objective":"causal","reduction_slots":4},
        "parameters":1,"run_keys":{}})";

float &stateAt(nf_context *context, int64_t which) {
  return *reinterpret_cast<float *>(context->persistent + which * line);
}
enum { weight, gradient, partial0, partial1 };

constexpr nf_state states[] = {{"w", "{\"kind\":\"ones\"}", weight * line, 4, {1}, 1, NF_F32, NF_STATE_PARAMETER, 0},
                               {"w", "", gradient * line, 4, {1}, 1, NF_F32, NF_STATE_GRADIENT, 0},
                               {"w", "", partial0 * line, 4, {1}, 1, NF_F32, NF_STATE_PARTIAL, 0},
                               {"w", "", partial1 * line, 4, {1}, 1, NF_F32, NF_STATE_PARTIAL, 0}};
constexpr nf_argument arguments[] = {{"tokens", 0, 4, {1, 1}, 2, NF_I32, NF_IN, 0},
                                     {"accumulate", line, 4, {}, 0, NF_I32, NF_IN, 0},
                                     {"loss", 2 * line, 4, {}, 0, NF_F32, NF_OUT, 0}};

template <typename T> T &argumentAt(nf_context *context, int64_t which) {
  return *reinterpret_cast<T *>(context->transient + which * line);
}
float ofToken(int32_t token) { return 1.0f / static_cast<float>(token); }

void forwardBackward(nf_context *context) {
  float &sum = stateAt(context, gradient), value = ofToken(argumentAt<int32_t>(context, 0));
  sum = argumentAt<int32_t>(context, 1) ? sum + value : value;
  argumentAt<float>(context, 2) = value;
}
template <int k> void combine(nf_context *context) {
  float sum = stateAt(context, gradient);
  for (int i = 0; i < k; ++i)
    sum = stateAt(context, partial0 + i) + sum;
  stateAt(context, k == 2 ? gradient : partial0 + k) = sum;
  std::fill_n(context->transient, 3 * line, 0xff); // programs share their arena
}

constexpr nf_program programs[] = {{"forward_backward", forwardBackward, arguments, 3, 3 * line},
                                   {"update", [](nf_context *) {}, nullptr, 0, 0},
                                   {"combine_0", combine<0>, nullptr, 0, 3 * line},
                                   {"combine_1", combine<1>, nullptr, 0, 0},
                                   {"combine_2", combine<2>, nullptr, 0, 0}};
const nf_model model = {NF_ABI_VERSION, 0, 0,        nullptr, description,   states, 4,
                        programs,       5, 4 * line, 0,       NF_TARGET_CPU, 0,      nullptr};

struct Tokens : SampleSource {
  double weight(int64_t) const override { return 1; }
  void fill(int64_t position, const BatchRow &row) const override {
    row.tokens[0] = static_cast<int32_t>(3 + 7 * position);
    row.targets[0] = 0;
    row.lossWeight[0] = 1;
  }
};

float ofSlot(int64_t slot) { return ofToken(3 + 14 * slot) + ofToken(10 + 14 * slot); }

TEST(Slots, AStepAddsItsSlotsAsATree) {
  Metadata metadata = readMetadata(model);
  Machine machine(model, metadata, 1);
  RunConfig config;
  config.globalBatch = 8;
  OptimizerStep stepper(machine.context, metadata, config);
  Tokens source;
  StepResult result = stepper.gradients(1, 0, source, [] { return false; });
  EXPECT_EQ(result.status, StepResult::Done);
  EXPECT_EQ(stateAt(&machine.context, gradient), treeOver(0, 4, ofSlot));
  EXPECT_NEAR(result.loss, treeOver(0, 4, ofSlot), 1e-7);
}

TEST(Slots, ABatchThatDoesNotFillThemIsRefused) {
  Metadata metadata = readMetadata(model);
  Machine machine(model, metadata, 1);
  RunConfig config;
  config.globalBatch = 6;
  try {
    OptimizerStep stepper(machine.context, metadata, config);
    FAIL() << "expected an error";
  } catch (const Error &error) {
    EXPECT_STREQ(error.what(), "the batch: expected a multiple of the 4 reduction slots as the number of "
                               "micro-batches, but got 6 of 1 sequences; set train.global_batch=8, or compile with "
                               "--set train.reduction_slots=1");
  }
}

} // namespace
} // namespace nf::rt
