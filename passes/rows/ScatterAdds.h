//===- ScatterAdds.h - the scattered row sums of a module ------------------------------------===//
#ifndef NF_PASSES_ROWS_SCATTERADDS_H
#define NF_PASSES_ROWS_SCATTERADDS_H

#include "dialect/NF.h"
#include "mlir/IR/BuiltinOps.h"

namespace nf {

/// Those in buffer form. Fails, after an error for each, where rows are neither f32 nor bf16, the table is not f32, or
/// the target's own `check` fails.
llvm::FailureOr<llvm::SmallVector<ScatterAddOp>>
plannedScatterAdds(mlir::ModuleOp module, llvm::function_ref<llvm::LogicalResult(ScatterAddOp)> check = {});

} // namespace nf

#endif // NF_PASSES_ROWS_SCATTERADDS_H
