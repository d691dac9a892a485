//===- NFOptimizerOps.cpp - constraints and definition of the optimizer step -----------------===//
#include "dialect/NF.h"

using namespace mlir;
using namespace nf;

static RankedTensorType tensorType(Value value) { return cast<RankedTensorType>(value.getType()); }
static bool isScalar(Value value) { return tensorType(value).getNumElements() == 1; }
static constexpr llvm::StringLiteral reason = "it is part of the optimizer step";

StringRef SquareNormOp::getNotDifferentiableReason() { return reason; }
StringRef ClipCoefficientOp::getNotDifferentiableReason() { return reason; }
StringRef AdamWOp::getNotDifferentiableReason() { return reason; }

LogicalResult SquareNormOp::inferReturnTypes(MLIRContext *, std::optional<Location>, ValueRange operands,
                                             DictionaryAttr, OpaqueProperties, RegionRange,
                                             SmallVectorImpl<Type> &types) {
  types.push_back(RankedTensorType::get({1}, tensorType(operands[0]).getElementType()));
  return success();
}

/// Rows first, then the rows' sums: two fixed orders, whatever runs them.
FailureOr<SmallVector<Value>> SquareNormOp::decompose(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  auto type = tensorType(getX());
  int64_t count = type.getNumElements(), columns = type.getRank() == 0 ? 1 : type.getShape().back();
  Value square = MulOp::create(b, getX(), getX());
  square = ReshapeOp::create(b, RankedTensorType::get({count / columns, columns}, type.getElementType()), square);
  Value rows = ReduceSumOp::create(b, square, b.getDenseI64ArrayAttr({1}));
  rows = ReshapeOp::create(b, RankedTensorType::get({1, count / columns}, type.getElementType()), rows);
  Value sum = ReduceSumOp::create(b, rows, b.getDenseI64ArrayAttr({1}));
  return SmallVector<Value>{ReshapeOp::create(b, getResult().getType(), sum)};
}

LogicalResult ClipCoefficientOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands,
                                                  DictionaryAttr, OpaqueProperties, RegionRange,
                                                  SmallVectorImpl<Type> &types) {
  if (!isScalar(operands[0]) || !isScalar(operands[1]))
    return emitOptionalError(location, "expected norm and clip of one element, but got ", operands.getTypes(), " (C1)");
  types.push_back(operands[0].getType());
  return success();
}

FailureOr<SmallVector<Value>> ClipCoefficientOp::decompose(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Type element = tensorType(getNorm()).getElementType();
  auto number = [&](double value) { return splat(b, b.getLoc(), element, value); };
  Value ratio = DivOp::create(b, getClip(), AddOp::create(b, getNorm(), number(1e-6)).getResult());
  Value below = CompareOp::create(b, ComparePredicate::Lt, ratio, number(1));
  Value clipped = WhereOp::create(b, below, ratio, number(1));
  Value on = CompareOp::create(b, ComparePredicate::Gt, getClip(), number(0));
  return SmallVector<Value>{
      ReshapeOp::create(b, getResult().getType(), WhereOp::create(b, on, clipped, number(1)).getResult())};
}

LogicalResult AdamWOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, ValueRange operands,
                                        DictionaryAttr, OpaqueProperties, RegionRange, SmallVectorImpl<Type> &types) {
  for (Value operand : operands.take_front(4))
    if (operand.getType() != operands[0].getType())
      return emitOptionalError(location, "expected parameter, gradient and moments of one type, but got ",
                               operands.take_front(4).getTypes(), " (C1)");
  for (Value operand : operands.drop_front(4))
    if (!isScalar(operand))
      return emitOptionalError(location, "expected scalars of one element, but got ", operand.getType(), " (C2)");
  types.append(3, operands[0].getType());
  return success();
}

FailureOr<SmallVector<Value>> AdamWOp::decompose(OpBuilder &builder) {
  ImplicitLocOpBuilder b(getLoc(), builder);
  Type element = tensorType(getParameter()).getElementType();
  auto number = [&](double value) { return splat(b, b.getLoc(), element, value); };
  auto add = [&](Value x, Value y) -> Value { return AddOp::create(b, x, y); };
  auto sub = [&](Value x, Value y) -> Value { return SubOp::create(b, x, y); };
  auto mul = [&](Value x, Value y) -> Value { return MulOp::create(b, x, y); };
  auto div = [&](Value x, Value y) -> Value { return DivOp::create(b, x, y); };

  Value one = number(1);
  Value g = mul(getGradient(), getClipCoefficient());
  Value m = add(mul(getMoment1(), getBeta1()), mul(g, sub(one, getBeta1())));
  Value v = add(mul(getMoment2(), getBeta2()), mul(mul(g, g), sub(one, getBeta2())));
  Value inverseRoot = RsqrtOp::create(b, getCorrection2());
  Value denominator = add(mul(SqrtOp::create(b, v).getY(), inverseRoot), getEps());
  Value step = mul(div(getLr(), getCorrection1()), div(m, denominator));
  Value decayed = mul(getParameter(), sub(one, mul(getLr(), getWeightDecay())));
  Value p = sub(decayed, step);
  // False for infinity and, comparisons being ordered, for NaN.
  Value finite = CompareOp::create(b, ComparePredicate::Lt, getNorm(), number(std::numeric_limits<double>::infinity()));
  auto keep = [&](Value fresh, Value old) -> Value { return WhereOp::create(b, finite, fresh, old); };
  return SmallVector<Value>{keep(p, getParameter()), keep(m, getMoment1()), keep(v, getMoment2())};
}
