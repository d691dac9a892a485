//===- NFLayerOps.cpp - types and definitions of the layers ----------------------------------===//
#include "dialect/InferTypes.h"
#include "dialect/NF.h"

#include <numbers>

using namespace mlir;
using namespace nf;

static RankedTensorType tensorType(Value value) { return cast<RankedTensorType>(value.getType()); }

static int64_t columns(Value value) {
  auto type = tensorType(value);
  return type.getRank() == 0 ? 1 : type.getShape().back();
}

static bool isVectorOf(Value value, int64_t extent) {
  auto type = tensorType(value);
  return type.getRank() == 1 && type.getDimSize(0) == extent;
}

/// The type of one number a row of `x`: [..., 1].
static Type rowType(Value x) {
  SmallVector<int64_t> shape(tensorType(x).getShape());
  shape.back() = 1;
  return RankedTensorType::get(shape, tensorType(x).getElementType());
}

static DenseI64ArrayAttr lastAxis(ImplicitLocOpBuilder &b, Value x) {
  return b.getDenseI64ArrayAttr({tensorType(x).getRank() - 1});
}

static Value number(ImplicitLocOpBuilder &b, Value like, double value) {
  return splat(b, b.getLoc(), tensorType(like).getElementType(), value);
}

using Values = SmallVector<Value>;

//===------------------------------------------------------------------------------------------===//
// embedding, linear
//===------------------------------------------------------------------------------------------===//

LogicalResult EmbeddingOp::inferReturnTypes(NF_INFER_ARGUMENTS) {
  auto weight = tensorType(operands[0]);
  if (weight.getRank() != 2)
    return emitOptionalError(location, "expected a weight of rank 2, but got ", weight, " (C1)");
  SmallVector<int64_t> shape(tensorType(operands[1]).getShape());
  shape.push_back(weight.getDimSize(1));
  types.push_back(RankedTensorType::get(shape, weight.getElementType()));
  return success();
}

FailureOr<Values> EmbeddingOp::decompose(OpBuilder &builder) {
  return Values{GatherOp::create(builder, getLoc(), getWeight(), getIds())};
}

LogicalResult LinearOp::inferReturnTypes(NF_INFER_ARGUMENTS) {
  auto x = tensorType(operands[0]), weight = tensorType(operands[1]);
  if (weight.getRank() != 2 || x.getRank() < 2 || columns(operands[0]) != weight.getDimSize(1))
    return emitOptionalError(location, "expected a weight [out, ", columns(operands[0]), "] for ", x, ", but got ",
                             weight, " (C1)");
  if (operands.size() > 2 && !isVectorOf(operands[2], weight.getDimSize(0)))
    return emitOptionalError(location, "expected a bias of ", weight.getDimSize(0), " elements, but got ",
                             operands[2].getType(), " (C2)");
  SmallVector<int64_t> shape(x.getShape());
  shape.back() = weight.getDimSize(0);
  types.push_back(RankedTensorType::get(shape, x.getElementType()));
  return success();
}

FailureOr<Values> LinearOp::decompose(OpBuilder &builder) {
  auto product = MatmulOp::create(builder, getLoc(), getX(), getWeight(), false, true, getBias());
  return Values{product->getResult(0)};
}

//===------------------------------------------------------------------------------------------===//
// layer_norm, normalize
//===------------------------------------------------------------------------------------------===//

/// mean, rstd and (x − mean) · rstd.
struct Normalized {
  Value mean, rstd, x;
};

static Normalized normalizeRows(ImplicitLocOpBuilder &b, Value x, double eps) {
  Value mean = ReduceMeanOp::create(b, x, lastAxis(b, x));
  Value centred = SubOp::create(b, x, mean);
  Value variance = ReduceMeanOp::create(b, MulOp::create(b, centred, centred).getResult(), lastAxis(b, x));
  Value rstd = RsqrtOp::create(b, AddOp::create(b, variance, number(b, x, eps)).getResult());
  return {mean, rstd, MulOp::create(b, centred, rstd)};
}

LogicalResult LayerNormOp::inferReturnTypes(NF_INFER_ARGUMENTS) {
  LayerNormOp::Adaptor adaptor(operands, attributes, properties, regions);
  Value x = operands[0];
  if (tensorType(x).getRank() < 1 || !isVectorOf(operands[1], columns(x)) || !isVectorOf(operands[2], columns(x)))
    return emitOptionalError(location, "expected weight and bias of the last extent of ", x.getType(), ", but got ",
                             operands.drop_front().getTypes(), " (C1)");
  if (!(adaptor.getEps().convertToDouble() > 0))
    return emitOptionalError(location, "expected eps above 0, but got ", adaptor.getEps().convertToDouble(), " (C2)");
  types.append({x.getType(), rowType(x), rowType(x)});
  return success();
}

FailureOr<Values> LayerNormOp::decompose(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Normalized n = normalizeRows(b, getX(), getEps().convertToDouble());
  Value scaled = MulOp::create(b, n.x, getWeight());
  return Values{AddOp::create(b, scaled, getBias()), n.mean, n.rstd};
}

LogicalResult NormalizeOp::inferReturnTypes(NF_INFER_ARGUMENTS) {
  if (tensorType(operands[0]).getRank() < 1)
    return emitOptionalError(location, "expected x of rank at least 1, but got ", operands[0].getType(), " (C2)");
  NormalizeOp::Adaptor adaptor(operands, attributes, properties, regions);
  if (!(adaptor.getEps().convertToDouble() > 0))
    return emitOptionalError(location, "expected eps above 0, but got ", adaptor.getEps().convertToDouble(), " (C1)");
  types.append({operands[0].getType(), rowType(operands[0])});
  return success();
}

FailureOr<Values> NormalizeOp::decompose(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Normalized n = normalizeRows(b, getX(), getEps().convertToDouble());
  return Values{n.x, n.rstd};
}

//===------------------------------------------------------------------------------------------===//
// head_scale, residual_scale
//===------------------------------------------------------------------------------------------===//

LogicalResult HeadScaleOp::inferReturnTypes(NF_INFER_ARGUMENTS) {
  auto gamma = tensorType(operands[1]);
  if (gamma.getRank() != 1 || gamma.getDimSize(0) == 0 || columns(operands[0]) % gamma.getDimSize(0) != 0)
    return emitOptionalError(location, "expected gamma of rank 1 whose extent divides ", columns(operands[0]),
                             ", but got ", gamma, " (C1)");
  types.push_back(operands[0].getType());
  return success();
}

FailureOr<Values> HeadScaleOp::decompose(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  return Values{MulOp::create(b, getX(), repeatGroups(b, getGamma(), columns(getX())))};
}

LogicalResult ResidualScaleOp::inferReturnTypes(NF_INFER_ARGUMENTS) {
  if (!isVectorOf(operands[1], columns(operands[0])))
    return emitOptionalError(location, "expected a scale of ", columns(operands[0]), " elements, but got ",
                             operands[1].getType(), " (C1)");
  types.push_back(operands[0].getType());
  return success();
}

FailureOr<Values> ResidualScaleOp::decompose(OpBuilder &builder) {
  return Values{MulOp::create(builder, getLoc(), getX(), getScale())};
}

//===------------------------------------------------------------------------------------------===//
// Activations
//===------------------------------------------------------------------------------------------===//

#define NF_ACTIVATION(OP)                                                                                              \
  LogicalResult OP::inferReturnTypes(NF_INFER_ARGUMENTS) {                                                             \
    types.push_back(operands[0].getType());                                                                            \
    return success();                                                                                                  \
  }

NF_ACTIVATION(GeluOp)
NF_ACTIVATION(GeluTanhOp)
NF_ACTIVATION(ReluOp)
NF_ACTIVATION(Relu2Op)
NF_ACTIVATION(SiluOp)

FailureOr<Values> GeluOp::decompose(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Value x = getX();
  Value e = ErfOp::create(b, MulOp::create(b, x, number(b, x, std::numbers::sqrt2 / 2)).getResult());
  Value half = MulOp::create(b, x, number(b, x, 0.5));
  return Values{MulOp::create(b, half, AddOp::create(b, e, number(b, x, 1)).getResult())};
}

FailureOr<Values> GeluTanhOp::decompose(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Value x = getX();
  Value square = MulOp::create(b, x, x);
  Value factor = AddOp::create(b, MulOp::create(b, square, number(b, x, 0.044715)).getResult(), number(b, x, 1));
  Value scaled = MulOp::create(b, x, number(b, x, std::numbers::sqrt2 * std::numbers::inv_sqrtpi));
  Value t = TanhOp::create(b, MulOp::create(b, scaled, factor).getResult());
  Value half = MulOp::create(b, x, number(b, x, 0.5));
  return Values{MulOp::create(b, half, AddOp::create(b, t, number(b, x, 1)).getResult())};
}

FailureOr<Values> ReluOp::decompose(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  return Values{MaxOp::create(b, getX(), number(b, getX(), 0))};
}

FailureOr<Values> Relu2Op::decompose(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Value r = MaxOp::create(b, getX(), number(b, getX(), 0));
  return Values{MulOp::create(b, r, r)};
}

FailureOr<Values> SiluOp::decompose(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Value e = ExpOp::create(b, NegOp::create(b, getX()).getResult());
  return Values{DivOp::create(b, getX(), AddOp::create(b, e, number(b, getX(), 1)).getResult())};
}

//===------------------------------------------------------------------------------------------===//
// dropout
//===------------------------------------------------------------------------------------------===//

LogicalResult DropoutOp::inferReturnTypes(NF_INFER_ARGUMENTS) {
  DropoutOp::Adaptor adaptor(operands, attributes, properties, regions);
  double p = adaptor.getP().convertToDouble();
  if (!(p > 0 && p < 1))
    return emitOptionalError(location, "expected p between 0 and 1, but got ", p, " (C1)");
  if (tensorType(operands[0]).getRank() != 3)
    return emitOptionalError(location, "expected x of rank 3, but got ", operands[0].getType(), " (C2)");
  types.push_back(operands[0].getType());
  return success();
}

FailureOr<Values> DropoutOp::decompose(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  auto type = tensorType(getX());
  double p = getP().convertToDouble();
  Type bits = RankedTensorType::get(type.getShape(), b.getI32Type());
  Value random = RandomBitsOp::create(b, bits, getSeed(), getStep(), getSampleOffset(), getSite(), type.getDimSize(1));
  Value threshold = splat(b, b.getLoc(), b.getI32Type(), std::ldexp(p, 31));
  Value keep = CompareOp::create(b, ComparePredicate::Ge, random, threshold);
  Value scaled = MulOp::create(b, getX(), number(b, getX(), 1 / (1 - p)));
  return Values{WhereOp::create(b, keep, scaled, number(b, getX(), 0))};
}
