#include "passes/autodiff/OpClass.h"

using namespace mlir;
using namespace nf;

/// The costliest of what the op is written in; that is built beside it and erased again.
static OpClass classOfParts(DecomposableOpInterface op) {
  OpBuilder builder(op);
  Operation *before = op->getPrevNode();
  auto values = op.decompose(builder);
  Operation *first = before ? before->getNextNode() : &op->getBlock()->front();
  SmallVector<Operation *> parts;
  for (Operation *part = first; part != op; part = part->getNextNode())
    parts.push_back(part);
  OpClass most = failed(values) ? OpClass::None : OpClass::Free;
  if (succeeded(values))
    for (Operation *part : parts)
      most = std::max(most, classOf(part));
  for (Operation *part : llvm::reverse(parts))
    part->erase();
  return most;
}

OpClass nf::classOf(Operation *op) {
  if (isa<GetOp, ConstantOp, ReshapeOp>(op))
    return OpClass::Free;
  if (!isMemoryEffectFree(op) || op->getNumResults() == 0)
    return OpClass::None;
  if (isa<MatmulOp>(op))
    return OpClass::Product;
  if (auto composite = dyn_cast<DecomposableOpInterface>(op))
    return classOfParts(composite);
  auto rowWise = dyn_cast<RowWiseOpInterface>(op);
  if (!rowWise || rowWise.getRowRole() == RowRole::None)
    return OpClass::None;
  return rowWise.getRowRole() == RowRole::Elementwise ? OpClass::Elements : OpClass::Rows;
}
