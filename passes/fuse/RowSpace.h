//===- RowSpace.h - how whole tensors lie over the rows of an iteration space ----------------===//
#ifndef NF_PASSES_FUSE_ROWSPACE_H
#define NF_PASSES_FUSE_ROWSPACE_H

#include "dialect/NF.h"

namespace nf {

/// The iteration space of a row-wise op: the shape that its operands broadcast to, its last axis being the columns.
struct RowSpace {
  llvm::SmallVector<int64_t> shape;
  int64_t rows, cols;

  /// The op's space; nothing where the op does not fit rows (RowRole::None).
  static std::optional<RowSpace> of(RowWiseOpInterface op);

  /// What operand `index` is of the rows; nothing where it repeats along some of the leading axes only.
  std::optional<RowKind> kindOf(RowWiseOpInterface op, unsigned index) const;
  std::optional<RowKind> kindOf(llvm::ArrayRef<int64_t> operandShape) const;
};

} // namespace nf

#endif // NF_PASSES_FUSE_ROWSPACE_H
