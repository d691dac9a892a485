//===- RaiseResidualScale.cpp - a factor a channel of the residual into nf.residual_scale --------===//
//
// A product x · s with a vector of weights is the scale of a residual where its only reader adds a value to it that is
// itself computed from x: the branch. A scale of the branch instead (LayerScale) is computed from what it is added to.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/raise/Passes.h"
#include "passes/raise/Values.h"

namespace nf {
#define GEN_PASS_DEF_RAISERESIDUALSCALE
#include "passes/raise/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

/// The other operand of the addition that is the only reader of `product`, or null.
static Value branchOf(Value product) {
  auto add = product.hasOneUse() ? dyn_cast<AddOp>(*product.user_begin()) : AddOp();
  if (!add || add.getType() != product.getType())
    return {};
  return add.getLhs() == product ? add.getRhs() : add.getLhs();
}

/// Whether `value` holds one weight a column of `x`.
static bool isScale(Value value, Value x) {
  auto type = tensorType(value);
  int64_t columns = tensorType(x).getRank() == 0 ? 0 : tensorType(x).getShape().back();
  return type.getRank() >= 1 && type.getNumElements() == columns && type.getShape().back() == columns && columns > 1 &&
         isWeightOnly(value);
}

static void raise(Operation *op) {
  Value branch = isa<MulOp>(op) ? branchOf(op->getResult(0)) : Value();
  if (!branch)
    return;
  for (unsigned side : {0u, 1u}) {
    Value x = op->getOperand(side), scale = op->getOperand(1 - side), origin = x;
    if (x.getType() != op->getResult(0).getType() || !isScale(scale, x) || isWeightOnly(x))
      continue;
    while (auto cast = origin.getDefiningOp<CastOp>())
      origin = cast.getX();
    if (!dependsOn(branch, origin))
      continue;
    OpBuilder builder(op);
    Value vector = asVector(builder, op->getLoc(), scale, tensorType(x).getShape().back());
    op->getResult(0).replaceAllUsesWith(ResidualScaleOp::create(builder, op->getLoc(), x, vector));
    return;
  }
}

namespace {
struct RaiseResidualScale : nf::impl::RaiseResidualScaleBase<RaiseResidualScale> {
  void runOnOperation() override { forEachRoot(getOperation(), raise); }
};
} // namespace
