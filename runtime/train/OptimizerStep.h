// One optimizer step: gradients over the micro-batches of a global batch, then the update.
#ifndef NF_RUNTIME_TRAIN_OPTIMIZERSTEP_H
#define NF_RUNTIME_TRAIN_OPTIMIZERSTEP_H

#include "runtime/train/Batch.h"
#include "runtime/train/Config.h"

#include <functional>
#include <span>
#include <string>

namespace nf::rt {

struct StepResult {
  enum Status {
    Done,
    Interrupted, ///< stopped between micro-batches; parameters are as before
    BadLoss,     ///< the loss is not finite; parameters are as before
    BadGradient  ///< the gradient norm is not finite; parameters are as before
  };
  Status status = Done;
  double loss = 0;     ///< mean over the positions that count
  double gradNorm = 0; ///< before clipping
  double lr = 0;
  double counted = 0; ///< positions that count
};

/// Runs steps of the model's programs forward_backward and update. After construction nothing is allocated.
class OptimizerStep {
public:
  /// Throws Error when the reduction slots cannot share the global batch evenly.
  OptimizerStep(Context &context, const Metadata &metadata, const RunConfig &config);

  /// Step number `step` (from 1) on the samples first, first + 1, ... first + global_batch - 1 of `source`. The last
  /// micro-batch is padded. Micro-batches of a slot are summed, slots added as a tree (Slots.h). Gradients are left in
  /// the states. `stop` is asked between micro-batches.
  StepResult gradients(int64_t step, int64_t first, const SampleSource &source, const std::function<bool()> &stop);
  /// Continues a result of gradients() that is Done: clips, updates the parameters, fills gradNorm and lr.
  void update(int64_t step, StepResult &result);

  /// A copy of each parameter's gradient, in the order of the parameters, between gradients() and update() of the first
  /// step. Where gradients are summed for folded weights only (NF_STATE_FOLDED), update unfolds them: run without a
  /// step, decay, clipping or averages it leaves them in the first moments, which are still zero otherwise.
  std::vector<std::vector<float>> parameterGradients();

  /// Sum of squares of each parameter's gradient at the last update, in the order of the parameters.
  std::span<const float> gradientSquares() const { return lastSquares; }
  /// After a bad result: the first tensor with a value that is not finite, "the loss" when there is none.
  std::string firstBadTensor(const StepResult &result) const;

private:
  void unfoldIntoMoments();

  Context &context;
  RunConfig config;
  Program forwardBackward, updateProgram;
  std::vector<Program> combine; // combine_k at k; empty with one slot
  BatchArguments batch;
  int64_t microBatchesOfSlot;
  std::vector<float> decay, lastSquares;
};

} // namespace nf::rt

#endif
