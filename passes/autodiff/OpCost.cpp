#include "passes/autodiff/OpCost.h"

using namespace mlir;
using namespace nf;

static RankedTensorType tensorType(Value value) { return cast<RankedTensorType>(value.getType()); }

int64_t nf::bytesOf(Value value) {
  auto type = tensorType(value);
  return type.getNumElements() * static_cast<int64_t>(llvm::divideCeil(type.getElementTypeBitWidth(), 8));
}

/// Arithmetic on rows: once an element of what is read or written, whichever is more.
static OpCost rowCost(RowWiseOpInterface op) {
  int64_t elements = tensorType(op->getResult(0)).getNumElements();
  for (Value operand : op->getOperands())
    if (auto type = dyn_cast<RankedTensorType>(operand.getType()))
      elements = std::max(elements, type.getNumElements());
  OpClass kind = op.getRowRole() == RowRole::Elementwise ? OpClass::Elements : OpClass::Rows;
  return {kind, double(elements) * (op.isCostly() ? 16 : 1)};
}

static OpCost productCost(MatmulOp op) {
  auto left = tensorType(op.getLhs());
  int64_t inner = left.getDimSize(left.getRank() - (op.getTransposeA() ? 2 : 1));
  return {OpClass::Product, 2.0 * double(inner) * double(tensorType(op->getResult(0)).getNumElements())};
}

/// The sum over what the op is written in; that is built beside it and erased again.
static OpCost compositeCost(DecomposableOpInterface op) {
  OpBuilder builder(op);
  Operation *before = op->getPrevNode();
  auto values = op.decompose(builder);
  Operation *first = before ? before->getNextNode() : &op->getBlock()->front();
  SmallVector<Operation *> parts;
  for (Operation *part = first; part != op; part = part->getNextNode())
    parts.push_back(part);
  OpCost sum{failed(values) ? OpClass::None : OpClass::Free, 0};
  if (succeeded(values))
    for (Operation *part : parts) {
      OpCost cost = costOf(part);
      sum = {std::max(sum.kind, cost.kind), sum.flops + cost.flops};
    }
  for (Operation *part : llvm::reverse(parts))
    part->erase();
  return sum;
}

OpCost nf::costOf(Operation *op) {
  if (isa<GetOp, ConstantOp, ReshapeOp>(op))
    return {OpClass::Free, 0};
  if (!isMemoryEffectFree(op) || op->getNumResults() == 0)
    return {OpClass::None, 0};
  if (auto matmul = dyn_cast<MatmulOp>(op))
    return productCost(matmul);
  if (auto composite = dyn_cast<DecomposableOpInterface>(op))
    return compositeCost(composite);
  if (auto rowWise = dyn_cast<RowWiseOpInterface>(op); rowWise && rowWise.getRowRole() != RowRole::None)
    return rowCost(rowWise);
  return {OpClass::None, 0};
}
