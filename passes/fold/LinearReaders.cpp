#include "passes/fold/LinearReaders.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace nf;

/// Whether the op only rounds or widens a float.
static bool isFloatCast(Operation *op) {
  auto cast = dyn_cast<CastOp>(op);
  auto isFloat = [](Value v) { return isa<FloatType>(getElementTypeOrSelf(v.getType())); };
  return cast && isFloat(cast.getX()) && isFloat(cast.getY());
}

LinearReaders::LinearReaders(Value value) { add(value); }

void LinearReaders::add(Value value) {
  for (OpOperand &use : value.getUses()) {
    auto linear = dyn_cast<LinearOp>(use.getOwner());
    if (linear && use.get() == linear.getX() && use.getOperandNumber() == 0 && isWeight(linear.getWeight()) &&
        (!linear.getBias() || isWeight(linear.getBias())))
      linears.push_back(linear);
    else if (isFloatCast(use.getOwner()))
      add(use.getOwner()->getResult(0));
    else
      other = use.getOwner();
  }
}

LinearOp nf::soleProducer(Value value) {
  while (value.hasOneUse()) {
    Operation *op = value.getDefiningOp();
    if (auto linear = dyn_cast_or_null<LinearOp>(op))
      return isWeight(linear.getWeight()) && (!linear.getBias() || isWeight(linear.getBias())) ? linear : LinearOp();
    if (!op || !isFloatCast(op))
      break;
    value = op->getOperand(0);
  }
  return {};
}

StringAttr nf::parameterReadBy(Value value) {
  auto get = value.getDefiningOp<GetOp>();
  if (!get || !isa_and_nonnull<ParameterOp>(SymbolTable::lookupNearestSymbolFrom(get, get.getSymbolAttr())))
    return {};
  return get.getSymbolAttr().getAttr();
}

bool nf::isWeight(Value value) {
  if (parameterReadBy(value))
    return true;
  Operation *op = value.getDefiningOp();
  return isa_and_nonnull<FoldScaleOp, FoldShiftOp, ConcatOp>(op) && llvm::all_of(op->getOperands(), isWeight);
}

Value nf::foldParts(OpBuilder &builder, Value weight, Value bias, function_ref<Value(Value, Value)> fold) {
  auto weights = weight.getDefiningOp<ConcatOp>();
  auto biases = bias ? bias.getDefiningOp<ConcatOp>() : ConcatOp();
  bool inParts = weights && weights.getAxis() == 0 && (!bias || biases);
  if (inParts && bias)
    inParts = llvm::equal(weights.getParts(), biases.getParts(), [](Value w, Value c) {
      auto rows = cast<ShapedType>(w.getType()).getDimSize(0);
      return rows == cast<ShapedType>(c.getType()).getDimSize(0);
    });
  if (!inParts)
    return fold(weight, bias);
  SmallVector<Value> parts;
  for (auto [i, part] : llvm::enumerate(weights.getParts()))
    parts.push_back(fold(part, bias ? biases.getParts()[i] : Value()));
  return ConcatOp::create(builder, weight.getLoc(), parts, 0);
}
