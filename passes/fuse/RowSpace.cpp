//===- RowSpace.cpp - how whole tensors lie over the rows of an iteration space --------------===//
#include "passes/fuse/RowSpace.h"

using namespace mlir;
using namespace nf;

static ArrayRef<int64_t> shapeOf(Value value) { return cast<RankedTensorType>(value.getType()).getShape(); }

std::optional<RowSpace> RowSpace::of(RowWiseOpInterface op) {
  RowSpace space;
  switch (op.getRowRole()) {
  case RowRole::None:
    return std::nullopt;
  case RowRole::Elementwise:
    space.shape.assign(shapeOf(op->getResult(0)).begin(), shapeOf(op->getResult(0)).end());
    break;
  case RowRole::RowReduction:
  case RowRole::ColumnReduction:
    space.shape.assign(shapeOf(op->getOperand(0)).begin(), shapeOf(op->getOperand(0)).end());
    break;
  }
  if (space.shape.empty())
    space.shape.push_back(1);
  space.cols = space.shape.back();
  space.rows = 1;
  for (int64_t extent : ArrayRef<int64_t>(space.shape).drop_back())
    space.rows *= extent;
  return space;
}

std::optional<RowKind> RowSpace::kindOf(ArrayRef<int64_t> operandShape) const {
  SmallVector<int64_t> aligned(operandShape);
  aligned.insert(aligned.begin(), shape.size() - aligned.size(), 1);
  ArrayRef<int64_t> lead = ArrayRef<int64_t>(aligned).drop_back(), full = ArrayRef<int64_t>(shape).drop_back();
  bool everyRow = lead == full;
  bool oneRow = llvm::all_of(lead, [](int64_t extent) { return extent == 1; });
  bool everyColumn = aligned.back() == cols;
  if (everyRow)
    return everyColumn ? RowKind::RowCol : RowKind::Row;
  if (oneRow)
    return aligned.back() == 1 ? RowKind::Scalar : RowKind::Col;
  return std::nullopt;
}

std::optional<RowKind> RowSpace::kindOf(RowWiseOpInterface op, unsigned index) const {
  if (op.isGatheredOperand(index))
    return RowKind::Gather;
  for (unsigned i = 0; i < op->getNumOperands(); ++i)
    if (op.isGatheredOperand(i) && op.getGatherIndex() == index)
      return RowKind::Row;
  return kindOf(shapeOf(op->getOperand(index)));
}
