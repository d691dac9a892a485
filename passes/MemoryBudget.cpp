//===- MemoryBudget.cpp - how much is computed again so that a program fits -------------------===//
//
// What a step saves shows only when fusion and planning are done, and they take a small part of a compilation. So the
// sizes compared are those of the plan itself:
//
// 1. Plan without a step. If that fits, nothing is computed again.
// 2. Plan with all steps of the cheapest kind, then with those of the next too, until it fits. Later kinds may also
//    need more memory, since backward then makes the values of several layers at once; the smallest plan is remembered.
// 3. Within the last kind, bisect for the fewest steps that fit.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/MemoryBudget.h"
#include "dialect/NF.h"

using namespace mlir;
using namespace nf;

static int64_t integer(Operation *op, StringRef name) {
  auto attribute = op->getAttrOfType<IntegerAttr>(name);
  return attribute ? attribute.getInt() : 0;
}

int64_t nf::plannedBytes(ModuleOp planned) {
  int64_t arena = 0;
  for (auto program : planned.getOps<ProgramOp>())
    arena = std::max(arena, integer(program, "transient_bytes"));
  return integer(planned, "nf.persistent_bytes") + arena;
}

namespace {
/// Plans clones of a module.
class Trials {
public:
  Trials(ModuleOp module, PipelineOptions options) : module(module), options(std::move(options)) {
    this->options.fuseRemarks = this->options.verifyStages = false;
    this->options.configure = nullptr;
  }

  /// The bytes that the module takes with so many steps.
  FailureOr<int64_t> bytesWith(unsigned steps) {
    OwningOpRef<ModuleOp> clone(module.clone());
    PassManager manager(module.getContext());
    options.recomputeSteps = steps;
    for (Stage stage : {Stage::Recompute, Stage::Distribute, Stage::Fuse, Stage::Plan})
      buildStage(stage, manager, options);
    if (failed(manager.run(*clone)))
      return failure();
    if (auto recomputed = (*clone)->getAttrOfType<DictionaryAttr>("nf.recomputed"))
      ends = llvm::to_vector(recomputed.getAs<DenseI64ArrayAttr>("ends").asArrayRef());
    return plannedBytes(*clone);
  }

  /// The numbers of steps at which one kind of them ends; known after a trial.
  SmallVector<int64_t> ends;

private:
  ModuleOp module;
  PipelineOptions options;
};
} // namespace

FailureOr<BudgetChoice> nf::fitMemory(ModuleOp hoisted, int64_t budget, const PipelineOptions &options) {
  Trials trials(hoisted, options);
  BudgetChoice choice;
  FailureOr<int64_t> bytes = trials.bytesWith(0);
  if (failed(bytes))
    return failure();
  choice.smallest = *bytes;
  int64_t tooFew = 0;
  for (int64_t end : *bytes <= budget ? SmallVector<int64_t>() : SmallVector<int64_t>(trials.ends)) {
    if (failed(bytes = trials.bytesWith(end)))
      return failure();
    if (*bytes < choice.smallest) {
      choice.smallest = *bytes;
      choice.steps = end;
    }
    if (*bytes <= budget)
      break;
    tooFew = end;
  }
  choice.fits = choice.smallest <= budget;
  while (choice.fits && choice.steps - tooFew > 1) {
    int64_t middle = (tooFew + choice.steps) / 2;
    if (failed(bytes = trials.bytesWith(middle)))
      return failure();
    *bytes <= budget ? choice.steps = middle : tooFew = middle;
  }
  return choice;
}
