//===- NFFusedOps.cpp - constraints of fused regions -----------------------------------------===//
#include "dialect/NF.h"

using namespace mlir;
using namespace nf;

YieldOp FusedOp::getYield() { return cast<YieldOp>(getBodyBlock()->getTerminator()); }

bool FusedOp::hasRowReduction() {
  if (getCols() == 1)
    return false;
  return llvm::any_of(getBodyBlock()->without_terminator(), [](Operation &op) {
    auto rowWise = dyn_cast<RowWiseOpInterface>(op);
    return rowWise && rowWise.getRowRole() == RowRole::RowReduction;
  });
}

bool FusedOp::hasColumnSum() { return llvm::is_contained(getResultKinds(), static_cast<int32_t>(RowKind::ColSum)); }

bool FusedOp::canAccumulate(unsigned index) { return getResultKind(index) == RowKind::ColSum; }

/// An element of a rowcol or row operand is read before the same element of a result of that kind is written; a row's
/// results are written after its operands were read. One argument of a kernel has one element type.
bool FusedOp::mayOverwrite(unsigned operand, unsigned index) {
  if (operand >= getInputs().size())
    return false;
  RowKind from = getOperandKind(operand), to = getResultKind(index);
  auto elementOf = [](Value value) { return cast<ShapedType>(value.getType()).getElementType(); };
  if (elementOf(getInputs()[operand]) != elementOf(getResult(index)))
    return false;
  return from == to && (from == RowKind::RowCol || from == RowKind::Row);
}

/// Elements of the whole tensor for a kind; -1 where any number of rows will do.
static int64_t elementCount(FusedOp op, RowKind kind, bool isResult) {
  switch (kind) {
  case RowKind::RowCol:
    return op.getRows() * op.getCols();
  case RowKind::Row:
    return op.getRows();
  case RowKind::Col:
    return op.getCols();
  case RowKind::Scalar:
    return 1;
  case RowKind::Gather:
    return -1;
  case RowKind::ColSum:
    return op.getCols() * op.getGroups();
  }
  return -1;
}

/// The body's type of a value of this kind.
static bool isBodyType(FusedOp op, RowKind kind, Type body, Type whole) {
  auto type = dyn_cast<RankedTensorType>(body);
  int64_t extent = kind == RowKind::Row || kind == RowKind::Scalar ? 1 : op.getCols();
  return type && type.getRank() == 1 && type.getDimSize(0) == extent &&
         type.getElementType() == cast<ShapedType>(whole).getElementType();
}

StringRef FusedOp::getNotDifferentiableReason() { return "fusion comes after differentiation"; }

LogicalResult FusedOp::verifyRegions() {
  unsigned results = getNumResults() + getOuts().size();
  if (getOperandKinds().size() != getInputs().size() || getResultKinds().size() != results ||
      getGatherIndex().size() != getInputs().size() || getBodyBlock()->getNumArguments() != getInputs().size() ||
      getYield().getNumOperands() != results)
    return emitOpError()
           << "expected one kind, gather index and body value per operand and result, but got another number of "
           << "one of them (C1)";
  if (getNumResults() != 0 && !getOuts().empty())
    return emitOpError() << "expected results or destinations, but got both (C1)";
  if (getRows() < 1 || getCols() < 1)
    return emitOpError() << "expected at least one row and column, but got " << getRows() << " and " << getCols()
                         << " (C2)";
  if (getGroups() < 1 || getGroups() > getRows())
    return emitOpError() << "expected 1 to " << getRows() << " groups, but got " << getGroups() << " (C5)";
  for (auto [i, input] : llvm::enumerate(getInputs())) {
    RowKind kind = getOperandKind(i);
    int64_t count = elementCount(*this, kind, false), have = cast<ShapedType>(input.getType()).getNumElements();
    if (kind < RowKind::RowCol || kind > RowKind::Gather)
      return emitOpError() << "expected operand " << i << " to be rowcol, row, col, scalar or gather, but got kind "
                           << static_cast<int32_t>(kind) << " (C1)";
    bool isTable = have % getCols() == 0;
    if (kind == RowKind::Gather ? !isTable : count != have)
      return emitOpError() << "expected operand " << i << " to have " << (kind == RowKind::Gather ? "rows of " : "")
                           << (count < 0 ? getCols() : count) << " elements, but got " << input.getType() << " (C2)";
    if (!isBodyType(*this, kind, getBodyBlock()->getArgument(i).getType(), input.getType()))
      return emitOpError() << "expected body argument " << i << " to be a row of " << input.getType() << ", but got "
                           << getBodyBlock()->getArgument(i).getType() << " (C3)";
    int64_t index = getGatherIndex()[i];
    bool indexed =
        index >= 0 && index < static_cast<int64_t>(getInputs().size()) &&
        (getOperandKind(index) == RowKind::Row || (getCols() == 1 && getOperandKind(index) == RowKind::RowCol)) &&
        cast<ShapedType>(getInputs()[index].getType()).getElementType().isInteger(32);
    if ((kind == RowKind::Gather) ? !indexed : index != -1)
      return emitOpError() << "expected the gather index of operand " << i
                           << " to name a row operand of i32 for a gather "
                           << "operand and to be -1 for another, but got " << index << " (C6)";
  }
  for (unsigned i = 0; i < results; ++i) {
    Type whole = getOuts().empty() ? getResult(i).getType() : getOuts()[i].getType();
    RowKind kind = getResultKind(i);
    if (kind != RowKind::RowCol && kind != RowKind::Row && kind != RowKind::ColSum)
      return emitOpError() << "expected result " << i << " to be rowcol, row or col_sum, but got kind "
                           << static_cast<int32_t>(kind) << " (C1)";
    if (elementCount(*this, kind, true) != cast<ShapedType>(whole).getNumElements())
      return emitOpError() << "expected result " << i << " to have " << elementCount(*this, kind, true)
                           << " elements, but got " << whole << " (C2)";
    if (!isBodyType(*this, kind, getYield().getOperand(i).getType(), whole))
      return emitOpError() << "expected yielded value " << i << " to be a row of " << whole << ", but got "
                           << getYield().getOperand(i).getType() << " (C3)";
  }
  for (Operation &op : getBodyBlock()->without_terminator())
    if (auto rowWise = dyn_cast<RowWiseOpInterface>(op);
        !rowWise || (getCols() != 1 && rowWise.getRowRole() == RowRole::None))
      return op.emitOpError() << "expected a row-wise primitive in a fused region, but got " << op.getName() << " (C4)";
  return success();
}

void YieldOp::build(OpBuilder &, OperationState &) {}
