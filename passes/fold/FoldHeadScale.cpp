//===- FoldHeadScale.cpp - HeadScale's factors go into a projection's weight -----------------===//
//
// Before → after in Passes.td; the derivation is in docs/folding.md.
//
// 1. Before projections: linears alone read the scaled value, directly or rounded: the factors scale their weights'
//    columns.
// 2. After a projection: the factors are the only reader of one linear's result: they scale its weight's rows and its
//    bias.
// 3. Fold where it pays (FoldCost), in forward_backward first; the other programs follow. The op gives way to its
//    operand.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/fold/FoldCost.h"
#include "passes/fold/LinearReaders.h"
#include "passes/fold/Passes.h"

namespace nf {
#define GEN_PASS_DEF_FOLDHEADSCALE
#include "passes/fold/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

/// Forward reads and writes the scaled value, backward reads its gradient and the value and writes the gradient of
/// that.
static FoldCost costBefore(HeadScaleOp scale, const LinearReaders &readers) {
  FoldCost cost;
  cost.tokenBytes = bytesOf(scale.getX(), 5);
  for (LinearOp linear : readers.linears)
    cost.weightBytes += foldedWeightBytes(linear.getWeight(), /*withShift=*/false);
  return cost;
}

/// After the projection the factors fuse with what follows; backward reads the projection's result for their gradient.
static FoldCost costAfter(HeadScaleOp scale, LinearOp linear) {
  return {foldedWeightBytes(linear.getWeight(), /*withShift=*/false), bytesOf(scale.getX(), 1.5)};
}

static Value scaled(OpBuilder &b, LinearOp linear, Value weight, HeadScaleOp scale, int64_t axis) {
  return FoldScaleOp::create(b, linear.getLoc(), weight, scale.getGamma(), b.getI64IntegerAttr(axis));
}

static void foldBefore(HeadScaleOp scale, const LinearReaders &readers) {
  for (LinearOp linear : readers.linears) {
    OpBuilder b(linear);
    Value weight = foldParts(b, linear.getWeight(), Value(),
                             [&](Value w, Value) -> Value { return scaled(b, linear, w, scale, 1); });
    linear.getWeightMutable().assign(weight);
  }
  scale.replaceAllUsesWith(scale.getX());
  scale.erase();
}

static void foldAfter(HeadScaleOp scale, LinearOp linear) {
  OpBuilder b(linear);
  // What reads parameters can stand anywhere.
  if (Operation *factors = scale.getGamma().getDefiningOp(); linear->isBeforeInBlock(factors))
    factors->moveBefore(linear);
  linear.getWeightMutable().assign(scaled(b, linear, linear.getWeight(), scale, 0));
  if (linear.getBias())
    linear.getBiasMutable().assign(scaled(b, linear, linear.getBias(), scale, 0));
  scale.replaceAllUsesWith(scale.getX());
  scale.erase();
}

namespace {
struct FoldHeadScale : nf::impl::FoldHeadScaleBase<FoldHeadScale> {
  using FoldHeadScaleBase::FoldHeadScaleBase;

  void runOnOperation() override {
    FoldDecisions decisions(getOperation(), all, remarks);
    for (ProgramOp program : decisions.programs())
      for (auto scale : llvm::to_vector(program.getBody().front().getOps<HeadScaleOp>()))
        visit(scale, decisions);
  }

  static void visit(HeadScaleOp scale, FoldDecisions &decisions) {
    StringAttr gamma = parameterReadBy(scale.getGamma());
    if (!gamma)
      return decisions.refuse(scale, "its factors are no parameter");
    LinearReaders readers(scale.getResult());
    if (readers.areAll()) {
      if (decisions.accept(scale, gamma, costBefore(scale, readers)))
        foldBefore(scale, readers);
      return;
    }
    LinearOp linear = soleProducer(scale.getX());
    if (!linear)
      return decisions.refuse(scale, "no linears alone read it, and it is not the only reader of a linear");
    if (decisions.accept(scale, gamma, costAfter(scale, linear)))
      foldAfter(scale, linear);
  }
};
} // namespace
