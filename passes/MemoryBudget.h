//===- MemoryBudget.h - how much is computed again so that a program fits ---------------------===//
#ifndef NF_PASSES_MEMORYBUDGET_H
#define NF_PASSES_MEMORYBUDGET_H

#include "passes/Pipelines.h"

namespace nf {

/// What a memory budget asks of stage recompute.
struct BudgetChoice {
  unsigned steps = 0;   ///< PipelineOptions::recomputeSteps: the fewest that fit, or those of `smallest`
  bool fits = false;    ///< within the budget
  int64_t smallest = 0; ///< where it does not fit: the bytes that the program takes at the least
};

/// Bytes of the persistent segment and the largest arena of a planned module: what a budget bounds.
int64_t plannedBytes(mlir::ModuleOp planned);

/// Finds by planning clones of `hoisted`, a module after stage hoist, how many steps of nf-recompute keep it within
/// `budget` bytes. Fails where a stage does, after its errors.
llvm::FailureOr<BudgetChoice> fitMemory(mlir::ModuleOp hoisted, int64_t budget, const PipelineOptions &options);

} // namespace nf

#endif // NF_PASSES_MEMORYBUDGET_H
