//===- NFLossOps.cpp - constraints and definition of the loss --------------------------------===//
#include "dialect/NF.h"

using namespace mlir;
using namespace nf;

static RankedTensorType tensorType(Value value) { return cast<RankedTensorType>(value.getType()); }

/// Checks C1 to C4 on (x, weight, targets, loss_weight, scale[, bias]).
static LogicalResult checkOperands(std::optional<Location> location, ValueRange operands) {
  auto x = tensorType(operands[0]), weight = tensorType(operands[1]);
  if (x.getRank() < 2)
    return emitOptionalError(location, "expected x of rank at least 2, but got ", x, " (C1)");
  if (weight.getRank() != 2 || weight.getDimSize(1) != x.getShape().back())
    return emitOptionalError(location, "expected a weight [vocabulary, ", x.getShape().back(), "], but got ", weight,
                             " (C1)");
  for (Value perToken : {operands[2], operands[3]})
    if (tensorType(perToken).getShape() != x.getShape().drop_back())
      return emitOptionalError(location, "expected targets and loss_weight of shape [", x.getShape().drop_back(),
                               "], but got ", perToken.getType(), " (C2)");
  if (tensorType(operands[4]).getNumElements() != 1)
    return emitOptionalError(location, "expected a scale of one element, but got ", operands[4].getType(), " (C3)");
  if (operands.size() > 5 && tensorType(operands[5]).getShape() != weight.getShape().take_front())
    return emitOptionalError(location, "expected a bias of ", weight.getDimSize(0), " elements, but got ",
                             operands[5].getType(), " (C4)");
  return success();
}

/// What the loss is computed in and parameters' gradients are summed in.
static Type wideElement(Value value) { return accumulatorType(tensorType(value).getElementType()); }

LogicalResult LinearCrossEntropyOp::inferReturnTypes(MLIRContext *, std::optional<Location> location,
                                                     ValueRange operands, DictionaryAttr, OpaqueProperties, RegionRange,
                                                     SmallVectorImpl<Type> &types) {
  types.push_back(RankedTensorType::get({}, wideElement(operands[0])));
  return checkOperands(location, operands);
}

LogicalResult LinearCrossEntropyBackwardOp::inferReturnTypes(MLIRContext *, std::optional<Location> location,
                                                             ValueRange operands, DictionaryAttr, OpaqueProperties,
                                                             RegionRange, SmallVectorImpl<Type> &types) {
  types.append({RankedTensorType::get({}, wideElement(operands[0])), operands[0].getType(),
                tensorType(operands[1]).clone(wideElement(operands[1]))});
  if (operands.size() > 5)
    types.push_back(tensorType(operands[5]).clone(wideElement(operands[5])));
  return checkOperands(location, operands);
}

StringRef LinearCrossEntropyBackwardOp::getNotDifferentiableReason() { return "it is a gradient itself"; }

namespace {
/// Softmax statistics of a matrix of logits [tokens, vocabulary]: the product has x's precision, what follows is f32.
struct Logits {
  ImplicitLocOpBuilder b;
  RankedTensorType rowType;
  Value x, isTarget, e, sum, weight;
  Value nll;

  template <typename Op> Logits(Op op, OpBuilder &builder) : b(op.getLoc(), builder) {
    auto type = tensorType(op.getX());
    int64_t columns = type.getShape().back(), rows = type.getNumElements() / columns;
    Type element = wideElement(op.getX());
    rowType = RankedTensorType::get({rows, 1}, element);
    x = ReshapeOp::create(b, RankedTensorType::get({rows, columns}, type.getElementType()), op.getX());
    Value logits = castTo(MatmulOp::create(b, x, op.getWeight(), false, true, op.getBias())->getResult(0), element);
    int64_t vocabulary = tensorType(logits).getDimSize(1);
    auto last = b.getDenseI64ArrayAttr({1});
    Value maximum = ReduceMaxOp::create(b, logits, last);
    e = ExpOp::create(b, SubOp::create(b, logits, maximum).getResult());
    sum = ReduceSumOp::create(b, e, last);
    Value target = ReshapeOp::create(b, RankedTensorType::get({rows, 1}, b.getI32Type()), op.getTargets());
    Value iota = IotaOp::create(b, RankedTensorType::get({vocabulary}, b.getI32Type()));
    isTarget = CompareOp::create(b, ComparePredicate::Eq, iota, target);
    Value zero = splat(b, b.getLoc(), element, 0);
    Value picked = ReduceSumOp::create(b, WhereOp::create(b, isTarget, logits, zero).getResult(), last);
    Value lse = AddOp::create(b, maximum, LogOp::create(b, sum).getResult());
    weight = MulOp::create(b, ReshapeOp::create(b, rowType, op.getLossWeight()).getY(), op.getScale());
    nll = MulOp::create(b, SubOp::create(b, lse, picked).getResult(), weight);
  }

  Value castTo(Value value, Type element) {
    auto type = tensorType(value);
    return type.getElementType() == element ? value : CastOp::create(b, type.clone(element), value).getResult();
  }

  Value loss() {
    Value row = ReshapeOp::create(b, RankedTensorType::get({1, rowType.getDimSize(0)}, rowType.getElementType()), nll);
    Value sumOfRows = ReduceSumOp::create(b, row, b.getDenseI64ArrayAttr({1}));
    return ReshapeOp::create(b, RankedTensorType::get({}, rowType.getElementType()), sumOfRows);
  }

  /// weight · (softmax − onehot(target)).
  Value gradient() {
    Value factor = DivOp::create(b, weight, sum);
    Value softmax = MulOp::create(b, e, factor);
    return WhereOp::create(b, isTarget, SubOp::create(b, softmax, weight).getResult(), softmax);
  }
};
} // namespace

FailureOr<SmallVector<Value>> LinearCrossEntropyOp::decompose(OpBuilder &builder) {
  Logits logits(*this, builder);
  return SmallVector<Value>{logits.loss()};
}

FailureOr<SmallVector<Value>> LinearCrossEntropyBackwardOp::decompose(OpBuilder &builder) {
  Logits logits(*this, builder);
  ImplicitLocOpBuilder &b = logits.b;
  Value loss = logits.loss(), gradient = logits.gradient();
  Value rounded = logits.castTo(gradient, tensorType(getX()).getElementType());
  Value dx = MatmulOp::create(b, rounded, getWeight())->getResult(0);
  Value dw = MatmulOp::create(b, rounded, logits.x, true, false)->getResult(0);
  dw.setType(tensorType(getDw()));
  SmallVector<Value> results{loss, ReshapeOp::create(b, getX().getType(), dx), dw};
  if (getBias())
    results.push_back(sumToShape(b, b.getLoc(), gradient, tensorType(getDbias())));
  return results;
}
