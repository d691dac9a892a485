//===- SumInProducts.cpp - column sums of what a matrix product reads anyway -----------------===//
//
// A bias's gradient is the sum over rows of the very tensor that the weight's gradient is a product of.
//
// 1. A column sum of a region is taken to a product where it sums a tensor in memory, widened at most: an operand that
//    the region reads for nothing else, so that the region loses a pass over it.
// 2. The product is one that reads the same tensor, can sum that operand (KernelOpInterface), stands before all readers
//    of the sum, and adds its own result to a state where and when the sum is added to one: a kernel adds all of its
//    results or none.
// 3. The region is written anew without the sums that left it, and without operands that nothing reads then.
//
// Sums beside other uses of the operand stay: the region reads it in any case.
//
//===------------------------------------------------------------------------------------------===//
#include "passes/fuse/Passes.h"

namespace nf {
#define GEN_PASS_DEF_SUMINPRODUCTS
#include "passes/fuse/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

static RankedTensorType tensorType(Value value) { return cast<RankedTensorType>(value.getType()); }

//===------------------------------------------------------------------------------------------===//
// Sums that can leave
//===------------------------------------------------------------------------------------------===//

/// The body argument that a row value is, in another element type at most; null where it is computed.
static BlockArgument argumentOf(Value row) {
  while (Operation *maker = row.getDefiningOp()) {
    bool isCast = maker->getNumOperands() == 1 && maker->getResult(0).hasOneUse() && isa<RowWiseOpInterface>(maker) &&
                  tensorType(maker->getOperand(0)).getElementType() != tensorType(maker->getResult(0)).getElementType();
    if (!isCast)
      return {};
    row = maker->getOperand(0);
  }
  return cast<BlockArgument>(row);
}

/// The tensor that result `index` sums, if the region reads it for this sum alone.
static Value tensorSummedAlone(FusedOp op, unsigned index) {
  if (op.getResultKind(index) != RowKind::ColSum || op.getGroups() != 1)
    return {};
  BlockArgument argument = argumentOf(op.getYield().getOperand(index));
  if (!argument || !argument.hasOneUse() || op.getOperandKind(argument.getArgNumber()) != RowKind::RowCol)
    return {};
  return stripReshapes(op.getInputs()[argument.getArgNumber()]);
}

/// The nf.accumulate that alone reads the value; null without.
static AccumulateOp soleAccumulateOf(Value value) {
  SmallVector<OpOperand *> uses = usesThroughReshapes(value);
  return uses.size() == 1 ? dyn_cast<AccumulateOp>(uses.front()->getOwner()) : AccumulateOp();
}

/// Whether both are added to states under the same condition, or both are not.
static bool areAddedAlike(Value a, Value b) {
  AccumulateOp first = soleAccumulateOf(a), second = soleAccumulateOf(b);
  return first && second ? first.getFlag() == second.getFlag() : !first && !second;
}

/// The use of `tensor` by a product that can give its sum to the readers of `sum`; null without.
static OpOperand *productFor(Value tensor, Value sum) {
  int64_t columns = tensorType(sum).getNumElements();
  for (OpOperand *use : usesThroughReshapes(tensor)) {
    auto kernel = dyn_cast<KernelOpInterface>(use->getOwner());
    if (!kernel || !kernel.canSumOperand(use->getOperandNumber()) ||
        tensorType(use->get()).getShape().back() != columns)
      continue;
    bool isBeforeReaders = llvm::all_of(sum.getUsers(), [&](Operation *user) { return kernel->isBeforeInBlock(user); });
    if (isBeforeReaders && areAddedAlike(kernel->getResult(0), sum))
      return use;
  }
  return nullptr;
}

//===------------------------------------------------------------------------------------------===//
// Leaving
//===------------------------------------------------------------------------------------------===//

/// `sum` becomes a result of the product that `use` belongs to.
static void moveToProduct(Value sum, OpOperand &use) {
  Operation *product = use.getOwner();
  OpBuilder builder(product);
  Location location = builder.getFusedLoc({product->getLoc(), sum.getLoc()});
  Value moved =
      cast<KernelOpInterface>(product).addOperandSum(builder, use.getOperandNumber(), tensorType(sum).getElementType());
  moved.getDefiningOp()->setLoc(location);
  builder.setInsertionPointAfter(moved.getDefiningOp());
  if (moved.getType() != sum.getType())
    moved = ReshapeOp::create(builder, location, sum.getType(), moved);
  sum.replaceAllUsesWith(moved);
}

/// Removes the results in `gone`, which nothing reads, and what only they needed.
static void shrink(FusedOp op, ArrayRef<unsigned> gone) {
  SmallVector<Value> yielded, results, inputs;
  SmallVector<int32_t> resultKinds, operandKinds;
  for (OpResult result : op->getResults()) {
    unsigned index = result.getResultNumber();
    if (llvm::is_contained(gone, index))
      continue;
    yielded.push_back(op.getYield().getOperand(index));
    resultKinds.push_back(op.getResultKinds()[index]);
    results.push_back(result);
  }
  if (results.empty())
    return op.erase();
  op.getYield().getValuesMutable().assign(yielded);
  for (Operation &inner : llvm::make_early_inc_range(llvm::reverse(op.getBodyBlock()->without_terminator())))
    if (isOpTriviallyDead(&inner))
      inner.erase();
  llvm::BitVector unread(op.getInputs().size());
  SmallVector<int64_t> number(op.getInputs().size(), -1), gatherIndex;
  for (BlockArgument argument : op.getBodyBlock()->getArguments()) {
    unsigned index = argument.getArgNumber();
    if (argument.use_empty() && !llvm::is_contained(op.getGatherIndex(), static_cast<int64_t>(index))) {
      unread.set(index);
      continue;
    }
    number[index] = inputs.size();
    inputs.push_back(op.getInputs()[index]);
    operandKinds.push_back(op.getOperandKinds()[index]);
  }
  for (auto [index, gather] : llvm::enumerate(op.getGatherIndex()))
    if (!unread.test(index))
      gatherIndex.push_back(gather < 0 ? -1 : number[gather]);
  op.getBodyBlock()->eraseArguments(unread);
  OpBuilder builder(op);
  auto smaller =
      FusedOp::create(builder, op.getLoc(), ValueRange(results).getTypes(), inputs, Value(), ValueRange(), op.getRows(),
                      op.getCols(), op.getGroups(), operandKinds, resultKinds, gatherIndex, op.getAlwaysAccumulate());
  smaller.getBody().takeBody(op.getBody());
  for (auto [from, to] : llvm::zip(results, smaller.getResults()))
    from.replaceAllUsesWith(to);
  op.erase();
}

namespace {
struct SumInProducts : nf::impl::SumInProductsBase<SumInProducts> {
  void runOnOperation() override {
    SmallVector<FusedOp> regions(getOperation().getBody().front().getOps<FusedOp>());
    for (FusedOp op : regions) {
      SmallVector<unsigned> gone;
      for (OpResult result : op->getResults()) {
        Value tensor = tensorSummedAlone(op, result.getResultNumber());
        OpOperand *use = tensor ? productFor(tensor, result) : nullptr;
        if (!use)
          continue;
        moveToProduct(result, *use);
        gone.push_back(result.getResultNumber());
      }
      if (!gone.empty())
        shrink(op, gone);
    }
  }
};
} // namespace
