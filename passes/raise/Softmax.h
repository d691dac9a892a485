//===- Softmax.h - recognises a softmax over the last axis ------------------------------------===//
#ifndef NF_PASSES_RAISE_SOFTMAX_H
#define NF_PASSES_RAISE_SOFTMAX_H

#include "passes/raise/RowFormula.h"

namespace nf {

/// Rows that hide every column: what their softmax is, NaN by its formula, or whatever a guard makes of them.
enum class HiddenRows { Nan, Any };

/// A softmax over the last axis: `root` = softmax(`x`).
struct SoftmaxMatch {
  mlir::Value x;
  llvm::SmallVector<mlir::Operation *> ops; // root's first
};

/// The softmax that `root` is, in any spelling, or nothing. Values in between that others read prevent a match.
std::optional<SoftmaxMatch> matchSoftmax(mlir::Value root, HiddenRows hidden);

} // namespace nf

#endif // NF_PASSES_RAISE_SOFTMAX_H
