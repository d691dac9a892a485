//===- Folds.h - weights that are made of parameters by folds alone --------------------------===//
#ifndef NF_PASSES_AUTODIFF_FOLDS_H
#define NF_PASSES_AUTODIFF_FOLDS_H

#include "dialect/NF.h"
#include "mlir/IR/BuiltinOps.h"

namespace nf {

/// The folds of a program: nf.fold_scale, nf.fold_shift and nf.concat whose operands are parameters or folds.
class Folds {
public:
  explicit Folds(ProgramOp program);

  /// Whether a fold makes the value.
  bool contains(mlir::Value value) const { return value.getDefiningOp() && ops.contains(value.getDefiningOp()); }
  bool contains(mlir::Operation *op) const { return ops.contains(op); }

private:
  llvm::DenseSet<mlir::Operation *> ops;
};

/// A folded weight of a program, and the state that sums its gradient.
struct FoldedWeight {
  mlir::Value value;
  StateOp gradient;
};

/// Adds the program `unfold_gradients`: from the gradients of folded weights, and parameters' own gradient states, to
/// the gradient of every parameter that is folded somewhere, each a result of its parameter's name.
llvm::LogicalResult buildUnfoldGradients(mlir::ModuleOp module, llvm::ArrayRef<FoldedWeight> folded);

/// The name of that program.
constexpr llvm::StringLiteral unfoldGradientsName = "unfold_gradients";

/// Asks `op` for the gradients of its operands for which `isWanted` holds, given those of its results in `gradients`,
/// and hands each to `contribute`. Nothing is asked where no result has a gradient; an op without a rule is an error.
llvm::LogicalResult propagate(mlir::OpBuilder &builder, mlir::Operation *op,
                              const llvm::DenseMap<mlir::Value, mlir::Value> &gradients,
                              llvm::function_ref<bool(mlir::Value)> isWanted,
                              llvm::function_ref<void(mlir::Value operand, mlir::Value gradient)> contribute);

} // namespace nf

#endif // NF_PASSES_AUTODIFF_FOLDS_H
