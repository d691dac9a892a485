//===- WeightOnly.h - what of a program depends on parameters alone --------------------------===//
#ifndef NF_PASSES_AUTODIFF_WEIGHTONLY_H
#define NF_PASSES_AUTODIFF_WEIGHTONLY_H

#include "dialect/NF.h"

namespace nf {

/// The pure ops of a program all of whose operands come from nf.get of parameters (or from constants), as far as a
/// state can hold their results: masks and indices of parameters do not count. Weights one after another along their
/// first axis, which other ops read, do not count either: planning puts the parts next to each other.
class WeightOnly {
public:
  WeightOnly(const mlir::SymbolTable &symbols, ProgramOp program);

  /// Values that other ops read, other than parameters themselves, constants and views of them.
  llvm::SmallVector<mlir::Value> frontier() const;
  bool contains(mlir::Operation *op) const { return ops.contains(op); }

private:
  bool isReadInPlace(mlir::Operation *op) const;
  bool isWeightOnly(const mlir::SymbolTable &symbols, mlir::Operation *op) const;
  bool computes(mlir::Operation *op) const;
  bool readsParameter(mlir::Value value) const;

  llvm::SetVector<mlir::Operation *> ops;
};

} // namespace nf

#endif // NF_PASSES_AUTODIFF_WEIGHTONLY_H
