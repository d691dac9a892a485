//===- NFFoldOps.cpp - constraints and definitions of the folds of weights -------------------===//
#include "dialect/InferTypes.h"
#include "dialect/NF.h"

using namespace mlir;
using namespace nf;

static RankedTensorType tensorType(Value value) { return cast<RankedTensorType>(value.getType()); }

using Values = SmallVector<Value>;

LogicalResult FoldScaleOp::inferReturnTypes(NF_INFER_ARGUMENTS) {
  FoldScaleOp::Adaptor adaptor(operands, attributes, properties, regions);
  auto weight = tensorType(operands[0]), scale = tensorType(operands[1]);
  auto axis = static_cast<int64_t>(adaptor.getAxis());
  if (weight.getRank() < 1 || weight.getRank() > 2 || axis < 0 || axis >= weight.getRank())
    return emitOptionalError(location, "expected a weight of rank 1 or 2 and one of its axes, but got ", weight,
                             " and axis ", axis, " (C1)");
  if (scale.getRank() != 1 || scale.getDimSize(0) == 0 || weight.getDimSize(axis) % scale.getDimSize(0) != 0)
    return emitOptionalError(location, "expected a scale of rank 1 whose extent divides ", weight.getDimSize(axis),
                             ", but got ", scale, " (C2)");
  types.push_back(weight);
  return success();
}

FailureOr<Values> FoldScaleOp::decompose(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  auto type = tensorType(getWeight());
  int64_t extent = type.getDimSize(getAxis());
  Value factors = repeatGroups(b, getScale(), extent);
  if (getAxis() != static_cast<uint64_t>(type.getRank() - 1))
    factors = ReshapeOp::create(b, RankedTensorType::get({extent, 1}, type.getElementType()), factors);
  return Values{MulOp::create(b, getWeight(), factors)};
}

LogicalResult FoldShiftOp::inferReturnTypes(NF_INFER_ARGUMENTS) {
  auto weight = tensorType(operands[0]), shift = tensorType(operands[1]);
  if (weight.getRank() != 2 || shift.getRank() != 1 || shift.getDimSize(0) != weight.getDimSize(1))
    return emitOptionalError(location, "expected a weight [out, in] and a shift [in], but got ", weight, " and ", shift,
                             " (C1)");
  auto type = RankedTensorType::get({weight.getDimSize(0)}, weight.getElementType());
  if (operands.size() > 2 && tensorType(operands[2]) != type)
    return emitOptionalError(location, "expected a bias ", type, ", but got ", operands[2].getType(), " (C2)");
  types.push_back(type);
  return success();
}

/// The sums stay one number a row, so that they fuse with what else passes over the weight.
FailureOr<Values> FoldShiftOp::decompose(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Value product = MulOp::create(b, getWeight(), getShift());
  Value sum = ReduceSumOp::create(b, product, b.getDenseI64ArrayAttr({1}));
  if (getBias())
    sum = AddOp::create(b, sum, ReshapeOp::create(b, sum.getType(), getBias()).getResult());
  return Values{ReshapeOp::create(b, getResult().getType(), sum)};
}
