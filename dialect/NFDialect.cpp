//===- NFDialect.cpp - registration and what all ops share -----------------------------------===//
#include "dialect/NF.h"
#include "dialect/NFBytecode.h"

using namespace mlir;
using namespace nf;

#include "dialect/NFDialect.cpp.inc"
#include "dialect/NFEnums.cpp.inc"
#include "dialect/NFInterfaces.cpp.inc"

void NFDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialect/NFOps.cpp.inc"
      >();
  addInterface(createBytecodeInterface(this));
}

Operation *NFDialect::materializeConstant(OpBuilder &builder, Attribute value, Type type, Location location) {
  auto elements = dyn_cast<ElementsAttr>(value);
  if (!elements || elements.getType() != type)
    return nullptr;
  return ConstantOp::create(builder, location, cast<ShapedType>(type), elements);
}

FailureOr<SmallVector<int64_t>> nf::broadcastShapes(ArrayRef<ArrayRef<int64_t>> shapes) {
  SmallVector<int64_t> result;
  for (ArrayRef<int64_t> shape : shapes) {
    if (shape.size() > result.size())
      result.insert(result.begin(), shape.size() - result.size(), 1);
    int64_t lead = result.size() - shape.size();
    for (auto [i, extent] : llvm::enumerate(shape)) {
      int64_t &have = result[lead + i];
      if (have == 1)
        have = extent;
      else if (extent != 1 && extent != have)
        return failure();
    }
  }
  return result;
}

Type nf::accumulatorType(Type element) { return element.isBF16() ? Float32Type::get(element.getContext()) : element; }

Value nf::splat(OpBuilder &builder, Location location, Type elementType, double value) {
  auto type = RankedTensorType::get({1}, elementType);
  Attribute element;
  if (isa<FloatType>(elementType))
    element = FloatAttr::get(elementType, value);
  else
    element = IntegerAttr::get(elementType, static_cast<int64_t>(value));
  return ConstantOp::create(builder, location, type, DenseElementsAttr::get(type, element));
}

Value nf::sumToShape(OpBuilder &builder, Location location, Value value, RankedTensorType type) {
  auto from = cast<RankedTensorType>(value.getType());
  if (from.getShape() == type.getShape())
    return value;
  int64_t lead = from.getRank() - type.getRank();
  SmallVector<int64_t> axes;
  for (int64_t i = 0; i < from.getRank(); ++i)
    if (from.getDimSize(i) != 1 && (i < lead || type.getDimSize(i - lead) == 1))
      axes.push_back(i);
  if (!axes.empty())
    value = ReduceSumOp::create(builder, location, value, builder.getDenseI64ArrayAttr(axes));
  if (cast<RankedTensorType>(value.getType()).getShape() == type.getShape())
    return value;
  return ReshapeOp::create(builder, location, type, value);
}

Value nf::repeatGroups(ImplicitLocOpBuilder &b, Value groups, int64_t extent) {
  auto type = cast<RankedTensorType>(groups.getType());
  int64_t n = type.getDimSize(0);
  if (n == extent)
    return groups;
  Value columns = ReshapeOp::create(b, RankedTensorType::get({n, 1}, type.getElementType()), groups);
  columns = BroadcastOp::create(b, RankedTensorType::get({n, extent / n}, type.getElementType()), columns);
  return ReshapeOp::create(b, RankedTensorType::get({extent}, type.getElementType()), columns);
}

Value nf::sumGroups(ImplicitLocOpBuilder &b, Value values, int64_t n) {
  auto type = cast<RankedTensorType>(values.getType());
  if (type.getDimSize(0) == n)
    return values;
  auto matrix = RankedTensorType::get({n, type.getDimSize(0) / n}, type.getElementType());
  Value sums = ReduceSumOp::create(b, ReshapeOp::create(b, matrix, values).getResult(), b.getDenseI64ArrayAttr({1}));
  return ReshapeOp::create(b, RankedTensorType::get({n}, type.getElementType()), sums);
}

Value nf::stripReshapes(Value value) {
  while (auto reshape = value.getDefiningOp<ReshapeOp>())
    value = reshape.getX();
  return value;
}

SmallVector<OpOperand *> nf::usesThroughReshapes(Value value) {
  SmallVector<OpOperand *> uses;
  for (OpOperand &use : value.getUses()) {
    if (auto reshape = dyn_cast<ReshapeOp>(use.getOwner()))
      uses.append(usesThroughReshapes(reshape.getY()));
    else
      uses.push_back(&use);
  }
  return uses;
}

int64_t nf::bytesOf(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  return type.getNumElements() * static_cast<int64_t>(llvm::divideCeil(type.getElementTypeBitWidth(), 8));
}

Value nf::buildRowByClone(OpBuilder &builder, Operation *op, ValueRange operands, int64_t cols) {
  OperationState state(op->getLoc(), op->getName(), operands, /*types=*/{}, op->getAttrs());
  auto elementType = cast<ShapedType>(op->getResult(0).getType()).getElementType();
  if (isa<ReduceSumOp, ReduceMeanOp, ReduceMaxOp>(op))
    state.attributes.set("axes", builder.getDenseI64ArrayAttr({0}));
  if (auto constant = dyn_cast<ConstantOp>(op)) {
    auto type = RankedTensorType::get({1}, elementType);
    auto elements = cast<DenseElementsAttr>(constant.getValue());
    state.attributes.set("value", DenseElementsAttr::get(type, elements.getSplatValue<Attribute>()));
    state.addTypes(type);
    return builder.create(state)->getResult(0);
  }
  int64_t extent = operands.empty() ? cols : 1;
  if (!op->hasTrait<OpTrait::ZeroOperands>())
    for (Value operand : operands)
      extent = std::max(extent, cast<ShapedType>(operand.getType()).getNumElements());
  if (isa<ReduceSumOp, ReduceMeanOp, ReduceMaxOp>(op))
    extent = 1;
  state.addTypes(RankedTensorType::get({extent}, elementType));
  return builder.create(state)->getResult(0);
}
