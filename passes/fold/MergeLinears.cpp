//===- MergeLinears.cpp - linears over one input become one ----------------------------------===//
//
// Before → after in Passes.td.
//
// 1. Group the linears of a program by their input, in program order; equal casts of one value are one input.
// 2. Leave groups of one, of linears with and without bias, and, unless all are asked for, those whose merging would
//    copy something.
// 3. One linear over the concatenated weights takes the first one's place (what weights are made of moves before it);
//    slices of its result take the others'.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/fold/LinearReaders.h"
#include "passes/fold/Passes.h"

#include "llvm/ADT/MapVector.h"

namespace nf {
#define GEN_PASS_DEF_MERGELINEARS
#include "passes/fold/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

static RankedTensorType tensorType(Value value) { return cast<RankedTensorType>(value.getType()); }

/// Whether planning can put the value of a parameter right before another's: NF_ALIGNMENT of runtime/abi/nf_abi.h.
static bool hasWholeLines(Value value) {
  constexpr int64_t alignment = 64;
  return bytesOf(value) % alignment == 0;
}

/// Whether kernels alone read the value, in a place that takes columns of a wider tensor.
static bool isReadAsColumns(Value value) {
  return llvm::all_of(value.getUses(), [](OpOperand &use) {
    auto kernel = dyn_cast<KernelOpInterface>(use.getOwner());
    return kernel && kernel.takesColumns(use.getOperandNumber());
  });
}

/// What keeps the linears from being one, or "".
static StringRef obstacle(ArrayRef<LinearOp> linears, bool all) {
  auto any = [&](function_ref<bool(LinearOp)> holds) { return llvm::any_of(linears, holds); };
  LinearOp first = linears.front();
  bool hasBias = first.getBias() != nullptr;
  Type result = tensorType(first.getResult()).getElementType();
  if (any([&](LinearOp l) { return (l.getBias() != nullptr) != hasBias; }))
    return "some of the linears have a bias and some have none";
  if (any([&](LinearOp l) { return !isWeight(l.getWeight()) || (hasBias && !isWeight(l.getBias())); }))
    return "a weight is not made of parameters alone";
  if (any([&](LinearOp l) { return tensorType(l.getResult()).getElementType() != result; }))
    return "their results have different element types";
  if (all)
    return "";
  if (any([&](LinearOp l) { return !hasWholeLines(l.getWeight()) || (hasBias && !hasWholeLines(l.getBias())); }))
    return "a weight or bias is not a multiple of 64 bytes, so that the whole would be a copy";
  if (any([](LinearOp l) { return !isReadAsColumns(l.getResult()); }))
    return "a result is read by an op that would need a copy of its columns";
  return "";
}

/// Moves the ops that make `value`, reads of parameters and folds, before `place`.
static void moveBefore(Value value, Operation *place) {
  Operation *op = value.getDefiningOp();
  if (op->isBeforeInBlock(place))
    return;
  op->moveBefore(place);
  for (Value operand : op->getOperands())
    moveBefore(operand, op);
}

static Value concatenate(OpBuilder &b, Location location, ArrayRef<Value> parts) {
  return ConcatOp::create(b, location, parts, 0);
}

static void merge(ArrayRef<LinearOp> linears) {
  LinearOp first = linears.front();
  SmallVector<Value> weights, biases;
  SmallVector<Location> locations;
  for (LinearOp linear : linears) {
    weights.push_back(linear.getWeight());
    if (linear.getBias())
      biases.push_back(linear.getBias());
    locations.push_back(linear.getLoc());
    for (Value operand : linear->getOperands().drop_front())
      moveBefore(operand, first);
  }
  OpBuilder b(first);
  Location location = b.getFusedLoc(locations);
  Value weight = concatenate(b, location, weights);
  Value bias = biases.empty() ? Value() : concatenate(b, location, biases);
  Value whole = LinearOp::create(b, location, first.getX(), weight, bias);
  int64_t axis = tensorType(whole).getRank() - 1, from = 0;
  for (LinearOp linear : linears) {
    int64_t size = tensorType(linear.getResult()).getDimSize(axis);
    Value columns = SliceOp::create(b, linear.getLoc(), whole, axis, from, size);
    linear.getResult().replaceAllUsesWith(columns);
    from += size;
  }
  for (LinearOp linear : linears)
    linear.erase();
}

/// What a linear reads: a value, or what is cast, and the type that it has there.
static std::pair<Value, Type> inputOf(LinearOp linear) {
  auto cast = linear.getX().getDefiningOp<CastOp>();
  return {cast ? cast.getX() : linear.getX(), linear.getX().getType()};
}

namespace {
struct MergeLinears : nf::impl::MergeLinearsBase<MergeLinears> {
  using MergeLinearsBase::MergeLinearsBase;

  void runOnOperation() override {
    llvm::MapVector<std::pair<Value, Type>, SmallVector<LinearOp>> byInput;
    for (auto linear : getOperation().getBody().front().getOps<LinearOp>())
      byInput[inputOf(linear)].push_back(linear);
    for (auto &[input, linears] : byInput) {
      if (linears.size() < 2)
        continue;
      StringRef why = obstacle(linears, all);
      if (remarks)
        linears.front().emitRemark() << (why.empty() ? "merged" : "not merged") << ": " << linears.size()
                                     << " linears over one input" << (why.empty() ? "" : "; ") << why;
      if (why.empty())
        merge(linears);
    }
  }
};
} // namespace
