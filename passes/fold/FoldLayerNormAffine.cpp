//===- FoldLayerNormAffine.cpp - a LayerNorm's weight and bias go into the linears after it --===//
//
// Before → after in Passes.td; the derivation is in docs/folding.md.
//
// 1. A LayerNorm fits if its weight and bias are parameters and linears alone read it, directly or rounded.
// 2. Fold where it pays (FoldCost), in forward_backward first; the other programs follow.
// 3. nf.normalize takes its place; each linear reads folded forms of its weight and bias, part by part where these are
//    concats. A linear without bias gets one.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/fold/FoldCost.h"
#include "passes/fold/LinearReaders.h"
#include "passes/fold/Passes.h"

namespace nf {
#define GEN_PASS_DEF_FOLDLAYERNORMAFFINE
#include "passes/fold/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

/// Backward no longer sums over tokens for weight and bias: as much as half a pass over x.
static FoldCost costOf(LayerNormOp norm, const LinearReaders &readers) {
  FoldCost cost;
  cost.tokenBytes = bytesOf(norm.getX(), 0.5);
  for (LinearOp linear : readers.linears)
    cost.weightBytes += foldedWeightBytes(linear.getWeight(), /*withShift=*/true);
  return cost;
}

static void fold(LayerNormOp norm, const LinearReaders &readers) {
  OpBuilder b(norm);
  auto normalize = NormalizeOp::create(b, norm.getLoc(), norm.getX(), norm.getEpsAttr());
  for (LinearOp linear : readers.linears) {
    b.setInsertionPoint(linear);
    Location location = linear.getLoc();
    Value weight = foldParts(b, linear.getWeight(), Value(), [&](Value w, Value) -> Value {
      return FoldScaleOp::create(b, location, w, norm.getWeight(), b.getI64IntegerAttr(1));
    });
    Value bias = foldParts(b, linear.getWeight(), linear.getBias(), [&](Value w, Value c) -> Value {
      return FoldShiftOp::create(b, location, w, norm.getBias(), c);
    });
    linear.getWeightMutable().assign(weight);
    linear.getBiasMutable().assign(bias);
  }
  norm.getY().replaceAllUsesWith(normalize.getY());
  norm.erase();
}

namespace {
struct FoldLayerNormAffine : nf::impl::FoldLayerNormAffineBase<FoldLayerNormAffine> {
  using FoldLayerNormAffineBase::FoldLayerNormAffineBase;

  void runOnOperation() override {
    FoldDecisions decisions(getOperation(), all, remarks);
    for (ProgramOp program : decisions.programs())
      for (auto norm : llvm::to_vector(program.getBody().front().getOps<LayerNormOp>()))
        visit(norm, decisions);
  }

  static void visit(LayerNormOp norm, FoldDecisions &decisions) {
    LinearReaders readers(norm.getY());
    StringAttr weight = parameterReadBy(norm.getWeight());
    if (readers.other)
      return decisions.refuse(norm, "it is also read by " + readers.other->getName().getStringRef());
    if (!readers.areAll() || !weight || !parameterReadBy(norm.getBias()) || !norm.getMean().use_empty() ||
        !norm.getRstd().use_empty())
      return decisions.refuse(norm, "its weight and bias are no parameters, or its statistics are read");
    if (decisions.accept(norm, weight, costOf(norm, readers)))
      fold(norm, readers);
  }
};
} // namespace
