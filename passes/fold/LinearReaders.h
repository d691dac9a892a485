//===- LinearReaders.h - what folds ask of the linears around a value ------------------------===//
#ifndef NF_PASSES_FOLD_LINEARREADERS_H
#define NF_PASSES_FOLD_LINEARREADERS_H

#include "dialect/NF.h"

namespace nf {

/// The readers of a value that are linears' inputs, directly or rounded on the way.
struct LinearReaders {
  llvm::SmallVector<LinearOp> linears;
  mlir::Operation *other = nullptr; // a reader that is none, or a linear whose weight is not made of parameters alone

  explicit LinearReaders(mlir::Value value);
  bool areAll() const { return !other && !linears.empty(); }

private:
  void add(mlir::Value value);
};

/// The linear whose result alone, directly or widened, is `value` read once on the way; null without.
LinearOp soleProducer(mlir::Value value);

/// Whether `value` is a parameter, or made of parameters by folds and concats.
bool isWeight(mlir::Value value);

/// The parameter that `value` reads; null where it is something else.
mlir::StringAttr parameterReadBy(mlir::Value value);

/// `weight` with `fold` applied to each part, where it is a concat of rows: parts stay what planning can place side by
/// side. `bias` may be null, or is a concat of as many parts.
mlir::Value foldParts(mlir::OpBuilder &builder, mlir::Value weight, mlir::Value bias,
                      llvm::function_ref<mlir::Value(mlir::Value weight, mlir::Value bias)> fold);

} // namespace nf

#endif // NF_PASSES_FOLD_LINEARREADERS_H
