//===- FoldCost.h - what a fold costs and saves ----------------------------------------------===//
#ifndef NF_PASSES_FOLD_FOLDCOST_H
#define NF_PASSES_FOLD_FOLDCOST_H

#include "dialect/NF.h"

namespace nf {

/// Bytes that pass between processor and memory in a step of one micro-batch (how many a step has is decided when it
/// runs). docs/folding.md says where the factors come from.
struct FoldCost {
  int64_t weightBytes = 0; // what update reads and writes more
  int64_t tokenBytes = 0;  // what micro-batches read and write less

  bool pays() const { return tokenBytes > weightBytes; }
  /// "saves 6291 kB of activations a step and costs 4718 kB of weights".
  std::string text() const;
};

/// Bytes of `passes` passes over all elements of `value`, which lies in memory as it was before it was widened.
int64_t bytesOf(mlir::Value value, double passes);

/// What update adds for a weight that factors are folded into: it is read once more, to take its gradient apart before
/// the norm is known, and its folded form is written. A shift has it read a third time, for the new bias.
int64_t foldedWeightBytes(mlir::Value weight, bool withShift);

/// Folds are decided in forward_backward and hold for all programs, so that they share folded weights. Without that
/// program weights never change, and every fold pays.
class FoldDecisions {
public:
  FoldDecisions(mlir::ModuleOp module, bool all, bool remarks);

  /// The programs, the deciding one first.
  llvm::ArrayRef<ProgramOp> programs() const { return ordered; }
  /// Whether `op`, whose learned factors are `parameter`, is to be folded; says why (not) if it is asked to.
  bool accept(mlir::Operation *op, mlir::StringAttr parameter, const FoldCost &cost);
  /// Says that `op` cannot be folded.
  void refuse(mlir::Operation *op, const llvm::Twine &why);

private:
  bool isDeciding(mlir::Operation *op) const;

  bool all, remarks, isTrained;
  llvm::SmallVector<ProgramOp> ordered;
  llvm::DenseSet<mlir::StringAttr> accepted;
};

} // namespace nf

#endif // NF_PASSES_FOLD_FOLDCOST_H
