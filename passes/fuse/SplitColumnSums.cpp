//===- SplitColumnSums.cpp - column sums of row reductions in fixed groups of rows -----------===//
//
// A region that reduces along rows runs a block of rows at a time; its column sums would tie all rows to one thread.
// The rows are split into a fixed number of groups (by shape, never by threads, so that the bits are the same on any
// number of them): the region gives one partial sum a group, and a second region adds the groups.
//
//   %y, %s = nf.fused rows 256 cols 768 … -> tensor<…>, tensor<768xf32>          {result_kinds = [rowcol, col_sum]}
// becomes
//   %y, %p = nf.fused rows 256 cols 768 groups 16 … -> tensor<…>, tensor<16x768xf32>
//   %s = nf.fused rows 16 cols 768 (%p) … -> tensor<768xf32>                      {result_kinds = [col_sum]}
//
//===------------------------------------------------------------------------------------------===//
#include "passes/fuse/Passes.h"

namespace nf {
#define GEN_PASS_DEF_SPLITCOLUMNSUMS
#include "passes/fuse/Passes.h.inc"
} // namespace nf

using namespace mlir;
using namespace nf;

/// Enough groups for as many threads, but groups long enough to pay for their partial sums.
static int64_t groupsFor(int64_t rows) {
  constexpr int64_t most = 16, shortest = 8;
  return std::clamp<int64_t>(rows / shortest, 1, most);
}

/// One region that adds the groups of all partial sums; its results have the types of the whole sums.
static FusedOp addGroups(OpBuilder &builder, Location location, ArrayRef<Value> partials, ArrayRef<Type> types) {
  auto partialType = cast<RankedTensorType>(partials[0].getType());
  int64_t groups = partialType.getDimSize(0), cols = partialType.getDimSize(1);
  SmallVector<int32_t> operandKinds(partials.size(), static_cast<int32_t>(RowKind::RowCol));
  SmallVector<int32_t> resultKinds(partials.size(), static_cast<int32_t>(RowKind::ColSum));
  SmallVector<int64_t> gather(partials.size(), -1);
  auto sum = FusedOp::create(builder, location, types, partials, Value(), ValueRange(), groups, cols, 1, operandKinds,
                             resultKinds, gather, false);
  OpBuilder::InsertionGuard guard(builder);
  Block *body = builder.createBlock(&sum.getBody());
  for (Value partial : partials)
    body->addArgument(RankedTensorType::get({cols}, cast<RankedTensorType>(partial.getType()).getElementType()),
                      location);
  YieldOp::create(builder, location, body->getArguments());
  return sum;
}

static void split(FusedOp op) {
  int64_t groups = groupsFor(op.getRows());
  if (op.getGroups() != 1 || groups == 1 || !op.hasRowReduction() || !op.hasColumnSum())
    return;
  op.setGroups(groups);
  SmallVector<Value> partials;
  SmallVector<Type> types;
  for (auto [i, result] : llvm::enumerate(op.getResults())) {
    if (op.getResultKind(i) != RowKind::ColSum)
      continue;
    auto type = cast<RankedTensorType>(result.getType());
    types.push_back(type);
    result.setType(RankedTensorType::get({groups, static_cast<int64_t>(op.getCols())}, type.getElementType()));
    partials.push_back(result);
  }
  OpBuilder builder(op->getContext());
  builder.setInsertionPointAfter(op);
  FusedOp sum = addGroups(builder, op.getLoc(), partials, types);
  for (auto [partial, whole] : llvm::zip(partials, sum.getResults()))
    partial.replaceAllUsesExcept(whole, sum);
}

namespace {
struct SplitColumnSums : nf::impl::SplitColumnSumsBase<SplitColumnSums> {
  void runOnOperation() override { getOperation()->walk(split); }
};
} // namespace
