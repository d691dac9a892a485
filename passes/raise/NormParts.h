//===- NormParts.h - the norms of a program -----------------------------------------------------===//
#ifndef NF_PASSES_RAISE_NORMPARTS_H
#define NF_PASSES_RAISE_NORMPARTS_H

#include "dialect/NF.h"

namespace nf {

/// An nf.layer_norm, or an RMSNorm, which stays in primitives: x / √(mean x² + ε) · weight.
struct NormPart {
  mlir::Operation *end = nullptr;           ///< whose first result is the norm's; null: not found
  mlir::Value x, weight, bias;              ///< weight and bias null where it has none
  llvm::SmallVector<mlir::Operation *> ops; ///< all of them, `end` included

  explicit operator bool() const { return end; }
  bool operator==(const NormPart &other) const { return end == other.end; }
  mlir::Value result() const { return end ? end->getResult(0) : mlir::Value(); }
  bool isRms() const { return end && !llvm::isa<LayerNormOp>(end); }
};

/// Finds them. An RMSNorm is known by what it computes of rows that are large beside its epsilon, in any spelling: also
/// one that bounds the root from below.
class NormFinder {
public:
  explicit NormFinder(ProgramOp program);

  /// In program order.
  llvm::ArrayRef<NormPart> all() const { return norms; }
  /// The norm whose result `value` is.
  NormPart of(mlir::Value value) const;
  /// The norm that `op` ends.
  NormPart endingAt(mlir::Operation *op) const;
  /// Whether `op` is a part of a norm that it does not end.
  bool isInside(mlir::Operation *op) const { return inside.contains(op); }

private:
  llvm::SmallVector<NormPart> norms;
  llvm::DenseMap<mlir::Operation *, size_t> ends;
  llvm::DenseSet<mlir::Operation *> inside;
};

} // namespace nf

#endif // NF_PASSES_RAISE_NORMPARTS_H
