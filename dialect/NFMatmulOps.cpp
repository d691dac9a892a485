//===- NFMatmulOps.cpp - matrix products and scattered sums ----------------------------------===//
#include "dialect/NF.h"

using namespace mlir;
using namespace nf;

/// The effects of an op in buffer form: reads operands, writes outs. The tensor form has none.
static void addBufferEffects(Operation *op, MutableOperandRange outs,
                             SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  if (outs.empty())
    return;
  for (OpOperand &operand : op->getOpOperands())
    effects.emplace_back(MemoryEffects::Read::get(), &operand);
  for (OpOperand &operand : outs)
    effects.emplace_back(MemoryEffects::Write::get(), &operand);
}

#define NF_BUFFER_EFFECTS(OP)                                                                                          \
  void OP::getEffects(SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {                  \
    addBufferEffects(*this, getOutsMutable(), effects);                                                                \
  }

NF_BUFFER_EFFECTS(MatmulOp)
NF_BUFFER_EFFECTS(ScatterAddOp)
NF_BUFFER_EFFECTS(AttentionOp)
NF_BUFFER_EFFECTS(AttentionBackwardOp)
NF_BUFFER_EFFECTS(FusedOp)

static ShapedType shaped(Value value) { return cast<ShapedType>(value.getType()); }

/// The type that the op computes: its result, or its destination.
static ShapedType computedType(Operation *op, OperandRange outs, unsigned index) {
  return outs.empty() ? cast<ShapedType>(op->getResult(index).getType()) : shaped(outs[index]);
}

//===------------------------------------------------------------------------------------------===//
// matmul
//===------------------------------------------------------------------------------------------===//

FailureOr<SmallVector<int64_t>> MatmulOp::inferShape(ShapedType lhs, ShapedType rhs, bool transposeA, bool transposeB) {
  int64_t rank = lhs.getRank(), rhsRank = rhs.getRank();
  if (rank < 2 || rank > 4 || (rhsRank != 2 && rhsRank != rank) || (transposeA && rhsRank != rank))
    return failure();
  SmallVector<int64_t> shape(lhs.getShape().drop_back(2));
  if (rhsRank == rank && ArrayRef<int64_t>(shape) != rhs.getShape().drop_back(2))
    return failure();
  int64_t m = lhs.getDimSize(rank - 2), k = lhs.getDimSize(rank - 1);
  int64_t inner = rhs.getDimSize(rhsRank - 2), n = rhs.getDimSize(rhsRank - 1);
  if (transposeA)
    std::swap(m, k);
  if (transposeB)
    std::swap(inner, n);
  if (k != inner)
    return failure();
  shape.push_back(m);
  shape.push_back(n);
  return shape;
}

void MatmulOp::build(OpBuilder &builder, OperationState &state, Value lhs, Value rhs, bool transposeA, bool transposeB,
                     Value bias) {
  auto shape = inferShape(shaped(lhs), shaped(rhs), transposeA, transposeB);
  assert(succeeded(shape) && "matmul of operands that do not fit");
  auto type = RankedTensorType::get(*shape, shaped(lhs).getElementType());
  build(builder, state, TypeRange{type}, lhs, rhs, bias, /*accumulate=*/Value(), ValueRange(), transposeA, transposeB,
        /*sum_lhs=*/false, /*sum_rhs=*/false, /*always_accumulate=*/false);
}

LogicalResult MatmulOp::verify() {
  ShapedType lhs = shaped(getLhs()), rhs = shaped(getRhs());
  auto operandError = [&](StringRef expected, StringRef label) {
    return emitOpError() << "expected " << expected << ", but got " << lhs << " and " << rhs << " (" << label << ")";
  };
  bool sameRank = lhs.getRank() == rhs.getRank();
  if (lhs.getRank() < 2 || lhs.getRank() > 4 || (rhs.getRank() != 2 && !sameRank))
    return operandError("a left side of rank 2 to 4 and a right side of rank 2 or that rank", "C1");
  if (sameRank && lhs.getShape().drop_back(2) != rhs.getShape().drop_back(2))
    return operandError("equal leading axes", "C2");
  if (getTransposeA() && !sameRank)
    return operandError("equal ranks with transpose_a", "C6");
  auto shape = inferShape(lhs, rhs, getTransposeA(), getTransposeB());
  if (failed(shape))
    return operandError("equal inner extents", "C3");
  if (getBias() && shaped(getBias()).getShape() != ArrayRef<int64_t>(shape->back()))
    return emitOpError() << "expected a bias of " << shape->back() << " elements, but got " << getBias().getType()
                         << " (C4)";
  unsigned wanted = hasOperandSum() ? 2 : 1;
  if (getNumResults() + getOuts().size() != wanted || (getNumResults() != 0 && !getOuts().empty()))
    return emitOpError() << "expected "
                         << (wanted == 1 ? "one result or one destination" : "two results or destinations")
                         << ", but got " << getNumResults() << " and " << getOuts().size()
                         << (wanted == 1 ? " (C5)" : " (C8)");
  ShapedType type = computedType(*this, getOuts(), 0);
  if (type.getShape() != ArrayRef<int64_t>(*shape))
    return emitOpError() << "expected a result of shape [" << *shape << "], but got " << type << " (C5)";
  return hasOperandSum() ? verifyOperandSum() : success();
}

/// Whether the rows of an operand, as they are stored, are the inner extent of one product.
static bool isSummable(MatmulOp op, bool isRight) {
  return (isRight ? !op.getTransposeB() : op.getTransposeA()) && op.getProductShape().batch == 1;
}

LogicalResult MatmulOp::verifyOperandSum() {
  bool isRight = getSumRhs();
  if ((getSumLhs() && isRight) || !isSummable(*this, isRight))
    return emitOpError() << "expected one operand to be summed, the left one with transpose_a or the right one without "
                         << "transpose_b, and one product, but got " << getLhs().getType() << " and "
                         << getRhs().getType() << " (C7)";
  ShapedType sum = computedType(*this, getOuts(), 1);
  int64_t columns = shaped(isRight ? getRhs() : getLhs()).getShape().back();
  if (sum.getShape() != ArrayRef<int64_t>(columns))
    return emitOpError() << "expected a sum of shape [" << columns << "], but got " << sum << " (C8)";
  return success();
}

MatmulOp::Shape MatmulOp::getProductShape() {
  ShapedType type = computedType(*this, getOuts(), 0), lhs = shaped(getLhs()), rhs = shaped(getRhs());
  int64_t rank = type.getRank();
  int64_t lead = 1;
  for (int64_t extent : type.getShape().drop_back(2))
    lead *= extent;
  int64_t k = lhs.getDimSize(getTransposeA() ? rank - 2 : rank - 1);
  int64_t m = type.getDimSize(rank - 2), n = type.getDimSize(rank - 1);
  if (rhs.getRank() == 2 && rank > 2)
    return {1, lead * m, n, k};
  return {lead, m, n, k};
}

bool MatmulOp::canAccumulate(unsigned) { return !getBias(); }

bool MatmulOp::canSumOperand(unsigned operand) {
  return operand < 2 && getOuts().empty() && !hasOperandSum() && isSummable(*this, operand == 1);
}

Value MatmulOp::addOperandSum(OpBuilder &builder, unsigned operand, Type elementType) {
  Value source = operand == 1 ? getRhs() : getLhs();
  auto sum = RankedTensorType::get({shaped(source).getShape().back()}, elementType);
  auto product = MatmulOp::create(builder, getLoc(), TypeRange{getResult()[0].getType(), sum}, getLhs(), getRhs(),
                                  getBias(), getAccumulate(), ValueRange(), getTransposeA(), getTransposeB(),
                                  /*sum_lhs=*/operand == 0, /*sum_rhs=*/operand == 1, getAlwaysAccumulate());
  product->setDiscardableAttrs(getOperation()->getDiscardableAttrDictionary());
  getResult()[0].replaceAllUsesWith(product->getResult(0));
  erase();
  return product->getResult(1);
}

//===------------------------------------------------------------------------------------------===//
// scatter_add
//===------------------------------------------------------------------------------------------===//

LogicalResult ScatterAddOp::verify() {
  ArrayRef<int64_t> rows = shaped(getRows()).getShape();
  if (rows.empty() || rows.drop_back() != shaped(getIndices()).getShape())
    return emitOpError() << "expected rows of the shape of the indices and one more axis, but got "
                         << getRows().getType() << " and " << getIndices().getType() << " (C1)";
  if (getNumResults() + getOuts().size() != 1)
    return emitOpError() << "expected one result or one destination, but got " << getNumResults() << " and "
                         << getOuts().size() << " (C2)";
  ShapedType type = computedType(*this, getOuts(), 0);
  if (type.getRank() != 2 || type.getDimSize(1) != rows.back())
    return emitOpError() << "expected a result of rank 2 with rows of " << rows.back() << ", but got " << type
                         << " (C2)";
  return success();
}

/// Rows need no widening of their own: the op adds in the table's precision.
LogicalResult ScatterAddOp::canonicalize(ScatterAddOp op, PatternRewriter &rewriter) {
  auto cast = op.getRows().getDefiningOp<CastOp>();
  if (!cast || !cast.isWidening() || op.getNumResults() == 0 ||
      shaped(cast.getY()).getElementType() != shaped(op->getResult(0)).getElementType())
    return failure();
  rewriter.modifyOpInPlace(op, [&] { op.getRowsMutable().assign(cast.getX()); });
  return success();
}

bool ScatterAddOp::canAccumulate(unsigned) { return true; }
